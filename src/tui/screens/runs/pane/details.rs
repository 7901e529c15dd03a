//! The chosen run: what came of it, its curves, how it differs from the default.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::runs::{RunSummary, Tracked};
use crate::text::{bytes, one_line};
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::fixed;
use crate::tui::screens::runs::pane::overlay;
use crate::tui::screens::runs::state::Epochs;
use crate::tui::screens::train::charts::ChartView;
use crate::tui::screens::train::curves::Curves;
use crate::tui::screens::train::progress::{self, SETTINGS_HEIGHT};
use crate::tui::widgets::text::sentences;
use crate::tui::widgets::text::state_mark;
use crate::tui::widgets::text::wrap;

/// Below the table: curves of the chosen run or of the marked ones, and the chosen one's facts.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let facts = if area.width >= 150 { 62 } else { area.width * 2 / 5 };
    let [charts, facts] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(facts)]).areas(area);
    let marked = !app.runs.marks.all().is_empty();
    if marked {
        overlay::chart(app, charts, false, canvas);
    }
    if let Some(run) = app.runs.chosen() {
        if !marked {
            small_charts(app, run, charts, canvas);
        }
        return facts_panel(app, run, ": Enter", facts, canvas);
    }
    let place = if marked { facts } else { area };
    let title = if app.runs.chosen_waiting().is_some() { "in the queue" } else { "" };
    let inner = canvas.panel(place, &Panel { title, ..Panel::default() });
    match app.runs.chosen_waiting().map(|waiting| &waiting.config) {
        Some(Ok(config)) => {
            let failed = app.runs.chosen_waiting().and_then(|waiting| waiting.failed.as_ref());
            let (hint, style) = match failed {
                Some(why) => {
                    (format!("It could not begin: {why}. Q tries it anew, d removes it."), theme.bad())
                }
                None => {
                    let hint = "It begins when its turn comes. K and J move it, d removes it.";
                    (hint.to_owned(), theme.muted())
                }
            };
            let changed = config.changed().into_iter().map(|field| {
                Line::from(vec![
                    Span::styled(format!("{} ", field.key), theme.muted()),
                    Span::styled(one_line(&config.get(field), 60), theme.text()),
                ])
            });
            let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
            let hint = wrap(&Line::styled(hint, style), usize::from(inner.width));
            let lines: Vec<Line> = hint.into_iter().chain(changed).collect();
            for (index, line) in lines.iter().enumerate() {
                canvas.line(row(inner, index as u16), line);
            }
        }
        Some(Err(why)) => {
            let cure = "d removes it from the queue; until then it is passed over.";
            let lines = [Line::styled(why.clone(), theme.bad()), Line::styled(cure, theme.text())];
            sentences(inner, &lines, canvas);
        }
        None => sentences(inner, &[Line::styled("no run is chosen", theme.muted())], canvas),
    }
}

fn small_charts(app: &App, run: &RunSummary, area: Rect, canvas: &mut Canvas) {
    let view = ChartView {
        log_y: app.charts.log_y,
        smoothing: app.charts.smoothing,
        chosen: usize::MAX,
        ..ChartView::default()
    };
    let curves = curves(app, run, &view);
    // The most telling one first where there is room for one alone.
    let shown: &[usize] = match area.width {
        0..64 => &[1],
        64..120 => &[0, 1],
        _ => &[0, 1, 2],
    };
    let places = Layout::horizontal(vec![Constraint::Fill(1); shown.len()]).split(area);
    for (index, place) in shown.iter().zip(places.iter()) {
        curves.chart(*index, *place, canvas);
    }
}

/// A run's results and its settings that differ from the default; `hint` names where the rest is.
fn facts_panel(app: &App, run: &RunSummary, hint: &str, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let (mark, style) = state_mark(run.state, theme);
    let name = one_line(run.name(), usize::from(area.width).saturating_sub(20).max(4));
    let size = app.runs.bytes.filter(|_| app.runs.read.as_ref() == Some(&run.path));
    let panel = Panel {
        title: if name.is_empty() { "run" } else { &name },
        right: Line::styled(format!("{mark} {}", run.id.short()), style),
        bottom: Line::styled(one_line(run.id.as_str(), 60), theme.muted()),
        bottom_right: Line::styled(size.map_or_else(String::new, bytes), theme.muted()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let width = usize::from(inner.width);
    let mut lines = Vec::new();
    if let Some(reason) = &run.status.reason {
        let reason = Line::styled(one_line(reason, 300), style);
        lines.extend(wrap(&reason, width).into_iter().take(2));
    }
    if let Some((auroc, ci)) = app.runs.tested.filter(|_| app.runs.read.as_ref() == Some(&run.path)) {
        let ci = ci.map_or_else(String::new, |[low, high]| {
            format!(" ({}–{})", fixed(Some(low), 3), fixed(Some(high), 3))
        });
        let value = format!("{}{ci}", fixed(Some(auroc), 3));
        let label = ["test macro AUROC ", "test AUROC "]
            .into_iter()
            .find(|label| label.len() + crate::text::width(&value) <= width)
            .unwrap_or("AUROC ");
        lines.push(Line::from(vec![Span::styled(label, theme.muted()), Span::styled(value, theme.strong())]));
    }
    match &run.tracked {
        Tracked::Off => {}
        Tracked::Failed(reason) => {
            let text = Line::styled(format!("not sent: {reason}"), theme.bad());
            lines.extend(wrap(&text, width).into_iter().take(2));
        }
        other => lines.push(Line::styled(format!("tracking: {}", other.word()), theme.muted())),
    }
    if !run.about.tags.is_empty() {
        lines.push(Line::styled(one_line(&run.about.tags.join(" "), width.max(1)), theme.accent()));
    }
    for line in run.about.note.lines().filter(|line| !line.trim().is_empty()).take(3) {
        lines.extend(wrap(&Line::styled(line.to_owned(), theme.text()), width).into_iter().take(3));
    }
    match &run.config {
        None => lines.push(Line::styled("run.toml is missing or damaged", theme.bad())),
        Some(config) => {
            let changed = config.changed();
            if changed.is_empty() {
                lines.push(Line::styled("all settings are the defaults", theme.muted()));
            }
            for field in changed.into_iter().filter(|field| field.key != "run.name") {
                let room = width.saturating_sub(field.key.len() + 1).max(4);
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

/// The chosen run on the whole screen.
pub fn opened(app: &App, run: &RunSummary, area: Rect, canvas: &mut Canvas) {
    let charts = if area.width >= 100 && area.height >= 12 {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(44)]).areas(area);
        let [settings, facts] =
            Layout::vertical([Constraint::Length(SETTINGS_HEIGHT), Constraint::Fill(1)]).areas(right);
        match &run.config {
            Some(config) => {
                let title = format!("{} {}", run.id.short(), run.state);
                let mut named = config.clone();
                named.run.name = run.name().to_owned();
                progress::settings(&title, &named, None, (config.optimizer.lr, None), settings, canvas);
                facts_panel(app, run, "", facts, canvas);
            }
            None => facts_panel(app, run, "", right, canvas),
        }
        left
    } else {
        area
    };
    curves(app, run, &app.charts).render(charts, canvas);
}
