//! Preprocessing: an image file of any size becomes the image that a network takes.

use serde::{Deserialize, Serialize};

use super::super::phantom::Bounds;
use super::filter::Filter;
use super::gray::{DecodedImage, Pixels};
use super::resample::{Sample, Span, resample};

/// Longest side of an image, in pixels: far above what a network takes.
pub const MAX_SIDE: usize = 16_384;

/// What happens to a picture whose shape isn't the image's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The whole picture in the middle, black beside it (Pillow's `ImageOps.pad`).
    #[default]
    Pad,
    /// The middle of the picture, what is too much cut off (Pillow's `ImageOps.fit`).
    Crop,
    /// The whole picture, its shape distorted (Pillow's `Image.resize`).
    Stretch,
}

/// How a picture becomes an image; recorded in a run so that prediction does what training had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Rows of the image, 1 to [`MAX_SIDE`].
    pub height: usize,
    /// Columns of the image, 1 to [`MAX_SIDE`].
    pub width: usize,
    /// The filter it is reduced with.
    #[serde(default)]
    pub filter: Filter,
    /// What happens to a picture of another shape.
    #[serde(default)]
    pub fit: Fit,
}

/// What is taken from a picture, and where it goes in the image.
#[derive(Debug, PartialEq)]
struct Placement {
    columns: Span,
    rows: Span,
    /// Columns and rows of the image before it.
    left: usize,
    top: usize,
}

impl Preprocess {
    /// Bicubic, as MedMNIST made its files from NIH's pictures, and padded: nothing of the picture is lost.
    pub fn of_size(height: usize, width: usize) -> Self {
        Self { height, width, filter: Filter::default(), fit: Fit::default() }
    }

    /// Whether both sides are allowed.
    pub fn is_allowed(&self) -> bool {
        (1..=MAX_SIDE).contains(&self.height) && (1..=MAX_SIDE).contains(&self.width)
    }

    /// The image of `picture`: `height * width` bytes row by row, 0 black to 255 white.
    ///
    /// A picture of 16 bits is reduced with all of them; its [`super::Depth::white`] then becomes 255.
    ///
    /// # Panics
    /// When a side is 0 or above [`MAX_SIDE`].
    pub fn image(&self, picture: &DecodedImage) -> Vec<u8> {
        let allowed = 1..=MAX_SIDE;
        assert!(
            allowed.contains(&self.width) && allowed.contains(&self.height),
            "an image's side out of range"
        );
        let placement = self.placement(picture.width(), picture.height());
        match picture.pixels() {
            Pixels::Eight(values) => self.reduce(picture, values, &placement, |value| value),
            Pixels::Sixteen(values) => {
                let white = u32::from(picture.depth().white());
                // Filters may overshoot white where it isn't the largest value there is.
                let grey = |value: u16| ((u32::from(value) * 255 + white / 2) / white).min(255) as u8;
                self.reduce(picture, values, &placement, grey)
            }
        }
    }

    /// Where a box in pixels of a picture of `size` (width, height) comes to lie in the image, cut at its edges.
    /// `None` when nothing of it is on the image.
    pub fn placed(&self, size: (u32, u32), bounds: Bounds) -> Option<Bounds> {
        let Placement { columns, rows, left, top } = self.placement(size.0, size.1);
        let along = |from: f32, length: f32, span: &Span, offset: usize, most: usize| {
            let scale = span.to as f64 / (span.from.1 - span.from.0);
            let place = |at: f64| (at - span.from.0) * scale + offset as f64;
            let start = place(f64::from(from)).max(0.0);
            let end = place(f64::from(from) + f64::from(length)).min(most as f64);
            (end > start).then_some((start as f32, (end - start) as f32))
        };
        let (x, width) = along(bounds.x, bounds.width, &columns, left, self.width)?;
        let (y, height) = along(bounds.y, bounds.height, &rows, top, self.height)?;
        Some(Bounds { x, y, width, height })
    }

    /// What is taken from a picture of `width` by `height` pixels and where it goes; rounded as Pillow does.
    fn placement(&self, width: u32, height: u32) -> Placement {
        let (wide, high) = (f64::from(width), f64::from(height));
        let (image_wide, image_high) = (self.width as f64, self.height as f64);
        let (shape, image_shape) = (wide / high, image_wide / image_high);
        let mut columns = Span { from: (0.0, wide), to: self.width };
        let mut rows = Span { from: (0.0, high), to: self.height };
        let (mut left, mut top) = (0, 0);
        match self.fit {
            Fit::Stretch => {}
            Fit::Pad => {
                let rounded = |side: f64, most: usize| (side.round_ties_even() as usize).clamp(1, most);
                if shape > image_shape {
                    rows.to = rounded(high / wide * image_wide, self.height);
                } else if shape < image_shape {
                    columns.to = rounded(shape * image_high, self.width);
                }
                let half = |room: usize| (room as f64 * 0.5).round_ties_even() as usize;
                left = half(self.width - columns.to);
                top = half(self.height - rows.to);
            }
            Fit::Crop => {
                let middle = |whole: f64, part: f64| {
                    let start = (whole - part) * 0.5;
                    (start, start + part)
                };
                if shape > image_shape {
                    columns.from = middle(wide, (image_shape * high).min(wide));
                } else if shape < image_shape {
                    rows.from = middle(high, (wide / image_shape).min(high));
                }
            }
        }
        Placement { columns, rows, left, top }
    }

