//! Images and their maps in rows: sheets of explanations and augmentations.

use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};

use super::font;
use super::page::{FigureError, MARGIN, PIXELS, TOP, empty, encoded, page, rendered};
use super::svg::Rect;
use super::theme::{LABEL, PANEL_TITLE, SUBTITLE};

/// A picture on a sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tile {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// `H*W*3` values: red, green, blue.
    pub rgb: Vec<u8>,
    /// The colours of a map, drawn below the picture.
    pub scale: Option<ColourScale>,
    /// Below the picture, a line each.
    pub captions: Vec<String>,
}

/// A colour bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColourScale {
    /// From the lowest value to the highest, at least one.
    pub colours: Vec<[u8; 3]>,
    /// The lowest value and the highest, with their unit.
    pub ends: [String; 2],
}

/// Width and height of a colour bar on the page.
const BAR: [f64; 2] = [70.0, 8.0];
/// Room for the lowest value.
const LOWEST: f64 = 52.0;

/// Side of a tile on the page.
const SIDE: f64 = 240.0;
const GAP: f64 = 14.0;
const LINE: f64 = 16.0;
/// Above the first row.
const HEADINGS: f64 = 24.0;

/// Pixels of the PNG that a tile's longer side takes: pictures of this size come out sharp.
pub const TILE_PIXELS: u32 = (SIDE * PIXELS as f64) as u32;

/// Rows of pictures under column titles.
///
/// # Errors
/// When the picture can't be drawn or has no room for so many rows.
pub fn image_sheet(
    title: &str,
    subtitle: &str,
    columns: &[String],
    rows: &[Vec<Tile>],
) -> Result<Vec<u8>, FigureError> {
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0).max(columns.len());
    if widest == 0 || rows.is_empty() {
        return empty(title, subtitle);
    }
    let lines = |row: &Vec<Tile>| row.iter().map(Tile::lines).max().unwrap_or(0) as f64;
    let row_height = |row: &Vec<Tile>| SIDE + 6.0 + lines(row) * LINE + GAP;
    let headings = if columns.is_empty() { 0.0 } else { HEADINGS };
    let width = 2.0 * MARGIN + widest as f64 * SIDE + (widest as f64 - 1.0) * GAP;
    let height = TOP + headings + rows.iter().map(row_height).sum::<f64>() + MARGIN - GAP;
    let mut svg = page(width.max(420.0), height, title, subtitle);
    let left = |column: usize| MARGIN + column as f64 * (SIDE + GAP);
    for (column, name) in columns.iter().enumerate() {
        svg.text((left(column), TOP + 14.0), &font::fit(name, SIDE, PANEL_TITLE), PANEL_TITLE);
    }
    let mut pictures = Vec::new();
    let mut bars = Vec::new();
    let mut top = TOP + headings;
    for row in rows {
        for (column, tile) in row.iter().enumerate() {
            pictures.push((fitted(tile, left(column), top), tile));
            let mut y = top + SIDE + 16.0;
            if let Some(scale) = &tile.scale {
                let x = left(column) + LOWEST;
                svg.text((left(column), y), &font::fit(&scale.ends[0], LOWEST, SUBTITLE), SUBTITLE);
                let end = x + BAR[0] + 6.0;
                svg.text((end, y), &font::fit(&scale.ends[1], left(column) + SIDE - end, SUBTITLE), SUBTITLE);
                let rgb = scale.colours.iter().flatten().copied().collect();
                let bar = Tile { width: scale.colours.len(), height: 1, rgb, ..Tile::default() };
                bars.push((Rect { x, y: y - BAR[1], width: BAR[0], height: BAR[1] }, bar));
                y += LINE;
            }
            for (line, caption) in tile.captions.iter().enumerate() {
                let style = if line == 0 { LABEL } else { SUBTITLE };
                let y = y + line as f64 * LINE;
                svg.text((left(column), y), &font::fit(caption, SIDE, style), style);
            }
        }
        top += row_height(row);
    }
    let mut pixmap = rendered(svg)?;
    for (area, tile) in &pictures {
        lay(&mut pixmap, area, tile);
    }
    for (area, bar) in &bars {
        lay(&mut pixmap, area, bar);
    }
    encoded(&pixmap)
}

impl Tile {
    /// Lines below the picture.
    fn lines(&self) -> usize {
        usize::from(self.scale.is_some()) + self.captions.len()
    }
}

/// The largest place for a tile in its square, sides in proportion.
fn fitted(tile: &Tile, x: f64, y: f64) -> Rect {
    let scale = SIDE / tile.width.max(tile.height).max(1) as f64;
    let (width, height) = (tile.width as f64 * scale, tile.height as f64 * scale);
    Rect { x: x + (SIDE - width) / 2.0, y: y + (SIDE - height) / 2.0, width, height }
}

/// Each pixel of the area is the nearest of the tile.
fn lay(pixmap: &mut Pixmap, area: &Rect, tile: &Tile) {
    let at = |logical: f64| (logical * f64::from(PIXELS)).round() as usize;
    let (left, top) = (at(area.x), at(area.y));
    let (wide, high) = (at(area.right()) - left, at(area.bottom()) - top);
    let (width, height) = (pixmap.width() as usize, pixmap.height() as usize);
    if tile.rgb.len() < tile.width * tile.height * 3 {
        return;
    }
    let pixels = pixmap.pixels_mut();
    for y in 0..high.min(height.saturating_sub(top)) {
        for x in 0..wide.min(width.saturating_sub(left)) {
            let from = 3 * (y * tile.height / high * tile.width + x * tile.width / wide);
            let [red, green, blue] = [tile.rgb[from], tile.rgb[from + 1], tile.rgb[from + 2]];
            // An opaque colour is the same before and after multiplying.
            if let Some(colour) = PremultipliedColorU8::from_rgba(red, green, blue, 255) {
                pixels[(top + y) * width + left + x] = colour;
            }
        }
    }
}
