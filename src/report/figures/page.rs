//! The sheet: its title at the start, its PNG at the end.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use thiserror::Error;

use super::font::{self, DATABASE};
use super::svg::Svg;
use super::theme::{LABEL, MUTED, SUBTITLE, TITLE};

/// Pixels of the PNG for one logical pixel.
pub(super) const PIXELS: f32 = 2.0;
/// What stays free at every edge.
pub(super) const MARGIN: f64 = 26.0;
/// Where the content begins, below title and subtitle.
pub(super) const TOP: f64 = 72.0;
/// Width of a figure with one row a condition.
pub(super) const ROWS_WIDTH: f64 = 900.0;
/// Width of a figure with many small panels.
pub(super) const PANELS_WIDTH: f64 = 1100.0;

/// Why there is no figure.
#[derive(Debug, Error)]
pub enum FigureError {
    /// The drawing is not valid SVG: a fault of this module.
    #[error("the drawing can't be read: {0}")]
    Drawing(#[from] resvg::usvg::Error),
    /// So many rows that no picture can hold them.
    #[error("a picture of {width} x {height} pixels is too large")]
    Size {
        /// In pixels of the PNG.
        width: u32,
        /// In pixels of the PNG.
        height: u32,
    },
    /// The PNG could not be written.
    #[error("the PNG can't be encoded: {0}")]
    Encoding(String),
}

/// A sheet with its title and, in grey, what was measured.
pub(super) fn page(width: f64, height: f64, title: &str, subtitle: &str) -> Svg {
    let mut svg = Svg::new(width, height);
    let room = width - 2.0 * MARGIN;
    svg.text((MARGIN, 34.0), &font::fit(title, room, TITLE), TITLE);
    svg.text((MARGIN, 54.0), &font::fit(subtitle, room, SUBTITLE), SUBTITLE);
    svg
}

/// A sheet with the sentence that there is nothing to show.
pub(super) fn empty(title: &str, subtitle: &str) -> Result<Vec<u8>, FigureError> {
    let mut svg = page(ROWS_WIDTH, 200.0, title, subtitle);
    svg.text((ROWS_WIDTH / 2.0, 125.0), "nothing to show", LABEL.color(MUTED).middle());
    png(svg)
}

/// The finished picture.
pub(super) fn png(svg: Svg) -> Result<Vec<u8>, FigureError> {
    encoded(&rendered(svg)?)
}

/// The drawing in pixels.
pub(super) fn rendered(svg: Svg) -> Result<Pixmap, FigureError> {
    let options = Options { fontdb: DATABASE.clone(), ..Options::default() };
    let tree = Tree::from_str(&svg.finish(), &options)?;
    let size = tree.size();
    let pixels = |logical: f32| (logical * PIXELS).round() as u32;
    let (width, height) = (pixels(size.width()), pixels(size.height()));
    let mut pixmap = Pixmap::new(width, height).ok_or(FigureError::Size { width, height })?;
    resvg::render(&tree, Transform::from_scale(PIXELS, PIXELS), &mut pixmap.as_mut());
    Ok(pixmap)
}

/// The pixels as a PNG.
pub(super) fn encoded(pixmap: &Pixmap) -> Result<Vec<u8>, FigureError> {
    pixmap.encode_png().map_err(|error| FigureError::Encoding(error.to_string()))
}
