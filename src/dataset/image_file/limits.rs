//! Limits on the size and memory of an image file.

use super::error::Fault;

/// How large a picture may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels of a side.
    pub side: u32,
    /// Most bytes of the file, and most that its picture may take while it is decoded.
    pub bytes: u64,
}

impl Default for Limits {
    /// Several times the largest image there is (about 5,000 pixels a side), and what any machine can give.
    fn default() -> Self {
        Self { side: 20_000, bytes: 256 << 20 }
    }
}

impl Limits {
    /// Whether a picture of this size may be decoded at all.
    pub(super) fn check_sides(self, width: u32, height: u32) -> Result<(), Fault> {
        if width == 0 || height == 0 {
            Err(Fault::ZeroSize { width, height })
        } else if width.max(height) > self.side {
            Err(Fault::TooWide { width, height, limit: self.side })
        } else {
            Ok(())
        }
    }

    /// Whether it may take `needs` bytes.
    pub(super) fn check_bytes(self, width: u32, height: u32, needs: u64) -> Result<(), Fault> {
        if needs > self.bytes {
            return Err(Fault::TooBig { width, height, needs, limit: self.bytes });
        }
        Ok(())
    }
}
