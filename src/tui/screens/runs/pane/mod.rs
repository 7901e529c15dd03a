//! The runs screen: all runs and the queue in a table, the chosen one below, or its curves, or the marked ones together,
//! on the whole screen.

mod compared;
mod details;
mod overlay;
mod table;

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::text::one_line;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, middle, row};
use crate::tui::screens::runs::state::{Ask, Listing, Typed};
use crate::tui::widgets::field::typed_line;
use crate::tui::widgets::text::sentences;

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let folder = app.runs_folder.display().to_string();
    let show = |title: &str, lines: &[Line], canvas: &mut Canvas| {
        let inner = canvas.panel(area, &Panel { title, ..Panel::default() });
        sentences(inner, lines, canvas);
    };
    match &app.runs.listing {
        Listing::Unread => {
            show("runs: loading", &[Line::styled("Reading the list of runs …", theme.strong())], canvas);
        }
        Listing::Failed(reason) => {
            let cure = "Check the folder or choose another with --runs-dir; r reads the list again.";
            let lines = [
                Line::styled(reason.clone(), theme.bad()),
                Line::default(),
                Line::styled(cure, theme.text()),
            ];
            show("runs: not readable", &lines, canvas);
        }
        Listing::Ready(all) if all.is_empty() && app.runs.queue.waiting.is_empty() => {
            let lines = [
                Line::styled("No run yet.", theme.strong()),
                Line::styled("Press 2 for the train screen and s to start one.", theme.text()),
                Line::default(),
                Line::styled(format!("Runs are in {}", one_line(&folder, 80)), theme.muted()),
            ];
            show("runs", &lines, canvas);
        }
        Listing::Ready(_) if app.runs.marks.opened => compared::render(app, area, canvas),
        Listing::Ready(_) => match app.runs.chosen() {
            Some(run) if app.runs.opened => details::opened(app, run, area, canvas),
            _ => list(app, area, canvas),
        },
    }
    if let Some(typed) = &app.runs.typed {
        line(app, typed, area, canvas);
    }
}

fn list(app: &App, area: Rect, canvas: &mut Canvas) {
    // Of a short list the rest of the screen is the chosen run's; a filter moves nothing.
    let rows = app.runs.all().len() + app.runs.queue.waiting.len();
    let free = usize::from(area.height).saturating_sub(rows + 4) as u16;
    let below = match area.height {
        0..18 => 0,
        height => (height * 2 / 5).clamp(10, 20).max(free.min(height * 3 / 5)),
    };
    let [top, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
    table::render(app, top, canvas);
    if below.height > 0 {
        details::render(app, below, canvas);
    }
}

/// The line being typed about a run.
fn line(app: &App, typed: &Typed, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let run = app.runs.find(&typed.run);
    let id = run.map_or("", |run| run.id.short());
    let (title, hint) = match typed.ask {
        Ask::Name => (format!("name of {id}"), "empty: that of its settings"),
        Ask::Tags => (format!("tags of {id}"), "+paper adds one, -paper removes it"),
        Ask::Note => (format!("note about {id}"), "empty: none"),
    };
    let tags = run.filter(|_| typed.ask == Ask::Tags).map(|run| run.about.tags.join(" "));
    let panel = Panel {
        title: &title,
        right: Line::styled(one_line(&tags.unwrap_or_default(), 40), theme.accent()),
        bottom: Line::styled(hint, theme.muted()),
        focused: true,
        ..Panel::default()
    };
    let inner = canvas.popup(middle(area, 76, 3), &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    canvas.line(row(inner, 0), &typed_line(&typed.line, usize::from(inner.width), theme.text()));
}
