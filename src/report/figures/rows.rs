//! A figure with one row a condition: names at the left, a plot, a table of numbers at the right.

use super::axes::{self, Labels, Panel};
use super::format::{NONE, UNDEFINED};
use super::legend::Legend;
use super::page::{MARGIN, ROWS_WIDTH, TOP, page};
use super::scale::Tick;
use super::style::{Marker, Stroke};
use super::svg::{Rect, Svg};
use super::theme::{BAND, HEADING, LABEL, MUTED};
use super::{Estimate, font};

const ROW: f64 = 27.0;
const WIDEST_NAME: f64 = 270.0;
const NAME_GAP: f64 = 12.0;
const COLUMN_GAP: f64 = 22.0;
/// Room above the plot for the headings of the table and the labels of reference lines.
const HEADINGS: f64 = 24.0;
/// Room below the plot for tick labels and the axis title.
const BOTTOM: f64 = 62.0;

/// A column of numbers.
#[derive(Debug)]
pub(super) struct Column<'a> {
    pub heading: &'a str,
    pub cells: Vec<String>,
}

/// What such a figure consists of, apart from what is drawn in its plot.
#[derive(Debug)]
pub(super) struct RowChart<'a> {
    pub title: &'a str,
    pub subtitle: &'a str,
    pub names: Vec<&'a str>,
    pub columns: Vec<Column<'a>>,
    pub domain: [f64; 2],
    pub ticks: Vec<Tick>,
    pub axis_title: &'a str,
    /// One line, on the height of the table's headings.
    pub legend: Legend,
}

impl RowChart<'_> {
    /// Draws the frame and returns the area of the plot; [`row`] then gives the position of a row.
    pub fn draw(&self) -> (Svg, Panel) {
        let names = font::widest(self.names.iter().copied(), LABEL).min(WIDEST_NAME);
        let widths: Vec<f64> = self.columns.iter().map(column_width).collect();
        let x = (MARGIN + names + NAME_GAP).round();
        let right = ROWS_WIDTH - MARGIN - widths.iter().sum::<f64>();
        let height = ROW * self.names.len() as f64;
        let area = Rect { x, y: TOP + HEADINGS, width: (right - x).round(), height };

        let mut svg = page(ROWS_WIDTH, area.bottom() + BOTTOM, self.title, self.subtitle);
        self.legend.draw(&mut svg, (MARGIN, TOP));
        for index in (0..self.names.len()).step_by(2) {
            let band = Rect {
                x: MARGIN - 8.0,
                y: area.y + ROW * index as f64,
                width: ROWS_WIDTH - 2.0 * MARGIN + 16.0,
                height: ROW,
            };
            svg.rect(band, BAND, 1.0);
        }
        let panel = Panel::new(area, self.domain, [0.0, 1.0]);
        panel.grid(&mut svg, &self.ticks, &[], Labels { x: true, y: false });
        axes::x_title(&mut svg, area, self.axis_title);
        for (index, name) in self.names.iter().enumerate() {
            let name = font::fit(name, WIDEST_NAME, LABEL);
            svg.text((area.x - NAME_GAP, row(&panel, index) + 4.5), &name, LABEL.end());
        }
        self.table(&mut svg, &panel, &widths);
        (svg, panel)
    }

    fn table(&self, svg: &mut Svg, panel: &Panel, widths: &[f64]) {
        let mut right = panel.area.right();
        for (column, width) in self.columns.iter().zip(widths) {
            right += width;
            svg.text((right, panel.area.y - 9.0), column.heading, HEADING.end());
            for (index, cell) in column.cells.iter().enumerate() {
                let style =
                    if [NONE, UNDEFINED].contains(&cell.as_str()) { LABEL.color(MUTED) } else { LABEL };
                svg.text((right, row(panel, index) + 4.5), cell, style.end());
            }
        }
    }
}

/// The middle of a row.
pub(super) fn row(panel: &Panel, index: usize) -> f64 {
    panel.area.y + ROW * (index as f64 + 0.5)
}

/// A value as a point with its interval as a line with ends; nothing where it is undefined.
pub(super) fn whisker(svg: &mut Svg, panel: &Panel, index: usize, estimate: &Estimate, look: (Stroke, bool)) {
    let (stroke, filled) = look;
    let y = row(panel, index);
    let Some(value) = estimate.value.filter(|value| value.is_finite()) else { return };
    if let Some([low, high]) = estimate.drawn_interval() {
        let (low, high) = (panel.x.at(low), panel.x.at(high));
        svg.line((low, y), (high, y), stroke);
        for end in [low, high] {
            svg.line((end, y - 4.0), (end, y + 4.0), stroke);
        }
    }
    svg.marker(Marker::Circle, (panel.x.at(value), y), 5.0, stroke.color, filled);
}

fn column_width(column: &Column<'_>) -> f64 {
    let cells = font::widest(column.cells.iter().map(String::as_str), LABEL);
    (cells.max(font::width(column.heading, HEADING)) + COLUMN_GAP).ceil()
}
