//! An archive of arrays, read by name.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::dtype::Dtype;
use super::entry::EntryReader;
use super::error::{Fault, NpzError};
use super::npy::{ArrayInfo, MAGIC, read_header};
use crate::text::printable;
use crate::zip::{Directory, Entry, LOCAL, ZipError};

/// Limits on the memory that a file may claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes an array may take, in the file and in memory; for a data set, all its arrays together.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 16 GiB: three times ChestMNIST at 224 x 224.
    fn default() -> Self {
        Self { max_bytes: 16 << 30 }
    }
}

/// An array in C order (the last axis runs fastest), whatever its order in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    /// Length of each axis; their product is the number of `values`.
    pub shape: Vec<usize>,
    /// The elements.
    pub values: Vec<T>,
}

/// An open npz archive. Reading takes `&self`, so arrays can be read in parallel.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: File,
    directory: Directory,
    limits: Limits,
}

impl Archive {
    /// Opens an archive and reads its directory, no array yet.
    ///
    /// # Errors
    /// A file that can't be read, is no zip archive, is cut short, or has a damaged directory.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, NpzError> {
        let open = || {
            // Opening a pipe would wait for a writer, perhaps for ever.
            let kind = fs::metadata(path).map_err(Fault::Io)?.file_type();
            if !kind.is_file() && !kind.is_dir() {
                return Err(Fault::NotFile);
            }
            let file = File::open(path).map_err(Fault::Io)?;
            let directory = Directory::read(&file).map_err(|error| match error {
                ZipError::NoEnd => without_directory(&file),
                other => other.into(),
            })?;
            Ok((file, directory))
        };
        let (file, directory) = open().map_err(|fault| NpzError::of_file(path, fault))?;
        Ok(Self { path: path.to_owned(), file, directory, limits })
    }

    /// The names of the arrays in the order of the file, as stored: strip control characters before showing one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.directory.entries.iter().filter_map(|entry| entry.name.strip_suffix(".npy"))
    }

    /// Whether there is an array of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|other| other == name)
    }

    /// Element type and shape of an array, without reading its elements.
    ///
    /// # Errors
    /// A missing array, one of Python objects or records, big-endian, damaged, encrypted, too big, or packed with
    /// something else than deflate.
    pub fn info(&self, name: &str) -> Result<ArrayInfo, NpzError> {
        let info = || self.start(self.entry(name)?).map(|(info, _)| info);
        info().map_err(|fault| self.error(name, fault))
    }

    /// Reads whole numbers from 0 to 255: `bool`, `uint8`, `int8`, `int32` or `int64`.
    ///
    /// # Errors
    /// As [`Archive::info`], and another element type, a value out of range, or damage.
    pub fn read_u8(&self, name: &str) -> Result<Array<u8>, NpzError> {
        self.read(name, |info, entry| next_bytes(count(info)?, info.dtype, entry))
    }

    /// Reads whole numbers: `bool`, `uint8`, `int8`, `int32` or `int64`.
    ///
    /// # Errors
    /// As [`Archive::info`], and another element type or damage.
    pub fn read_i64(&self, name: &str) -> Result<Array<i64>, NpzError> {
        self.read(name, |info, entry| integers(info, entry, |_, value| Ok(value)))
    }

    /// Reads `float32`, or `float64` rounded to it.
    ///
    /// # Errors
    /// As [`Archive::info`], and another element type or damage.
    pub fn read_f32(&self, name: &str) -> Result<Array<f32>, NpzError> {
        self.read(name, |info, entry| floats(info, entry, |value| value as f32))
    }

    /// Reads `float64`, or `float32` as it is.
    ///
    /// # Errors
    /// As [`Archive::info`], and another element type or damage.
    pub fn read_f64(&self, name: &str) -> Result<Array<f64>, NpzError> {
        self.read(name, |info, entry| floats(info, entry, |value| value))
    }

    /// Reads texts such as file names, stripped of control characters.
    ///
    /// # Errors
    /// As [`Archive::info`], and another element type or damage.
    pub fn read_text(&self, name: &str) -> Result<Array<String>, NpzError> {
        self.read(name, |info, entry| {
            let Dtype::Text(characters) = info.dtype else {
                return Err(Fault::Dtype { found: info.dtype, wanted: "text" });
            };
            entry.elements(count(info)?, characters.saturating_mul(4), |_, bytes| Ok(text(bytes)))
        })
    }

    /// Reads identifiers: texts, or whole numbers as texts.
    ///
    /// # Errors
    /// As [`Archive::info`], and another element type or damage.
    pub fn read_names(&self, name: &str) -> Result<Array<String>, NpzError> {
        match self.info(name)?.dtype {
            Dtype::Text(_) => self.read_text(name),
            _ => {
                let Array { shape, values } = self.read_i64(name)?;
                Ok(Array { shape, values: values.iter().map(i64::to_string).collect() })
            }
        }
    }

    /// Reads identifiers, whole numbers or texts, as numbers from 0 in the order in which they first come.
    ///
    /// # Errors
    /// As [`Archive::info`], and another element type or damage.
    pub fn read_groups(&self, name: &str) -> Result<Array<u32>, NpzError> {
        let Array { shape, values } = self.read_names(name)?;
        let mut known = HashMap::new();
        let groups = values.into_iter().map(|value| {
            let next = known.len() as u32;
            *known.entry(value).or_insert(next)
        });
        Ok(Array { shape, values: groups.collect() })
    }

    /// Reads an array by `elements`, which sees its header and then makes its values in the order of the file.
    /// Values of an array in Fortran order are put into C order, which takes a second copy for the moment.
    pub(super) fn read<T: Clone>(
        &self,
        name: &str,
        elements: impl FnOnce(&ArrayInfo, &mut EntryReader) -> Result<Vec<T>, Fault>,
    ) -> Result<Array<T>, NpzError> {
        let read = || {
            let (info, mut entry) = self.start(self.entry(name)?)?;
            self.allow(count(&info)? as u64, size_of::<T>() as u64)?;
            let mut values = elements(&info, &mut entry)?;
            entry.finish()?;
            if info.column_major && info.shape.len() > 1 {
                values = rows_first(&info.shape, &values);
            }
            Ok(Array { shape: info.shape, values })
        };
        read().map_err(|fault| self.error(name, fault))
    }

    /// The header of an array, and its bytes to be read piece by piece.
    pub(super) fn begin(&self, name: &str) -> Result<(ArrayInfo, EntryReader<'_>), NpzError> {
        let begin = || self.start(self.entry(name)?);
        begin().map_err(|fault| self.error(name, fault))
    }

    /// A fault of the array `name`, or of the file where the array isn't there.
    pub(super) fn error(&self, name: &str, fault: Fault) -> NpzError {
        match fault {
            Fault::Missing { .. } | Fault::Io(_) | Fault::TooBigTogether { .. } => {
                NpzError::of_file(&self.path, fault)
            }
            fault => NpzError::of_array(&self.path, name, fault),
        }
    }

    /// An error unless all arrays in `needed` are there.
    pub(super) fn require(&self, needed: &[&str]) -> Result<(), Fault> {
        let owned = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect::<Vec<_>>();
        let missing = owned(&mut needed.iter().copied().filter(|name| !self.contains(name)));
        if missing.is_empty() {
            return Ok(());
        }
        let (present, needed) = (owned(&mut self.names()), owned(&mut needed.iter().copied()));
        Err(Fault::Missing { missing, present, needed })
    }

    /// What this archive was opened with.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    fn entry(&self, name: &str) -> Result<&Entry, Fault> {
        let named = |entry: &&Entry| entry.name.strip_suffix(".npy") == Some(name);
        self.directory.entries.iter().find(named).ok_or_else(|| Fault::Missing {
            missing: vec![name.to_owned()],
            present: self.names().map(str::to_owned).collect(),
            needed: vec![name.to_owned()],
        })
    }

    /// Opens an entry and reads its header. The elements that follow are then known to take exactly the bytes that
    /// the zip directory leaves for them, and no more than allowed.
    fn start(&self, entry: &Entry) -> Result<(ArrayInfo, EntryReader<'_>), Fault> {
        let mut reader = EntryReader::open(&self.directory, entry, &self.file)?;
        let info = read_header(&mut reader)?;
        self.allow(info.len().map_or(u64::MAX, |count| count as u64), info.dtype.size())?;
        let holds = entry.size - reader.made(); // `made` never exceeds `size`
        match info.bytes() {
            Some(needs) if needs == holds => Ok((info, reader)),
            needs => {
                let needs = needs.unwrap_or(u64::MAX);
                Err(Fault::Size { shape: info.shape, dtype: info.dtype, needs, holds })
            }
        }
    }

    fn allow(&self, count: u64, width: u64) -> Result<(), Fault> {
        match (count.saturating_mul(width), self.limits.max_bytes) {
            (needs, limit) if needs > limit => Err(Fault::TooBig { needs, limit }),
            _ => Ok(()),
        }
    }
}

