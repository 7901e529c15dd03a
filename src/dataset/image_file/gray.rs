//! A decoded image in grey, as deep as its file had it.

use std::fmt;

/// The grey values of a picture, row after row (0 is black).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// Values of 0 to 255 (`uint8 H,W`).
    Eight(Vec<u8>),
    /// Values of 0 to 65,535 (`uint16 H,W`); [`Depth::white`] is the one that is white.
    Sixteen(Vec<u16>),
}

/// How deep a picture's values are.
///
/// Detectors give 10, 12 or 14 bits, and many programs store those in 16 without scaling them; nothing in a PNG
/// says so. Such a file read over its full range would be all but black. So the brightest pixel of a 16-bit
/// picture decides: the depth is the least of 8, 10, 12, 14 and 16 bits that holds it. An image that does use 16
/// bits has a pixel above a quarter of white (16,384), be it a marker or what lay beside the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Bits of a value in the file: 8 or 16.
    pub stored: u8,
    /// Bits that its values were taken to have: 8, or 8, 10, 12, 14 or 16 when 16 are stored.
    pub read: u8,
    /// The brightest value in the picture, which decided.
    pub brightest: u16,
}

impl Depth {
    /// The value that becomes white (255) in an image: 255, 1023, 4095, 16,383 or 65,535.
    pub fn white(self) -> u16 {
        u16::MAX >> (16 - u32::from(self.read.clamp(1, 16)))
    }

    fn of_eight(pixels: &[u8]) -> Self {
        Self { stored: 8, read: 8, brightest: pixels.iter().copied().max().unwrap_or(0).into() }
    }

    fn of_sixteen(pixels: &[u16]) -> Self {
        let brightest = pixels.iter().copied().max().unwrap_or(0);
        let read = match brightest {
            0..256 => 8,
            256..1024 => 10,
            1024..4096 => 12,
            4096..16_384 => 14,
            16_384.. => 16,
        };
        Self { stored: 16, read, brightest }
    }
}

impl fmt::Display for Depth {
    /// `8-bit`, `16-bit` or `12-bit in 16 (brightest 3071)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.read == self.stored {
            write!(f, "{}-bit", self.stored)
        } else {
            write!(f, "{}-bit in {} (brightest {})", self.read, self.stored, self.brightest)
        }
    }
}

/// A grey picture of at least one pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedImage {
    width: u32,
    height: u32,
    pixels: Pixels,
    depth: Depth,
    doubts: Vec<String>,
}

impl DecodedImage {
    /// Wraps `pixels` (`width * height` values, row by row). `None` when their number doesn't fit or a side is 0.
    pub fn new(width: u32, height: u32, pixels: Pixels) -> Option<Self> {
        let (length, depth) = match &pixels {
            Pixels::Eight(values) => (values.len(), Depth::of_eight(values)),
            Pixels::Sixteen(values) => (values.len(), Depth::of_sixteen(values)),
        };
        let fits = length > 0 && u64::from(width) * u64::from(height) == length as u64;
        fits.then_some(Self { width, height, pixels, depth, doubts: Vec::new() })
    }

    /// Wraps 16-bit `pixels` whose white is known to be 65,535, however dark they are. `None` as for [`Self::new`].
    pub fn full_range(width: u32, height: u32, pixels: Vec<u16>) -> Option<Self> {
        let brightest = pixels.iter().copied().max().unwrap_or(0);
        let depth = Depth { stored: 16, read: 16, brightest };
        Self::new(width, height, Pixels::Sixteen(pixels)).map(|picture| Self { depth, ..picture })
    }

    /// The same image with the header's doubtful values, see [`Self::doubts`].
    pub fn with_doubts(self, doubts: Vec<String>) -> Self {
        Self { doubts, ..self }
    }

    /// What the header says that is against the standard, or against the pixels, and how it was taken: a clause each,
    /// without a number that differs from image to image of the same maker. Empty where all is clear.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// Columns, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The grey values (`width * height`, row by row).
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// How deep the values are, and for 16 stored bits how it was determined.
    pub fn depth(&self) -> Depth {
        self.depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pixels: Vec<u16>) -> Depth {
        DecodedImage::new(pixels.len() as u32, 1, Pixels::Sixteen(pixels)).unwrap().depth()
    }

    #[test]
    fn the_brightest_pixel_tells_the_depth() {
        let told = [255, 256, 1023, 1024, 4095, 4096, 16_383, 16_384, 65_535].map(|value| {
            let depth = depth(vec![0, value, 7]);
            assert_eq!(depth.brightest, value);
            (depth.read, depth.white())
        });
        let bits = [8u8, 10, 10, 12, 12, 14, 14, 16, 16];
        let whites = [255u16, 1023, 1023, 4095, 4095, 16_383, 16_383, 65_535, 65_535];
        assert_eq!(told.to_vec(), bits.into_iter().zip(whites).collect::<Vec<_>>());
    }

    #[test]
    fn a_depth_says_how_it_was_read() {
        assert_eq!(depth(vec![3071]).to_string(), "12-bit in 16 (brightest 3071)");
        assert_eq!(depth(vec![60_000]).to_string(), "16-bit");
        let eight = DecodedImage::new(1, 1, Pixels::Eight(vec![9])).unwrap();
        assert_eq!((eight.depth().to_string().as_str(), eight.depth().white()), ("8-bit", 255));
    }

    #[test]
    fn a_dark_picture_of_known_depth_keeps_its_white() {
        let dark = DecodedImage::full_range(2, 1, vec![3, 200]).unwrap();
        assert_eq!((dark.depth().white(), dark.depth().to_string().as_str()), (65_535, "16-bit"));
        assert_eq!(DecodedImage::full_range(2, 2, vec![3, 200]), None);
    }

    #[test]
    fn a_picture_without_pixels_or_with_too_many_is_none() {
        assert_eq!(DecodedImage::new(0, 3, Pixels::Eight(vec![])), None);
        assert_eq!(DecodedImage::new(2, 2, Pixels::Eight(vec![0; 5])), None);
        assert_eq!(DecodedImage::new(u32::MAX, u32::MAX, Pixels::Sixteen(vec![0; 1])), None);
    }
}
