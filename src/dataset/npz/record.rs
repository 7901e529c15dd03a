//! The records of a zip archive as `writer` writes them.
//!
//! Format: PKWARE's APPNOTE.TXT, sections 4.3.7 (before a member), 4.3.12 (directory), 4.3.14 to 4.3.16 (end).

use crate::zip::{CENTRAL, END, END_64, EXTRA_64, LOCAL, LOCATOR_64};

/// 1 January 1980, the first day zip knows, at midnight: no clock gets into the bytes.
const DATE: u16 = (1 << 5) | 1;
/// Readable by all, as `unzip` would lay it down, with the file type "regular".
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// Zip versions needed: for deflate, and for zip64.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Made on Unix (3), which gives the attributes their meaning.
const MADE_BY: u16 = (3 << 8) | VERSION_64;
/// The directory of `members`, which begins at `start`, and the records that end the file. Sizes and places from
/// `wide_from` on stand in zip64 fields.
pub(super) fn directory(members: &[Member], start: u64, wide_from: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = members.iter().flat_map(|member| member.central(wide_from)).collect();
    let (size, count) = (bytes.len() as u64, members.len() as u64);
    if start >= wide_from || size >= wide_from || count >= u64::from(u16::MAX) {
        let end_64 = start + size;
        bytes.extend(END_64.to_le_bytes());
        bytes.extend(44_u64.to_le_bytes()); // bytes of this record that follow
        bytes.extend(MADE_BY.to_le_bytes());
        bytes.extend(VERSION_64.to_le_bytes());
        bytes.extend([0; 8]); // disks
        bytes.extend([count, count, size, start].iter().flat_map(|field| field.to_le_bytes()));
        bytes.extend(LOCATOR_64.to_le_bytes());
        bytes.extend([0; 4]); // disk
        bytes.extend(end_64.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes()); // disks
    }
    let short = u16::try_from(count).unwrap_or(u16::MAX);
    bytes.extend(END.to_le_bytes());
    bytes.extend([0; 4]); // disks
    bytes.extend([short, short].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend(narrow(size, wide_from).to_le_bytes());
    bytes.extend(narrow(start, wide_from).to_le_bytes());
    bytes.extend([0; 2]); // comment
    bytes
}

/// A 32-bit field: all ones where the value stands in a zip64 field instead.
fn narrow(value: u64, wide_from: u64) -> u32 {
    if value >= wide_from { u32::MAX } else { u32::try_from(value).unwrap_or(u32::MAX) }
}

/// The directory's record of a member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) method: u16,
    /// Whether its sizes take 64 bits.
    pub(super) wide: bool,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl Member {
    /// The record before the member's bytes.
    pub(super) fn local(&self) -> Vec<u8> {
        let mut extra = Vec::new();
        if self.wide {
            extra.extend([self.size, self.packed].iter().flat_map(|size| size.to_le_bytes()));
        }
        let mut bytes = LOCAL.to_le_bytes().to_vec();
        bytes.extend(self.shared(self.wide, &extra));
        bytes.extend(self.name.as_bytes());
        bytes.extend(extra_64(&extra));
        bytes
    }

    /// The member's record in the directory.
    fn central(&self, wide_from: u64) -> Vec<u8> {
        let far = self.offset >= wide_from;
        let mut extra = Vec::new();
        if self.wide {
            extra.extend([self.size, self.packed].iter().flat_map(|size| size.to_le_bytes()));
        }
        if far {
            extra.extend(self.offset.to_le_bytes());
        }
        let mut bytes = CENTRAL.to_le_bytes().to_vec();
        bytes.extend(MADE_BY.to_le_bytes());
        bytes.extend(self.shared(self.wide || far, &extra));
        bytes.extend([0; 6]); // comment, disk, kind of content
        bytes.extend(ATTRIBUTES.to_le_bytes());
        bytes.extend(narrow(self.offset, wide_from).to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(extra_64(&extra));
        bytes
    }

    /// The fields both records have, from the version needed to the length of the extra fields.
    fn shared(&self, wide: bool, extra: &[u8]) -> Vec<u8> {
        let sizes = if self.wide { [u64::MAX; 2] } else { [self.packed, self.size] };
        let mut bytes = Vec::new();
        bytes.extend((if wide { VERSION_64 } else { VERSION }).to_le_bytes());
        bytes.extend((if self.name.is_ascii() { 0 } else { UTF8 }).to_le_bytes());
        bytes.extend(self.method.to_le_bytes());
        bytes.extend([0; 2]); // midnight
        bytes.extend(DATE.to_le_bytes());
        bytes.extend(self.crc.to_le_bytes());
        bytes.extend(sizes.iter().flat_map(|size| narrow(*size, u64::MAX).to_le_bytes()));
        bytes.extend((self.name.len() as u16).to_le_bytes()); // at most LONGEST_NAME and its ending
        bytes.extend((extra_64(extra).len() as u16).to_le_bytes()); // at most 28
        bytes
    }
}

/// The zip64 field around `content`; nothing when there is none.
fn extra_64(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if !content.is_empty() {
        bytes.extend(EXTRA_64.to_le_bytes());
        bytes.extend((content.len() as u16).to_le_bytes()); // at most three sizes
        bytes.extend(content);
    }
    bytes
}
