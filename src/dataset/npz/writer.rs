//! Writes npz archives that numpy loads: equal arrays make equal bytes, and a reader never sees half a file.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::error::{Fault, NpzError};
use super::npy;
use super::zip::{CENTRAL, DEFLATED, END, END_64, EXTRA_64, LOCAL, LOCATOR_64, STORED};

/// 1 January 1980, the first day zip knows, at midnight: no clock gets into the bytes.
const DATE: u16 = (1 << 5) | 1;
/// Readable by all, as `unzip` would lay it down, with the file type "regular".
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// Zip versions needed: for deflate, and for zip64.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Entries this large get 64-bit sizes. Below the 32-bit end, since deflate may grow incompressible data a little.
const WIDE_FROM: u64 = 0xf000_0000;

/// An npz archive in the making.
///
/// It grows in a temporary file beside its target and takes the target's name in [`Writer::finish`], when its bytes
/// are on the disk. Dropped before that, by an error or otherwise, it leaves nothing behind.
///
/// ```no_run
/// # use chestxr_tui::dataset::npz::{NpzError, Writer};
/// # fn save(probabilities: &[f32]) -> Result<(), NpzError> {
/// Writer::create("predictions_val.npz".as_ref())?
///     .deflated()
///     .array_f32("probs", &[probabilities.len() / 14, 14], probabilities)?
///     .finish()
/// # }
/// ```
#[derive(Debug)]
pub struct Writer {
    target: PathBuf,
    temporary: PathBuf,
    /// `None` once finished.
    out: Option<BufWriter<File>>,
    /// Place of the next byte.
    at: u64,
    method: u16,
    wide_from: u64,
    names: HashSet<String>,
    directory: Vec<u8>,
}

impl Writer {
    /// Begins an archive that will be `path`, of stored arrays.
    ///
    /// # Errors
    /// A folder that isn't there or can't be written.
    pub fn create(path: &Path) -> Result<Self, NpzError> {
        let (temporary, file) =
            create_beside(path).map_err(|error| NpzError::of_file(path, Fault::Write(error)))?;
        Ok(Self {
            target: path.to_owned(),
            temporary,
            out: Some(BufWriter::with_capacity(256 << 10, file)),
            at: 0,
            method: STORED,
            wide_from: WIDE_FROM,
            names: HashSet::new(),
            directory: Vec::new(),
        })
    }

    /// Deflates the arrays that follow.
    #[must_use]
    pub fn deflated(self) -> Self {
        Self { method: DEFLATED, ..self.stay() }
    }

    /// Adds `float32` values in C order.
    ///
    /// # Errors
    /// A shape of another number of values, a name that is empty or used already, a full disk.
    pub fn array_f32(self, name: &str, shape: &[usize], values: &[f32]) -> Result<Self, NpzError> {
        self.array(name, "<f4", shape, values, |value| value.to_le_bytes())
    }

    /// Adds `uint8` values in C order.
    ///
    /// # Errors
    /// As [`Writer::array_f32`].
    pub fn array_u8(self, name: &str, shape: &[usize], values: &[u8]) -> Result<Self, NpzError> {
        self.array(name, "|u1", shape, values, |value| [value])
    }

    /// Adds `int64` values in C order.
    ///
    /// # Errors
    /// As [`Writer::array_f32`].
    pub fn array_i64(self, name: &str, shape: &[usize], values: &[i64]) -> Result<Self, NpzError> {
        self.array(name, "<i8", shape, values, |value| value.to_le_bytes())
    }
}
