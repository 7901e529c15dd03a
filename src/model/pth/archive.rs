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

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Identifier of the extra field that carries 64-bit sizes.
const EXTRA_64: u16 = 1;
const STORED: u16 = 0;

const LOCAL_LENGTH: u64 = 30;
const END_LENGTH: usize = 22;
const END_64_LENGTH: usize = 56;
const LOCATOR_64_LENGTH: usize = 20;
/// Longest comment a zip can end with.
const LONGEST_COMMENT: usize = 65_535;
/// Largest directory that is read: some 200,000 storages.
const LARGEST_DIRECTORY: u64 = 16 << 20;
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
    /// Where the zip directory begins, which is where the last part must have ended.
    end: u64,
    /// What comes before `/data.pkl`: most writers take the file's name or `archive`.
    prefix: String,
    entries: HashMap<String, Entry>,
}

/// A part as the directory describes it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    encrypted: bool,
    method: u16,
    packed: u64,
    size: u64,
    offset: u64,
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
        let start = read_at(&file, 0, length.min(LEGACY_WITHIN as u64) as usize)?;
        if start.is_empty() {
            return Err(Fault::Empty);
        }
        if start.windows(LEGACY.len()).any(|bytes| bytes == LEGACY) {
            return Err(Fault::Legacy);
        }
        let (directory, end) = read_directory(&file, length)?.ok_or_else(|| {
            if start.starts_with(&LOCAL.to_le_bytes()) { Fault::CutShort } else { Fault::NotZip }
        })?;
        let mut fields = Fields(&directory);
        let mut entries = HashMap::new();
        let mut prefix = None;
        while !fields.0.is_empty() {
            let (name, entry) = Entry::parse(&mut fields)?;
            if prefix.is_none() {
                prefix = name.strip_suffix("/data.pkl").map(str::to_owned);
            }
            if entries.insert(name, entry).is_some() {
                return Err(Fault::Directory("it names a part twice"));
            }
        }
        let prefix = prefix.ok_or(Fault::NotTorch)?;
        Ok(Self { file, length, end, prefix, entries })
    }

    /// Whether this is a compiled program, which has a pickle as well but of another kind.
    pub(super) fn is_torchscript(&self) -> bool {
        let code = format!("{}/code/", self.prefix);
        self.entries.contains_key(&format!("{}/constants.pkl", self.prefix))
            || self.entries.keys().any(|name| name.starts_with(&code))
    }

    /// Where the part `name` lies; `None` when there is none.
    pub(super) fn part(&self, name: &str) -> Result<Option<Part>, Fault> {
        let Some(entry) = self.entries.get(&format!("{}/{name}", self.prefix)) else { return Ok(None) };
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
        if entry.offset.checked_add(LOCAL_LENGTH).is_none_or(|end| end > self.end) {
            return Err(fault("lies outside the file"));
        }
        let header = read_at(&self.file, entry.offset, LOCAL_LENGTH as usize)?;
        let mut fields = Fields(&header);
        if fields.u32()? != LOCAL {
            return Err(fault("is not where the zip directory says"));
        }
        fields.skip(22)?; // what the directory says better
        let names = u64::from(fields.u16()?) + u64::from(fields.u16()?);
        let at = entry.offset + LOCAL_LENGTH + names; // no overflow: that sum was checked, `names` < 2^17 …
        if at.checked_add(entry.size).is_none_or(|end| end > self.end) {
            return Err(fault("lies outside the file")); // … and the directory starts below 2^63.
        }
        Ok(Some(Part { at, size: entry.size }))
    }

    /// `into.len()` bytes of the file from `at`, which the caller has from a [`Part`].
    pub(super) fn fill(&self, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        self.file.read_exact_at(into, at).map_err(Fault::Io)
    }

    /// The bytes of a whole part; callers bound its size.
    pub(super) fn read(&self, part: Part) -> Result<Vec<u8>, Fault> {
        read_at(&self.file, part.at, part.size as usize)
    }
}

