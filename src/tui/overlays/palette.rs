//! The command palette: every command of the table of keys, found by a few letters.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::keymap::{self, Binding};
use crate::tui::widgets::field::typed_line;

/// Commands whose letters contain those typed, in order: beginnings of words first.
pub fn matches(typed: &str) -> Vec<&'static Binding> {
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<(u8, &'static Binding)> = keymap::commands()
        .into_iter()
        .filter_map(|binding| rank(&text(binding).to_lowercase(), &typed).map(|rank| (rank, binding)))
        .collect();
    // A stable sort: equals stay in the order of the table.
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, binding)| binding).collect()
}

/// 0 for a beginning, 1 for the beginning of a word, 2 for a part, 3 for letters with others between.
fn rank(text: &str, typed: &str) -> Option<u8> {
    if text.starts_with(typed) {
        return Some(0);
    }
    if text.split(' ').any(|word| word.starts_with(typed)) {
        return Some(1);
    }
    if text.contains(typed) {
        return Some(2);
    }
    let mut letters = text.chars();
    typed
        .chars()
        .filter(|letter| *letter != ' ')
        .all(|wanted| letters.any(|letter| letter == wanted))
        .then_some(3)
}

fn text(binding: &Binding) -> String {
    if binding.label.is_empty() {
        binding.help.to_owned()
    } else {
        format!("{}: {}", binding.label, binding.help)
    }
}

/// Draws the palette at the top of `area`.
pub fn render(input: &Input, chosen: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let found = matches(input.value());
    let width = area.width.min(90);
    let height = area.height.min(16);
    let popup = Rect { x: area.x + (area.width - width) / 2, width, height, ..area };
    let inner = canvas.popup(popup, &Panel { title: "command", focused: true, ..Panel::default() });
    canvas.wheel(popup, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let line = row(inner, 0);
    let used = canvas.text(line, ": ", theme.accent());
    let field = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
    canvas.line(field, &typed_line(input, usize::from(field.width), theme.strong()));
    if found.is_empty() {
        canvas.text(row(inner, 2), "no command has these letters", theme.muted());
    }
    let rows = usize::from(inner.height.saturating_sub(2)).max(1);
    let first = chosen.saturating_sub(rows - 1);
    for (place, (index, binding)) in found.iter().enumerate().skip(first).take(rows).enumerate() {
        let line = row(inner, 2 + place as u16);
        canvas.click(line, Action::Row(index));
        let words = if binding.label.is_empty() {
            Line::styled(binding.help, theme.strong())
        } else {
            let label = Span::styled(format!("{:<12}", binding.label), theme.strong());
            Line::from(vec![label, Span::styled(binding.help, theme.text())])
        };
        let keys = Line::styled(format!(" {}", keymap::keys(binding)), theme.accent());
        let used = (keys.width() as u16).min(line.width);
        canvas.line(Rect { width: line.width - used, ..line }, &words);
        canvas.right(line, &keys);
        if index == chosen {
            canvas.style(line, theme.selection());
        }
    }
}
