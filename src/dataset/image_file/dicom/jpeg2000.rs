//! JPEG 2000 codestreams (ITU-T T.800) of one grey component.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::super::error::Fault;
use super::fault::{DICOM, LONGEST_REASON, damaged};
use super::shape::Shape;
use crate::text::one_line;

/// Begins a codestream: the marks SOC and SIZ.
const START: &[u8] = b"\xff\x4f\xff\x51";
const CODING: u8 = 0x52;
const COMPONENT_CODING: u8 = 0x53;
const TILE_PART: u8 = 0x90;
const DATA: u8 = 0x93;
const END: u8 = 0xd9;
/// Tiles have numbers of 16 bits.
const MOST_TILES: u64 = 65_535;
/// Pieces that a decoder keeps books of: far above what any image is packed in.
const MOST_PIECES: u64 = 1 << 20;

/// The picture's codes; `shape` is corrected where the codestream knows better.
pub(super) fn decode(bytes: &[u8], shape: &mut Shape) -> Result<Vec<u16>, Fault> {
    let failed = |error: &dyn std::fmt::Display| damaged(&one_line(&error.to_string(), LONGEST_REASON));
    // Files with boxes around the codestream are wrong and exist.
    let start = bytes.windows(START.len()).position(|mark| mark == START);
    let stream = start.and_then(|start| bytes.get(start..)).ok_or_else(|| damaged("no JPEG 2000 in it"))?;
    check_pieces(stream)?;
    let image = Image::new(stream, &DecodeSettings::default()).map_err(|error| failed(&error))?;
    shape.check_size(image.width(), image.height(), "JPEG 2000")?;
    // Csiz and Ssiz: how many components there are, and the depth and sign of the first.
    let (Some(&[high, low]), Some(&depth)) = (stream.get(40..42), stream.get(42)) else {
        return Err(Fault::CutShort(DICOM));
    };
    if (high, low) != (0, 1) {
        return Err(Fault::DicomColour("its JPEG 2000".to_owned()));
    }
    let (precision, signed) = (u16::from(depth & 0x7f) + 1, depth & 0x80 != 0);
    if precision > 16 {
        return Err(Fault::DicomBits(precision));
    }
    // Some writers mark pixels as signed and pack them as unsigned codes: the top bit packed is then the sign.
    if shape.signed && precision < shape.stored {
        shape.narrow(precision);
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|error| failed(&error))?;
    let [grey] = decoded.components() else { return Err(damaged("the components of its JPEG 2000")) };
    // The decoder takes all as unsigned and lifts them so.
    let lift = if signed { 1i32 << (precision - 1) } else { 0 };
    let most = (1i32 << precision) - 1;
    let code = |sample: &f32| ((sample.round() as i32).clamp(0, most) - lift) as u16;
    Ok(grey.samples().iter().map(code).collect())
}

/// Refuses what is cut into more pieces than an image needs: an image within all limits may request gigabytes of
/// tiles and precincts of one pixel each.
fn check_pieces(stream: &[u8]) -> Result<(), Fault> {
    let number = |at: usize, bytes: usize| -> Result<u64, Fault> {
        let bytes = stream.get(at..at.saturating_add(bytes)).ok_or(Fault::CutShort(DICOM))?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let too_many = || damaged("a JPEG 2000 in too many pieces");
    // The picture's right and lower edge, and its tiles' sides.
    let (right, lower, across, down) = (number(8, 4)?, number(12, 4)?, number(24, 4)?, number(28, 4)?);
    if across == 0 || down == 0 {
        return Err(damaged("its JPEG 2000 tiles"));
    }
    if right.div_ceil(across).saturating_mul(lower.div_ceil(down)) > MOST_TILES {
        return Err(too_many());
    }
    let (mut at, mut tile) = (2, 0);
    // Marks of the codestream, then those of each part of a tile.
    while let Some(&[0xff, mark]) = stream.get(at..at + 2) {
        if mark == END {
            break;
        }
        let length = number(at + 2, 2)? as usize;
        match mark {
            DATA => {
                // A part without length is the last.
                let long = number(tile + 6, 4)? as usize;
                if long < 14 {
                    break;
                }
                at = tile.saturating_add(long);
                continue;
            }
            TILE_PART => tile = at,
            CODING | COMPONENT_CODING => {
                let style = at + if mark == CODING { 4 } else { 5 };
                let first = style + if mark == CODING { 5 } else { 1 };
                let levels = number(first, 1)?.min(32);
                let has_precincts = number(style, 1)? & 1 == 1;
                let mut pieces = 0u64;
                for level in 0..=levels {
                    let sides = if has_precincts { number(first + 5 + level as usize, 1)? } else { 0xff };
                    let scale = levels - level;
                    let along = |edge: u64, side: u64| (edge >> scale >> side) + 1;
                    pieces += along(right, sides & 15) * along(lower, sides >> 4);
                }
                if pieces > MOST_PIECES {
                    return Err(too_many());
                }
            }
            _ => {}
        }
        if length < 2 {
            return Err(damaged("the marks of its JPEG 2000"));
        }
        at += 2 + length;
    }
    Ok(())
}
