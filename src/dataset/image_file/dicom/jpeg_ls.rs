//! JPEG-LS (ITU-T T.87) of one grey component, lossless or nearly so.

use super::super::error::Fault;
use super::fault::{DICOM, LONGEST_REASON, damaged};
use super::shape::Shape;
use crate::text::one_line;

/// The mark of a JPEG-LS frame header, SOF55.
const FRAME: u8 = 0xf7;

/// The picture's codes; `shape` is corrected where the stream knows better.
pub(super) fn decode(bytes: &[u8], shape: &mut Shape) -> Result<Vec<u16>, Fault> {
    let [precision, components] = frame(bytes, shape)?;
    if components != 1 {
        return Err(Fault::DicomColour("its JPEG-LS".to_owned()));
    }
    if !(2..=16).contains(&precision) {
        return Err(Fault::DicomBits(precision.into()));
    }
    // Numbers with a sign are packed as the codes of their lowest bits.
    if shape.signed && u16::from(precision) < shape.stored {
        shape.narrow(precision.into());
    }
    match jpegls::decode(bytes, shape.width, shape.height) {
        Ok((codes, ..)) => Ok(codes),
        Err(jpegls::CodecError::Unsupported(what)) => Err(Fault::DicomSyntax {
            name: format!("JPEG-LS ({})", one_line(&what, LONGEST_REASON)),
            hint: "gdcmconv --raw IN OUT or dcmdjpls IN OUT",
        }),
        Err(error) => Err(damaged(&one_line(&error.to_string(), LONGEST_REASON))),
    }
}

/// Bits of a sample and number of components, from the frame header, which must have the size of `shape`.
fn frame(bytes: &[u8], shape: &Shape) -> Result<[u8; 2], Fault> {
    let mut at = 2; // behind the start of the image
    while let Some(&[0xff, mark, high, low]) = bytes.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if mark == FRAME {
            let Some(&[precision, tall, short, wide, narrow, components]) = bytes.get(at + 4..at + 10) else {
                return Err(Fault::CutShort(DICOM));
            };
            let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
            shape.check_size(side(wide, narrow), side(tall, short), "JPEG-LS")?;
            return Ok([precision, components]);
        }
        at += 2 + length.max(2);
    }
    Err(damaged("its JPEG-LS has no frame"))
}