    /// The image of a picture with these values, reduced and put in its place on black.
    fn reduce<T: Sample>(
        &self,
        picture: &DecodedImage,
        values: &[T],
        &Placement { columns, rows, left, top }: &Placement,
        grey: impl Fn(T) -> u8,
    ) -> Vec<u8> {
        let reduced = resample(values, picture.width() as usize, columns, rows, self.filter);
        let mut image = vec![0; self.height * self.width];
        for (row, values) in
            image.chunks_exact_mut(self.width).skip(top).zip(reduced.chunks_exact(columns.to))
        {
            for (pixel, value) in row[left..].iter_mut().zip(values) {
                *pixel = grey(*value);
            }
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preprocess(width: usize, height: usize, fit: Fit) -> Preprocess {
        Preprocess { height, width, filter: Filter::Box, fit }
    }

    /// 4 x 2 pixels: a column each of 10, 20, 30 and 40.
    fn wide() -> DecodedImage {
        DecodedImage::new(4, 2, Pixels::Eight([10, 20, 30, 40].repeat(2))).unwrap()
    }

    #[test]
    fn a_wide_picture_is_padded_cropped_or_stretched() {
        assert_eq!(preprocess(4, 4, Fit::Pad).image(&wide())[..8], [0, 0, 0, 0, 10, 20, 30, 40]);
        assert_eq!(preprocess(4, 4, Fit::Pad).image(&wide())[8..], [10, 20, 30, 40, 0, 0, 0, 0]);
        assert_eq!(preprocess(2, 2, Fit::Crop).image(&wide()), [20, 30, 20, 30]);
        assert_eq!(preprocess(2, 2, Fit::Stretch).image(&wide()), [15, 35, 15, 35]);
    }

    #[test]
    fn a_tall_picture_is_padded_at_its_sides_and_cropped_above_and_below() {
        let tall = DecodedImage::new(1, 3, Pixels::Eight(vec![10, 20, 30])).unwrap();
        assert_eq!(preprocess(3, 3, Fit::Pad).image(&tall), [0, 10, 0, 0, 20, 0, 0, 30, 0]);
        assert_eq!(preprocess(1, 1, Fit::Crop).image(&tall), [20]);
    }

    #[test]
    fn a_box_goes_where_its_place_in_the_picture_goes() {
        let whole = Bounds { x: 256.0, y: 512.0, width: 128.0, height: 256.0 };
        let placed = preprocess(64, 64, Fit::Pad).placed((1024, 1024), whole);
        assert_eq!(placed, Some(Bounds { x: 16.0, y: 32.0, width: 8.0, height: 16.0 }));
        // A picture twice as wide as high lies in the middle rows.
        let placed = preprocess(64, 64, Fit::Pad).placed((2048, 1024), whole);
        assert_eq!(placed, Some(Bounds { x: 8.0, y: 32.0, width: 4.0, height: 8.0 }));
        // Cropped to its middle, its left quarter is gone.
        let placed = preprocess(64, 64, Fit::Crop).placed((2048, 1024), whole);
        assert_eq!(placed, None);
        let edge = Bounds { x: 500.0, y: -10.0, width: 24.0, height: 20.0 };
        let placed = preprocess(64, 64, Fit::Crop).placed((2048, 1024), edge);
        assert_eq!(placed, Some(Bounds { x: 0.0, y: 0.0, width: 0.75, height: 0.625 }));
    }

    #[test]
    fn a_thread_of_a_picture_still_shows_when_padded() {
        let thread = DecodedImage::new(5000, 1, Pixels::Eight(vec![200; 5000])).unwrap();
        let image = preprocess(64, 64, Fit::Pad).image(&thread);
        assert_eq!(image.iter().filter(|pixel| **pixel == 200).count(), 64);
        assert_eq!(preprocess(64, 64, Fit::Crop).image(&thread), vec![200; 64 * 64]);
    }

    #[test]
    fn deep_pictures_are_scaled_by_the_white_of_their_depth_after_the_reduction() {
        let image = |values: [u16; 2], width| {
            let picture = DecodedImage::new(2, 1, Pixels::Sixteen(values.to_vec())).unwrap();
            preprocess(width, 1, Fit::Stretch).image(&picture)
        };
        assert_eq!(image([65_535, 128], 2), [255, 0]);
        assert_eq!(image([65_535, 129], 2), [255, 1]); // 129 / 257 rounds up
        assert_eq!(image([4095, 2048], 2), [255, 128]);
        assert_eq!(image([1023, 0], 2), [255, 0]);
        // Each of the two would round to 0; together they are above half a grey level.
        assert_eq!(image([16_400, 120], 1), [32]);
        assert_eq!(image([65_535, 0], 1), [128]);
    }

    #[test]
    fn an_overshoot_over_the_white_of_twelve_bits_is_white() {
        let edge: Vec<u16> = (0..64).map(|x| if x < 32 { 0 } else { 4095 }).collect();
        let picture = DecodedImage::new(64, 1, Pixels::Sixteen(edge)).unwrap();
        let lanczos = Preprocess { filter: Filter::Lanczos, ..preprocess(12, 1, Fit::Stretch) };
        let image = lanczos.image(&picture);
        assert!(image[..6].iter().all(|pixel| *pixel < 60), "{image:?}");
        assert!(image[6..].iter().all(|pixel| *pixel > 195) && image.contains(&255), "{image:?}");
    }

    #[test]
    fn a_run_records_names_as_pillow_has_them_and_older_records_get_the_defaults() {
        let written = serde_json::to_string(&preprocess(48, 64, Fit::Crop)).unwrap();
        assert_eq!(written, r#"{"height":64,"width":48,"filter":"box","fit":"crop"}"#);
        let read: Preprocess = serde_json::from_str(r#"{"height": 64, "width": 64}"#).unwrap();
        assert_eq!((read.filter, read.fit), (Filter::Bicubic, Fit::Pad));
    }
}
