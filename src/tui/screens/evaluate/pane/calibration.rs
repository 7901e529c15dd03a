//! Calibration: the reliability diagrams of all pairs and of the selected condition.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::metrics::Calibration;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{count, fixed};
use crate::tui::screens::evaluate::state::EvaluatedRun;
use crate::tui::widgets::pen::Stroke;
use crate::tui::widgets::plane::{Plane, Trace};

/// Rows of one diagram.
pub const LEAST: u16 = 14;

/// Draws the diagram of the chosen condition alone.
pub fn of_condition(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let index = app.evaluate.row();
    match run.calibration.get(index) {
        Some(calibration) => {
            diagram(&format!("calibration: {}", run.name(index)), calibration.as_ref(), None, area, canvas)
        }
        None => diagram("calibration", run.pooled[0].as_ref(), run.pooled[1].as_ref(), area, canvas),
    }
}

/// Draws both diagrams, side by side or one below the other, and the contents of the bins.
pub fn render(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let index = app.evaluate.row();
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(5)]).areas(area);
    let parts: [Rect; 2] = if upper.width >= 60 {
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(upper)
    } else {
        Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(upper)
    };
    let [before, after] = &run.pooled;
    diagram("all image-condition pairs", before.as_ref(), after.as_ref(), parts[0], canvas);
    match run.calibration.get(index) {
        Some(calibration) => diagram(run.name(index), calibration.as_ref(), None, parts[1], canvas),
        None => diagram("choose a condition", None, None, parts[1], canvas),
    }
    words(run, lower, canvas);
}

fn diagram(
    title: &str,
    before: Option<&Calibration>,
    after: Option<&Calibration>,
    area: Rect,
    canvas: &mut Canvas,
) {
    let theme = canvas.theme;
    let points = |calibration: Option<&Calibration>| -> Vec<(f64, f64)> {
        let bins = calibration.iter().flat_map(|calibration| &calibration.bins);
        bins.filter_map(|bin| bin.mean_predicted().zip(bin.observed())).collect()
    };
    let (first, second) = (points(before), points(after));
    let ece = fixed(before.and_then(Calibration::ece), 4);
    let images: u64 = before.map_or(0, |calibration| calibration.bins.iter().map(|bin| bin.count).sum());
    let panel = Panel {
        title,
        bottom: Line::from(vec![Span::styled("ECE ", theme.muted()), Span::styled(ece, theme.strong())]),
        bottom_right: Line::styled(format!("{} values", count(images as usize)), theme.muted()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let mut marks: Vec<_> = second.iter().map(|point| (*point, '○', theme.train())).collect();
    marks.extend(first.iter().map(|point| (*point, '●', theme.val())));
    let plane = Plane {
        traces: vec![
            Trace { points: vec![(0.0, 0.0), (1.0, 1.0)], stroke: Stroke::Faint, style: theme.muted() },
            Trace { points: second, stroke: Stroke::Dashed, style: theme.train() },
            Trace { points: first, stroke: Stroke::Solid, style: theme.val() },
        ],
        marks,
        x: "predicted (across), observed (up)",
    };
    plane.render(inner, canvas);
}

fn words(run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let inner = canvas.panel(area, &Panel { title: "temperature", ..Panel::default() });
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let calibration = &run.evaluation.calibration;
    let first = match (calibration.temperature, calibration.ece_after) {
        (Some(temperature), Some(after)) => format!(
            "T {} from the validation images: ECE {} → {}",
            fixed(Some(temperature), 3),
            fixed(calibration.ece_before, 4),
            fixed(Some(after), 4)
        ),
        _ => "no temperature was fitted".to_owned(),
    };
    canvas.text(row(inner, 0), &first, theme.text());
    let legend = Line::from(vec![
        Span::styled("● as predicted  ", theme.val()),
        Span::styled("○ divided by T  ", theme.train()),
        Span::styled("· perfect", theme.muted()),
    ]);
    canvas.line(row(inner, 1), &legend);
    canvas.text(row(inner, 2), "Below the diagonal the probabilities are too high.", theme.muted());
}
