//! Decoding an image file to grey.

use std::fs::{self, File};
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder, ImageError};

use super::dicom;
use super::error::{Fault, ImageFileError};
use super::gray::{DecodedImage, Pixels};
use super::header;
use super::limits::Limits;
use super::sniff::{HEAD, Kind};
use crate::panics::caught;
use crate::text::one_line;

const PNG: &str = "PNG";
const JPEG: &str = "JPEG";
/// Longest message of a decoder that a sentence repeats, in characters.
const LONGEST_REASON: usize = 100;

/// Reads the PNG, JPEG or DICOM image at `path`, whatever its extension.
///
/// Grey is taken as it is and colour as ITU-R 601 luma, as Pillow's `convert("L")` does; what is transparent lies
/// over black, palettes and fewer than 8 bits are expanded, EXIF's orientation is applied, and colour profiles
/// and gamma are ignored. Of an animation, the still picture is read. A JPEG damaged in the middle may decode to
/// a damaged image, as in any viewer: only its ends are checked.
///
/// # Errors
/// When the file can't be read, is of another kind, cut short, damaged, or larger than `limits`.
pub fn read(path: &Path, limits: Limits) -> Result<DecodedImage, ImageFileError> {
    let picture = load(path, limits).and_then(|bytes| decode(&bytes, limits));
    picture.map_err(|fault| ImageFileError::new(path, fault))
}

/// The bytes of a file that is a picture by its beginning.
fn load(path: &Path, limits: Limits) -> Result<Vec<u8>, Fault> {
    // Checked before opening: to open a pipe would be to wait for its other end.
    let found = fs::metadata(path).map_err(Fault::of_file)?;
    if found.is_dir() {
        return Err(Fault::Folder);
    }
    if !found.is_file() {
        return Err(Fault::NotFile);
    }
    let mut file = File::open(path).map_err(Fault::of_file)?;
    let mut bytes = Vec::new();
    (&mut file).take(HEAD as u64).read_to_end(&mut bytes).map_err(Fault::of_file)?;
    if let Some(fault) = Kind::of(&bytes).refusal(&bytes) {
        return Err(fault);
    }
    if found.len() > limits.bytes {
        return Err(Fault::TooLong { long: found.len(), limit: limits.bytes });
    }
    // A file that grows meanwhile comes out as one that is too long or cut, not as endless.
    file.take(limits.bytes).read_to_end(&mut bytes).map_err(Fault::of_file)?;
    Ok(bytes)
}

/// The picture in `bytes`.
pub(super) fn decode(bytes: &[u8], limits: Limits) -> Result<DecodedImage, Fault> {
    let kind = Kind::of(bytes);
    if let Some(fault) = kind.refusal(bytes) {
        return Err(fault);
    }
    if kind == Kind::Dicom {
        return dicom::decode(bytes, limits, dicom::Strictness::Projection).map(|image| image.picture);
    }
    let format = if kind == Kind::Png { PNG } else { JPEG };
    // A decoder that panics makes one damaged image, not the end of a training.
    let damaged = || Err(Fault::Damaged { format, what: "its decoder gave up".to_owned() });
    let ended = if kind == Kind::Png { header::png_with_end(bytes) } else { None };
    let bytes = ended.as_deref().unwrap_or(bytes);
    caught(|| unpack(bytes, kind, limits)).unwrap_or_else(damaged)
}

/// The picture of a PNG, or else a JPEG.
fn unpack(bytes: &[u8], kind: Kind, limits: Limits) -> Result<DecodedImage, Fault> {
    let format = if kind == Kind::Png { PNG } else { JPEG };
    let failed = |error| fault(error, format, limits);
    if kind == Kind::Png {
        let (width, height) = header::png_size(bytes)?;
        limits.check_sides(width, height)?;
        let mut allowed = image::Limits::no_limits();
        allowed.max_alloc = Some(limits.bytes);
        let decoder = PngDecoder::with_limits(Cursor::new(bytes), allowed).map_err(failed)?;
        limits.check_bytes(width, height, decoder.total_bytes())?;
        upright(decoder).map_err(failed).and_then(gray)
    } else {
        let frame = header::jpeg_frame(bytes)?;
        limits.check_sides(frame.width, frame.height)?;
        // Passes are kept as coefficients of two bytes beside the picture.
        let each = u64::from(frame.components) * if frame.progressive { 3 } else { 1 };
        limits.check_bytes(
            frame.width,
            frame.height,
            u64::from(frame.width) * u64::from(frame.height) * each,
        )?;
        let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(failed)?;
        upright(decoder).map_err(failed).and_then(gray)
    }
}