/// What is wrong with a file that has no zip directory, by its first bytes.
fn without_directory(file: &File) -> Fault {
    let mut start = [0; MAGIC.len()];
    match file.read_at(&mut start, 0) {
        Ok(0) => Fault::EmptyFile,
        Ok(_) if start == *MAGIC => Fault::SingleNpy,
        Ok(_) if start.starts_with(&LOCAL.to_le_bytes()) => Fault::CutShort,
        _ => Fault::NotZip,
    }
}

/// Number of elements.
pub(super) fn count(info: &ArrayInfo) -> Result<usize, Fault> {
    match info.len() {
        // An element without bytes would let a tiny file claim any number of them.
        Some(count) if count == 0 || info.dtype.size() > 0 => Ok(count),
        Some(_) => Err(Fault::Header("its elements have no size")),
        None => Err(Fault::Memory(u64::MAX)),
    }
}

/// Reads whole numbers of any size we know; `element` gets each one's index in the file.
pub(super) fn integers<T>(
    info: &ArrayInfo,
    entry: &mut EntryReader,
    element: impl FnMut(usize, i64) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    next_integers(count(info)?, info.dtype, entry, element)
}

/// Reads the next `count` of them.
fn next_integers<T>(
    count: usize,
    dtype: Dtype,
    entry: &mut EntryReader,
    mut element: impl FnMut(usize, i64) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    match dtype {
        Dtype::Bool | Dtype::U8 => entry.elements(count, 1, |at, bytes| element(at, bytes[0].into())),
        Dtype::I8 => entry.elements(count, 1, |at, bytes| element(at, bytes[0].cast_signed().into())),
        Dtype::I32 => {
            entry.elements(count, 4, |at, bytes| element(at, i32::from_le_bytes(exact(bytes)).into()))
        }
        Dtype::I64 => entry.elements(count, 8, |at, bytes| element(at, i64::from_le_bytes(exact(bytes)))),
        found => Err(Fault::Dtype { found, wanted: "uint8 or int64" }),
    }
}

