//! Confusion matrices.

use super::font;
use super::format::{count, optional, percent, share, unit};
use super::page::{FigureError, MARGIN, TOP, page, png};
use super::style::{Stroke, TextStyle};
use super::svg::{Rect, Svg};
use super::theme::{AXIS_TITLE, HEADING, LABEL, MUTED, PAPER, ramp};
use crate::metrics::Confusion;

const CELL: (f64, f64) = (210.0, 130.0);
/// Room for the names of the actual classes.
const NAMES: [f64; 2] = [90.0, 170.0];

/// Two rows (actual) by two columns (predicted), negative first; shaded by each cell's share of its row. Below
/// it what follows from the counts.
///
/// `classes` are the names of negative and positive; `threshold` is 0 to 1.
///
/// # Errors
/// When the picture can't be drawn.
pub fn confusion_matrix(
    name: &str,
    classes: [&str; 2],
    counts: &Confusion,
    threshold: f64,
    subtitle: &str,
) -> Result<Vec<u8>, FigureError> {
    let bold = LABEL.bold();
    let names = font::widest(classes, bold).clamp(NAMES[0], NAMES[1]);
    let left = (MARGIN + 48.0 + names).round();
    let width = left + 2.0 * CELL.0 + MARGIN;
    let top = TOP + 52.0;
    let matrix = Rect { x: left, y: top, width: 2.0 * CELL.0, height: 2.0 * CELL.1 };
    let mut svg = page(width, matrix.bottom() + 100.0, &format!("Confusion matrix: {name}"), subtitle);
    svg.text((matrix.center().0, top - 34.0), "predicted", AXIS_TITLE);
    svg.turned_text((MARGIN + 14.0, matrix.center().1), -90.0, "actual", AXIS_TITLE);
    let rows = [[counts.tn, counts.fp], [counts.fn_, counts.tp]];
    for (index, class) in classes.into_iter().enumerate() {
        let total = rows[index][0].saturating_add(rows[index][1]);
        let column = matrix.x + CELL.0 * (index as f64 + 0.5);
        let row = matrix.y + CELL.1 * (index as f64 + 0.5);
        svg.text((column, top - 12.0), &font::fit(class, CELL.0, bold), bold.middle());
        svg.text((left - 14.0, row - 2.0), &font::fit(class, NAMES[1], bold), bold.end());
        svg.text((left - 14.0, row + 16.0), &count(total), HEADING.end());
        for (other, &images) in rows[index].iter().enumerate() {
            let x = matrix.x + CELL.0 * other as f64;
            let area = Rect { x, y: row - CELL.1 / 2.0, width: CELL.0, height: CELL.1 };
            cell(&mut svg, area, images, share(images, total));
        }
    }
    for (index, (metric, value)) in metrics(counts, threshold).into_iter().enumerate() {
        let x = MARGIN + (width - 2.0 * MARGIN) * (index as f64 + 0.5) / 5.0;
        svg.text((x, matrix.bottom() + 44.0), metric, HEADING.middle());
        svg.text((x, matrix.bottom() + 68.0), &value, TextStyle::new(18.0).bold().middle());
    }
    png(svg)
}

fn cell(svg: &mut Svg, area: Rect, images: u64, share: Option<f64>) {
    svg.rect(area, &ramp(share.unwrap_or(0.0)), 1.0);
    svg.frame(area, Stroke::solid(PAPER, 3.0));
    let (x, y) = area.center();
    svg.text((x, y + 4.0), &count(images), TextStyle::new(27.0).bold().middle());
    let style = if share.is_some() { LABEL } else { LABEL.color(MUTED) };
    svg.text((x, y + 28.0), &percent(share), style.middle());
}

fn metrics(counts: &Confusion, threshold: f64) -> [(&'static str, String); 5] {
    let &Confusion { tn, fp, fn_, tp } = counts;
    let sensitivity = share(tp, tp.saturating_add(fn_));
    let specificity = share(tn, tn.saturating_add(fp));
    let precision = share(tp, tp.saturating_add(fp));
    let wrong = fp.saturating_add(fn_);
    let f1 = share(tp.saturating_mul(2), tp.saturating_mul(2).saturating_add(wrong));
    [
        ("threshold", unit(threshold, 3)),
        ("sensitivity", optional(sensitivity, 3)),
        ("specificity", optional(specificity, 3)),
        ("precision", optional(precision, 3)),
        ("F1", optional(f1, 3)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_the_counts() {
        let metrics = metrics(&Confusion { tn: 90, fp: 10, fn_: 5, tp: 15 }, 0.25).map(|(_, value)| value);
        assert_eq!(metrics, [".250", ".750", ".900", ".600", ".667"]);
        let nothing = super::metrics(&Confusion::default(), 0.5).map(|(_, value)| value);
        assert_eq!(nothing, [".500", "–", "–", "–", "–"]);
    }
}
