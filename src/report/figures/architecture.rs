//! The architecture of a network: stages side by side, in each the cards of its layers and blocks.

use super::font;
use super::page::{FigureError, MARGIN, TOP, empty, page, png};
use super::style::{Stroke, TextStyle};
use super::svg::{Rect, Svg};
use super::theme::{AXIS, BAND, BLUE, GREEN, GRID, INK, LABEL, MUTED, PANEL_TITLE, PAPER, VERMILION};

/// A part of the network that is drawn as one column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    /// Above it; may be empty.
    pub title: String,
    /// From top to bottom.
    pub cards: Vec<Card>,
}

/// Layers that work together, or a block that comes several times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Card {
    /// Title of the figure.
    pub title: String,
    /// How many there are of it, one after the other.
    pub times: usize,
    /// A row for each layer, from input to output.
    pub rows: Vec<Row>,
    /// A way around its layers.
    pub around: Option<Around>,
    /// The shape of what comes out of the last.
    pub output: String,
    /// Of all of them together.
    pub parameters: u64,
}

/// A layer with what stands beside it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// What the row says.
    pub text: String,
    /// Norm, activation, dropout; may be empty.
    pub beside: String,
    /// Parameters of the layer; a range where the row stands for several blocks.
    pub parameters: Range,
}

/// The way around a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Around {
    /// How it meets what comes out of the layers: `+`, `concat`.
    pub sign: &'static str,
    /// A layer on that way.
    pub projection: Option<Row>,
}

/// The fewest and the most of several blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    /// The fewest parameters.
    pub low: u64,
    /// The most parameters.
    pub high: u64,
}

impl Range {
    /// Of one.
    pub fn of(count: u64) -> Self {
        Self { low: count, high: count }
    }

