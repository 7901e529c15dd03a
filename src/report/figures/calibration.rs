//! Reliability diagrams.

use super::Bin;
use super::axes::{self, Labels, Panel};
use super::format::optional;
use super::legend::{Legend, Sample};
use super::multiples::{Multiples, NARROW_GAP, Shape};
use super::page::{FigureError, MARGIN, PANELS_WIDTH, TOP, page, png};
use super::scale::{Spread, count_ticks, unit_ticks};
use super::style::{Marker, Stroke};
use super::svg::{Rect, Svg};
use super::theme::{BLUE, GREEN, NOTE, PANEL_TITLE, REFERENCE_LINE, VERMILION};

const MAIN: f64 = 400.0;
const BAR: f64 = 7.0;
const COUNTS: f64 = 134.0;
/// Between the large plot and the axis labels of the small ones.
const BETWEEN: f64 = 30.0;

/// The bins of one reliability diagram.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reliability {
    /// In rising order of the probability; bins without images are left out of the drawing.
    pub bins: Vec<Bin>,
    /// Expected calibration error, 0 to 1.
    pub ece: Option<f64>,
}

/// One condition in [`calibration`].
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationPanel {
    /// The condition.
    pub name: String,
    /// Its bins.
    pub reliability: Reliability,
}

/// How a series looks: line and marker.
type Look = (Stroke, Marker);
const BEFORE: Look = (Stroke::dashed(VERMILION, 1.7, "6 2.5"), Marker::Square);
const AFTER: Look = (Stroke::solid(BLUE, 1.9), Marker::Circle);
const CONDITION: Look = (Stroke::solid(GREEN, 1.4), Marker::Circle);

/// At the left all conditions pooled, before and after temperature scaling, with the number of predictions in
/// each bin below; at the right one small diagram a condition, larger points standing for more images.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn calibration(
    before: &Reliability,
    after: &Reliability,
    temperature: f64,
    panels: &[CalibrationPanel],
    subtitle: &str,
) -> Result<Vec<u8>, FigureError> {
    let names = [
        format!("before (ECE {})", optional(before.ece, 4)),
        format!("after, temperature {temperature:.2} (ECE {})", optional(after.ece, 4)),
    ];
    let samples = [BEFORE, AFTER].map(|(stroke, marker)| Sample::Both(stroke, marker));
    let entries = samples.into_iter().zip(names.iter().map(String::as_str));
    let perfect = (Sample::Line(REFERENCE_LINE), "perfect");
    let legend = Legend::new(entries.chain([perfect]), PANELS_WIDTH - 2.0 * MARGIN);

    let top = TOP + legend.height() + 10.0;
    let main = Rect { x: MARGIN + 52.0, y: top + 24.0, width: MAIN, height: MAIN };
    let corner = (main.right() + BETWEEN, top);
    let shape = Shape {
        columns: 4,
        width: PANELS_WIDTH - MARGIN - corner.0,
        widest: 240.0,
        aspect: 1.0,
        gap: NARROW_GAP,
    };
    let multiples = Multiples::new(panels.len(), shape, corner);
    let counts = Rect { y: main.bottom() + 34.0, height: COUNTS, ..main };
    let bottom = multiples.bottom().max(counts.bottom() + 52.0);

    let mut svg = page(PANELS_WIDTH, bottom + 8.0, "Calibration", subtitle);
    legend.draw(&mut svg, (MARGIN, TOP));
    svg.text((main.x, main.y - 8.0), "All conditions pooled", PANEL_TITLE);
    pooled(&mut svg, main, [before, after]);
    histogram(&mut svg, counts, [before, after]);
    for (index, panel) in panels.iter().enumerate() {
        multiples.name(&mut svg, index, &panel.name);
        condition(&mut svg, multiples.area(index), multiples.labels(index), &panel.reliability);
    }
    if !panels.is_empty() {
        multiples.axis_titles(&mut svg, "mean predicted probability", "observed share");
    }
    png(svg)
}

fn pooled(svg: &mut Svg, area: Rect, series: [&Reliability; 2]) {
    let panel = Panel::unit(area);
    let ticks = unit_ticks(true);
    panel.grid(svg, &ticks, &ticks, Labels { x: true, y: true });
    axes::y_title(svg, area, "observed share");
    svg.line(panel.at(0.0, 0.0), panel.at(1.0, 1.0), REFERENCE_LINE);
    for (reliability, look) in series.into_iter().zip([BEFORE, AFTER]) {
        diagram(svg, &panel, reliability, look, |_| 4.8);
    }
}

/// How many predictions each point stands for: before at the left of the point's own place and pale, after at
/// the right and full.
fn histogram(svg: &mut Svg, area: Rect, series: [&Reliability; 2]) {
    let most = series.iter().flat_map(|reliability| &reliability.bins).map(|bin| bin.count).max();
    let (ticks, highest) = count_ticks(most.unwrap_or(0));
    let mut panel = Panel::new(area, [0.0, 1.0], [1.0, highest]);
    panel.y.spread = Spread::Logarithmic;
    panel.grid(svg, &unit_ticks(true), &ticks, Labels { x: true, y: true });
    axes::x_title(svg, area, "mean predicted probability");
    axes::y_title(svg, area, "predictions");
    for (reliability, (left, (stroke, _))) in series.into_iter().zip([(true, BEFORE), (false, AFTER)]) {
        for bin in drawn(reliability) {
            let (x, y) = panel.at(bin.mean_predicted, bin.count as f64);
            let x = if left { (x - BAR).max(area.x) } else { x };
            // A single image lies on the base line of a logarithmic axis, and is still there.
            let height = (area.bottom() - y).max(1.5);
            let bar = Rect { x, y: area.bottom() - height, width: BAR, height };
            svg.rect(bar, stroke.color, if left { 0.25 } else { 1.0 });
            svg.frame(bar, Stroke::solid(stroke.color, 1.0));
        }
    }
}

fn condition(svg: &mut Svg, area: Rect, labels: Labels, reliability: &Reliability) {
    let panel = Panel::unit(area);
    let ticks = unit_ticks(false);
    panel.grid(svg, &ticks, &ticks, labels);
    svg.line(panel.at(0.0, 0.0), panel.at(1.0, 1.0), REFERENCE_LINE);
    let most = reliability.bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1) as f64;
    // Nearly all images lie in the lowest bins: in proportion, the others would vanish.
    let radius = |bin: &Bin| 1.8 + 3.2 * ((1.0 + bin.count as f64).ln() / (1.0 + most).ln());
    diagram(svg, &panel, reliability, CONDITION, radius);
    let note = format!("ECE {}", optional(reliability.ece, 3));
    // Low probabilities with a high observed share are rare: this corner is mostly free.
    svg.text((area.x + 6.0, area.y + 14.0), &note, NOTE);
}

fn diagram(
    svg: &mut Svg,
    panel: &Panel,
    reliability: &Reliability,
    look: Look,
    radius: impl Fn(&Bin) -> f64,
) {
    let (stroke, marker) = look;
    svg.polyline(drawn(reliability).map(|bin| panel.at(bin.mean_predicted, bin.observed)), stroke);
    for bin in drawn(reliability) {
        svg.marker(marker, panel.at(bin.mean_predicted, bin.observed), radius(bin), stroke.color, true);
    }
}

/// The bins that have a place in the drawing.
fn drawn(reliability: &Reliability) -> impl Iterator<Item = &Bin> {
    let placed = |bin: &&Bin| bin.count > 0 && bin.mean_predicted.is_finite() && bin.observed.is_finite();
    reliability.bins.iter().filter(placed)
}
