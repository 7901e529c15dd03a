//! How many images have which condition.

use super::format::{count, percent, share};
use super::legend::Legend;
use super::page::{FigureError, empty, png};
use super::rows::{Column, RowChart, row};
use super::scale::{Tick, nice_ticks};
use super::svg::Rect;
use super::theme::BLUE;

const TITLE: &str = "Images by condition";
const THICKNESS: f64 = 15.0;

/// One condition in [`condition_support`].
#[derive(Debug, Clone, PartialEq)]
pub struct SupportRow {
    /// The condition, or "Normal" for the images that have none.
    pub name: String,
    /// Images that have it.
    pub positives: u64,
    /// Images that were looked at.
    pub total: u64,
}

/// Bars from 0 with count and share, one row a condition in the given order.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn condition_support(rows: &[SupportRow], subtitle: &str) -> Result<Vec<u8>, FigureError> {
    if rows.is_empty() {
        return empty(TITLE, subtitle);
    }
    let most = rows.iter().map(|row| row.positives).max().unwrap_or(0).max(1) as f64;
    let domain = [0.0, most * 1.02];
    let counts = rows.iter().map(|row| count(row.positives)).collect();
    let shares = rows.iter().map(|row| percent(share(row.positives, row.total))).collect();
    let whole = nice_ticks(domain, 8).into_iter().filter(|tick| tick.value.fract() == 0.0);
    let chart = RowChart {
        title: TITLE,
        subtitle,
        names: rows.iter().map(|row| row.name.as_str()).collect(),
        columns: vec![
            Column { heading: "images", cells: counts },
            Column { heading: "share", cells: shares },
        ],
        domain,
        ticks: whole.map(|tick| Tick { label: count(tick.value as u64), ..tick }).collect(),
        axis_title: "images (one may have several conditions)",
        legend: Legend::new([], 0.0),
    };
    let (mut svg, panel) = chart.draw();
    for (index, condition) in rows.iter().enumerate() {
        let length = panel.x.at(condition.positives as f64) - panel.area.x;
        // One image among many thousands is still there.
        let width = if condition.positives > 0 { length.max(1.0) } else { 0.0 };
        let y = row(&panel, index) - THICKNESS / 2.0;
        svg.rect(Rect { x: panel.area.x, y, width, height: THICKNESS }, BLUE, 1.0);
    }
    png(svg)
}