    /// Of more.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

const CARD: f64 = 266.0;
const PAD: f64 = 12.0;
/// The title of a card.
const HEAD: f64 = 30.0;
const ROW: f64 = 38.0;
const ROW_GAP: f64 = 8.0;
/// The line of the output.
const FOOT: f64 = 26.0;
/// Room below the rows where the way around comes back.
const JOIN: f64 = 36.0;
/// Room beside the rows for the way around.
const LANE: f64 = 66.0;
/// Between cards of a column, columns, and bands of columns.
const BELOW: f64 = 26.0;
const BESIDE: f64 = 44.0;
const BANDS: f64 = 46.0;
/// Room above a column for its title.
const TITLES: f64 = 22.0;
/// How far the sheets behind a card that comes several times stick out.
const SHEET: f64 = 4.0;
/// Columns in a band, at most.
const COLUMNS: usize = 6;

const FLOW: Stroke = Stroke::solid(MUTED, 1.4);
const DETOUR: Stroke = Stroke::solid(VERMILION, 1.8);
const SMALL: TextStyle = TextStyle::new(11.0).color(MUTED);
const ROW_TEXT: TextStyle = TextStyle::new(12.0);
const COUNT: TextStyle = TextStyle::new(12.0).color(MUTED).end();

/// Stages from left to right, six in a row at most; in each its cards with their layers, shapes and parameters, and
/// ways around blocks drawn beside them.
///
/// # Errors
/// When the picture can't be drawn or has no room for so many stages.
pub fn architecture(stages: &[Stage], title: &str, subtitle: &str) -> Result<Vec<u8>, FigureError> {
    let stages: Vec<&Stage> = stages.iter().filter(|stage| !stage.cards.is_empty()).collect();
    if stages.is_empty() {
        return empty(title, subtitle);
    }
    let columns = stages.len().min(COLUMNS);
    let width = 2.0 * MARGIN + columns as f64 * CARD + (columns - 1) as f64 * BESIDE + 2.0 * SHEET;
    let bands: Vec<f64> = stages
        .chunks(COLUMNS)
        .map(|band| TITLES + band.iter().map(|stage| column_height(stage)).fold(0.0, f64::max))
        .collect();
    let height = TOP + bands.iter().sum::<f64>() + BANDS * (bands.len() - 1) as f64 + MARGIN + 2.0 * SHEET;
    let mut svg = page(width.max(520.0), height, title, subtitle);
    let mut top = TOP;
    let mut before: Option<Rect> = None;
    for (band, height) in stages.chunks(COLUMNS).zip(&bands) {
        for (column, stage) in band.iter().enumerate() {
            let x = MARGIN + column as f64 * (CARD + BESIDE);
            let heading = font::fit(&stage.title, CARD, PANEL_TITLE);
            svg.text((x, top + TITLES - 8.0), &heading, PANEL_TITLE);
            let mut y = top + TITLES;
            for (index, card) in stage.cards.iter().enumerate() {
                let area = Rect { x, y, width: CARD, height: card_height(card) };
                match before {
                    Some(last) if index == 0 => across(&mut svg, last, area, top),
                    Some(last) => {
                        let middle = x + CARD / 2.0;
                        arrow(&mut svg, &[(middle, last.bottom()), (middle, y)]);
                    }
                    None => {}
                }
                draw_card(&mut svg, card, area);
                let sheets = if card.times > 1 { 2.0 * SHEET } else { 0.0 };
                before = Some(Rect { height: area.height + sheets, width: CARD + sheets, ..area });
                y = area.bottom() + BELOW;
            }
        }
        top += height + BANDS;
    }
    png(svg)
}

fn column_height(stage: &Stage) -> f64 {
    stage.cards.iter().map(|card| card_height(card) + BELOW).sum::<f64>() - BELOW
}

fn card_height(card: &Card) -> f64 {
    HEAD + rows_height(card) + if card.around.is_some() { 2.0 * ROW_GAP + JOIN } else { 0.0 } + FOOT
}

fn rows_height(card: &Card) -> f64 {
    card.rows.len() as f64 * (ROW + ROW_GAP)
}

fn draw_card(svg: &mut Svg, card: &Card, area: Rect) {
    let outline = Stroke::solid(AXIS, 1.2);
    if card.times > 1 {
        for sheet in [2.0, 1.0] {
            let behind = Rect { x: area.x + sheet * SHEET, y: area.y + sheet * SHEET, ..area };
            svg.rect(behind, PAPER, 1.0);
            svg.frame(behind, outline);
        }
    }
    svg.rect(area, BAND, 1.0);
    svg.frame(area, outline);
    let times = if card.times > 1 { format!("× {}", card.times) } else { String::new() };
    let bold = LABEL.bold();
    let room = CARD - 2.0 * PAD - font::width(&times, bold) - 8.0;
    svg.text((area.x + PAD, area.y + 20.0), &font::fit(&card.title, room, bold), bold);
    svg.text((area.right() - PAD, area.y + 20.0), &times, bold.end());

    let foot = area.bottom() - 8.5;
    svg.line((area.x, area.bottom() - FOOT), (area.right(), area.bottom() - FOOT), Stroke::solid(GRID, 1.0));
    svg.text((area.x + PAD, foot), &card.output, ROW_TEXT.bold());
    if card.parameters > 0 {
        svg.text((area.right() - PAD, foot), &short(card.parameters), COUNT.color(INK));
    }

    let lane = if card.around.is_some() { LANE } else { 0.0 };
    let rows = Rect {
        x: area.x + PAD,
        y: area.y + HEAD + if card.around.is_some() { 2.0 * ROW_GAP } else { 0.0 },
        width: CARD - 2.0 * PAD - lane,
        height: rows_height(card) - ROW_GAP,
    };
    let (middle, _) = rows.center();
    if let Some(around) = &card.around {
        draw_way_around(svg, around, rows, area);
    }
    for (index, row) in card.rows.iter().enumerate() {
        let y = rows.y + index as f64 * (ROW + ROW_GAP);
        if index > 0 {
            svg.line((middle, y - ROW_GAP), (middle, y), FLOW);
        }
        draw_row(svg, row, Rect { y, height: ROW, ..rows });
    }
}

fn draw_row(svg: &mut Svg, row: &Row, area: Rect) {
    let color = if row.text.starts_with("linear") {
        VERMILION
    } else if row.text.starts_with("conv") {
        BLUE
    } else {
        GREEN
    };
    svg.rect(area, PAPER, 1.0);
    svg.rect(Rect { width: 4.0, ..area }, color, 1.0);
    svg.frame(area, Stroke::solid(GRID, 1.0));
    let room = area.width - 18.0;
    let alone = row.beside.is_empty();
    let counts = match row.parameters {
        Range { high: 0, .. } => String::new(),
        Range { low, high } if low == high => short(low),
        Range { low, high } => {
            let (low, high) = (short(low), short(high));
            // One unit for both is written once.
            match high.split_once(' ').and_then(|(_, unit)| low.strip_suffix(unit)) {
                Some(low) => format!("{}–{high}", low.trim_end()),
                None => format!("{low}–{high}"),
            }
        }
    };
    // The count stands beside the smaller text, where there is room for it.
    let y = area.y + if alone && counts.is_empty() { 23.5 } else { 16.0 };
    svg.text((area.x + 11.0, y), &font::fit(&row.text, room, ROW_TEXT), ROW_TEXT);
    let counted = font::width(&counts, SMALL);
    let beside = font::fit(&row.beside, room - counted - 8.0, SMALL);
    svg.text((area.x + 11.0, area.y + 31.0), &beside, SMALL);
    svg.text((area.right() - 7.0, area.y + 31.0), &counts, SMALL.end());
}

/// From above the rows around them to a sign below, where both ways meet.
fn draw_way_around(svg: &mut Svg, around: &Around, rows: Rect, card: Rect) {
    let (middle, _) = rows.center();
    let lane = card.right() - PAD - LANE / 2.0 + 8.0;
    let (from, to) = (rows.y - ROW_GAP, rows.bottom() + ROW_GAP + JOIN / 2.0);
    svg.line((middle, from), (middle, rows.y), FLOW);
    svg.line((middle, rows.bottom()), (middle, to), FLOW);
    svg.polyline([(middle, from), (lane, from), (lane, to), (middle + 12.0, to)], DETOUR);
    let bold = LABEL.bold();
    let width = font::width(around.sign, bold).max(12.0) + 14.0;
    let sign = Rect { x: middle - width / 2.0, y: to - 11.0, width, height: 22.0 };
    svg.rect(sign, PAPER, 1.0);
    svg.frame(sign, DETOUR);
    svg.text((middle, to + 4.5), around.sign, bold.middle());
    if let Some(row) = &around.projection {
        let mut lines = row.text.split(", ").take(1).map(str::to_owned).collect::<Vec<_>>();
        lines.extend([row.beside.clone(), short(row.parameters.low)]);
        let height = 16.0 * lines.len() as f64 + 8.0;
        let area = Rect { x: lane - 29.0, y: rows.center().1 - height / 2.0, width: 58.0, height };
        svg.rect(area, PAPER, 1.0);
        svg.frame(area, DETOUR);
        for (index, line) in lines.iter().enumerate() {
            let style = if index == 0 { TextStyle::new(11.0) } else { SMALL };
            let y = area.y + 16.0 * (index as f64 + 1.0);
            svg.text((lane, y), &font::fit(line, 54.0, style), style.middle());
        }
    }
}

/// From the last card of a column to the first of the next, which may begin another band below.
fn across(svg: &mut Svg, last: Rect, next: Rect, top: f64) {
    let (leave, arrive) = (last.bottom() - FOOT, next.y + HEAD / 2.0);
    let gap = next.x - BESIDE / 2.0;
    if next.x > last.x {
        arrow(svg, &[(last.right(), leave), (gap, leave), (gap, arrive), (next.x, arrive)]);
    } else {
        let (right, between) = (last.right() + 10.0, top - BANDS / 2.0);
        let gap = next.x - MARGIN / 2.0;
        let points = [
            (last.right(), leave),
            (right, leave),
            (right, between),
            (gap, between),
            (gap, arrive),
            (next.x, arrive),
        ];
        arrow(svg, &points);
    }
}

/// A line with a head at its end, which comes from above or from the left.
fn arrow(svg: &mut Svg, points: &[(f64, f64)]) {
    svg.polyline(points.iter().copied(), FLOW);
    let [.., before, (x, y)] = points else { return };
    let head = if before.0 < *x {
        [(*x, *y), (x - 8.0, y - 4.5), (x - 8.0, y + 4.5)]
    } else {
        [(*x, *y), (x - 4.5, y - 8.0), (x + 4.5, y - 8.0)]
    };
    svg.polygon(head, MUTED, 1.0);
}

/// A count in three digits: `864`, `73.9 k`, `2.36 M`.
fn short(count: u64) -> String {
    const UNITS: [&str; 4] = ["", " k", " M", " G"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.digits$}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_three_digits() {
        let counts = [0, 999, 1000, 9_408, 73_984, 147_456, 999_499, 2_359_296].map(short);
        assert_eq!(counts, ["0", "999", "1.00 k", "9.41 k", "74.0 k", "147 k", "999 k", "2.36 M"]);
    }
}
