//! The directory of a zip archive, read with limits: where each entry lies and its record in the directory.
//!
//! Format: PKWARE's APPNOTE.TXT, sections 4.3 (records), 4.4 (fields) and 4.5.3 (zip64). Sizes come from the central
//! directory alone: the local headers that numpy writes are provisional and always in zip64 form. Nothing is unpacked
//! here; [`Directory::data_offset`] gives the range of a file that holds an entry's packed bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Signature of a local header.
pub const LOCAL: u32 = 0x0403_4b50;
/// Signature of a record of the central directory.
pub const CENTRAL: u32 = 0x0201_4b50;
/// Signature of the end record.
pub const END: u32 = 0x0605_4b50;
/// Signature of the zip64 end record.
pub const END_64: u32 = 0x0606_4b50;
/// Signature of the zip64 locator.
pub const LOCATOR_64: u32 = 0x0706_4b50;
/// Identifier of the extra field that carries 64-bit sizes.
pub const EXTRA_64: u16 = 1;
/// Compression method of an entry that is not compressed.
pub const STORED: u16 = 0;
/// Compression method deflate.
pub const DEFLATED: u16 = 8;

const LOCAL_LENGTH: u64 = 30;
const END_LENGTH: usize = 22;
const END_64_LENGTH: usize = 56;
const LOCATOR_64_LENGTH: usize = 20;
/// Longest comment a zip can end with.
const LONGEST_COMMENT: usize = 65_535;
/// Largest directory that is read: some 160,000 entries.
const LARGEST_DIRECTORY: u64 = 16 << 20;

/// Why a directory could not be read.
#[derive(Debug)]
pub enum ZipError {
    /// The file cannot be read.
    Io(io::Error),
    /// The file has no end record: it is no zip archive, or it is cut short.
    NoEnd,
    /// The directory is damaged; why.
    Directory(&'static str),
    /// Two entries have this name.
    Twice(String),
    /// The entry lies outside the file.
    Outside,
    /// There is no local header where the directory puts it.
    Misplaced,
}

/// An entry of an archive as its directory describes it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name as stored, `train_images.npy`; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// Whether the content is encrypted.
    pub encrypted: bool,
    /// Compression method: [`STORED`], [`DEFLATED`] or another.
    pub method: u16,
    /// CRC-32 of the unpacked content.
    pub crc: u32,
    /// Bytes in the file.
    pub packed: u64,
    /// Bytes when unpacked.
    pub size: u64,
    /// Offset of the local header.
    offset: u64,
}

/// The entries of an archive and the offset where its directory begins, before which the last entry must end.
#[derive(Debug, Default)]
pub struct Directory {
    /// In the order of the directory; no two have the same name.
    pub entries: Vec<Entry>,
    start: u64,
}

