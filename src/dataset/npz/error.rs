//! Errors of npz archives, each a sentence with the file, the array, the fault and what to do.

use std::fmt;
use std::io;
use std::path::Path;

use super::dtype::{Dtype, Shape};
use crate::text::printable;
use crate::zip::ZipError;

/// Why an archive couldn't be read or written; its `Display` is one sentence for the user.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {subject} {fault}", subject = Subject(array.as_deref()))]
pub struct NpzError {
    /// The archive's path as it was given, fit for a terminal.
    pub file: String,
    /// The array at fault, fit for a terminal; `None` when the fault is the whole file's.
    pub array: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

impl NpzError {
    /// A fault of the whole file.
    pub(super) fn of_file(path: &Path, fault: Fault) -> Self {
        Self { file: printable(&path.to_string_lossy(), usize::MAX), array: None, fault }
    }

    /// A fault of one array.
    pub(super) fn of_array(path: &Path, array: &str, fault: Fault) -> Self {
        Self { array: Some(printable(array, LONGEST_NAME)), ..Self::of_file(path, fault) }
    }
}

/// What is wrong; each variant's `Display` continues the sentence after "the file" or "array `name`".
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of a variant says what it is")]
pub enum Fault {
    // The file.
    #[error("can't be read ({0}); check its path and permissions")]
    Io(io::Error),
    #[error("is a device or a pipe; save the archive as an ordinary file first")]
    NotFile,
    #[error("is not an npz archive; give a file made by numpy.savez or numpy.savez_compressed")]
    NotZip,
    #[error("is empty; copy or download it again")]
    EmptyFile,
    #[error("is a single npy array, not an npz archive; put its arrays together with numpy.savez_compressed")]
    SingleNpy,
    #[error("is cut short (the zip directory at its end is missing); copy or download it again")]
    CutShort,
    #[error("has a damaged zip directory ({0}); copy or download it again")]
    Directory(&'static str),
    #[error("names the array `{0}` twice, so it's unclear which one counts; save it again with one of them")]
    Twice(String),
    #[error("lacks {}; it holds {} but needs {}", Names(missing), Names(present), Names(needed))]
    Missing { missing: Vec<String>, present: Vec<String>, needed: Vec<String> },
    #[error(
        "needs {} of memory in all, more than the {} allowed; take a smaller data set or allow more",
        Bytes(*needs), Bytes(*limit)
    )]
    TooBigTogether { needs: u64, limit: u64 },

