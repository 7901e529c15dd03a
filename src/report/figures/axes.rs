//! One plot: its frame, grid, tick labels and what is drawn in it.

use super::scale::{Scale, Tick};
use super::style::Stroke;
use super::svg::{Rect, Svg};
use super::theme::{AXIS_LINE, AXIS_TITLE, GRID_LINE, TICK};
use super::{Curve, font};

/// How far below the plot the base line of its tick labels lies.
const X_LABELS: f64 = 17.0;

/// A plot with its two axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub area: Rect,
    pub x: Scale,
    pub y: Scale,
}

/// On which sides of a plot ticks have labels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels {
    pub x: bool,
    pub y: bool,
}

impl Panel {
    /// A plot of these domains, both linear.
    pub fn new(area: Rect, x: [f64; 2], y: [f64; 2]) -> Self {
        let x = Scale::linear(x, [area.x, area.right()]);
        let y = Scale::linear(y, [area.bottom(), area.y]);
        Self { area, x, y }
    }

    /// A plot whose axes both go from 0 to 1.
    pub fn unit(area: Rect) -> Self {
        Self::new(area, [0.0, 1.0], [0.0, 1.0])
    }

    /// The pixels of a point.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    /// Grid lines at the ticks, their labels where wanted, and the two axes.
    pub fn grid(&self, svg: &mut Svg, x: &[Tick], y: &[Tick], labels: Labels) {
        let area = self.area;
        for tick in x {
            let at = self.x.at(tick.value);
            svg.line((at, area.y), (at, area.bottom()), GRID_LINE);
            if labels.x {
                svg.text((at, area.bottom() + X_LABELS), &tick.label, TICK.middle());
            }
        }
        for tick in y {
            let at = self.y.at(tick.value);
            svg.line((area.x, at), (area.right(), at), GRID_LINE);
            if labels.y {
                svg.text((area.x - 7.0, at + 4.0), &tick.label, TICK.end());
            }
        }
        svg.line((area.x, area.bottom()), (area.right(), area.bottom()), AXIS_LINE);
        svg.line((area.x, area.y), (area.x, area.bottom()), AXIS_LINE);
    }

    /// A curve; points that are not finite are left out.
    pub fn curve(&self, svg: &mut Svg, curve: &Curve, stroke: Stroke) {
        let points = curve.x.iter().zip(&curve.y).filter(|(x, y)| x.is_finite() && y.is_finite());
        svg.polyline(points.map(|(&x, &y)| self.at(x, y)), stroke);
    }
}

/// What the horizontal axis of an area shows, below its tick labels.
pub(super) fn x_title(svg: &mut Svg, area: Rect, title: &str) {
    let title = font::fit(title, area.width, AXIS_TITLE);
    svg.text((area.center().0, area.bottom() + 39.0), &title, AXIS_TITLE);
}

/// What the vertical axis of an area shows, left of its tick labels.
pub(super) fn y_title(svg: &mut Svg, area: Rect, title: &str) {
    let title = font::fit(title, area.height, AXIS_TITLE);
    svg.turned_text((area.x - 38.0, area.center().1), -90.0, &title, AXIS_TITLE);
}