impl Directory {
    /// Finds and reads the directory at the end of `file`.
    ///
    /// # Errors
    /// When the file cannot be read, has no end record, or its directory is damaged or above 16 MB.
    pub fn read(file: &File) -> Result<Self, ZipError> {
        let length = file.metadata().map_err(ZipError::Io)?.len();
        let tail_length = length.min((LONGEST_COMMENT + END_LENGTH) as u64) as usize;
        let tail = read_at(file, length - tail_length as u64, tail_length)?;
        let end = find_end(&tail).ok_or(ZipError::NoEnd)?;
        let end_at = length - (tail_length - end) as u64;

        let mut fields = Fields(&tail[end + 4..]);
        let _disks = (fields.u16()?, fields.u16()?, fields.u16()?);
        let mut count = u64::from(fields.u16()?);
        let mut size = u64::from(fields.u32()?);
        let mut start = u64::from(fields.u32()?);
        let mut limit = end_at;
        if let Some(end_64_at) = locate_end_64(file, end_at)? {
            let record = read_at(file, end_64_at, END_64_LENGTH)?;
            let mut fields = Fields(&record);
            if fields.u32()? != END_64 {
                return Err(ZipError::Directory("its zip64 end record is missing"));
            }
            fields.skip(8 + 2 + 2 + 4 + 4 + 8)?; // own size, versions, disks, entries on this disk
            (count, size, start) = (fields.u64()?, fields.u64()?, fields.u64()?);
            limit = end_64_at;
        }
        if start.checked_add(size).is_none_or(|end| end > limit) {
            return Err(ZipError::Directory("it reaches beyond the file's end"));
        }
        if size > LARGEST_DIRECTORY {
            return Err(ZipError::Directory("it is too large"));
        }
        // Fits: at most LARGEST_DIRECTORY.
        let bytes = read_at(file, start, size as usize)?;
        let mut fields = Fields(&bytes);
        let mut entries = Vec::new();
        while !fields.0.is_empty() {
            entries.push(Entry::parse(&mut fields)?);
        }
        if entries.len() as u64 != count {
            return Err(ZipError::Directory("its number of entries is wrong"));
        }
        let mut names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ZipError::Twice(twice[0].to_owned()));
        }
        Ok(Self { entries, start })
    }

    /// The offset in `file` of the packed bytes of `entry`, all of which lie before the directory.
    ///
    /// # Errors
    /// When the entry lies outside the file or has no local header where the directory puts it.
    pub fn data_offset(&self, entry: &Entry, file: &File) -> Result<u64, ZipError> {
        if entry.offset.checked_add(LOCAL_LENGTH).is_none_or(|end| end > self.start) {
            return Err(ZipError::Outside);
        }
        let header = read_at(file, entry.offset, LOCAL_LENGTH as usize)?;
        let mut fields = Fields(&header);
        if fields.u32()? != LOCAL {
            return Err(ZipError::Misplaced);
        }
        fields.skip(22)?; // repeats the central directory
        let names = u64::from(fields.u16()?) + u64::from(fields.u16()?);
        let data = entry.offset + LOCAL_LENGTH + names; // no overflow: the first sum was checked, `names` < 2^17 …
        if data.checked_add(entry.packed).is_none_or(|end| end > self.start) {
            return Err(ZipError::Outside); // … and the directory starts within a file, below 2^63.
        }
        Ok(data)
    }
}

impl Entry {
    /// Parses the next record of the central directory.
    fn parse(fields: &mut Fields) -> Result<Self, ZipError> {
        if fields.u32()? != CENTRAL {
            return Err(ZipError::Directory("an entry has the wrong signature"));
        }
        fields.skip(4)?; // versions
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(4)?; // time and date
        let crc = fields.u32()?;
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
        Ok(Self { name, encrypted: flags & 1 != 0, method, crc, packed, size, offset })
    }
}

/// The content of the zip64 field among a record's extra fields; empty when there is none.
fn wide_sizes(extra: &[u8]) -> Result<Fields<'_>, ZipError> {
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

/// Index in `tail` of the end record: the last one whose comment fits.
fn find_end(tail: &[u8]) -> Option<usize> {
    let mut candidates = (0..=tail.len().checked_sub(END_LENGTH)?).rev();
    candidates.find(|&at| {
        let record = &tail[at..at + END_LENGTH];
        let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
        record.starts_with(&END.to_le_bytes()) && at + END_LENGTH + comment <= tail.len()
    })
}

/// Offset of the zip64 end record, if the locator before the end record names one.
fn locate_end_64(file: &File, end_at: u64) -> Result<Option<u64>, ZipError> {
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
        _ => Err(ZipError::Directory("its zip64 end record is outside the file")),
    }
}

/// `length` bytes of `file` from `offset`; callers bound `length`.
fn read_at(file: &File, offset: u64, length: usize) -> Result<Vec<u8>, ZipError> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset).map_err(ZipError::Io)?;
    Ok(bytes)
}

/// Little-endian fields of a record, taken from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ZipError> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or(ZipError::Directory("a record of it is cut off"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ZipError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn skip(&mut self, length: usize) -> Result<(), ZipError> {
        self.take(length).map(|_| ())
    }

    fn u16(&mut self) -> Result<u16, ZipError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, ZipError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ZipError> {
        self.array().map(u64::from_le_bytes)
    }
}
