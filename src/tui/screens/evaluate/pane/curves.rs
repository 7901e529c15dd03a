//! ROC and precision-recall curve of a condition, with the threshold's place on both.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::report::thinned;
use crate::tui::canvas::{Canvas, Panel};
use crate::tui::format::fixed;
use crate::tui::screens::evaluate::pane::list::interval;
use crate::tui::screens::evaluate::state::EvaluatedRun;
use crate::tui::widgets::pen::Stroke;
use crate::tui::widgets::plane::{Plane, Trace};

/// Points that a terminal's dots can show.
const POINTS: usize = 400;

/// The ROC curve.
pub fn roc(run: &EvaluatedRun, row: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let Some(numbers) = run.numbers(row) else { return };
    let points = run.cuts.get(row).and_then(Option::as_ref).map(|cuts| thinned(cuts.roc(), POINTS));
    let bottom = Line::from(vec![
        Span::styled("AUROC ", theme.muted()),
        Span::styled(fixed(numbers.auroc, 3), theme.strong()),
        Span::styled(interval(numbers.auroc_ci), theme.muted()),
    ]);
    let inner = canvas.panel(area, &Panel { title: "ROC", bottom, ..Panel::default() });
    let point = numbers.specificity.map(|specificity| 1.0 - specificity).zip(numbers.recall);
    let plane = Plane {
        traces: vec![
            Trace { points: vec![(0.0, 0.0), (1.0, 1.0)], stroke: Stroke::Faint, style: theme.muted() },
            Trace { points: points.unwrap_or_default(), stroke: Stroke::Solid, style: theme.val() },
        ],
        marks: point.map(|point| (point, '◆', theme.warning())).into_iter().collect(),
        x: "1 − specificity",
    };
    plane.render(inner, canvas);
}

/// The precision-recall curve.
pub fn precision_recall(run: &EvaluatedRun, row: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let Some(numbers) = run.numbers(row) else { return };
    let points =
        run.cuts.get(row).and_then(Option::as_ref).map(|cuts| thinned(cuts.precision_recall(), POINTS));
    let bottom = Line::from(vec![
        Span::styled("AUPRC ", theme.muted()),
        Span::styled(fixed(numbers.auprc, 3), theme.strong()),
    ]);
    let prevalence = numbers.prevalence.unwrap_or(0.0);
    let panel = Panel {
        title: "precision – recall",
        bottom,
        bottom_right: Line::styled(format!("prevalence {}", fixed(Some(prevalence), 3)), theme.muted()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let level = vec![(0.0, prevalence), (1.0, prevalence)];
    let plane = Plane {
        traces: vec![
            Trace { points: level, stroke: Stroke::Faint, style: theme.muted() },
            Trace { points: points.unwrap_or_default(), stroke: Stroke::Solid, style: theme.val() },
        ],
        marks: numbers.recall.zip(numbers.precision).map(|p| (p, '◆', theme.warning())).into_iter().collect(),
        x: "recall",
    };
    plane.render(inner, canvas);
}
