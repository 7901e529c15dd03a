//! All keys, from the table.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Panel, middle, row};
use crate::tui::keymap::{self, Mode};

/// Said here and in the README, once each.
const NOT_A_DEVICE: &str = "Not a medical device: for research and teaching, never for a diagnosis.";

enum Entry {
    Note(&'static str),
    Blank,
    Heading(&'static str),
    Key(String, &'static str),
}

fn entries() -> Vec<Entry> {
    let mut entries = vec![Entry::Note(NOT_A_DEVICE)];
    for mode in Mode::ALL {
        entries.extend([Entry::Blank, Entry::Heading(mode.title())]);
        let of_mode = keymap::all().filter(|binding| binding.mode == mode);
        entries.extend(of_mode.map(|binding| Entry::Key(keymap::keys(binding), binding.help)));
    }
    entries.extend([
        Entry::Blank,
        Entry::Heading("mouse"),
        Entry::Key("click".into(), "choose a screen, a row, a chart; again: open it"),
        Entry::Key("wheel".into(), "scroll what is under the pointer"),
    ]);
    entries
}

/// The line that the help can be scrolled to at most.
pub fn last_line() -> usize {
    entries().len().saturating_sub(1)
}

/// Draws the help over `area`, scrolled by `line` lines.
pub fn render(line: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let entries = entries();
    let popup = middle(area, 84, entries.len() as u16 + 2);
    let rows = usize::from(popup.height.saturating_sub(2));
    let first = line.min(entries.len().saturating_sub(rows));
    let more = entries.len().saturating_sub(first + rows);
    let panel = Panel {
        title: "keys",
        right: Line::styled(
            if more > 0 { format!("{more} more lines, ↓") } else { String::new() },
            theme.muted(),
        ),
        focused: true,
        ..Panel::default()
    };
    let inner = canvas.popup(popup, &panel);
    canvas.wheel(popup, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    for (place, entry) in entries.iter().skip(first).take(rows).enumerate() {
        let line = row(inner, place as u16);
        match entry {
            Entry::Blank => {}
            Entry::Note(text) => {
                canvas.text(line, text, theme.warning());
            }
            Entry::Heading(text) => {
                canvas.text(line, text, theme.strong());
            }
            Entry::Key(keys, help) => {
                let words = Line::from(vec![
                    Span::styled(format!("  {keys:<14}"), theme.accent()),
                    Span::styled(*help, theme.text()),
                ]);
                canvas.line(line, &words);
            }
        }
    }
}
