//! Grey images of one array, read one after another, so that an array larger than memory can be used.

use super::archive::{Archive, next_bytes};
use super::dtype::Dtype;
use super::entry::EntryReader;
use super::error::{Fault, NpzError};

/// The images of an array, which is read once from its beginning to its end.
pub struct ImageRows<'a> {
    archive: &'a Archive,
    name: &'a str,
    /// `None` once the last image was read.
    entry: Option<EntryReader<'a>>,
    dtype: Dtype,
    left: usize,
    height: usize,
    width: usize,
}

impl Archive {
    /// Begins to read the array `name` of images: whole numbers from 0 to 255, `N,H,W` or `N,H,W,1`.
    ///
    /// # Errors
    /// As [`Archive::info`], and when the array has another shape, images without pixels, or isn't in C order.
    pub fn image_rows<'a>(&'a self, name: &'a str) -> Result<ImageRows<'a>, NpzError> {
        let (info, entry) = self.begin(name)?;
        let (&[left, height, width] | &[left, height, width, 1]) = info.shape.as_slice() else {
            let wanted = "grey images, N,H,W or N,H,W,1";
            return Err(self.error(name, Fault::Dimensions { found: info.shape, wanted }));
        };
        // Images without pixels take no bytes, so that a tiny file could claim any number of them.
        if height == 0 || width == 0 {
            let wanted = "N,H,W with images of at least 1x1";
            return Err(self.error(name, Fault::Dimensions { found: info.shape, wanted }));
        }
        if info.column_major {
            return Err(self.error(name, Fault::Fortran));
        }
        Ok(ImageRows { archive: self, name, entry: Some(entry), dtype: info.dtype, left, height, width })
    }
}

impl ImageRows<'_> {
    /// Height and width of each image in pixels.
    pub fn image_size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// Pixels (`H*W` bytes) of the next image; `None` after the last one, when the array's checksum was found to be right.
    ///
    /// # Errors
    /// When the file is damaged, or an element is no number from 0 to 255.
    pub fn next_image(&mut self) -> Result<Option<Vec<u8>>, NpzError> {
        let said = |fault| self.archive.error(self.name, fault);
        let Some(mut entry) = self.entry.take() else { return Ok(None) };
        if self.left == 0 {
            return entry.finish().map(|()| None).map_err(said);
        }
        let pixels = next_bytes(self.height * self.width, self.dtype, &mut entry).map_err(said)?;
        self.left -= 1;
        self.entry = Some(entry);
        Ok(Some(pixels))
    }
}
