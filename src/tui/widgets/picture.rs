//! Images: in pixels where the terminal has them, in half blocks, two pixels to a cell, where it hasn't or as long as
//! the pixels are being made; where there are no colours, in signs of growing weight.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use image::{Rgb, RgbImage, imageops};
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::Line;

use crate::dataset::Split;
use crate::dataset::{Bounds, Dataset};
use crate::explain::{COLOUR_MAPS, Overlay, Shows, paint};
use crate::tui::canvas::Canvas;
use crate::tui::graphics::{ImageRequest, Paint};

/// From dark to light.
const SHADES: &[u8; 10] = b" .:-=+*#%@";

/// A picture of `width x height` or any multiple of it.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// The same for the same picture.
    pub key: u64,
    /// Gives it in any size.
    pub paint: Paint,
}

/// The key of what something is made from.
pub fn key(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

impl Picture {
    /// Image `index` of a split as it is; `None` where there is no such image.
    pub fn of_image(dataset: &Arc<Dataset>, split: Split, index: usize) -> Option<Self> {
        Self::of_image_with(dataset, split, index, Vec::new())
    }

    /// The same with boxes outlined.
    pub fn of_image_with(
        dataset: &Arc<Dataset>,
        split: Split,
        index: usize,
        boxes: Vec<Bounds>,
    ) -> Option<Self> {
        let images = dataset.part(split).images.as_ref()?;
        if index >= images.len() {
            return None;
        }
        let key = key((dataset.digest(), split as u8, index, boxes.len()));
        let (height, width) = (images.height(), images.width());
        let dataset = dataset.clone();
        let paint = move |out: [u32; 2]| {
            let Some(images) = dataset.part(split).images.as_ref() else {
                return RgbImage::new(out[0], out[1]);
            };
            let overlay = Overlay {
                shows: Shows::Image,
                colours: &COLOUR_MAPS[0],
                opacity: 0.0,
                contrast: 1.0,
                crop: None,
                boxes: &boxes,
            };
            paint(&images.shown(index), [height, width], None, &overlay, out)
        };
        Some(Self { width, height, key, paint: Arc::new(paint) })
    }

    /// Draws the picture as large as `area` allows, its sides in proportion, in the middle.
    pub fn render(&self, area: Rect, canvas: &mut Canvas) {
        if area.is_empty() || self.height == 0 || self.width == 0 {
            return;
        }
        if canvas.pictures.off {
            let line = Line::styled("pictures are off (--graphics)", canvas.theme.muted());
            return crate::tui::widgets::text::sentences(area, &[line], canvas);
        }
        // A cell is taken to be twice as high as wide where its pixels don't matter.
        let cell = canvas.pictures.pixels().map_or([1, 2], |gallery| gallery.terminal().cell.map(u32::from));
        let room = [u32::from(area.width) * cell[0], u32::from(area.height) * cell[1]];
        let scale = (f64::from(room[0]) / self.width as f64).min(f64::from(room[1]) / self.height as f64);
        let exact = [self.width, self.height].map(|side| ((side as f64 * scale) as u32).max(1));
        let cells = [0, 1].map(|axis| exact[axis].div_ceil(cell[axis]) as u16);
        let place = Rect {
            x: area.x + (area.width - cells[0].min(area.width)) / 2,
            y: area.y + (area.height - cells[1].min(area.height)) / 2,
            width: cells[0].min(area.width),
            height: cells[1].min(area.height),
        };
        let mut shown = false;
        if let Some(gallery) = canvas.pictures.pixels() {
            shown = gallery.has(self.key, place);
            let inner = self.paint.clone();
            let framed = move |out: [u32; 2]| framed(&inner, exact, out);
            canvas.wanted.push(ImageRequest { key: self.key, area: place, paint: Arc::new(framed) });
        }
        if !shown {
            self.blocks(place, canvas);
        }
    }

    fn blocks(&self, place: Rect, canvas: &mut Canvas) {
        let picture = (self.paint)([u32::from(place.width), u32::from(place.height) * 2]);
        for row in 0..place.height.min((picture.height() / 2) as u16) {
            for column in 0..place.width.min(picture.width() as u16) {
                let pixel = |half: u32| picture.get_pixel(u32::from(column), u32::from(row) * 2 + half);
                let (x, y) = (place.x + column, place.y + row);
                if canvas.theme.coloured && !canvas.ascii {
                    canvas.cell(x, y, '▀', Style::new().fg(colour(pixel(0))).bg(colour(pixel(1))));
                } else {
                    let shade = (light(pixel(0)) + light(pixel(1))) * (SHADES.len() - 1) / 510;
                    canvas.cell(x, y, char::from(SHADES[shade]), canvas.theme.text());
                }
            }
        }
    }
}

/// The picture in its exact size in the middle of a black one, so that no cell's rounding distorts it.
fn framed(paint: &Paint, exact: [u32; 2], out: [u32; 2]) -> RgbImage {
    let exact = [exact[0].min(out[0]), exact[1].min(out[1])];
    let picture = paint(exact);
    if exact == out {
        return picture;
    }
    let mut frame = RgbImage::new(out[0], out[1]);
    let corner = [0, 1].map(|axis| i64::from((out[axis] - exact[axis]) / 2));
    imageops::replace(&mut frame, &picture, corner[0], corner[1]);
    frame
}

fn colour(pixel: &Rgb<u8>) -> Color {
    let [red, green, blue] = pixel.0;
    Color::Rgb(red, green, blue)
}

/// Luminance as television has it (ITU-R BT.601), 0 to 255.
fn light(pixel: &Rgb<u8>) -> usize {
    let [red, green, blue] = pixel.0.map(usize::from);
    (299 * red + 587 * green + 114 * blue) / 1000
}
