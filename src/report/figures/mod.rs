//! Figures of a report as PNG files in memory: numbers in, bytes out.
//!
//! Pure functions on plain data: no files, no system fonts. A figure is
//! built as SVG text (`svg`) and drawn by resvg at twice its logical size with an embedded typeface, so the
//! same numbers give the same bytes everywhere. One file a figure or a family of figures; what they share lies
//! in `page` (sheet, title, PNG), `axes` (one plot), `multiples` (many small ones), `rows` (one row a
//! condition), `legend`, `scale`, `format`, `font` and `theme`.
//!
//! What is undefined is `None` and is written as such; numbers that are not finite are left out of a drawing.
//! Names that find no room end with "…". No figure fails because it is given few rows, many, or none.

mod architecture;
mod auc;
mod axes;
mod calibration;
mod class_metrics;
mod confusion;
mod cooccurrence;
mod curves;
mod difference;
mod font;
mod format;
mod images;
mod learning;
mod legend;
mod multiples;
mod normal;
mod page;
mod rows;
mod scale;
mod style;
mod support;
mod svg;
#[cfg(test)]
mod tests;
mod theme;
mod thresholds;

pub use architecture::{Around, Card, Range, Row, Stage, architecture};
pub use auc::{AucRow, auc_by_condition};
pub use calibration::{CalibrationPanel, Reliability, calibration};
pub use class_metrics::{ClassRow, class_metrics};
pub use confusion::confusion_matrix;
pub use cooccurrence::cooccurrence;
pub use curves::{OverlayPanel, PrPanel, RocPanel, pr_curves, roc_curves, roc_overlay};
pub use difference::{DifferenceRow, difference_plot};
pub use images::{ColourScale, TILE_PIXELS, Tile, image_sheet};
pub use learning::{MetricPanel, learning_curves};
pub use normal::normal_detection;
pub use page::FigureError;
pub use support::{SupportRow, condition_support};
pub use thresholds::{ThresholdPanel, threshold_curves};

/// A value with its 95 % interval; the value is `None` where it is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// The value itself.
    pub value: Option<f64>,
    /// Lower and upper end, where an interval was computed.
    pub interval: Option<[f64; 2]>,
}

impl Estimate {
    /// The interval where it can be drawn.
    fn drawn_interval(&self) -> Option<[f64; 2]> {
        self.interval.filter(|ends| ends.iter().all(|end| end.is_finite()))
    }
}

/// A line through points, in drawing order. Where the lengths differ, the longer one's rest is not drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// From left to right on the page.
    pub x: Vec<f64>,
    /// From bottom to top.
    pub y: Vec<f64>,
}

/// The images whose predicted probability fell into one range.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// Mean predicted probability, 0 to 1.
    pub mean_predicted: f64,
    /// Share of truly positive images, 0 to 1.
    pub observed: f64,
    /// How many images.
    pub count: u64,
}
