//! The text of a table's file: unpacked, and decoded where it isn't UTF-8.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::text::bytes;

/// What a file is that is no text, by its first bytes, and what to do instead.
const OTHERS: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "is an Excel workbook or another zip archive; save the sheet as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook; save the sheet as CSV in UTF-8"),
    (b"PAR1", "is a Parquet file; save it as CSV"),
    (b"\x89HDF", "is an HDF5 file; save the table as CSV"),
    (b"%PDF", "is a PDF document; give the table as CSV"),
];

/// The text in `raw`, the content of a file: UTF-8 or UTF-16, with or without a byte order mark, or one of these packed by
/// gzip into at most `largest` bytes.
///
/// # Errors
/// A sentence without a subject, where it is something else, damaged or larger.
pub(super) fn text_of(raw: Vec<u8>, largest: u64) -> Result<String, String> {
    let raw = if raw.starts_with(b"\x1f\x8b") { unpacked(&raw, largest)? } else { raw };
    if let Some((_, what)) = OTHERS.iter().find(|(mark, _)| raw.starts_with(mark)) {
        return Err((*what).to_owned());
    }
    let text = match raw.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => utf16(&raw, u16::from_le_bytes)?,
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => utf16(&raw, u16::from_be_bytes)?,
        _ => String::from_utf8(raw).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            format!(
                "line {line} isn't text in UTF-8; if it is Windows-1252, iconv -f WINDOWS-1252 -t UTF-8 converts it"
            )
        })?,
    };
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    let beginning = text.trim_start().get(..200).unwrap_or(text.trim_start()).to_lowercase();
    if beginning.starts_with("<!doctype") || beginning.starts_with("<html") {
        return Err("is a web page, as a failed download leaves it; get the table itself".to_owned());
    }
    if beginning.starts_with("version https://git-lfs") {
        return Err("is a Git LFS pointer; `git lfs pull` gets the table itself".to_owned());
    }
    if text.contains('\0') {
        return Err("holds zero bytes, so it is no text; save the table as CSV in UTF-8".to_owned());
    }
    Ok(text)
}

fn unpacked(raw: &[u8], largest: u64) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = MultiGzDecoder::new(raw).take(largest + 1).read_to_end(&mut out);
    read.map_err(|error| format!("is a damaged gzip file ({error}); get it again"))?;
    if out.len() as u64 > largest {
        return Err(format!("unpacks to more than the {} allowed; give one of labels", bytes(largest)));
    }
    Ok(out)
}

fn utf16(raw: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let damaged = || "isn't valid text in UTF-16; save the table as CSV in UTF-8".to_owned();
    let (pairs, rest) = raw.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(damaged());
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TABLE: &str = "path,größe\na.png,1\n";

    fn gz(text: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(text).expect("packed");
        writer.finish().expect("packed")
    }

    #[test]
    fn the_same_text_comes_from_every_encoding() {
        let units: Vec<u16> = TABLE.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        let written = [
            TABLE.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", TABLE.as_bytes()),
            little.clone(),
            big.clone(),
            marked(b"\xff\xfe", &little),
            marked(b"\xfe\xff", &big),
            gz(TABLE.as_bytes()),
            gz(&marked(b"\xff\xfe", &little)),
        ];
        for (number, raw) in written.into_iter().enumerate() {
            assert_eq!(text_of(raw, 100).as_deref(), Ok(TABLE), "{number}");
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        let cases: [(&[u8], &str); 8] = [
            (b"PK\x03\x04\x14", "Excel workbook"),
            (b"a,b\ngr\xf6\xdfe,1\n", "line 2 isn't text in UTF-8"),
            (b"\xff\xfea\0b", "UTF-16"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
            (b"\x1f\x8b\x08\0\0\0", "damaged gzip"),
            (b"a\0\0\0b", "zero bytes"),
            (&gz(&[b'a'; 101]), "more than the 100 B"),
        ];
        for (raw, said) in cases {
            let sentence = text_of(raw.to_vec(), 100).expect_err(said);
            assert!(sentence.contains(said), "{sentence}");
        }
    }
}
