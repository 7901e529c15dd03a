//! Precision, recall and F1 of every condition.

use super::format::{optional, unit};
use super::legend::{Legend, Sample};
use super::page::{FigureError, empty, png};
use super::rows::{Column, RowChart, row};
use super::scale::unit_ticks;
use super::style::Stroke;
use super::theme::{POINTS, REFERENCE};

const TITLE: &str = "Precision, recall and F1 by condition";
/// In the order of [`POINTS`].
const METRICS: [&str; 3] = ["precision", "recall", "F1"];

/// One condition in [`class_metrics`].
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRow {
    /// The condition.
    pub name: String,
    /// Share of the images called positive that are, 0 to 1.
    pub precision: Option<f64>,
    /// Share of the positive images that were called so, 0 to 1.
    pub recall: Option<f64>,
    /// Harmonic mean of the two, 0 to 1.
    pub f1: Option<f64>,
    /// Probability from which on an image is called positive, 0 to 1.
    pub threshold: f64,
}

impl ClassRow {
    fn metrics(&self) -> [Option<f64>; 3] {
        [self.precision, self.recall, self.f1]
    }
}

/// Three points a row, joined so that the eye keeps the row, and the numbers beside them.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn class_metrics(rows: &[ClassRow], subtitle: &str) -> Result<Vec<u8>, FigureError> {
    if rows.is_empty() {
        return empty(TITLE, subtitle);
    }
    let metric = |index: usize| rows.iter().map(|row: &ClassRow| optional(row.metrics()[index], 3)).collect();
    let mut columns: Vec<_> =
        (0..METRICS.len()).map(|index| Column { heading: METRICS[index], cells: metric(index) }).collect();
    let thresholds = rows.iter().map(|row| unit(row.threshold, 3)).collect();
    columns.push(Column { heading: "threshold", cells: thresholds });
    let samples = POINTS.map(|(marker, color)| Sample::Point(marker, color, true));
    let chart = RowChart {
        title: TITLE,
        subtitle,
        names: rows.iter().map(|row| row.name.as_str()).collect(),
        columns,
        domain: [0.0, 1.0],
        ticks: unit_ticks(true),
        axis_title: "value at the threshold of each condition",
        legend: Legend::new(samples.into_iter().zip(METRICS), 600.0),
    };
    let (mut svg, panel) = chart.draw();
    for (index, class) in rows.iter().enumerate() {
        let y = row(&panel, index);
        let points = class.metrics().map(|value| value.filter(|value| value.is_finite()));
        let xs: Vec<f64> = points.iter().flatten().map(|&value| panel.x.at(value)).collect();
        let (low, high) = (xs.iter().copied().reduce(f64::min), xs.iter().copied().reduce(f64::max));
        if let (Some(low), Some(high)) = (low, high) {
            svg.line((low, y), (high, y), Stroke::solid(REFERENCE, 1.2));
        }
        for (value, (marker, color)) in points.into_iter().zip(POINTS) {
            if let Some(value) = value {
                svg.marker(marker, (panel.x.at(value), y), 5.2, color, true);
            }
        }
    }
    png(svg)
}
