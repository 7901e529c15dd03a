//! Width, height and bit layout of a DICOM image.

use dicom_dictionary_std::tags;

use super::super::error::Fault;
use super::super::limits::Limits;
use super::elements::Elements;
use super::fault::damaged;
use super::syntax::Packing;

/// How a pixel lies in its 8 or 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub width: u32,
    pub height: u32,
    /// Bits that a pixel takes: 8 or 16.
    pub allocated: u16,
    /// Bits of them that count, at least 1.
    pub stored: u16,
    /// How many bits lie below those.
    pub shift: u16,
    pub signed: bool,
}

impl Shape {
    /// The shape by `elements`, when it can be read within `limits`.
    pub fn of(elements: &Elements, limits: Limits) -> Result<Self, Fault> {
        let needed = |tag, name| elements.short(tag).ok_or_else(|| damaged(name));
        let height = u32::from(needed(tags::ROWS, "no Rows")?);
        let width = u32::from(needed(tags::COLUMNS, "no Columns")?);
        let allocated = needed(tags::BITS_ALLOCATED, "no Bits Allocated")?;
        if !matches!(allocated, 8 | 16) {
            return Err(Fault::DicomBits(allocated));
        }
        let stored = elements.short(tags::BITS_STORED).unwrap_or(allocated);
        let high = elements.short(tags::HIGH_BIT).unwrap_or(stored.saturating_sub(1));
        if stored == 0 || stored > allocated || high >= allocated || high + 1 < stored {
            return Err(damaged(&format!("{stored} of {allocated} bits used up to bit {high}")));
        }
        limits.check_sides(width, height)?;
        // Beside the image in 16 bits, its unpacked pixels, and what a wavelet is computed in.
        let each = match elements.syntax.packing {
            Packing::Jpeg2000 => 16,
            _ => 2 + u64::from(allocated) / 8,
        };
        limits.check_bytes(width, height, u64::from(width) * u64::from(height) * each)?;
        let signed = elements.short(tags::PIXEL_REPRESENTATION) == Some(1);
        Ok(Self { width, height, allocated, stored, shift: high + 1 - stored, signed })
    }

    /// Refuses packed pixels of another size before they are unpacked.
    pub fn check_size(&self, width: u32, height: u32, format: &str) -> Result<(), Fault> {
        if (width, height) == (self.width, self.height) {
            return Ok(());
        }
        Err(damaged(&format!("{}x{} pixels with a {format} of {width}x{height}", self.width, self.height)))
    }

    /// Takes the lowest `stored` bits for those that count.
    pub fn narrow(&mut self, stored: u16) {
        (self.stored, self.shift) = (stored, 0);
    }

    pub fn count(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The number that a code means.
    pub fn value(&self, code: u16) -> i32 {
        let code = i32::from(code);
        if self.signed && code >> (self.stored - 1) & 1 == 1 { code - (1 << self.stored) } else { code }
    }

    /// How many codes there are.
    pub fn codes(&self) -> usize {
        1 << self.stored
    }

    /// The bits of a pixel that count: others may hold an overlay or nothing at all.
    pub fn code(&self, pixel: u16) -> u16 {
        pixel >> self.shift & (u16::MAX >> (16 - self.stored))
    }
}
