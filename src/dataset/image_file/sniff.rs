//! The kind of a file by its first bytes, whatever its extension.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::error::Fault;
use crate::text::one_line;

/// First bytes that identify a file's kind; DICOM's mark lies at 128.
pub(super) const HEAD: usize = 512;
/// Longest beginning of a text that a sentence repeats, in characters.
const LONGEST_TEXT: usize = 40;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
    /// A zip archive, as `numpy.savez` writes, or a single npy array: the npz reader's.
    Npz,
    /// A DICOM file, with or without its preamble.
    Dicom,
    /// Text in UTF-8 or UTF-16.
    Text,
    /// No bytes at all.
    Empty,
    /// None of these, a folder, or something that can't be opened.
    Unknown,
}

/// What the file at `path` is, by its content. Never fails: what can't be opened is [`Kind::Unknown`], and
/// [`super::read`] gives the reason.
pub fn sniff(path: &Path) -> Kind {
    // Opening a pipe would wait for its other end.
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Kind::Unknown;
    }
    let mut head = Vec::with_capacity(HEAD);
    match File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head)) {
        Ok(_) => Kind::of(&head),
        Err(_) => Kind::Unknown,
    }
}

impl Kind {
    /// What a file is whose first bytes (at least 132, or all there are) are `head`.
    pub(super) fn of(head: &[u8]) -> Self {
        if head.is_empty() {
            Kind::Empty
        } else if head.starts_with(b"\x89PNG") {
            // Half of the signature: what a transfer as text made of the rest is a damaged PNG, not an unknown.
            Kind::Png
        } else if head.starts_with(&[0xff, 0xd8, 0xff]) || head == [0xff, 0xd8] {
            Kind::Jpeg
        } else if is_dicom(head) {
            Kind::Dicom
        } else if [&b"PK\x03\x04"[..], b"PK\x05\x06", b"\x93NUMPY"].iter().any(|mark| head.starts_with(mark))
        {
            Kind::Npz
        } else if is_text(head) {
            Kind::Text
        } else {
            Kind::Unknown
        }
    }

    /// Why a file of this kind with the first bytes `head` isn't read; `None` for a picture.
    pub(super) fn refusal(self, head: &[u8]) -> Option<Fault> {
        match self {
            Kind::Png | Kind::Jpeg | Kind::Dicom => None,
            Kind::Npz => Some(Fault::Npz),
            Kind::Text => Some(text_fault(head)),
            Kind::Empty => Some(Fault::Empty),
            Kind::Unknown => Some(other(head).map_or(Fault::Unknown, Fault::Other)),
        }
    }
}

/// DICOM's mark behind the preamble, or, without one, its first element: of group 2 or 8, typed or not, with an element of
/// the same group behind it.
fn is_dicom(head: &[u8]) -> bool {
    if head.get(128..132) == Some(b"DICM") || head.starts_with(b"DICM") {
        return true;
    }
    let [group @ (2 | 8), 0, element, 0, rest @ ..] = head else { return false };
    let (length, begin) = match rest {
        // Types whose length has two bytes, as all first elements have.
        [a, b, low, high, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => {
            (usize::from(u16::from_le_bytes([*low, *high])), 8)
        }
        [a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 8),
        _ => return false,
    };
    let Some(next) = begin_of(head, begin, length) else { return false };
    match next {
        [same, 0, behind, 0, ..] => (same, behind) > (group, element) && matches!(same, 2 | 8 | 16),
        _ => false,
    }
}

/// What stands behind a value of `length` bytes at `begin`, of which a first element has few.
fn begin_of(head: &[u8], begin: usize, length: usize) -> Option<&[u8]> {
    const LONGEST: usize = 256;
    (length <= LONGEST && length.is_multiple_of(2)).then(|| head.get(begin + length..)).flatten()
}

/// Whether all of `head` is text; its last character may be cut.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c'))
}

