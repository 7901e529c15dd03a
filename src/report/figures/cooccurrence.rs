//! Which conditions come together.

use super::font;
use super::format::share;
use super::page::{FigureError, MARGIN, PANELS_WIDTH, TOP, empty, page, png};
use super::style::{Stroke, TextStyle};
use super::svg::{Rect, Svg};
use super::theme::{GRID, HEADING, LABEL, MUTED, PANEL_TITLE, PAPER, ramp};

const TITLE: &str = "Co-occurrence of conditions";
const WIDEST_NAME: f64 = 150.0;
const WIDEST_CELL: f64 = 60.0;
const BETWEEN: f64 = 34.0;
/// Column names rise to the right by this angle.
const SLOPE: f64 = 45.0;
/// What the numbers are, beside the ramp of colours.
const KEY: &str = "of the images with the row's condition, per cent that also have the column's";
const KEY_WIDTH: f64 = 160.0;
const KEY_GAP: f64 = 18.0;
const NAME: TextStyle = TextStyle::new(12.0);

/// Two heat maps, labels at the left and predictions at the right: of the images with the row's condition, the
/// share that also has the column's.
///
/// Both matrices count images: `[i][j]` has conditions i and j, `[i][i]` has condition i. Their sides go with
/// `names`; a cell that isn't there is drawn as none.
///
/// # Errors
/// When the picture would be too large, or can't be drawn.
pub fn cooccurrence(
    names: &[String],
    labelled: &[Vec<u64>],
    predicted: &[Vec<u64>],
    subtitle: &str,
) -> Result<Vec<u8>, FigureError> {
    if names.is_empty() {
        return empty(TITLE, subtitle);
    }
    let widest = font::widest(names.iter().map(String::as_str), NAME).min(WIDEST_NAME);
    let rise = (widest + 8.0) * SLOPE.to_radians().sin();
    let left = MARGIN + widest + 10.0;
    let room = PANELS_WIDTH - MARGIN - left - BETWEEN - rise;
    let cell = (room / 2.0 / names.len() as f64).clamp(18.0, WIDEST_CELL).floor();
    let side = cell * names.len() as f64;
    let top = TOP + 34.0 + rise;
    let key_width = KEY_WIDTH + KEY_GAP + font::width(KEY, LABEL);
    let width = (left + (2.0 * side + BETWEEN + rise).max(key_width) + MARGIN).ceil();
    let maps = [labelled, predicted].map(|counts| shares(counts, names.len()));
    let highest = maps.iter().flatten().flatten().flatten().copied().fold(0.0, f64::max);
    let scale = ((highest * 10.0).ceil() / 10.0).max(0.1);

    let mut svg = page(width, top + side + 76.0, TITLE, subtitle);
    for (index, name) in names.iter().enumerate() {
        let y = top + cell * (index as f64 + 0.5) + 4.0;
        svg.text((left - 8.0, y), &font::fit(name, WIDEST_NAME, NAME), NAME.end());
    }
    for (index, (map, heading)) in maps.iter().zip(["Labels", "Predictions"]).enumerate() {
        let area = Rect { x: left + index as f64 * (side + BETWEEN), y: top, width: side, height: side };
        svg.text((area.x, TOP + 12.0), heading, PANEL_TITLE);
        heat_map(&mut svg, area, map, scale);
        for (column, name) in names.iter().enumerate() {
            let x = area.x + cell * (column as f64 + 0.5) + 3.0;
            svg.turned_text((x, top - 7.0), -SLOPE, &font::fit(name, WIDEST_NAME, NAME), NAME);
        }
    }
    key(&mut svg, (left, top + side + 22.0), scale);
    png(svg)
}

/// Each cell's share of its row's condition; none where the row has no images, and on the diagonal, where it
/// would always be all.
fn shares(counts: &[Vec<u64>], side: usize) -> Vec<Vec<Option<f64>>> {
    let at = |row: usize, column: usize| counts.get(row).and_then(|row| row.get(column)).copied();
    let cell = |row, column| if row == column { None } else { share(at(row, column)?, at(row, row)?) };
    (0..side).map(|row| (0..side).map(|column| cell(row, column)).collect()).collect()
}

fn heat_map(svg: &mut Svg, area: Rect, map: &[Vec<Option<f64>>], scale: f64) {
    let side = area.width / map.len() as f64;
    let text = TextStyle::new((side * 0.4).clamp(9.0, 12.5)).middle();
    for (row, shares) in map.iter().enumerate() {
        for (column, share) in shares.iter().enumerate().filter(|(column, _)| *column != row) {
            let (x, y) = (area.x + side * column as f64, area.y + side * row as f64);
            let cell = Rect { x, y, width: side, height: side };
            let at = (cell.center().0, cell.center().1 + text.size * 0.36);
            match share {
                Some(share) => {
                    svg.rect(cell, &ramp(share / scale), 1.0);
                    svg.text(at, &format!("{:.0}", 100.0 * share), text);
                }
                None => svg.text(at, "–", text.color(MUTED)),
            }
            svg.frame(cell, Stroke::solid(PAPER, 1.0));
        }
    }
    svg.frame(area, Stroke::solid(GRID, 1.0));
}

/// What the colours mean.
fn key(svg: &mut Svg, corner: (f64, f64), scale: f64) {
    const STEPS: u32 = 40;
    let (x, y) = corner;
    for step in 0..STEPS {
        let share = f64::from(step) / f64::from(STEPS - 1);
        let width = KEY_WIDTH / f64::from(STEPS);
        // Half a pixel more, or the paper shines through the seams.
        svg.rect(
            Rect { x: x + width * f64::from(step), y, width: width + 0.5, height: 12.0 },
            &ramp(share),
            1.0,
        );
    }
    svg.frame(Rect { x, y, width: KEY_WIDTH, height: 12.0 }, Stroke::solid(GRID, 1.0));
    svg.text((x, y + 28.0), "0 %", HEADING);
    svg.text((x + KEY_WIDTH, y + 28.0), &format!("{:.0} %", 100.0 * scale), HEADING.end());
    svg.text((x + KEY_WIDTH + KEY_GAP, y + 11.0), KEY, LABEL.color(MUTED));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_row_and_none_where_there_is_nothing() {
        let map = shares(&[vec![10, 5, 0], vec![5, 20, 0], vec![0, 0, 0]], 3);
        assert_eq!(map[0], [None, Some(0.5), Some(0.0)]);
        assert_eq!(map[1][0], Some(0.25));
        assert_eq!(map[2], [None, None, None]);
        assert_eq!(shares(&[vec![1]], 2)[0][1], None);
    }
}
