//! AUROC of every condition.

use super::format::{self, unit};
use super::legend::Legend;
use super::page::{FigureError, empty, png};
use super::rows::{Column, RowChart, whisker};
use super::scale::nice_ticks;
use super::style::Stroke;
use super::svg::{Rect, Svg};
use super::theme::{BLUE, HEADING, INK, REFERENCE_LINE};
use super::{Estimate, axes::Panel, font};

const TITLE: &str = "AUROC by condition";
/// What guessing reaches.
const CHANCE: f64 = 0.5;

/// One condition in [`auc_by_condition`].
#[derive(Debug, Clone, PartialEq)]
pub struct AucRow {
    /// The condition.
    pub name: String,
    /// Its AUROC, 0 to 1.
    pub auroc: Estimate,
    /// Images that have it.
    pub support: u64,
}

/// Points with whiskers, one row a condition in the given order, and the macro mean (0 to 1) as a line.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn auc_by_condition(
    rows: &[AucRow],
    macro_mean: &Estimate,
    subtitle: &str,
) -> Result<Vec<u8>, FigureError> {
    if rows.is_empty() {
        return empty(TITLE, subtitle);
    }
    let domain = domain(rows);
    let auroc = rows.iter().map(|row| format::estimate(&row.auroc, |value| unit(value, 3))).collect();
    let support = rows.iter().map(|row| format::count(row.support)).collect();
    let chart = RowChart {
        title: TITLE,
        subtitle,
        names: rows.iter().map(|row| row.name.as_str()).collect(),
        columns: vec![
            Column { heading: "AUROC (95 % interval)", cells: auroc },
            Column { heading: "positive images", cells: support },
        ],
        domain,
        ticks: nice_ticks(domain, 6),
        axis_title: "AUROC",
        legend: Legend::new([], 0.0),
    };
    let (mut svg, panel) = chart.draw();
    references(&mut svg, &panel, macro_mean);
    for (index, row) in rows.iter().enumerate() {
        whisker(&mut svg, &panel, index, &row.auroc, (Stroke::solid(BLUE, 1.8), true));
    }
    png(svg)
}

/// Up to 1, and down to a little below chance or the lowest whisker.
fn domain(rows: &[AucRow]) -> [f64; 2] {
    let ends = rows.iter().flat_map(|row| {
        let low = row.auroc.interval.map(|[low, _]| low);
        [row.auroc.value, low].into_iter().flatten()
    });
    let low = ends.fold(CHANCE, f64::min) - 0.02;
    [low.max(0.0), 1.0]
}

fn references(svg: &mut Svg, panel: &Panel, macro_mean: &Estimate) {
    let area = panel.area;
    let chance = panel.x.at(CHANCE);
    svg.line((chance, area.y), (chance, area.bottom()), REFERENCE_LINE);
    let label_y = area.y - 9.0;
    let mut free_from = f64::INFINITY;
    if let Some(mean) = macro_mean.value.filter(|value| value.is_finite()) {
        if let Some([low, high]) = macro_mean.drawn_interval() {
            let (x, right) = (panel.x.at(low), panel.x.at(high));
            svg.rect(Rect { x, y: area.y, width: right - x, height: area.height }, BLUE, 0.10);
        }
        let x = panel.x.at(mean);
        svg.line((x, area.y - 5.0), (x, area.bottom()), Stroke::solid(INK, 1.0));
        let label = format!("macro mean {}", unit(mean, 3));
        let half = font::width(&label, HEADING) / 2.0;
        let middle = x.clamp(area.x + half, (area.right() - half).max(area.x + half));
        svg.text((middle, label_y), &label, HEADING.color(INK).middle());
        free_from = middle - half;
    }
    // The two labels share a line; where they would meet, the dashed line at .5 speaks for itself.
    if chance + font::width("chance", HEADING) / 2.0 + 8.0 < free_from {
        svg.text((chance, label_y), "chance", HEADING.middle());
    }
}
