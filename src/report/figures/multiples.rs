//! Layout of many small plots of one size.

use super::axes::{self, Labels};
use super::font;
use super::legend::Legend;
use super::page::MARGIN;
use super::svg::{Rect, Svg};
use super::theme::PANEL_TITLE;

/// Room above a panel for its name.
const TITLE_ROOM: f64 = 24.0;
/// Room below a row of panels: tick labels of those that have none beneath.
const GAP_BELOW: f64 = 14.0;
/// Room between columns where only the first has labels on its y axis.
pub(super) const NARROW_GAP: f64 = 22.0;
/// Room left of the first column for tick labels and the axis title.
const LEFT: f64 = 52.0;
/// Room below the last row for tick labels and the axis title.
const BOTTOM: f64 = 52.0;

/// Titles need this much.
const NARROWEST_PAGE: f64 = 600.0;

/// How the panels of a figure are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// As many columns at most.
    pub columns: usize,
    /// The width that all of them share, axis labels included.
    pub width: f64,
    /// No panel is wider.
    pub widest: f64,
    /// Height of a panel for a width of 1.
    pub aspect: f64,
    /// Room between columns.
    pub gap: f64,
}

/// Small plots in rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Multiples {
    count: usize,
    columns: usize,
    left: f64,
    top: f64,
    panel: (f64, f64),
    gap: f64,
}

impl Multiples {
    /// `count` panels, at least one, with their upper left corner (axis labels and names included) at `corner`.
    pub fn new(count: usize, shape: Shape, corner: (f64, f64)) -> Self {
        let count = count.max(1);
        // As few rows as can be, then as few columns as these rows need: six panels are two rows of three.
        let columns = count.div_ceil(count.div_ceil(shape.columns));
        let share = (shape.width - LEFT + shape.gap) / columns as f64 - shape.gap;
        let width = share.min(shape.widest).floor();
        let panel = (width, (width * shape.aspect).round());
        Self { count, columns, left: corner.0 + LEFT, top: corner.1 + TITLE_ROOM, panel, gap: shape.gap }
    }

    /// Everything between the first panel and the last.
    pub fn plots(&self) -> Rect {
        let columns = self.columns as f64;
        let rows = self.count.div_ceil(self.columns) as f64;
        Rect {
            x: self.left,
            y: self.top,
            width: columns * self.panel.0 + (columns - 1.0) * self.gap,
            height: rows * self.panel.1 + (rows - 1.0) * (TITLE_ROOM + GAP_BELOW),
        }
    }

    /// Where the axis labels end.
    pub fn bottom(&self) -> f64 {
        self.plots().bottom() + BOTTOM
    }

    /// The width of a page with these panels below that legend: few panels need not be as wide as many.
    pub fn page_width(&self, legend: &Legend) -> f64 {
        let content = (self.plots().right() + MARGIN).max(legend.width() + 2.0 * MARGIN);
        content.max(NARROWEST_PAGE).ceil()
    }

    /// The plot of the panel with this index.
    pub fn area(&self, index: usize) -> Rect {
        let (column, row) = ((index % self.columns) as f64, (index / self.columns) as f64);
        let (width, height) = self.panel;
        let x = self.left + column * (width + self.gap);
        let y = self.top + row * (height + TITLE_ROOM + GAP_BELOW);
        Rect { x, y, width, height }
    }

    /// Tick labels stand at the outer panels only: the first of a row, and those with none beneath.
    pub fn labels(&self, index: usize) -> Labels {
        Labels { x: index + self.columns >= self.count, y: index.is_multiple_of(self.columns) }
    }

    /// The name above a panel.
    pub fn name(&self, svg: &mut Svg, index: usize, name: &str) {
        let area = self.area(index);
        let room = area.width + self.gap / 2.0;
        svg.text((area.x, area.y - 8.0), &font::fit(name, room, PANEL_TITLE), PANEL_TITLE);
    }

    /// The axes' labels, shared by all panels.
    pub fn axis_titles(&self, svg: &mut Svg, x: &str, y: &str) {
        axes::x_title(svg, self.plots(), x);
        axes::y_title(svg, self.plots(), y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiples(count: usize) -> Multiples {
        let shape = Shape { columns: 5, width: 1048.0, widest: 320.0, aspect: 1.0, gap: NARROW_GAP };
        Multiples::new(count, shape, (26.0, 72.0))
    }

    #[test]
    fn columns_are_even() {
        assert_eq!(
            [1, 2, 5, 6, 8, 14, 16, 20].map(|count| multiples(count).columns),
            [1, 2, 5, 3, 4, 5, 4, 5]
        );
    }

    #[test]
    fn panels_stay_within_the_width_and_apart() {
        let fourteen = multiples(14);
        assert!(fourteen.area(4).right() <= 26.0 + 1048.0);
        assert!(fourteen.area(0).right() < fourteen.area(1).x);
        assert!(fourteen.area(0).bottom() < fourteen.area(5).y);
        assert_eq!(fourteen.area(13).bottom(), fourteen.plots().bottom());
    }

    #[test]
    fn only_outer_panels_have_labels() {
        let fourteen = multiples(14);
        let with_x: Vec<_> = (0..14).filter(|&index| fourteen.labels(index).x).collect();
        let with_y: Vec<_> = (0..14).filter(|&index| fourteen.labels(index).y).collect();
        assert_eq!((with_x, with_y), (vec![9, 10, 11, 12, 13], vec![0, 5, 10]));
    }
}
