//! Width, height and layout from the header of an image file, before a decoder allocates memory.

use super::error::Fault;

const PNG: &str = "PNG";
const JPEG: &str = "JPEG";

/// Width and height (pixels) of the PNG `bytes`.
///
/// # Errors
/// When the file ends within its header or begins with another chunk.
pub(super) fn png_size(bytes: &[u8]) -> Result<(u32, u32), Fault> {
    let (Some(name), Some(width), Some(height)) =
        (bytes.get(12..16), four(bytes.get(16..20)), four(bytes.get(20..24)))
    else {
        return Err(Fault::CutShort(PNG));
    };
    if name == b"IHDR" {
        Ok((width, height))
    } else {
        Err(Fault::Damaged { format: PNG, what: "its header is missing".into() })
    }
}

/// The end of a PNG.
const PNG_END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

/// The PNG `bytes` with the end that it lacks, where all chunks before that are whole; `None` where it has one or is cut.
pub(super) fn png_with_end(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut at, mut has_pixels) = (8, false);
    while let (Some(length), Some(name)) = (four(bytes.get(at..at + 4)), bytes.get(at + 4..at + 8)) {
        if name == b"IEND" {
            break;
        }
        has_pixels |= name == b"IDAT";
        at = at.checked_add(12)?.checked_add(length as usize)?;
    }
    let rest = bytes.get(at..)?;
    let lacks_it = has_pixels && rest.len() < PNG_END.len() && PNG_END.starts_with(rest);
    lacks_it.then(|| [&bytes[..at], PNG_END].concat())
}

/// A big-endian number of four bytes.
fn four(bytes: Option<&[u8]>) -> Option<u32> {
    bytes?.try_into().ok().map(u32::from_be_bytes)
}

/// A JPEG's frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Columns, in pixels.
    pub width: u32,
    /// Rows, in pixels.
    pub height: u32,
    /// Colour components: 1 for grey, 3 for colour.
    pub components: u8,
    /// Whether the picture comes in passes, which a decoder has to keep until the last.
    pub progressive: bool,
}

/// Walks through the segments of the JPEG `bytes` to its end.
///
/// The decoder fills the missing part of a cut file with grey and reports nothing: only the end marker shows it.
///
/// # Errors
/// When the file lacks its end or a frame, or is of a kind that isn't decoded (12 bits, lossless, CMYK, …).
pub(super) fn jpeg_frame(bytes: &[u8]) -> Result<Frame, Fault> {
    let damaged = |what: &str| Fault::Damaged { format: JPEG, what: what.into() };
    let mut frame = None;
    let mut scanned = false;
    let mut at = 2; // behind the start marker that made it a JPEG
    loop {
        let (marker, behind) = next_marker(bytes, at).ok_or(Fault::CutShort(JPEG))?;
        at = behind;
        match marker {
            0xd9 => break,
            0x01 | 0xd0..=0xd8 => continue, // markers without a segment
            _ => {}
        }
        let length = bytes.get(at..at + 2).ok_or(Fault::CutShort(JPEG))?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length < 2 {
            return Err(damaged("a segment is too short"));
        }
        let segment = bytes.get(at + 2..at + length).ok_or(Fault::CutShort(JPEG))?;
        at += length;
        // c4, c8 and cc in the range of frames are tables and the like.
        let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame && frame.replace(read_frame(marker, segment)?).is_some() {
            return Err(damaged("it has two frames"));
        }
        scanned |= marker == 0xda;
    }
    frame.filter(|_| scanned).ok_or_else(|| damaged("it has no image"))
}

/// The next marker at or after `at` and the place behind it. Compressed data lies between markers; in it, ff is
/// followed by 00.
fn next_marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(at..)?;
    let found = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff))?;
    Some((rest[found + 1], at + found + 2))
}

/// The frame header in `segment`.
fn read_frame(marker: u8, segment: &[u8]) -> Result<Frame, Fault> {
    let unsupported = |what: &str| Err(Fault::Unsupported { format: JPEG, what: what.into() });
    let &[bits, high, low, wide, narrow, components, ..] = segment else {
        return Err(Fault::Damaged { format: JPEG, what: "its frame is too short".into() });
    };
    match (marker, bits, components) {
        (0xc3 | 0xc7 | 0xcb | 0xcf, _, _) => unsupported("lossless"),
        (0xc9..=0xce, _, _) => unsupported("arithmetic coding"),
        (0xc5..=0xc6, _, _) => unsupported("hierarchical"),
        (_, 8, 1 | 3) => Ok(Frame {
            width: u16::from_be_bytes([wide, narrow]).into(),
            height: u16::from_be_bytes([high, low]).into(),
            components,
            progressive: marker == 0xc2,
        }),
        (_, 8, 4) => unsupported("four colours, as for print"),
        (_, 8, _) => unsupported(&format!("{components} components")),
        _ => unsupported(&format!("{bits} bits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG of markers alone: frame, scan, some data with a stuffed ff, end.
    fn skeleton(marker: u8, bits: u8, components: u8) -> Vec<u8> {
        let mut bytes =
            vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xd9, 0xff, marker, 0, 8, bits, 0, 7, 0, 9, components];
        bytes.extend([0xff, 0xda, 0, 2, 0x12, 0xff, 0x00, 0xff, 0xd0, 0x34, 0xff, 0xd9]);
        bytes
    }

    #[test]
    fn a_frame_gives_its_size_and_an_end_marker_in_a_segment_does_not_end_the_file() {
        let frame = jpeg_frame(&skeleton(0xc2, 8, 3)).unwrap();
        assert_eq!(frame, Frame { width: 9, height: 7, components: 3, progressive: true });
        assert!(!jpeg_frame(&skeleton(0xc0, 8, 1)).unwrap().progressive);
    }

    #[test]
    fn every_shorter_jpeg_is_cut_short() {
        let whole = skeleton(0xc0, 8, 1);
        for length in 2..whole.len() {
            assert!(matches!(jpeg_frame(&whole[..length]), Err(Fault::CutShort("JPEG"))), "{length}");
        }
    }

    #[test]
    fn kinds_that_are_not_decoded_are_named() {
        let said = |marker, bits, components| {
            jpeg_frame(&skeleton(marker, bits, components)).unwrap_err().to_string()
        };
        assert!(said(0xc3, 16, 1).contains("(lossless)"));
        assert!(said(0xc1, 12, 1).contains("(12 bits)"));
        assert!(said(0xc0, 8, 4).contains("(four colours, as for print)"));
        assert!(said(0xc0, 8, 2).contains("(2 components)"));
        assert!(said(0xc9, 8, 3).contains("(arithmetic coding)"));
    }

    #[test]
    fn a_png_begins_with_its_header() {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x04\0\0\0\x03\0".to_vec();
        assert_eq!(png_size(&bytes).unwrap(), (1024, 768));
        assert!(matches!(png_size(&bytes[..23]), Err(Fault::CutShort("PNG"))));
        bytes[12] = b'X';
        assert!(matches!(png_size(&bytes), Err(Fault::Damaged { .. })));
    }
}
