//! ROC and precision-recall curves as small multiples.

use super::axes::Panel;
use super::format::{self, optional, unit};
use super::legend::{Legend, Sample};
use super::multiples::{Multiples, NARROW_GAP, Shape};
use super::page::{FigureError, MARGIN, PANELS_WIDTH, TOP, empty, page, png};
use super::scale::unit_ticks;
use super::style::{Marker, Stroke, TextStyle};
use super::svg::{Rect, Svg};
use super::theme::{BLUE, NOTE, REFERENCE_LINE, VERMILION, series};
use super::{Curve, Estimate, font};

const LINE_HEIGHT: f64 = 15.0;
const MODEL: Stroke = Stroke::solid(BLUE, 1.9);
const POINT: Sample = Sample::Point(Marker::Circle, VERMILION, true);

/// One condition in [`roc_curves`].
#[derive(Debug, Clone, PartialEq)]
pub struct RocPanel {
    /// The condition.
    pub name: String,
    /// False positive rate (x) and sensitivity (y), 0 to 1; empty where undefined.
    pub curve: Curve,
    /// Area under it, 0 to 1.
    pub auroc: Estimate,
    /// False positive rate and sensitivity at the threshold in use.
    pub operating_point: Option<(f64, f64)>,
}

/// One condition in [`pr_curves`].
#[derive(Debug, Clone, PartialEq)]
pub struct PrPanel {
    /// The condition.
    pub name: String,
    /// Recall (x) and precision (y), 0 to 1; empty where undefined.
    pub curve: Curve,
    /// Area under it (average precision), 0 to 1.
    pub auprc: Estimate,
    /// Recall and precision at the threshold in use.
    pub operating_point: Option<(f64, f64)>,
    /// Share of positive images, 0 to 1: the precision of guessing.
    pub prevalence: f64,
}

/// One condition in [`roc_overlay`].
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayPanel {
    /// The condition.
    pub name: String,
    /// False positive rate (x) and sensitivity (y), one curve a run; empty where a run has none.
    pub curves: Vec<Curve>,
    /// AUROC, 0 to 1, one a run.
    pub aurocs: Vec<Option<f64>>,
}

/// What is written into a panel, each line with a sample of the curve it belongs to where there are several.
type Note = (Option<Stroke>, String);

/// Where the notes of a panel stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Corner {
    TopRight,
    BottomLeft,
    BottomRight,
}

/// One panel of any of the three figures.
struct UnitPanel<'a> {
    name: &'a str,
    /// The ends of the dashed line.
    reference: [(f64, f64); 2],
    curves: Vec<(&'a Curve, Stroke)>,
    point: Option<(f64, f64)>,
    notes: Vec<Note>,
    corner: Corner,
}

/// What the panels have in common.
struct Sheet<'a> {
    title: &'a str,
    subtitle: &'a str,
    axes: [&'a str; 2],
    legend: Legend,
}

const ROC_AXES: [&str; 2] = ["1 − specificity", "sensitivity"];
const DIAGONAL: [(f64, f64); 2] = [(0.0, 0.0), (1.0, 1.0)];

/// One ROC curve a condition, with its AUROC and the point at the threshold in use.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn roc_curves(panels: &[RocPanel], subtitle: &str) -> Result<Vec<u8>, FigureError> {
    let entries = [
        (Sample::Line(MODEL), "model"),
        (POINT, "at the threshold"),
        (Sample::Line(REFERENCE_LINE), "chance"),
    ];
    let sheet = Sheet { title: "ROC curves", subtitle, axes: ROC_AXES, legend: legend(entries) };
    let panels = panels.iter().map(|panel| UnitPanel {
        name: &panel.name,
        reference: DIAGONAL,
        curves: vec![(&panel.curve, MODEL)],
        point: panel.operating_point,
        notes: notes("AUROC", &panel.auroc),
        corner: Corner::BottomRight,
    });
    draw(&sheet, &panels.collect::<Vec<_>>())
}

/// One precision-recall curve a condition, with its AUPRC, the prevalence, and the point at the threshold in use.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn pr_curves(panels: &[PrPanel], subtitle: &str) -> Result<Vec<u8>, FigureError> {
    let entries = [
        (Sample::Line(MODEL), "model"),
        (POINT, "at the threshold"),
        (Sample::Line(REFERENCE_LINE), "prevalence"),
    ];
    let sheet = Sheet {
        title: "Precision-recall curves",
        subtitle,
        axes: ["recall", "precision"],
        legend: legend(entries),
    };
    let panels = panels.iter().map(|panel| UnitPanel {
        name: &panel.name,
        reference: [(0.0, panel.prevalence), (1.0, panel.prevalence)],
        curves: vec![(&panel.curve, MODEL)],
        point: panel.operating_point,
        notes: notes("AUPRC", &panel.auprc),
        // A good curve fills the upper right corner.
        corner: if panel.auprc.value.is_some_and(|value| value > 0.6) {
            Corner::BottomLeft
        } else {
            Corner::TopRight
        },
    });
    draw(&sheet, &panels.collect::<Vec<_>>())
}

