//! The zip container: where each member lies and what its directory says of it.
//!
//! Format: PKWARE's APPNOTE.TXT, sections 4.3 (records), 4.4 (fields) and 4.5.3 (zip64). Sizes come from the central
//! directory alone: numpy's local headers are provisional and always in zip64 form.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::entry::EntryReader;
use super::error::{Fault, printable};
use super::npy;

pub(super) const LOCAL: u32 = 0x0403_4b50;
pub(super) const CENTRAL: u32 = 0x0201_4b50;
pub(super) const END: u32 = 0x0605_4b50;
pub(super) const END_64: u32 = 0x0606_4b50;
pub(super) const LOCATOR_64: u32 = 0x0706_4b50;
/// Identifier of the extra field that carries 64-bit sizes.
pub(super) const EXTRA_64: u16 = 1;
/// Compression methods.
pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

const LOCAL_LENGTH: u64 = 30;
const CENTRAL_LENGTH: usize = 46;
const END_LENGTH: usize = 22;
const END_64_LENGTH: usize = 56;
const LOCATOR_64_LENGTH: usize = 20;
/// Longest comment a zip can end with.
const LONGEST_COMMENT: usize = 65_535;
/// Largest directory that is read: some 160,000 arrays.
const LARGEST_DIRECTORY: u64 = 16 << 20;
/// The most deflate can shrink: a 258-byte match in two bits.
const BEST_RATIO: u64 = 1032;

/// A member of the archive as its directory describes it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Name as stored, `train_images.npy`.
    pub(super) name: String,
    encrypted: bool,
    method: u16,
    pub(super) crc: u32,
    /// Bytes in the file.
    pub(super) packed: u64,
    /// Bytes when unpacked.
    pub(super) size: u64,
    /// Place of the local header.
    offset: u64,
}

/// The members of an archive and where its directory begins, which is where the last member must have ended.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    start: u64,
}

impl Directory {
    /// Finds and reads the directory at the end of `file`.
    pub(super) fn read(file: &File) -> Result<Self, Fault> {
        let length = file.metadata().map_err(Fault::Io)?.len();
        let tail_length = length.min((LONGEST_COMMENT + END_LENGTH) as u64) as usize;
        let tail = read_at(file, length - tail_length as u64, tail_length)?;
        let Some(end) = find_end(&tail) else { return Err(what_else(file, length)) };
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
                return Err(Fault::Directory("its zip64 end record is missing"));
            }
            fields.skip(8 + 2 + 2 + 4 + 4 + 8)?; // own size, versions, disks, entries on this disk
            (count, size, start) = (fields.u64()?, fields.u64()?, fields.u64()?);
            limit = end_64_at;
        }
        if start.checked_add(size).is_none_or(|end| end > limit) {
            return Err(Fault::Directory("it reaches beyond the file's end"));
        }
        if size > LARGEST_DIRECTORY {
            return Err(Fault::Directory("it is too large"));
        }
        // Fits: at most LARGEST_DIRECTORY.
        let bytes = read_at(file, start, size as usize)?;
        let mut fields = Fields(&bytes);
        let mut entries = Vec::new();
        while !fields.0.is_empty() {
            entries.push(Entry::parse(&mut fields)?);
        }
        if entries.len() as u64 != count {
            return Err(Fault::Directory("its number of entries is wrong"));
        }
        let mut names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Fault::Twice(printable(twice[0].trim_end_matches(".npy"), 60)));
        }
        Ok(Self { entries, start })
    }

    /// A reader of the unpacked bytes of `entry`, once what the directory says of it proved possible.
    pub(super) fn open<'a>(&self, entry: &Entry, file: &'a File) -> Result<EntryReader<'a>, Fault> {
        if entry.encrypted {
            return Err(Fault::Encrypted);
        }
        let (packed, size) = (entry.packed, entry.size);
        match entry.method {
            STORED if packed != size => return Err(Fault::Damaged("its stored size differs from its own")),
            DEFLATED if packed.saturating_mul(BEST_RATIO) < size => {
                return Err(Fault::Ratio { packed, size });
            }
            STORED | DEFLATED => {}
            other => return Err(Fault::Method(other)),
        }
        let outside = Fault::Damaged("it lies outside the file");
        if entry.offset.checked_add(LOCAL_LENGTH).is_none_or(|end| end > self.start) {
            return Err(outside);
        }
        let header = read_at(file, entry.offset, LOCAL_LENGTH as usize)?;
        let mut fields = Fields(&header);
        if fields.u32()? != LOCAL {
            return Err(Fault::Damaged("it is not where the zip directory says"));
        }
        fields.skip(22)?; // what the directory says better
        let names = u64::from(fields.u16()?) + u64::from(fields.u16()?);
        let data = entry.offset + LOCAL_LENGTH + names; // no overflow: the first sum was checked, `names` < 2^17 …
        if data.checked_add(packed).is_none_or(|end| end > self.start) {
            return Err(outside); // … and the directory starts within a file, below 2^63.
        }
        Ok(EntryReader::new(file, data, entry, entry.method == DEFLATED))
    }
}

impl Entry {
    /// Parses the next record of the central directory.
    fn parse(fields: &mut Fields) -> Result<Self, Fault> {
        if fields.0.len() < CENTRAL_LENGTH || fields.u32()? != CENTRAL {
            return Err(Fault::Directory("an entry of it is not one"));
        }
        fields.skip(4)?; // versions
        let flags = fields.u16()?;
        let method = fields.u16()?;
        fields.skip(4)?; // time and date
        let crc = fields.u32()?;
        let packed = fields.u32()?;
        let size = fields.u32()?;
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

/// Place in `tail` of the end record: the last one whose comment fits.
fn find_end(tail: &[u8]) -> Option<usize> {
    let candidates = (0..=tail.len().checked_sub(END_LENGTH)?).rev();
    candidates.into_iter().find(|&at| {
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

/// What a file without an end record is.
fn what_else(file: &File, length: u64) -> Fault {
    let start = read_at(file, 0, length.min(6) as usize);
    match start.as_deref() {
        Err(_) => Fault::NotZip,
        Ok([]) => Fault::EmptyFile,
        Ok(start) if start == npy::MAGIC => Fault::SingleNpy,
        Ok(start) if start.starts_with(&LOCAL.to_le_bytes()) => Fault::CutShort,
        Ok(_) => Fault::NotZip,
    }
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