/// Reads the next `count` whole numbers from 0 to 255.
pub(super) fn next_bytes(count: usize, dtype: Dtype, entry: &mut EntryReader) -> Result<Vec<u8>, Fault> {
    match dtype {
        Dtype::U8 | Dtype::Bool => entry.bytes(count),
        _ => next_integers(count, dtype, entry, |_, value| {
            u8::try_from(value).map_err(|_| Fault::Range { value, wanted: "uint8 (0 to 255)" })
        }),
    }
}

fn floats<T>(info: &ArrayInfo, entry: &mut EntryReader, element: fn(f64) -> T) -> Result<Vec<T>, Fault> {
    let count = count(info)?;
    match info.dtype {
        // Through float64 and back, a float32 keeps its bits, except that a signalling NaN turns quiet.
        Dtype::F32 => {
            entry.elements(count, 4, |_, bytes| Ok(element(f32::from_le_bytes(exact(bytes)).into())))
        }
        Dtype::F64 => entry.elements(count, 8, |_, bytes| Ok(element(f64::from_le_bytes(exact(bytes))))),
        found => Err(Fault::Dtype { found, wanted: "float32 or float64" }),
    }
}

/// The `N` bytes of an element; `elements` hands over exactly its width.
fn exact<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

/// A text from its UTF-32 code units, padded with zeros.
fn text(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(4).map(|unit| u32::from_le_bytes(exact(unit)));
    let text: String =
        units.take_while(|unit| *unit != 0).map(|unit| char::from_u32(unit).unwrap_or('\u{fffd}')).collect();
    printable(&text, usize::MAX)
}

/// Puts values whose first axis runs fastest into C order.
fn rows_first<T: Clone>(shape: &[usize], values: &[T]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for size in shape {
        strides.push(stride);
        stride *= size; // their product is the number of values
    }
    let mut place = vec![0; shape.len()];
    let mut at = 0;
    let mut rows = Vec::with_capacity(values.len());
    while rows.len() < values.len() {
        rows.push(values[at].clone());
        for axis in (0..shape.len()).rev() {
            place[axis] += 1;
            at += strides[axis];
            if place[axis] < shape[axis] {
                break;
            }
            at -= place[axis] * strides[axis];
            place[axis] = 0;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_order_becomes_c_order() {
        assert_eq!(rows_first(&[2, 3], &[11, 21, 12, 22, 13, 23]), [11, 12, 13, 21, 22, 23]);
        let columns: Vec<usize> = (0..24).map(|i| 100 * (i % 2) + 10 * (i / 2 % 3) + i / 6).collect();
        let rows: Vec<usize> = (0..24).map(|i| 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4).collect();
        assert_eq!(rows_first(&[2, 3, 4], &columns), rows);
        assert_eq!(rows_first::<u8>(&[0, 3], &[]), Vec::<u8>::new());
    }

    #[test]
    fn text_ends_at_its_padding_and_loses_control_characters() {
        let bytes: Vec<u8> =
            ['a', '\u{1b}', 'é', '\0', '\0'].iter().flat_map(|c| (*c as u32).to_le_bytes()).collect();
        assert_eq!(text(&bytes), "aé");
        assert_eq!(text(&0xd800_u32.to_le_bytes()), "\u{fffd}");
    }
}
