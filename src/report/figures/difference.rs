//! What changed between two models.

use super::Estimate;
use super::format::{self, optional, signed};
use super::legend::{Legend, Sample};
use super::page::{FigureError, empty, png};
use super::rows::{Column, RowChart, whisker};
use super::scale::{domain_of, nice_ticks};
use super::style::{Marker, Stroke};
use super::theme::{BLUE, REFERENCE};

/// Differences with a smaller p value are marked.
const SIGNIFICANT: f64 = 0.05;

/// One condition in [`difference_plot`].
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceRow {
    /// The condition.
    pub name: String,
    /// AUROC of the second model less that of the first, -1 to 1.
    pub difference: Estimate,
    /// p value, adjusted after Holm, 0 to 1.
    pub p: Option<f64>,
}

/// AUROC differences (`b` less `a`) around 0 with their intervals; filled points have p < .05.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn difference_plot(
    rows: &[DifferenceRow],
    a: &str,
    b: &str,
    subtitle: &str,
) -> Result<Vec<u8>, FigureError> {
    let title = format!("AUROC: {b} compared with {a}");
    if rows.is_empty() {
        return empty(&title, subtitle);
    }
    let domain = domain(rows);
    let axis_title = format!("AUROC difference (right of 0, {b} is better)");
    let differences =
        rows.iter().map(|row| format::estimate(&row.difference, |value| signed(value, 3))).collect();
    let chart = RowChart {
        title: &title,
        subtitle,
        names: rows.iter().map(|row| row.name.as_str()).collect(),
        columns: vec![
            Column { heading: "difference (95 % interval)", cells: differences },
            Column { heading: "p (Holm)", cells: rows.iter().map(|row| p_value(row.p)).collect() },
        ],
        domain,
        ticks: nice_ticks(domain, 8),
        axis_title: &axis_title,
        legend: Legend::new(
            [
                (Sample::Point(Marker::Circle, BLUE, true), "p < .05"),
                (Sample::Point(Marker::Circle, BLUE, false), "p ≥ .05 or not tested"),
            ],
            600.0,
        ),
    };
    let (mut svg, panel) = chart.draw();
    let zero = panel.x.at(0.0);
    svg.line((zero, panel.area.y), (zero, panel.area.bottom()), Stroke::solid(REFERENCE, 1.4));
    for (index, row) in rows.iter().enumerate() {
        let significant = row.p.is_some_and(|p| p < SIGNIFICANT);
        whisker(&mut svg, &panel, index, &row.difference, (Stroke::solid(BLUE, 1.8), significant));
    }
    png(svg)
}

/// As far to the left of 0 as to the right, so that neither model looks favoured.
fn domain(rows: &[DifferenceRow]) -> [f64; 2] {
    let ends = rows.iter().flat_map(|row| {
        row.difference.value.into_iter().chain(row.difference.interval.into_iter().flatten())
    });
    let [low, high] = domain_of(ends.chain([0.0]));
    let farthest = low.abs().max(high.abs());
    [-farthest, farthest]
}

fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p < 0.001 => "< .001".to_owned(),
        other => optional(other, 3),
    }
}
