//! What each threshold would give.

use super::Curve;
use super::axes::Panel;
use super::font;
use super::format::unit;
use super::legend::{Legend, Sample};
use super::multiples::{Multiples, NARROW_GAP, Shape};
use super::page::{FigureError, MARGIN, PANELS_WIDTH, TOP, empty, page, png};
use super::scale::{Spread, ticks_at, unit_ticks};
use super::style::Stroke;
use super::svg::{Rect, Svg};
use super::theme::{BLUE, GREEN, INK, NOTE, VERMILION};

const TITLE: &str = "Precision, recall and F1 by threshold";
const PRECISION: Stroke = Stroke::solid(BLUE, 1.7);
const RECALL: Stroke = Stroke::dashed(VERMILION, 1.7, "6 2.5");
const F1: Stroke = Stroke::dashed(GREEN, 2.0, "2 2");
const CHOSEN: Stroke = Stroke::solid(INK, 1.2);

/// One condition in [`threshold_curves`]; the four lists go together.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdPanel {
    /// The condition.
    pub name: String,
    /// Thresholds in rising order, 0 to 1.
    pub thresholds: Vec<f64>,
    /// Harmonic mean of precision and recall at each, 0 to 1; NaN where undefined.
    pub f1: Vec<f64>,
    /// Share of the images called positive that are, 0 to 1; NaN where undefined.
    pub precision: Vec<f64>,
    /// Share of the positive images that were called so, 0 to 1; NaN where undefined.
    pub recall: Vec<f64>,
    /// The threshold in use.
    pub chosen: f64,
}

/// Three curves a condition over the threshold, with more room for small thresholds as rare conditions have.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn threshold_curves(panels: &[ThresholdPanel], subtitle: &str) -> Result<Vec<u8>, FigureError> {
    if panels.is_empty() {
        return empty(TITLE, subtitle);
    }
    let room = PANELS_WIDTH - 2.0 * MARGIN;
    let legend = Legend::new(
        [
            (Sample::Line(PRECISION), "precision"),
            (Sample::Line(RECALL), "recall"),
            (Sample::Line(F1), "F1"),
            (Sample::Line(CHOSEN), "threshold in use"),
        ],
        room,
    );
    let shape = Shape { columns: 5, width: room, widest: 420.0, aspect: 0.78, gap: NARROW_GAP };
    let multiples = Multiples::new(panels.len(), shape, (MARGIN, TOP + legend.height() + 10.0));
    let width = multiples.page_width(&legend);
    let mut svg = page(width, multiples.bottom() + 8.0, TITLE, subtitle);
    legend.draw(&mut svg, (MARGIN, TOP));
    let x_ticks = ticks_at(&[0.0, 0.05, 0.2, 0.5, 1.0]);
    for (index, condition) in panels.iter().enumerate() {
        let mut panel = Panel::unit(multiples.area(index));
        panel.x.spread = Spread::SquareRoot;
        panel.grid(&mut svg, &x_ticks, &unit_ticks(true), multiples.labels(index));
        multiples.name(&mut svg, index, &condition.name);
        let lines = [(&condition.precision, PRECISION), (&condition.recall, RECALL), (&condition.f1, F1)];
        for (values, stroke) in lines {
            let curve = Curve { x: condition.thresholds.clone(), y: values.clone() };
            panel.curve(&mut svg, &curve, stroke);
        }
        chosen(&mut svg, &panel, condition.chosen);
    }
    multiples.axis_titles(&mut svg, "threshold (square-root scale)", "precision, recall, F1");
    png(svg)
}

/// The threshold in use as a line, its value where the curves leave room.
fn chosen(svg: &mut Svg, panel: &Panel, threshold: f64) {
    if !threshold.is_finite() {
        return;
    }
    let Rect { y, .. } = panel.area;
    let x = panel.x.at(threshold);
    svg.line((x, y), (x, panel.area.bottom()), CHOSEN);
    let label = unit(threshold, 3);
    let style = NOTE.bold();
    let beside = x + 5.0 + font::width(&label, style) <= panel.area.right();
    let (x, style) = if beside { (x + 5.0, style) } else { (x - 5.0, style.end()) };
    svg.text((x, y + 14.0), &label, style);
}