/// The ROC curves of several runs (up to six look different) in one panel a condition.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn roc_overlay(panels: &[OverlayPanel], runs: &[String], subtitle: &str) -> Result<Vec<u8>, FigureError> {
    let entries = runs.iter().enumerate().map(|(index, run)| (Sample::Line(series(index)), run.as_str()));
    let sheet = Sheet { title: "ROC curves by run", subtitle, axes: ROC_AXES, legend: legend(entries) };
    let panels = panels.iter().map(|panel| UnitPanel {
        name: &panel.name,
        reference: DIAGONAL,
        curves: panel.curves.iter().enumerate().map(|(index, curve)| (curve, series(index))).collect(),
        point: None,
        notes: panel
            .aurocs
            .iter()
            .enumerate()
            .map(|(index, &auroc)| (Some(series(index)), optional(auroc, 3)))
            .collect(),
        corner: Corner::BottomRight,
    });
    draw(&sheet, &panels.collect::<Vec<_>>())
}

fn legend<'a>(entries: impl IntoIterator<Item = (Sample, &'a str)>) -> Legend {
    Legend::new(entries, PANELS_WIDTH - 2.0 * MARGIN)
}

/// The value, and on a line of its own the interval.
fn notes(measure: &str, estimate: &Estimate) -> Vec<Note> {
    let value = estimate.value.map_or_else(|| format::UNDEFINED.to_owned(), |value| unit(value, 3));
    let interval = estimate.interval.filter(|_| estimate.value.is_some());
    let interval = interval.map(|[low, high]| (None, format!("{}–{}", unit(low, 3), unit(high, 3))));
    [(None, format!("{measure} {value}"))].into_iter().chain(interval).collect()
}

fn draw(sheet: &Sheet<'_>, panels: &[UnitPanel<'_>]) -> Result<Vec<u8>, FigureError> {
    if panels.is_empty() {
        return empty(sheet.title, sheet.subtitle);
    }
    let shape =
        Shape { columns: 5, width: PANELS_WIDTH - 2.0 * MARGIN, widest: 320.0, aspect: 1.0, gap: NARROW_GAP };
    let top = TOP + sheet.legend.height() + 10.0;
    let multiples = Multiples::new(panels.len(), shape, (MARGIN, top));
    let width = multiples.page_width(&sheet.legend);
    let mut svg = page(width, multiples.bottom() + 8.0, sheet.title, sheet.subtitle);
    sheet.legend.draw(&mut svg, (MARGIN, TOP));
    let ticks = unit_ticks(multiples.area(0).width > 150.0);
    for (index, unit_panel) in panels.iter().enumerate() {
        let panel = Panel::unit(multiples.area(index));
        panel.grid(&mut svg, &ticks, &ticks, multiples.labels(index));
        multiples.name(&mut svg, index, unit_panel.name);
        draw_panel(&mut svg, &panel, unit_panel);
    }
    multiples.axis_titles(&mut svg, sheet.axes[0], sheet.axes[1]);
    png(svg)
}

fn draw_panel(svg: &mut Svg, panel: &Panel, content: &UnitPanel<'_>) {
    let [from, to] = content.reference;
    svg.line(panel.at(from.0, from.1), panel.at(to.0, to.1), REFERENCE_LINE);
    for &(curve, stroke) in &content.curves {
        panel.curve(svg, curve, stroke);
    }
    if let Some((x, y)) = content.point.filter(|(x, y)| x.is_finite() && y.is_finite()) {
        svg.marker(Marker::Circle, panel.at(x, y), 4.8, VERMILION, true);
    }
    write_notes(svg, panel.area, &content.notes, content.corner);
}

fn write_notes(svg: &mut Svg, area: Rect, notes: &[Note], corner: Corner) {
    let below = if corner == Corner::TopRight {
        area.y + 17.0
    } else {
        area.bottom() - 9.0 - LINE_HEIGHT * notes.len().saturating_sub(1) as f64
    };
    let (x, style): (f64, TextStyle) =
        if corner == Corner::BottomLeft { (area.x + 8.0, NOTE) } else { (area.right() - 7.0, NOTE.end()) };
    for (index, (sample, text)) in notes.iter().enumerate() {
        let y = below + LINE_HEIGHT * index as f64;
        svg.text((x, y), text, style);
        if let Some(stroke) = *sample {
            let end = x - font::width(text, NOTE) - 6.0;
            svg.line((end - 24.0, y - 4.0), (end, y - 4.0), stroke);
        }
    }
}