    // An array's place in the zip.
    #[error("is encrypted; save the file again without a password")]
    Encrypted,
    #[error(
        "is packed with zip method {}, and only stored and deflated arrays can be read; save the file again with numpy.savez_compressed",
        Method(*.0)
    )]
    Method(u16),
    #[error(
        "claims to inflate from {packed} to {size} bytes, more than deflate can; the file is damaged or a zip bomb, so get it from a source you trust"
    )]
    Ratio { packed: u64, size: u64 },
    #[error(
        "inflates beyond the {size} bytes declared for it; the file is damaged or a zip bomb, so get it from a source you trust"
    )]
    Overflows { size: u64 },
    #[error(
        "ends after {found} of {size} bytes; the file is incomplete or damaged, so copy or download it again"
    )]
    Truncated { found: u64, size: u64 },
    #[error("is damaged ({0}); copy or download the file again")]
    Damaged(&'static str),
    #[error(
        "is damaged (its CRC-32 is {found:08x} where {expected:08x} was recorded); copy or download the file again"
    )]
    Checksum { expected: u32, found: u32 },

    // An array's header.
    #[error("has an npy header that can't be read ({0}); save it again with numpy.savez_compressed")]
    Header(&'static str),
    #[error(
        "holds Python objects, which are never loaded because unpickling runs code; save it as a plain array of numbers or text"
    )]
    Objects,
    #[error("holds structured records; save each field as an array of its own")]
    Records,
    #[error(
        "is {0} in big-endian order; save it little-endian, e.g. with .astype(a.dtype.newbyteorder('<'))"
    )]
    BigEndian(Dtype),
    #[error("is stored column by column (Fortran order); save it with numpy.ascontiguousarray")]
    Fortran,
    #[error(
        "of shape {} and {dtype} takes {needs} bytes but its zip entry holds {holds}; the file is damaged, so copy or save it again",
        Shape(shape)
    )]
    Size { shape: Vec<usize>, dtype: Dtype, needs: u64, holds: u64 },
    #[error(
        "needs {} of memory, more than the {} allowed; take a smaller data set or allow more",
        Bytes(*needs), Bytes(*limit)
    )]
    TooBig { needs: u64, limit: u64 },
    #[error("needs {} of memory, which this machine can't give; take a smaller data set", Bytes(*.0))]
    Memory(u64),

    // What an array should be.
    #[error("is {found}; it must be {wanted}")]
    Dtype { found: Dtype, wanted: &'static str },
    #[error("has shape {}; it must be {wanted}", Shape(found))]
    Dimensions { found: Vec<usize>, wanted: &'static str },
    #[error("is {0}; images must be uint8, so scale them to 0..255 and convert with .astype(numpy.uint8)")]
    ImageDtype(Dtype),
    #[error("has shape {}: colour images can't be read; convert them to grey, N,H,W", Shape(.0))]
    Colour(Vec<usize>),
    #[error("holds images of {}x{} but `{other}` of {}x{}; all splits need one size", found.0, found.1, wanted.0, wanted.1)]
    ImageSize { found: (usize, usize), other: &'static str, wanted: (usize, usize) },
    #[error("has {labels} rows for the {count} images of `{images}`; each image needs exactly one row")]
    Count { labels: usize, count: usize, images: &'static str },
    #[error("has {found} columns for {wanted} conditions; each condition needs exactly one column")]
    Classes { found: usize, wanted: usize },
    #[error("holds {value} at row {row}, column {column} (counted from 0); labels are 0, 1, or -1 (unknown)")]
    Label { value: i64, row: usize, column: usize },
    #[error("holds {value}, which doesn't fit {wanted}; save it with values in range")]
    Range { value: i64, wanted: &'static str },
    #[error("is empty; training needs at least one image")]
    EmptyTrain,

    // Writing.
    #[error("can't be written ({0}); check the free space and the folder's permissions")]
    Write(io::Error),
    #[error("has {values} values for shape {}; give as many as the shape says", Shape(shape))]
    Values { shape: Vec<usize>, values: usize },
    #[error(
        "can't be added: its name is empty, too long, used already or holds control characters; choose another"
    )]
    Name,
}

/// Longest name of an array that a sentence repeats, in characters.
const LONGEST_NAME: usize = 60;
/// Most names that a sentence lists.
const MOST_NAMES: usize = 12;

/// The beginning of a sentence.
struct Subject<'a>(Option<&'a str>);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(array) => write!(f, "array `{array}`"),
            None => f.write_str("the file"),
        }
    }
}

/// Quoted names, the first few of them.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no arrays");
        }
        for (place, name) in self.0.iter().take(MOST_NAMES).enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}`{}`", printable(name, LONGEST_NAME))?;
        }
        match self.0.len().saturating_sub(MOST_NAMES) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// A number of bytes with a unit.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let power = (self.0.ilog2() / 10) as usize; // 1 to 6, since the value is at least 2^10 and below 2^64
        write!(f, "{:.1} {}", self.0 as f64 / (1024f64).powi(power as i32), UNITS[power - 1])
    }
}

/// A zip compression method by number and, for those one meets, name.
struct Method(u16);

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            9 => " (deflate64)",
            12 => " (bzip2)",
            14 => " (LZMA)",
            93 => " (Zstandard)",
            95 => " (xz)",
            99 => " (AES encryption)",
            _ => "",
        };
        write!(f, "{}{name}", self.0)
    }
}

impl From<ZipError> for Fault {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error) => Self::Io(error),
            ZipError::NoEnd => Self::NotZip,
            ZipError::Directory(why) => Self::Directory(why),
            ZipError::Twice(name) => Self::Twice(printable(name.trim_end_matches(".npy"), 60)),
            ZipError::Outside => Self::Damaged("it lies outside the file"),
            ZipError::Misplaced => Self::Damaged("it is not at the place that the zip directory gives"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_file_lose_control_characters_and_length() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c\n\u{9b}d", 60), "a[31mbcd");
        assert_eq!(printable(&"x".repeat(61), 60), format!("{}…", "x".repeat(60)));
        assert_eq!(printable(&"x".repeat(60), 60), "x".repeat(60));
    }

    #[test]
    fn bytes_are_shown_in_the_unit_that_fits() {
        let shown = |bytes| Bytes(bytes).to_string();
        assert_eq!(shown(1023), "1023 bytes");
        assert_eq!(shown(1024), "1.0 KiB");
        assert_eq!(shown(5_625_733_120), "5.2 GiB");
        assert_eq!(shown(u64::MAX), "16.0 EiB");
    }
}