/// What a text in a picture's place is: a page of a failed download, a pointer of Git LFS, or anything else.
fn text_fault(head: &[u8]) -> Fault {
    let text = beginning(head);
    let lower = text.to_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        Fault::WebPage
    } else if lower.starts_with("version https://git-lfs") {
        Fault::LfsPointer
    } else {
        Fault::Text(text)
    }
}

/// The first words of a text.
fn beginning(head: &[u8]) -> String {
    one_line(String::from_utf8_lossy(head).trim_start_matches('\u{feff}'), LONGEST_TEXT)
}

/// A format that one may take for an image's, by its mark.
fn other(head: &[u8]) -> Option<&'static str> {
    let marks: [(&[u8], &str); 9] = [
        (b"II*\0", "a TIFF picture"),
        (b"MM\0*", "a TIFF picture"),
        (b"GIF8", "a GIF picture"),
        (b"BM", "a BMP picture"),
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
        (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
        (b"%PDF", "a PDF document"),
        (b"\x1f\x8b", "a gzip file"),
        (b"\x89HDF", "an HDF5 file"),
    ];
    let marked = marks.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, name)| *name);
    marked.or_else(|| match (head.get(..4), head.get(4..8), head.get(8..12)) {
        (Some(b"RIFF"), _, Some(b"WEBP")) => Some("a WebP picture"),
        (_, Some(b"ftyp"), _) => Some("an HEIF or AVIF picture or a video"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_by_content() {
        let mut dicom = vec![0; 140];
        dicom[128..132].copy_from_slice(b"DICM");
        let cases: [(&[u8], Kind); 16] = [
            (b"", Kind::Empty),
            (b"\x89PNG\r\n\x1a\n", Kind::Png),
            (b"\x89PNG\n\x1a\n", Kind::Png),
            (b"\xff\xd8\xff\xe0", Kind::Jpeg),
            (b"\xff\xd8", Kind::Jpeg),
            (b"PK\x03\x04rest", Kind::Npz),
            (b"\x93NUMPY\x01\0", Kind::Npz),
            (&dicom, Kind::Dicom),
            (b"\x02\x00\x00\x00UL\x04\x00\x10\0\0\0\x02\0\x01\0", Kind::Dicom),
            (b"\x08\0\x08\0\x04\0\0\0A\\B \x08\0\x16\0", Kind::Dicom),
            (b"\x08\0\x08\0CS\x02\0A \x08\0\x16\0", Kind::Dicom),
            (b"\x08\0\x08\0\xff\xff\0\0", Kind::Unknown),
            (b"id,label\n1,Mass\n", Kind::Text),
            (b"\xff\xfei\0d\0", Kind::Text),
            ("größer".as_bytes().split_last().map_or(&[], |(_, rest)| rest), Kind::Text),
            (b"\x00\x01\x02", Kind::Unknown),
        ];
        for (head, kind) in cases {
            assert_eq!(Kind::of(head), kind, "{head:?}");
        }
    }

    #[test]
    fn a_text_cut_within_a_character_is_still_text() {
        assert_eq!(Kind::of(&"grö".as_bytes()[..3]), Kind::Text);
        assert_eq!(Kind::of(b"gr\xc3x"), Kind::Unknown);
    }

    #[test]
    fn formats_one_may_take_for_an_image_are_named() {
        let said =
            |head: &[u8]| Kind::of(head).refusal(head).map(|fault| fault.to_string()).unwrap_or_default();
        assert!(said(b"II*\0\x08\0\0\0").starts_with("is a TIFF picture, and only"));
        assert!(said(b"RIFF\0\x01\0\0WEBPVP8 ").starts_with("is a WebP picture"));
        assert!(said(b"<!DOCTYPE html>\n<html>").starts_with("is a web page"));
        assert!(said(b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull"));
        assert!(said(b"id,label\n").contains("`id,label`"));
        assert_eq!(said(b"\x89PNG"), "");
    }

    #[test]
    fn what_cannot_be_opened_is_unknown() {
        assert_eq!(sniff(Path::new("/no/such/file.png")), Kind::Unknown);
        assert_eq!(sniff(Path::new("/")), Kind::Unknown);
    }
}
