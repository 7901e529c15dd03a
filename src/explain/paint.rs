//! Rendering of an image with a map over it.

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

use super::colour::{ColourMap, SIGNED};
use super::map::Map;
use crate::dataset::phantom::Bounds;

/// What is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shows {
    Image,
    #[default]
    Overlay,
    Map,
}

/// How an image and its map are put together.
#[derive(Clone, Copy)]
pub struct Overlay<'a> {
    pub shows: Shows,
    /// For maps of one sign; signed ones have their own colours.
    pub colours: &'a ColourMap,
    /// Of the strongest place, 0 to 1; weaker ones are fainter, so that where nothing is said the image is seen.
    pub opacity: f32,
    /// What grey values' distances from the middle are multiplied by, 1 for the image as it is.
    pub contrast: f32,
    /// The part of the image to show: left, top, width and height in pixels of the image; `None` for all of it.
    pub crop: Option<[u32; 4]>,
    /// Outlined, in pixels of the image.
    pub boxes: &'a [Bounds],
}

/// Values above this share of a signed map's pixels saturate: single pixels of gradients stand out by far.
const SATURATED: f64 = 0.005;
/// Of outlines.
const BOX: Rgb<u8> = Rgb([90, 230, 255]);

/// Paints an image (`height*width` grey values) and its map into a picture of `out` pixels (width, height). An image is
/// enlarged smoothly (Catmull-Rom), a map bilinearly.
pub fn paint(
    pixels: &[u8],
    [height, width]: [usize; 2],
    map: Option<&Map>,
    overlay: &Overlay,
    out: [u32; 2],
) -> RgbImage {
    let [out_width, out_height] = out.map(|side| side.max(1));
    let (height, width) = (height as u32, width as u32);
    let [left, top, wide, high] = overlay.crop.map_or([0, 0, width, height], |[x, y, w, h]| {
        let (x, y) = (x.min(width - 1), y.min(height - 1));
        [x, y, w.clamp(1, width - x), h.clamp(1, height - y)]
    });
    let Some(image) = GrayImage::from_raw(width, height, pixels.to_vec()) else {
        return RgbImage::new(out_width, out_height);
    };
    let image = imageops::crop_imm(&image, left, top, wide, high).to_image();
    let image = imageops::resize(&image, out_width, out_height, FilterType::CatmullRom);
    let mut picture = RgbImage::from_fn(out_width, out_height, |x, y| {
        let grey = f32::from(image.get_pixel(x, y).0[0]);
        let grey = (127.5 + (grey - 127.5) * overlay.contrast).clamp(0.0, 255.0) as u8;
        Rgb([grey; 3])
    });
    if let Some(map) = map.filter(|_| overlay.shows != Shows::Image) {
        lay(map, overlay, [left, top, wide, high], &mut picture);
    }
    let scale = [out_width as f32 / wide as f32, out_height as f32 / high as f32];
    for bounds in overlay.boxes {
        outline(bounds, [left as f32, top as f32], scale, &mut picture);
    }
    picture
}

fn lay(map: &Map, overlay: &Overlay, [left, top, wide, high]: [u32; 4], picture: &mut RgbImage) {
    let scale = scale_of(map);
    let values: Vec<f32> = map.values.iter().map(|value| value / scale).collect();
    let whole: Option<ImageBuffer<Luma<f32>, Vec<f32>>> =
        ImageBuffer::from_raw(map.width as u32, map.height as u32, values);
    let Some(whole) = whole else { return };
    let part = imageops::crop_imm(&whole, left, top, wide, high).to_image();
    let part = imageops::resize(&part, picture.width(), picture.height(), FilterType::Triangle);
    let colours = if map.signed { &SIGNED } else { overlay.colours };
    for (pixel, value) in picture.pixels_mut().zip(part.pixels()) {
        let value = value.0[0].clamp(if map.signed { -1.0 } else { 0.0 }, 1.0);
        let colour = colours.colour(value);
        let share = match overlay.shows {
            Shows::Map => 1.0,
            _ => overlay.opacity * value.abs().sqrt(),
        };
        for (channel, colour) in pixel.0.iter_mut().zip(colour) {
            *channel = (f32::from(*channel) * (1.0 - share) + f32::from(colour) * share).round() as u8;
        }
    }
}