impl Entry {
    /// Parses the next record of the central directory.
    fn parse(fields: &mut Fields) -> Result<(String, Self), Fault> {
        if fields.u32()? != CENTRAL {
            return Err(Fault::Directory("an entry of it is not one"));
        }
        fields.skip(4)?; // versions
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(8)?; // time, date and checksum
        let (packed, size) = (fields.u32()?, fields.u32()?);
        let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
        fields.skip(8)?; // disk and attributes
        let offset = fields.u32()?;
        let name = String::from_utf8_lossy(fields.take(name.into())?).into_owned();
        let mut wide = wide_sizes(fields.take(extra.into())?)?;
        fields.skip(comment.into())?;
        // The wide sizes follow in this order, each only where the narrow one is full.
        let mut widen = |narrow: u32| if narrow == u32::MAX { wide.u64() } else { Ok(narrow.into()) };
        let (size, packed, offset) = (widen(size)?, widen(packed)?, widen(offset)?);
        Ok((name, Self { encrypted: flags & 1 != 0, method, packed, size, offset }))
    }
}

/// The central directory and its place; `None` when the file has no end record.
fn read_directory(file: &File, length: u64) -> Result<Option<(Vec<u8>, u64)>, Fault> {
    let tail_length = length.min((LONGEST_COMMENT + END_LENGTH) as u64) as usize;
    let tail = read_at(file, length - tail_length as u64, tail_length)?;
    let Some(end) = find_end(&tail) else { return Ok(None) };
    let end_at = length - (tail_length - end) as u64;

    let mut fields = Fields(&tail[end + 4..]);
    fields.skip(8)?; // disks and number of entries
    let (mut size, mut start) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let mut limit = end_at;
    if let Some(end_64_at) = locate_end_64(file, end_at)? {
        let record = read_at(file, end_64_at, END_64_LENGTH)?;
        let mut fields = Fields(&record);
        if fields.u32()? != END_64 {
            return Err(Fault::Directory("its zip64 end record is missing"));
        }
        fields.skip(36)?; // own size, versions, disks and numbers of entries
        (size, start) = (fields.u64()?, fields.u64()?);
        limit = end_64_at;
    }
    if start.checked_add(size).is_none_or(|end| end > limit) {
        return Err(Fault::Directory("it reaches beyond the file's end"));
    }
    if size > LARGEST_DIRECTORY {
        return Err(Fault::Directory("it is too large"));
    }
    // Fits: at most LARGEST_DIRECTORY.
    Ok(Some((read_at(file, start, size as usize)?, start)))
}

/// Place in `tail` of the end record: the last one whose comment fits.
fn find_end(tail: &[u8]) -> Option<usize> {
    let mut candidates = (0..=tail.len().checked_sub(END_LENGTH)?).rev();
    candidates.find(|&at| {
        let record = &tail[at..at + END_LENGTH];
        let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
        record.starts_with(&END.to_le_bytes()) && at + END_LENGTH + comment <= tail.len()
    })
}

/// Place of the zip64 end record, if the locator before the end record names one.
fn locate_end_64(file: &File, end_at: u64) -> Result<Option<u64>, Fault> {
    let Some(at) = end_at.checked_sub(LOCATOR_64_LENGTH as u64) else { return Ok(None) };
    let locator = read_at(file, at, LOCATOR_64_LENGTH)?;
    let mut fields = Fields(&locator);
    if fields.u32()? != LOCATOR_64 {
        return Ok(None);
    }
    fields.skip(4)?; // disk
    let end_64_at = fields.u64()?;
    match end_64_at.checked_add(END_64_LENGTH as u64) {
        Some(end) if end <= at => Ok(Some(end_64_at)),
        _ => Err(Fault::Directory("its zip64 end record lies outside the file")),
    }
}

/// The content of the zip64 field among a record's extra fields; empty when there is none.
fn wide_sizes(extra: &[u8]) -> Result<Fields<'_>, Fault> {
    let mut fields = Fields(extra);
    // Up to three stray bytes are padding some tools leave.
    while fields.0.len() >= 4 {
        let (kind, length) = (fields.u16()?, fields.u16()?);
        let content = fields.take(length.into())?;
        if kind == EXTRA_64 {
            return Ok(Fields(content));
        }
    }
    Ok(Fields(&[]))
}

/// `length` bytes of `file` from `offset`; callers bound `length`.
fn read_at(file: &File, offset: u64, length: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset).map_err(Fault::Io)?;
    Ok(bytes)
}

/// Little-endian fields of a record, taken from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or(Fault::Directory("a record of it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn skip(&mut self, length: usize) -> Result<(), Fault> {
        self.take(length).map(|_| ())
    }

    fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }
}
