//! Normal detection: ROC and precision-recall of no finding against any finding.

use super::axes::{self, Labels, Panel};
use super::format::{self, unit};
use super::legend::{Legend, Sample};
use super::page::{FigureError, MARGIN, TOP, page, png};
use super::scale::{Tick, nice_ticks, unit_ticks};
use super::style::{Marker, Stroke};
use super::svg::{Rect, Svg};
use super::theme::{BLUE, INK, LABEL, NOTE, PANEL_TITLE, REFERENCE_LINE, VERMILION};
use super::{Curve, Estimate, font};

const WIDTH: f64 = 1000.0;
const PANEL_HEIGHT: f64 = 370.0;
const NORMAL: Stroke = Stroke::solid(BLUE, 1.8);
const ANY: Stroke = Stroke::dashed(VERMILION, 1.8, "6 2.5");

/// At the left the ROC curve with the operating point (false positive rate, sensitivity); at the right how the
/// scores of both kinds of image spread.
///
/// `scores_normal` and `scores_any` count images in equal bins of the score from 0 to 1; `threshold` is on that
/// scale too.
///
/// # Errors
/// When the picture can't be drawn.
pub fn normal_detection(
    roc: &Curve,
    auroc: &Estimate,
    operating_point: (f64, f64),
    scores_normal: &[u64],
    scores_any: &[u64],
    threshold: f64,
    subtitle: &str,
) -> Result<Vec<u8>, FigureError> {
    let top = TOP + 48.0;
    let mut svg = page(WIDTH, top + PANEL_HEIGHT + 62.0, "Normal detection", subtitle);
    let left = Rect { x: MARGIN + 54.0, y: top, width: PANEL_HEIGHT, height: PANEL_HEIGHT };
    roc_panel(&mut svg, left, roc, auroc, operating_point);
    let x = left.right() + 86.0;
    let right = Rect { x, width: WIDTH - MARGIN - 10.0 - x, ..left };
    score_panel(&mut svg, right, [scores_normal, scores_any], threshold);
    png(svg)
}

fn roc_panel(svg: &mut Svg, area: Rect, roc: &Curve, auroc: &Estimate, point: (f64, f64)) {
    let panel = Panel::unit(area);
    let ticks = unit_ticks(true);
    panel.grid(svg, &ticks, &ticks, Labels { x: true, y: true });
    axes::x_title(svg, area, "1 − specificity");
    axes::y_title(svg, area, "sensitivity");
    svg.text((area.x, area.y - 34.0), "ROC curve", PANEL_TITLE);
    svg.line(panel.at(0.0, 0.0), panel.at(1.0, 1.0), REFERENCE_LINE);
    panel.curve(svg, roc, Stroke::solid(BLUE, 2.2));
    let text = format!("AUROC {}", format::estimate(auroc, |value| unit(value, 3)));
    svg.text((area.right() - 12.0, area.bottom() - 16.0), &text, LABEL.bold().halo().end());

    let (fpr, tpr) = point;
    if !(fpr.is_finite() && tpr.is_finite()) {
        return;
    }
    let at = panel.at(fpr, tpr);
    svg.marker(Marker::Circle, at, 6.0, VERMILION, true);
    // Below the curve there is room as long as the point isn't far to the right.
    let label = format!("sensitivity {}, specificity {}", unit(tpr, 3), unit(1.0 - fpr, 3));
    let wide = at.0 + 12.0 + font::width(&label, NOTE) > area.right();
    let (x, style) = if wide { (area.right() - 8.0, NOTE.end()) } else { (at.0 + 12.0, NOTE) };
    svg.text((x, (at.1 + 18.0).min(area.bottom() - 40.0)), &label, style);
}

fn score_panel(svg: &mut Svg, area: Rect, histograms: [&[u64]; 2], threshold: f64) {
    let shares = histograms.map(shares);
    let highest = shares.iter().flatten().copied().fold(0.0, f64::max);
    let panel = Panel::new(area, [0.0, 1.0], [0.0, if highest > 0.0 { highest * 1.06 } else { 1.0 }]);
    let percent = nice_ticks([0.0, 100.0 * panel.y.domain[1]], 5);
    let y_ticks: Vec<_> =
        percent.into_iter().map(|tick| Tick { value: tick.value / 100.0, ..tick }).collect();
    panel.grid(svg, &unit_ticks(true), &y_ticks, Labels { x: true, y: true });
    axes::x_title(svg, area, "score");
    axes::y_title(svg, area, "images of the class (%)");
    let heading = "Scores";
    svg.text((area.x, area.y - 34.0), heading, PANEL_TITLE);
    for (share, stroke) in shares.iter().zip([NORMAL, ANY]) {
        let outline = steps(&panel, share);
        svg.polygon(outline.iter().copied(), stroke.color, 0.14);
        svg.polyline(outline, stroke);
    }
    let legend =
        Legend::new([(Sample::Line(NORMAL), "normal"), (Sample::Line(ANY), "any finding")], area.width);
    legend.draw(svg, (area.x + font::width(heading, PANEL_TITLE) + 22.0, area.y - 48.5));
    threshold_line(svg, &panel, threshold);
}

fn threshold_line(svg: &mut Svg, panel: &Panel, threshold: f64) {
    if !threshold.is_finite() {
        return;
    }
    let (x, area) = (panel.x.at(threshold), panel.area);
    svg.line((x, area.y - 4.0), (x, area.bottom()), Stroke::dashed(INK, 1.3, "3 3"));
    let label = format!("threshold {}", unit(threshold, 3));
    let half = font::width(&label, NOTE) / 2.0;
    let middle = x.clamp(area.x + half, area.right() - half);
    svg.text((middle, area.y - 9.0), &label, NOTE.middle());
}

/// Each bin's share of all images; empty without images.
fn shares(counts: &[u64]) -> Vec<f64> {
    let total: f64 = counts.iter().map(|&count| count as f64).sum();
    if total == 0.0 { Vec::new() } else { counts.iter().map(|&count| count as f64 / total).collect() }
}

/// The outline of a histogram from the base line and back to it.
fn steps(panel: &Panel, shares: &[f64]) -> Vec<(f64, f64)> {
    if shares.is_empty() {
        return Vec::new();
    }
    let edge = |index: usize| index as f64 / shares.len() as f64;
    let top = |(index, &share): (usize, &f64)| [(edge(index), share), (edge(index + 1), share)];
    let tops = shares.iter().enumerate().flat_map(top);
    let outline = [(0.0, 0.0)].into_iter().chain(tops).chain([(1.0, 0.0)]);
    outline.map(|(x, y)| panel.at(x, y)).collect()
}
