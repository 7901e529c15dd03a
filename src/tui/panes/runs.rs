//! The runs screen: all runs in a table, the chosen one beside it, or its curves on the whole screen.

use jiff::tz::TimeZone;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::curves::Curves;
use super::progress::{self, SETTINGS_HEIGHT};
use super::{sentences, state_mark};
use crate::config::RunConfig;
use crate::runs::RunSummary;
use crate::text::{clock, one_line};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{NONE, count, fixed};
use crate::tui::state::charts::ChartView;
use crate::tui::state::runs::{Epochs, Listing};

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let folder = app.runs_folder.display().to_string();
    let say = |title: &str, lines: &[Line], canvas: &mut Canvas| {
        let inner = canvas.panel(area, &Panel { title, ..Panel::default() });
        sentences(inner, lines, canvas);
    };
    match &app.runs.listing {
        Listing::Unread => {
            say("runs: loading", &[Line::styled("Reading the list of runs …", theme.strong())], canvas);
        }
        Listing::Failed(reason) => {
            let cure = "Check the folder or choose another with --runs-dir; r reads the list again.";
            let lines = [
                Line::styled(reason.clone(), theme.bad()),
                Line::default(),
                Line::styled(cure, theme.text()),
            ];
            say("runs: not readable", &lines, canvas);
        }
        Listing::Ready(all) if all.is_empty() => {
            let lines = [
                Line::styled("No run yet.", theme.strong()),
                Line::styled("Press 2 for the train screen and s to start one.", theme.text()),
                Line::default(),
                Line::styled(format!("Runs are kept in {}", one_line(&folder, 80)), theme.muted()),
            ];
            say("runs", &lines, canvas);
        }
        Listing::Ready(all) => match app.runs.chosen() {
            Some(run) if app.runs.opened => opened(app, run, area, canvas),
            chosen => {
                let details = if area.width >= 100 {
                    let [list, details] = Layout::horizontal([
                        Constraint::Fill(1),
                        Constraint::Length(if area.width >= 150 { 60 } else { 42 }),
                    ])
                    .areas(area);
                    table(app, all.len(), list, canvas);
                    details
                } else {
                    let below = if area.height >= 18 { area.height / 2 } else { 0 };
                    let [list, details] =
                        Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
                    table(app, all.len(), list, canvas);
                    details
                };
                if let Some(run) = chosen.filter(|_| details.height > 3) {
                    beside(app, run, details, canvas);
                }
            }
        },
    }
}

/// A column of the table: heading, width, whether numbers stand at its right, and from which width of the
/// table it is shown.
struct Column {
    head: &'static str,
    width: u16,
    right: bool,
    from: u16,
    text: fn(&RunSummary, &TimeZone) -> String,
}

const COLUMNS: [Column; 9] = [
    Column { head: "run", width: 5, right: false, from: 0, text: |run, _| run.id.short().to_owned() },
    Column {
        head: "name",
        width: 12,
        right: false,
        from: 88,
        text: |run, _| of(run, |c| c.run.name.clone()),
    },
    Column {
        head: "network",
        width: 12,
        right: false,
        from: 44,
        text: |run, _| of(run, |c| c.model.arch.to_string()),
    },
    Column {
        head: "data",
        width: 18,
        right: false,
        from: 100,
        text: |run, _| of(run, |c| short_source(&c.data.source)),
    },
    Column {
        head: "best",
        width: 10,
        right: true,
        from: 30,
        text: |run, _| {
            run.status
                .best
                .as_ref()
                .map_or(NONE.into(), |best| format!("{} @{:<3}", fixed(Some(best.value), 3), best.epoch))
        },
    },
    Column {
        head: "epochs",
        width: 8,
        right: true,
        from: 50,
        text: |run, _| {
            let most = run.config.as_ref().map_or(NONE.into(), |config| config.optimizer.epochs.to_string());
            format!("{}/{most}", run.status.epoch)
        },
    },
    Column { head: "time", width: 8, right: true, from: 66, text: |run, _| clock(run.status.seconds()) },
    Column {
        head: "started",
        width: 13,
        right: true,
        from: 76,
        text: |run, zone| {
            let local = run.status.created.to_zoned(zone.clone());
            local.strftime("%d %b %H:%M").to_string()
        },
    },
    Column {
        head: "lr",
        width: 8,
        right: true,
        from: 120,
        text: |run, _| of(run, |c| crate::tui::format::rate(c.optimizer.lr)),
    },
];

fn of(run: &RunSummary, text: impl Fn(&RunConfig) -> String) -> String {
    run.config.as_ref().map_or(NONE.to_owned(), text)
}

/// A source without the folders before its file.
fn short_source(source: &str) -> String {
    source.rsplit('/').next().unwrap_or(source).to_owned()
}

