//! The top line (screens and runs) and the bottom line (keys).

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::text::width;
use crate::train::Level;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::Canvas;
use crate::tui::format::fixed;
use crate::tui::keymap::{self, BarEntry, Mode};
use crate::tui::screens::SCREENS;
use crate::tui::widgets::text::state_mark;

/// The top line.
pub fn top(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let (strong, muted) = (theme.strong(), theme.muted());
    let here = theme.accent().add_modifier(Modifier::UNDERLINED);
    let mut x = area.x;
    let mut place = |canvas: &mut Canvas, text: &str, style| {
        let rest = Rect { x, width: area.right().saturating_sub(x), ..area };
        let used = canvas.text(rest, text, style);
        x += used;
        Rect { width: used, ..rest }
    };
    // On a narrow screen the state of the run is more important than the program's name.
    if area.width >= 70 {
        place(canvas, " chestxr ", strong);
    }
    for (index, view) in SCREENS.into_iter().enumerate() {
        let screen = view.screen();
        place(canvas, " ", muted);
        let tab = if screen == app.screen {
            place(canvas, &format!("{} {}", index + 1, view.name().to_uppercase()), here)
        } else {
            place(canvas, &format!("{} {}", index + 1, view.name()), muted)
        };
        place(canvas, " ", muted);
        canvas.click(tab, Action::Show(screen));
    }
    let mut rest = Rect { x, width: area.right().saturating_sub(x + 1), ..area };
    let selected = selected_line(app, canvas);
    // The selected run has priority: a user must see which run a screen shows.
    let reserved = selected.as_ref().map_or(0, |line| line.width() as u16 + 2);
    let lines = run_lines(app, canvas);
    let shown = lines.iter().find(|line| line.width() as u16 + reserved <= rest.width);
    if let Some(line) = shown.or(lines.last()) {
        rest.width -= canvas.right(rest, line);
    }
    if let Some(line) = selected {
        rest.width = rest.width.saturating_sub(2);
        canvas.right(rest, &line);
    }
}

/// The selected run, unless the rest of the line names it.
fn selected_line<'a>(app: &App, canvas: &Canvas) -> Option<Line<'a>> {
    let path = app.selected.as_ref()?;
    if app.run.as_ref().and_then(|run| run.info.as_ref()).is_some_and(|info| info.path == *path) {
        return None;
    }
    let name = path.file_name()?.to_string_lossy();
    let short = name.rsplit('-').next().unwrap_or_default().to_owned();
    Some(Line::from(vec![
        Span::styled("selected ", canvas.theme.muted()),
        Span::styled(crate::text::one_line(&short, 12), canvas.theme.accent()),
    ]))
}

/// The active or last run, from the longest form to the shortest.
fn run_lines<'a>(app: &App, canvas: &Canvas) -> Vec<Line<'a>> {
    let theme = canvas.theme;
    let Some(run) = &app.run else {
        return vec![Line::styled("no run yet", theme.muted())];
    };
    let (word, state) = run.word(&app.progress);
    let (mark, style) = state_mark(state, theme);
    let mut spans = vec![Span::styled(format!("{mark} {word}"), style)];
    let mut lines = vec![Line::from(spans.clone())];
    if let Some(info) = &run.info {
        spans.push(Span::styled(format!("  {}", info.id.short()), theme.strong()));
        lines.push(Line::from(spans.clone()));
        let (epoch, epochs) = if run.is_on() {
            (app.progress.epoch, app.progress.epochs)
        } else {
            (run.epochs.len(), info.config.optimizer.epochs)
        };
        spans.push(Span::styled(format!("  epoch {epoch}/{epochs}"), theme.text()));
        lines.push(Line::from(spans.clone()));
        if let Some(best) = &run.best {
            let best = format!("  best {} @{}", fixed(Some(best.value), 3), best.epoch);
            spans.push(Span::styled(best, theme.text()));
            lines.push(Line::from(spans));
        }
    }
    lines.reverse();
    lines
}

/// The bottom line.
pub fn bottom(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let mode = app.mode();
    let at_home =
        !matches!(mode, Mode::Form | Mode::Typing | Mode::Help | Mode::Question | Mode::Saving | Mode::Rates);
    let mut room = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if at_home && area.width >= 40 {
        let entries = keymap::bar(Mode::Global);
        let columns = |entry: &BarEntry| (width(&entry.key_text()) + 3 + width(entry.label)) as u16;
        let needed: u16 = entries.iter().map(columns).sum();
        if needed <= room.width {
            let mut right = Rect { x: room.right() - needed, width: needed, ..room };
            for entry in &entries {
                right = Rect { x: right.x + 2, width: right.width.saturating_sub(2), ..right };
                let used = bar_entry(entry, entry.label, theme.muted(), right, canvas);
                right = Rect { x: right.x + used, width: right.width.saturating_sub(used), ..right };
            }
            room.width -= needed;
        }
    }
    if let Some(notice) = &app.notice {
        let (sign, style) = match notice.level {
            Level::Info => ("", theme.strong()),
            Level::Warning => ("! ", theme.warning()),
            Level::Error => ("✗ ", theme.bad()),
        };
        // A notice may take the whole line: it is more important than the keys.
        let whole = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let text = format!("{sign}{}", notice.text);
        let row = if width(&text) > usize::from(room.width) { whole } else { room };
        canvas.text(row, &" ".repeat(usize::from(row.width)), theme.text());
        canvas.text(row, &crate::text::one_line(&text, usize::from(row.width)), style);
        return;
    }
    let entries = keymap::bar(mode);
    let count = entries.len();
    for (index, entry) in entries.into_iter().enumerate() {
        let label = live_label(app, mode, entry.label);
        let needed = (width(&entry.key_text()) + 1 + width(label)) as u16;
        let more = index + 1 < count;
        if needed + if more { 4 } else { 0 } > room.width {
            canvas.text(room, "…", theme.muted());
            break;
        }
        let used = bar_entry(&entry, label, theme.text(), room, canvas) + 2;
        room = Rect { x: room.x + used, width: room.width.saturating_sub(used), ..room };
    }
}

/// Draws keys and their label; a click on a key does what the key does, one on the label what the first key does.
/// Returns the columns used.
fn bar_entry(entry: &BarEntry, label: &str, style: Style, room: Rect, canvas: &mut Canvas) -> u16 {
    let accent = canvas.theme.accent();
    let mut at = room.x;
    let mut write = |text: &str, style: Style, action: Option<Action>, canvas: &mut Canvas| {
        let rest = Rect { x: at, width: room.right().saturating_sub(at), ..room };
        let used = canvas.text(rest, text, style);
        if let Some(action) = action {
            canvas.click(Rect { width: used, ..rest }, action);
        }
        at += used;
    };
    for (index, (key, action)) in entry.keys.iter().enumerate() {
        if index > 0 {
            write(entry.separator(), accent, None, canvas);
        }
        write(key, accent, Some(*action), canvas);
    }
    write(&format!(" {label}"), style, entry.keys.first().map(|(_, action)| *action), canvas);
    at - room.x
}

/// The label of a key that does one of two things.
fn live_label(app: &App, mode: Mode, label: &'static str) -> &'static str {
    match (mode, label) {
        (Mode::Train, "pause") if app.progress.phase == crate::train::Phase::Paused => "resume",
        (Mode::Train, "zoom") if app.charts.zoomed => "all",
        _ => label,
    }
}