/// The value that gets the last colour: the largest, of a signed map the one that few pixels are above. Above 0.
fn scale_of(map: &Map) -> f32 {
    let largest = map.largest();
    if !map.signed {
        return if largest > 0.0 { largest } else { 1.0 };
    }
    let mut sizes: Vec<f32> = map.values.iter().map(|value| value.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let place = ((1.0 - SATURATED) * sizes.len() as f64) as usize;
    match sizes.get(place.min(sizes.len().saturating_sub(1))) {
        Some(scale) if *scale > 0.0 => *scale,
        _ if largest > 0.0 => largest,
        _ => 1.0,
    }
}

fn outline(bounds: &Bounds, origin: [f32; 2], scale: [f32; 2], picture: &mut RgbImage) {
    let (width, height) = (picture.width() as i64, picture.height() as i64);
    let thick = (width.min(height) / 150).clamp(1, 4);
    let at = |value: f32, axis: usize| ((value - origin[axis]) * scale[axis]).round() as i64;
    let (left, right) = (at(bounds.x, 0), at(bounds.x + bounds.width, 0));
    let (top, bottom) = (at(bounds.y, 1), at(bounds.y + bounds.height, 1));
    let mut fill = |x: std::ops::Range<i64>, y: std::ops::Range<i64>| {
        for y in y.start.max(0)..y.end.min(height) {
            for x in x.start.max(0)..x.end.min(width) {
                picture.put_pixel(x as u32, y as u32, BOX);
            }
        }
    };
    fill(left..right, top..top + thick);
    fill(left..right, bottom - thick..bottom);
    fill(left..left + thick, top..bottom);
    fill(right - thick..right, top..bottom);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::COLOUR_MAPS;

    fn overlay(shows: Shows) -> Overlay<'static> {
        Overlay { shows, colours: &COLOUR_MAPS[0], opacity: 1.0, contrast: 1.0, crop: None, boxes: &[] }
    }

    fn map(values: Vec<f32>, signed: bool) -> Map {
        Map {
            height: 2,
            width: 2,
            values,
            native: [2, 2],
            signed,
            logit: 0.0,
            probability: 0.5,
            completeness: None,
        }
    }

    #[test]
    fn where_a_map_says_nothing_the_image_is_seen() {
        let image = [10, 20, 30, 40];
        let map = map(vec![0.0, 0.0, 0.0, 2.0], false);
        let picture = paint(&image, [2, 2], Some(&map), &overlay(Shows::Overlay), [2, 2]);
        assert_eq!(picture.get_pixel(0, 0).0, [10; 3]);
        assert_eq!(picture.get_pixel(1, 1).0, COLOUR_MAPS[0].colour(1.0));
        assert_eq!(
            paint(&image, [2, 2], Some(&map), &overlay(Shows::Image), [2, 2]).get_pixel(1, 1).0,
            [40; 3]
        );
    }

    #[test]
    fn a_flat_map_and_a_crop_beyond_the_image_are_painted_all_the_same() {
        let flat = map(vec![0.0; 4], true);
        let odd = Overlay { crop: Some([9, 9, 9, 9]), ..overlay(Shows::Map) };
        assert_eq!(paint(&[1, 2, 3, 4], [2, 2], Some(&flat), &odd, [5, 3]).dimensions(), (5, 3));
    }

    #[test]
    fn boxes_are_outlined_where_they_lie() {
        let bounds = [Bounds { x: 1.0, y: 1.0, width: 1.0, height: 1.0 }];
        let with = Overlay { boxes: &bounds, ..overlay(Shows::Image) };
        let picture = paint(&[0; 4], [2, 2], None, &with, [20, 20]);
        assert_eq!(picture.get_pixel(10, 10), &BOX);
        assert_eq!(picture.get_pixel(5, 5).0, [0; 3]);
    }
}
