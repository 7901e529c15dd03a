//! The zip container of a checkpoint: `<name>/data.pkl`, `<name>/byteorder` and one part per storage.
//!
//! Format: PKWARE's APPNOTE.TXT, sections 4.3 (records), 4.4 (fields) and 4.5.3 (zip64). PyTorch stores
//! every part without compression, so a part is a range of the file and can never be larger than it.
//! Checksums aren't looked at: sizes and places are.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::{Fault, shown};
use crate::zip::{Directory, Entry, LOCAL, STORED, ZipError};

/// `torch.serialization.MAGIC_NUMBER` as pickled, with which the format from before 1.6 begins …
const LEGACY: [u8; 12] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// … after at most this many bytes: protocol and, from protocol 4 on, frame.
const LEGACY_WITHIN: usize = 32;

/// An open checkpoint and where its parts lie.
#[derive(Debug)]
pub(super) struct Archive {
    file: File,
    /// Length of the file in bytes.
    pub(super) length: u64,
    layout: Layout,
}

/// How the parts of a checkpoint are found.
#[derive(Debug)]
enum Layout {
    Zip {
        directory: Directory,
        /// What comes before `/data.pkl`: most writers take the file's name or `archive`.
        prefix: String,
        /// Index in the directory by name.
        entries: HashMap<String, usize>,
    },
    /// The format from before PyTorch 1.6, whose parts lie one after the other; its reader finds where.
    Legacy { parts: HashMap<String, Part> },
}

/// A range of the file, known to lie within it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) at: u64,
    pub(super) size: u64,
}

impl Archive {
    /// Opens a checkpoint and reads its directory.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        // Opening a pipe would wait for a writer, perhaps for ever.
        if !fs::metadata(path).map_err(Fault::Io)?.is_file() {
            return Err(Fault::NotFile);
        }
        let file = File::open(path).map_err(Fault::Io)?;
        let length = file.metadata().map_err(Fault::Io)?.len();
        let mut start = vec![0; length.min(LEGACY_WITHIN as u64) as usize];
        file.read_exact_at(&mut start, 0).map_err(Fault::Io)?;
        if start.is_empty() {
            return Err(Fault::Empty);
        }
        if start.windows(LEGACY.len()).any(|bytes| bytes == LEGACY) {
            return Ok(Self { file, length, layout: Layout::Legacy { parts: HashMap::new() } });
        }
        let directory = Directory::read(&file).map_err(|error| match error {
            ZipError::Io(error) => Fault::Io(error),
            ZipError::NoEnd if start.starts_with(&LOCAL.to_le_bytes()) => Fault::CutShort,
            ZipError::NoEnd => Fault::NotZip,
            ZipError::Directory(why) => Fault::Directory(why),
            ZipError::Twice(_) => Fault::Directory("it names a part twice"),
            ZipError::Outside | ZipError::Misplaced => Fault::Directory("it reaches beyond the file's end"),
        })?;
        let names = || directory.entries.iter().map(|entry| entry.name.as_str());
        let prefix =
            names().find_map(|name| name.strip_suffix("/data.pkl")).ok_or(Fault::NotTorch)?.to_owned();
        let entries = names().enumerate().map(|(index, name)| (name.to_owned(), index)).collect();
        Ok(Self { file, length, layout: Layout::Zip { directory, prefix, entries } })
    }

    /// Whether it is in the format from before PyTorch 1.6.
    pub(super) fn is_legacy(&self) -> bool {
        matches!(self.layout, Layout::Legacy { .. })
    }

    /// Whether this is a compiled program, which has a pickle as well but of another kind.
    pub(super) fn is_torchscript(&self) -> bool {
        let Layout::Zip { prefix, entries, .. } = &self.layout else { return false };
        let code = format!("{prefix}/code/");
        entries.contains_key(&format!("{prefix}/constants.pkl"))
            || entries.keys().any(|name| name.starts_with(&code))
    }

    /// Where the part `name` lies; `None` when there is none.
    pub(super) fn part(&self, name: &str) -> Result<Option<Part>, Fault> {
        let (directory, prefix, entries) = match &self.layout {
            Layout::Legacy { parts } => return Ok(parts.get(name).copied()),
            Layout::Zip { directory, prefix, entries } => (directory, prefix, entries),
        };
        let Some(index) = entries.get(&format!("{prefix}/{name}")) else { return Ok(None) };
        let entry: &Entry = &directory.entries[*index];
        let fault = |why| Fault::Part { part: shown(name), why };
        if entry.encrypted {
            return Err(fault("is encrypted"));
        }
        if entry.method != STORED {
            return Err(fault("is compressed, which torch.save never does"));
        }
        if entry.packed != entry.size {
            return Err(fault("has two sizes"));
        }
        match directory.data_offset(entry, &self.file) {
            Ok(at) => Ok(Some(Part { at, size: entry.size })),
            Err(ZipError::Io(error)) => Err(Fault::Io(error)),
            Err(ZipError::Misplaced) => Err(fault("is not at the place that the zip directory gives")),
            Err(_) => Err(fault("lies outside the file")),
        }
    }

    /// `into.len()` bytes of the file from `at`, which the caller has from a [`Part`].
    pub(super) fn fill(&self, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.file.read_exact_at(into, at).map_err(Fault::Io)
    }

    /// Sets where the parts of a file in the old format lie.
    pub(super) fn set_parts(&mut self, parts: HashMap<String, Part>) {
        self.layout = Layout::Legacy { parts };
    }

    /// The bytes of a whole part; callers bound its size.
    pub(super) fn read(&self, part: Part) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; part.size as usize];
        self.fill(part.at, &mut bytes)?;
        Ok(bytes)
    }
}
