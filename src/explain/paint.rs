//! Rendering of an image with a map over it.

use image::imageops::{self, FilterType};
use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage};

use super::colour::{ColourMap, SIGNED};
use super::map::Map;
use crate::dataset::phantom::Bounds;

/// What is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shows {
    /// The image alone.
    Image,
    /// The map over the image.
    #[default]
    Overlay,
    /// The map alone.
    Map,
}

/// How an image and its map are put together.
#[derive(Clone, Copy)]
pub struct Overlay<'a> {
    /// What is painted.
    pub shows: Shows,
    /// For maps of one sign; signed ones have their own colours.
    pub colours: &'a ColourMap,
    /// Of the strongest place, 0 to 1; weaker ones are fainter, so that the image is seen where there is no evidence.
    pub opacity: f32,
    /// What grey values' distances from the middle are multiplied by, 1 for the image as it is.
    pub contrast: f32,
    /// The part of the image to show: left, top, width and height in pixels of the image; `None` for all of it.
    pub crop: Option<[u32; 4]>,
    /// Outlined, in pixels of the image.
    pub boxes: &'a [Bounds],
}

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
    let scale = map.colour_limit();
    // `image` resizes floats as shares of 1 and clamps to 0..=1: signed values are resized as shares, and turned back.
    let (offset, span) = if map.signed { (-1.0, 2.0) } else { (0.0, 1.0) };
    let share = |value: &f32| (value / scale - offset).clamp(0.0, span) / span;
    let values: Vec<f32> = map.values.iter().map(share).collect();
    let whole: Option<ImageBuffer<Luma<f32>, Vec<f32>>> =
        ImageBuffer::from_raw(map.width as u32, map.height as u32, values);
    let Some(whole) = whole else { return };
    let part = imageops::crop_imm(&whole, left, top, wide, high).to_image();
    let part = imageops::resize(&part, picture.width(), picture.height(), FilterType::Triangle);
    let colours = if map.signed { &SIGNED } else { overlay.colours };
    for (pixel, value) in picture.pixels_mut().zip(part.pixels()) {
        let value = value.0[0] * span + offset;
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

    /// The painted pixels of a map of one row whose first value is the strongest.
    fn painted(values: [f32; 4], signed: bool, out: [u32; 2]) -> Vec<[u8; 3]> {
        let row = Map { height: 1, width: 4, native: [1, 4], ..map(values.to_vec(), signed) };
        let painted = paint(&[0; 4], [1, 4], Some(&row), &overlay(Shows::Map), out);
        painted.pixels().map(|pixel| pixel.0).collect()
    }

    #[test]
    fn negative_evidence_is_painted_blue_and_positive_red() {
        let pixels = painted([-1.0, 0.0, 0.5, 1.0], true, [4, 1]);
        assert_eq!(pixels[0], SIGNED.colour(-1.0));
        assert_eq!(pixels[1], SIGNED.colour(0.0));
        assert_eq!(pixels[2], SIGNED.colour(0.5));
        assert_eq!(pixels[3], SIGNED.colour(1.0));
        let [red, _, blue] = pixels[0];
        assert!(blue > red + 60, "-1 is blue: {:?}", pixels[0]);
        let [red, _, blue] = pixels[3];
        assert!(red > blue + 60, "+1 is red: {:?}", pixels[3]);
        let [red, green, blue] = pixels[1];
        assert!(red.abs_diff(blue) < 8 && green > 200, "0 is neutral: {:?}", pixels[1]);
    }

    #[test]
    fn enlarged_maps_keep_their_signs_and_their_ends() {
        for out in [[40, 10], [7, 3], [400, 100]] {
            let pixels = painted([-1.0, -1.0, 1.0, 1.0], true, out);
            let width = out[0] as usize;
            assert_eq!(pixels[0], SIGNED.colour(-1.0), "{out:?}");
            assert_eq!(pixels[width - 1], SIGNED.colour(1.0), "{out:?}");
            let blue = pixels[..width].iter().filter(|[red, _, blue]| blue > red).count();
            assert!(blue.abs_diff(width / 2) <= 1, "{blue} of {width} are blue");
        }
        let pixels = painted([0.0, 0.0, 1.0, 1.0], false, [40, 10]);
        assert_eq!((pixels[0], pixels[39]), (COLOUR_MAPS[0].colour(0.0), COLOUR_MAPS[0].colour(1.0)));
    }

    #[test]
    fn an_overlay_of_negative_evidence_is_blue_too() {
        let negative = map(vec![-1.0, 0.0, 0.0, 0.0], true);
        let painted = paint(&[100; 4], [2, 2], Some(&negative), &overlay(Shows::Overlay), [2, 2]);
        assert_eq!(painted.get_pixel(0, 0).0, SIGNED.colour(-1.0));
        assert_eq!(painted.get_pixel(1, 1).0, [100; 3], "where the map is 0 the image is seen");
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