fn table(app: &App, total: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let shown = app.runs.shown();
    let filter = match (app.runs.filtering, app.runs.filter.is_empty()) {
        (true, _) => Line::styled(format!("filter: {}_", one_line(&app.runs.filter, 30)), theme.accent()),
        (false, false) => {
            Line::styled(format!("filter: {}  (Esc: all)", one_line(&app.runs.filter, 30)), theme.warning())
        }
        (false, true) => Line::default(),
    };
    let bottom = if shown.len() == total {
        format!("{} runs", count(total))
    } else {
        format!("{} of {} runs", count(shown.len()), count(total))
    };
    let panel = Panel {
        title: "runs",
        right: filter,
        bottom: Line::styled(bottom, theme.muted()),
        bottom_right: Line::styled("best: the monitored value", theme.muted()),
        focused: true,
    };
    let inner = canvas.panel(area, &panel);
    if shown.is_empty() {
        return sentences(inner, &[Line::styled("No run has these letters.", theme.muted())], canvas);
    }
    let inner = Rect { width: inner.width.saturating_sub(1), ..inner };
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| inner.width >= column.from).collect();
    let header = row(inner, 0);
    let cells = |line: Rect| {
        let mut x = line.x + 14;
        columns.iter().map(move |column| {
            let cell = Rect { x, width: column.width, ..line }.intersection(line);
            x += column.width + 1;
            cell
        })
    };
    canvas.text(
        Rect { x: header.x + 1, width: header.width.saturating_sub(1), ..header },
        "state",
        theme.muted(),
    );
    for (column, cell) in columns.iter().zip(cells(header)) {
        let head = Line::styled(column.head, theme.muted());
        if column.right {
            canvas.right(cell, &head)
        } else {
            canvas.line(cell, &head)
        };
    }
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = app.runs.row.saturating_sub(room - 1);
    for (place, (index, run)) in shown.iter().enumerate().skip(first).take(room).enumerate() {
        let line = row(inner, 1 + place as u16);
        if line.is_empty() {
            break;
        }
        canvas.click(line, Action::Row(index));
        let (mark, style) = state_mark(run.state, theme);
        let state = Line::styled(format!("{mark} {}", run.state), style);
        canvas.line(Rect { x: line.x + 1, width: 13.min(line.width - 1), ..line }, &state);
        for (column, cell) in columns.iter().zip(cells(line)) {
            let text = one_line(&(column.text)(run, app.now.time_zone()), usize::from(column.width));
            let text = Line::styled(text, theme.text());
            if column.right {
                canvas.right(cell, &text)
            } else {
                canvas.line(cell, &text)
            };
        }
        if index == app.runs.row {
            canvas.style(Rect { width: line.width + 1, ..line }, theme.selection());
        }
    }
}

/// The chosen run: what it came to, small curves, and what differs from the default.
fn beside(app: &App, run: &RunSummary, area: Rect, canvas: &mut Canvas) {
    let wide = area.width >= 70;
    let facts_height = (area.height / 2).clamp(4, 14);
    let (charts, facts) = if wide {
        let [facts, charts] = Layout::horizontal([Constraint::Length(36), Constraint::Fill(1)]).areas(area);
        (charts, facts)
    } else {
        let [charts, facts] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(facts_height)]).areas(area);
        (charts, facts)
    };
    let view = ChartView {
        log_y: app.charts.log_y,
        smoothing: app.charts.smoothing,
        chosen: usize::MAX,
        ..ChartView::default()
    };
    // Two charts, one above the other or side by side; the view chooses none of them.
    let curves = curves(app, run, &view);
    let halves: [Rect; 2] = if charts.width >= 90 || charts.height < 12 {
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(charts)
    } else {
        Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(charts)
    };
    for (index, half) in halves.into_iter().enumerate() {
        curves.chart(index, half, canvas);
    }
    facts_panel(run, ": Enter", facts, canvas);
}

/// What came of a run and how it differs from the default; `hint` says where the rest is.
fn facts_panel(run: &RunSummary, hint: &str, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let (mark, style) = state_mark(run.state, theme);
    let panel = Panel {
        title: "differs from the default",
        right: Line::styled(format!("{mark} {}", run.id.short()), style),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let mut lines = Vec::new();
    if let Some(reason) = &run.status.reason {
        let reason = Line::styled(one_line(reason, 300), style);
        lines.extend(super::wrap(&reason, usize::from(inner.width)).into_iter().take(3));
    }
    match &run.config {
        None => lines.push(Line::styled("run.toml is missing or damaged", theme.bad())),
        Some(config) => {
            let changed = config.changed();
            if changed.is_empty() {
                lines.push(Line::styled("nothing", theme.muted()));
            }
            for field in changed {
                let room = usize::from(inner.width).saturating_sub(field.key.len() + 1).max(4);
                lines.push(Line::from(vec![
                    Span::styled(format!("{} ", field.key), theme.muted()),
                    Span::styled(one_line(&config.get(field), room), theme.text()),
                ]));
            }
        }
    }
    let room = usize::from(inner.height);
    let more = lines.len().saturating_sub(room);
    for (index, line) in lines.iter().take(room).enumerate() {
        if more > 0 && index + 1 == room {
            canvas.text(row(inner, index as u16), &format!("… {} more{hint}", more + 1), theme.muted());
        } else {
            canvas.line(row(inner, index as u16), line);
        }
    }
}

fn curves<'a>(app: &'a App, run: &'a RunSummary, view: &'a ChartView) -> Curves<'a> {
    let empty = match &app.runs.epochs {
        // The epochs read last are those of another run.
        _ if app.runs.read.as_ref() != Some(&run.path) => "reading …",
        Epochs::Failed(_) => "metrics.jsonl can't be read",
        Epochs::Ready(epochs) if epochs.is_empty() => "no epoch was done",
        Epochs::Ready(_) => "nothing measured",
        Epochs::Unread => "reading …",
    };
    Curves { epochs: app.runs.chosen_epochs(), best: run.status.best.as_ref(), view, empty }
}

fn opened(app: &App, run: &RunSummary, area: Rect, canvas: &mut Canvas) {
    let charts = if area.width >= 100 && area.height >= 12 {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(44)]).areas(area);
        let [settings, facts] =
            Layout::vertical([Constraint::Length(SETTINGS_HEIGHT), Constraint::Fill(1)]).areas(right);
        match &run.config {
            Some(config) => {
                let title = format!("{} {}", run.id.short(), run.state);
                progress::settings(&title, config, None, (config.optimizer.lr, None), settings, canvas);
                facts_panel(run, "", facts, canvas);
            }
            None => facts_panel(run, "", right, canvas),
        }
        left
    } else {
        area
    };
    curves(app, run, &app.charts).render(charts, canvas);
}
