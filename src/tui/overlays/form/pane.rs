//! The form over the next run's settings.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::config::{Kind, RunConfig};
use crate::text::one_line;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, middle, row};
use crate::tui::overlays::form::state::Entry;
use crate::tui::widgets::field::typed_line;
use crate::tui::widgets::text::wrap;

const SECTION: u16 = 17;
const NAME: u16 = 16;
const VALUE: u16 = 24;

/// Draws the form over `area`.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let form = &app.form;
    let changed = form.entries().iter().filter(|entry| form.differs(entry)).count();
    let panel = Panel {
        title: "settings of the next run",
        right: Line::styled("• differs from the default", theme.accent()),
        bottom: Line::styled(format!("{changed} changed"), theme.muted()),
        bottom_right: Line::default(),
        focused: true,
    };
    let popup = middle(area, 106, form.entries().len() as u16 + 8);
    let inner = canvas.popup(popup, &panel);
    canvas.wheel(popup, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let [list, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(4)]).areas(inner);
    let rows = form.entries().len() + 1;
    let room = usize::from(list.height).max(1);
    // The cursor stays off the edges as long as there is more to see beyond them.
    let first = form.row.saturating_sub(room.saturating_sub(3).max(room / 2)).min(rows.saturating_sub(room));
    let mut section = "";
    for (place, index) in (first..rows).take(room).enumerate() {
        let line = row(list, place as u16);
        canvas.click(line, Action::Row(index));
        match form.entries().get(index) {
            Some(entry) => {
                let group = if entry.main { "main" } else { entry.field.section() };
                let head = if group == section { "" } else { group };
                section = group;
                setting(app, entry, index == form.row, head, line, canvas);
            }
            None => start(app, line, canvas),
        }
    }
    footer(app, foot, canvas);
}

fn setting(app: &App, entry: &Entry, chosen: bool, head: &str, line: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let form = &app.form;
    let at = |x: u16, width: u16| Rect { x: line.x + x, width, ..line }.intersection(line);
    let narrow = line.width < 70;
    let section = if narrow { 2 } else { SECTION };
    if !narrow {
        canvas.text(at(0, section - 2), head, theme.muted());
    }
    let differs = form.differs(entry);
    if differs {
        canvas.text(at(section - 2, 1), "•", theme.accent());
    }
    let name = entry.field.name();
    let name_style = if chosen { theme.strong() } else { theme.text() };
    canvas.text(at(section, NAME), name, name_style);
    let value = at(section + NAME + 1, VALUE);
    if chosen {
        canvas.style(at(section - 2, NAME + VALUE + 4), theme.selection());
    }
    match (&form.typing, chosen) {
        (Some(input), true) => {
            // The text is where it was before, behind the place of the arrows.
            let value = at(section + NAME + 3, VALUE - 3);
            canvas.style(value, theme.base().add_modifier(Modifier::UNDERLINED));
            let style = theme.strong().add_modifier(Modifier::UNDERLINED);
            canvas.line(value, &typed_line(input, usize::from(value.width), style));
        }
        _ => {
            let turns = matches!(
                entry.field.kind,
                Kind::Choice(_) | Kind::Switch | Kind::Whole { .. } | Kind::Real { .. }
            );
            let empty = entry.text.is_empty();
            let text = if empty { "none".to_owned() } else { one_line(&entry.text, usize::from(VALUE) - 4) };
            let text = if chosen && turns { format!("◂ {text} ▸") } else { format!("  {text}") };
            let style = match (&entry.error, chosen) {
                (Some(_), _) => theme.bad(),
                (None, true) => theme.selection(),
                (None, false) if empty => theme.muted(),
                (None, false) => theme.text(),
            };
            canvas.text(value, &text, style);
        }
    }
    let beside_at = section + NAME + VALUE + 4;
    let beside = at(beside_at, line.width.saturating_sub(beside_at));
    let error = if chosen && form.typing.is_some() { form.typing_error() } else { entry.error.clone() };
    match error {
        Some(error) => {
            // The key is shown in front of the row already.
            let short = error
                .split_once("it takes ")
                .map_or(error.clone(), |(_, allowed)| format!("takes {allowed}"));
            canvas.text(beside, &one_line(&format!("✗ {short}"), usize::from(beside.width)), theme.bad());
        }
        None if differs => {
            let default = RunConfig::default().get(entry.field);
            let default = if default.is_empty() { "none".to_owned() } else { default };
            canvas.text(
                beside,
                &one_line(&format!("default {default}"), usize::from(beside.width)),
                theme.muted(),
            );
        }
        None => {}
    }
}

fn start(app: &App, line: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let (text, style) = match (app.form.problem(), app.running()) {
        (Some(_), _) => ("[ start ]  settings marked ✗ must be corrected first", theme.muted()),
        (None, Some(_)) => ("[ start ]  once the active run has ended", theme.muted()),
        (None, None) => ("[ start ]", theme.accent()),
    };
    let narrow = line.width < 70;
    let x = if narrow { 2 } else { SECTION };
    let line = Rect { x: line.x + x, width: line.width.saturating_sub(x), ..line };
    canvas.text(line, text, style);
    if app.form.on_start() {
        canvas.style(Rect { width: line.width.min(9), ..line }, theme.selection());
    }
}

/// The meaning of the setting under the cursor, and errors or warnings.
fn footer(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let form = &app.form;
    for x in area.left()..area.right() {
        canvas.cell(x, area.y, '─', theme.border(false));
    }
    if let Some(entry) = form.chosen() {
        let line = Line::from(vec![
            Span::styled(format!("{}  ", entry.field.key), theme.accent()),
            Span::styled(entry.field.help, theme.text()),
        ]);
        canvas.line(row(area, 1), &line);
    } else {
        canvas.text(row(area, 1), "Enter or s starts a run with these settings", theme.text());
    }
    let (text, style) = match form.problem() {
        Some(problem) => (format!("✗ {problem}"), theme.bad()),
        None => match form.current().warnings().first() {
            Some(warning) => (format!("! {warning}"), theme.warning()),
            None => match form.chosen().filter(|entry| entry.field.kind != Kind::Text) {
                Some(entry) => (format!("takes {}", entry.field.allowed()), theme.muted()),
                None => return,
            },
        },
    };
    let rows = wrap(&Line::styled(text, style), usize::from(area.width));
    for (index, line) in rows.iter().take(2).enumerate() {
        canvas.line(row(area, 2 + index as u16), line);
    }
}
