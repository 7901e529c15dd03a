//! The evaluate screen: what a run's predictions come to, at thresholds that move.

mod against;
mod calibration;
mod curves;
mod grid;
mod images;
mod list;
mod matrix;

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use crate::dataset::progress::Progress;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel};
use crate::tui::format::count;
use crate::tui::screens::evaluate::state::{EvaluatedRun, Loading, View};
use crate::tui::widgets::text::sentences;

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let mut message = |title: &str, lines: &[Line]| {
        let inner = canvas.panel(area, &Panel { title, ..Panel::default() });
        sentences(inner, lines, canvas);
    };
    match &app.evaluate.shown {
        Loading::Ready(run) => ready(app, run, area, canvas),
        Loading::Failed(reason) => message(
            "evaluate: nothing to show",
            &[
                Line::styled(reason.clone(), theme.strong()),
                Line::default(),
                Line::styled(
                    "v on screen 6 chooses a run; p tries its best weights; `chestxr-tui evaluate RUN` does so too.",
                    theme.text(),
                ),
            ],
        ),
        Loading::Idle | Loading::Busy(_) => {
            let seconds = match &app.evaluate.shown {
                Loading::Busy(since) => (app.now.timestamp() - *since).get_seconds(),
                _ => 0,
            };
            let predicts = app.evaluate.request.as_ref().is_some_and(|request| request.predict);
            let what =
                if predicts { "Predicting with the best weights …" } else { "Reading predictions …" };
            let waited = if seconds >= 2 { format!("{seconds} s so far") } else { String::new() };
            let waited = match app.evaluate.progress {
                Some(Progress { doing, done, total }) if total > 0 => {
                    format!("{doing}: {} of {}   {waited}", count(done), count(total))
                }
                _ => waited,
            };
            message(
                "evaluate: loading",
                &[
                    Line::styled(what, theme.strong()),
                    Line::styled(waited, theme.muted()),
                    Line::styled("Esc cancels.", theme.muted()),
                ],
            );
        }
    }
}

fn ready(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    if app.evaluate.images.is_some() {
        return images::render(app, run, area, canvas);
    }
    let list_width = match area.width {
        170.. => 66,
        130.. => 54,
        110.. => 46,
        width => 33.min(width / 2),
    };
    let [left, right] = Layout::horizontal([Constraint::Length(list_width), Constraint::Fill(1)]).areas(area);
    let names = app.evaluate.sorted().len() as u16 + 2;
    match app.evaluate.view {
        View::Condition | View::Against if left.height >= names + calibration::LEAST => {
            let [upper, lower] =
                Layout::vertical([Constraint::Length(names), Constraint::Fill(1)]).areas(left);
            list::render(app, run, upper, canvas);
            calibration::of_condition(app, run, lower, canvas);
        }
        _ => list::render(app, run, left, canvas),
    }
    match app.evaluate.view {
        View::Condition => condition(app, run, right, canvas),
        View::Grid => grid::render(app, run, right, canvas),
        View::Calibration => calibration::render(app, run, right, canvas),
        View::Against => against::render(app, run, right, canvas),
    }
}

/// One condition: its matrix and metrics, and both curves at the right or below.
fn condition(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let row = app.evaluate.row();
    if area.width >= 72 {
        let [middle, curves] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length((area.width / 2).min(60))])
                .areas(area);
        if middle.height >= matrix::FULL + grid::LEAST {
            let [upper, lower] =
                Layout::vertical([Constraint::Length(matrix::FULL), Constraint::Fill(1)]).areas(middle);
            matrix::render(app, run, row, upper, canvas);
            grid::render(app, run, lower, canvas);
        } else {
            matrix::render(app, run, row, middle, canvas);
        }
        let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(curves);
        curves::roc(run, row, upper, canvas);
        curves::precision_recall(run, row, lower, canvas);
    } else {
        let room = if area.height >= 18 { matrix::LEAST } else { area.height };
        let [upper, lower] = Layout::vertical([Constraint::Length(room), Constraint::Fill(1)]).areas(area);
        matrix::render(app, run, row, upper, canvas);
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(lower);
        curves::roc(run, row, left, canvas);
        curves::precision_recall(run, row, right, canvas);
    }
}