/// The decoded image, oriented by EXIF.
fn upright(mut decoder: impl ImageDecoder) -> Result<DynamicImage, ImageError> {
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The picture in grey over black, 8 or 16 bits as it was.
fn gray(picture: DynamicImage) -> Result<DecodedImage, Fault> {
    let (width, height) = (picture.width(), picture.height());
    let pixels = match picture {
        DynamicImage::ImageLuma8(grey) => Pixels::Eight(grey.into_raw()),
        DynamicImage::ImageLumaA8(grey) => Pixels::Eight(each(&grey, |[v, a]| over8(v, a))),
        DynamicImage::ImageRgb8(rgb) => Pixels::Eight(each(&rgb, luma8)),
        DynamicImage::ImageRgba8(rgb) => {
            Pixels::Eight(each(&rgb, |[r, g, b, a]| luma8([r, g, b].map(|v| over8(v, a)))))
        }
        DynamicImage::ImageLuma16(grey) => Pixels::Sixteen(grey.into_raw()),
        DynamicImage::ImageLumaA16(grey) => Pixels::Sixteen(each(&grey, |[v, a]| over16(v, a))),
        DynamicImage::ImageRgb16(rgb) => Pixels::Sixteen(each(&rgb, luma16)),
        DynamicImage::ImageRgba16(rgb) => {
            Pixels::Sixteen(each(&rgb, |[r, g, b, a]| luma16([r, g, b].map(|v| over16(v, a)))))
        }
        other => {
            return Err(Fault::Unsupported { format: "picture", what: format!("{:?}", other.color()) });
        }
    };
    DecodedImage::new(width, height, pixels).ok_or(Fault::ZeroSize { width, height })
}

/// One value for each `N` of `values`.
fn each<T, const N: usize>(values: &[T], value: impl Fn([T; N]) -> T) -> Vec<T>
where
    [T; N]: Copy,
{
    values.as_chunks().0.iter().map(|pixel| value(*pixel)).collect()
}

/// Luma as Pillow rounds it. The weights add up to 65,536, so equal channels give just their value.
fn luma8([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}

/// The same of 16 bits; the sum is at most 65,535 * 65,536 + 0x8000, which a `u32` holds.
fn luma16([r, g, b]: [u16; 3]) -> u16 {
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u16
}

/// `value` over black with opacity `alpha`, rounded.
fn over8(value: u8, alpha: u8) -> u8 {
    ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8
}

/// The same of 16 bits.
fn over16(value: u16, alpha: u16) -> u16 {
    ((u32::from(value) * u32::from(alpha) + 32_767) / 65_535) as u16
}

/// What a decoder's error means to the user.
fn fault(error: ImageError, format: &'static str, limits: Limits) -> Fault {
    let reason = |error: &dyn std::error::Error| {
        let said = one_line(&error.to_string(), LONGEST_REASON);
        // What follows is the decoder's own notation of where it was.
        said.split(" while decoding ").next().unwrap_or_default().trim_matches(['"', '.']).to_owned()
    };
    match error {
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Fault::CutShort(format),
        ImageError::Limits(_) => Fault::Memory(limits.bytes),
        ImageError::Unsupported(error) => Fault::Unsupported { format, what: reason(&error) },
        // Its source has the cause, itself none.
        error => {
            let what = std::error::Error::source(&error).map_or_else(|| reason(&error), reason);
            Fault::Damaged { format, what }
        }
    }
}
