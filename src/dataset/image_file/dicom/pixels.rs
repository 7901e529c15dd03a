//! Unpacking the pixels of an image.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use jpeg_decoder::{Decoder, Error as JpegError, PixelFormat, UnsupportedFeature};

use super::super::error::Fault;
use super::super::limits::Limits;
use super::elements::{Elements, Value};
use super::fault::{DICOM, LONGEST_REASON, damaged};
use super::shape::Shape;
use super::syntax::Packing;
use super::{jpeg_ls, jpeg2000};
use crate::text::one_line;

/// Bytes of RLE's table of segments.
const RLE_HEADER: usize = 64;

/// The codes of an image's pixels, row by row, each below [`Shape::codes`].
pub(super) fn codes(elements: &Elements, shape: &mut Shape, limits: Limits) -> Result<Vec<u16>, Fault> {
    if let Some(fault) = elements.syntax.refusal() {
        return Err(fault);
    }
    let pixels = elements.pixels.as_ref().ok_or(Fault::DicomNoPicture)?;
    if elements.short(tags::SAMPLES_PER_PIXEL) == Some(3) {
        return grey_of_colour(elements, pixels, shape);
    }
    let mut codes = match elements.syntax.packing {
        Packing::Rle => rle(&pixels.bytes, shape)?,
        Packing::Jpeg => jpeg(&pixels.bytes, shape, limits)?,
        Packing::Jpeg2000 => jpeg2000::decode(&pixels.bytes, shape)?,
        Packing::JpegLs => jpeg_ls::decode(&pixels.bytes, shape)?,
        _ => plain(pixels, shape, elements.syntax.big)?,
    };
    if codes.len() != shape.count() {
        return Err(Fault::CutShort(DICOM));
    }
    for code in &mut codes {
        *code = shape.code(*code);
    }
    Ok(codes)
}

/// Pixels of three equal colours as grey.
///
/// # Errors
/// When they differ, have 16 bits, or are packed.
fn grey_of_colour(elements: &Elements, pixels: &Value, shape: &Shape) -> Result<Vec<u16>, Fault> {
    let colour = || Fault::DicomColour("RGB".to_owned());
    let is_plain = matches!(elements.syntax.packing, Packing::Plain | Packing::Deflated);
    if !is_plain || shape.allocated != 8 {
        return Err(colour());
    }
    let count = shape.count();
    let all = count.checked_mul(3).and_then(|all| pixels.bytes.get(..all)).ok_or(Fault::CutShort(DICOM))?;
    let by_plane = elements.short(tags::PLANAR_CONFIGURATION) == Some(1);
    let (step, next) = if by_plane { (1, count) } else { (3, 1) };
    let grey = |at: usize| {
        let [red, green, blue] = [0, 1, 2].map(|plane| all[at * step + plane * next]);
        (red == green && green == blue).then(|| shape.code(red.into()))
    };
    (0..count).map(grey).collect::<Option<_>>().ok_or_else(colour)
}

fn plain(pixels: &Value, shape: &Shape, big: bool) -> Result<Vec<u16>, Fault> {
    let count = shape.count();
    if shape.allocated == 16 {
        return Ok(pixels.shorts(big).take(count).collect());
    }
    let bytes = pixels.bytes.get(..count).ok_or(Fault::CutShort(DICOM))?;
    // Words of two pixels, whose first is the low byte.
    let swapped = usize::from(big && pixels.vr == VR::OW);
    Ok((0..count).map(|at| pixels.bytes.get(at ^ swapped).map_or(bytes[at], |byte| *byte).into()).collect())
}

/// PS3.5 annex G: a segment for each byte of a pixel, the high one first.
fn rle(bytes: &[u8], shape: &Shape) -> Result<Vec<u16>, Fault> {
    let word = |at: usize| {
        let four = bytes.get(at * 4..at * 4 + 4).and_then(|four| four.try_into().ok());
        four.map(u32::from_le_bytes).ok_or(Fault::CutShort(DICOM))
    };
    let segments = usize::from(shape.allocated / 8);
    if word(0)? as usize != segments {
        return Err(damaged("a wrong number of RLE segments"));
    }
    let mut pixels = vec![0u16; shape.count()];
    for segment in 0..segments {
        let start = word(1 + segment)? as usize;
        let end = if segment + 1 < segments { word(2 + segment)? as usize } else { bytes.len() };
        let packed = bytes.get(start..end).filter(|_| start >= RLE_HEADER);
        let mut packed = packed.ok_or_else(|| damaged("its RLE segments"))?;
        let mut rest = &mut pixels[..];
        while !rest.is_empty() {
            let ([control], after) = packed.split_first_chunk().ok_or(Fault::CutShort(DICOM))?;
            let control = usize::from(*control);
            let (run, from) = match control {
                0..128 => (control + 1, control + 1),
                128 => (0, 0),
                _ => (257 - control, 1),
            };
            let values = after.get(..from).ok_or(Fault::CutShort(DICOM))?;
            packed = &after[from..];
            // A run may go on beyond the last pixel.
            let (now, later) = rest.split_at_mut(run.min(rest.len()));
            for (at, pixel) in now.iter_mut().enumerate() {
                *pixel = *pixel << 8 | u16::from(values[if from == 1 { 0 } else { at }]);
            }
            rest = later;
        }
    }
    Ok(pixels)
}

fn jpeg(bytes: &[u8], shape: &Shape, limits: Limits) -> Result<Vec<u16>, Fault> {
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(limits.bytes).unwrap_or(usize::MAX));
    decoder.read_info().map_err(jpeg_fault)?;
    let info = decoder.info().ok_or_else(|| damaged("its JPEG"))?;
    shape.check_size(info.width.into(), info.height.into(), "JPEG")?;
    match info.pixel_format {
        PixelFormat::L8 => Ok(decoder.decode().map_err(jpeg_fault)?.into_iter().map(u16::from).collect()),
        PixelFormat::L16 => {
            let pixels = decoder.decode().map_err(jpeg_fault)?;
            Ok(pixels.as_chunks().0.iter().map(|pair| u16::from_ne_bytes(*pair)).collect())
        }
        _ => Err(Fault::DicomColour("its JPEG".to_owned())),
    }
}

fn jpeg_fault(error: JpegError) -> Fault {
    match error {
        JpegError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Fault::CutShort(DICOM),
        JpegError::Unsupported(what) => {
            let name = match what {
                UnsupportedFeature::SamplePrecision(bits) => format!("{bits}-bit JPEG"),
                UnsupportedFeature::ArithmeticEntropyCoding => "JPEG with arithmetic coding".to_owned(),
                _ => "a rare kind of JPEG".to_owned(),
            };
            Fault::DicomSyntax { name, hint: "gdcmconv --raw IN OUT or dcmdjpeg IN OUT" }
        }
        error => damaged(&one_line(&error.to_string(), LONGEST_REASON)),
    }
}
