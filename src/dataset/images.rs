//! Images and labels of a split; the pixels are in memory or in a file that is read as needed.

pub use super::image_hash::{ImageHash, hash_of};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use super::store::Mapped;
use crate::label::{UNKNOWN, is_label};

/// Grey images of one size (`uint8 N,H,W`, 0 black to 255 white): row after row in one allocation, or rows of a
/// mapped store that need not follow each other.
#[derive(Clone, Debug)]
pub struct Images {
    pixels: Pixels,
    height: usize,
    width: usize,
}

#[derive(Clone, Debug)]
enum Pixels {
    /// Shared, so that a thread that needs the images for longer has no second copy of them.
    Resident(Arc<Vec<u8>>),
    Mapped {
        store: Arc<Mapped>,
        rows: Vec<u32>,
    },
}

impl Images {
    /// Wraps `pixels` (`N*H*W` bytes). `None` when the length is no multiple of an image's area or the area is 0.
    pub fn new(pixels: Vec<u8>, height: usize, width: usize) -> Option<Self> {
        let area = height.checked_mul(width)?;
        let fits = area > 0 && pixels.len().is_multiple_of(area);
        fits.then_some(Self { pixels: Pixels::Resident(Arc::new(pixels)), height, width })
    }

    /// The images of a store at `rows`, in their order. `None` when one of them isn't there.
    pub fn mapped(store: Arc<Mapped>, rows: Vec<u32>) -> Option<Self> {
        let (height, width) = (store.height(), store.width());
        let there = rows.iter().all(|row| (*row as usize) < store.len());
        there.then_some(Self { pixels: Pixels::Mapped { store, rows }, height, width })
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        match &self.pixels {
            Pixels::Resident(pixels) => pixels.len() / self.area(),
            Pixels::Mapped { rows, .. } => rows.len(),
        }
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows of an image, H.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of an image, W.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels of one image, H*W.
    pub fn area(&self) -> usize {
        self.height * self.width
    }

    /// Bytes of all images.
    pub fn bytes(&self) -> usize {
        self.len() * self.area()
    }

    /// Whether the images are read from a file as they are needed.
    pub fn is_mapped(&self) -> bool {
        matches!(self.pixels, Pixels::Mapped { .. })
    }

    /// Bytes of the store that stay in memory at most, where that is less than all of them.
    pub fn memory_bound(&self) -> Option<u64> {
        match &self.pixels {
            Pixels::Mapped { store, .. } => store.bound(),
            Pixels::Resident(_) => None,
        }
    }

    /// The pixels of image `index` (`H*W` bytes, row by row).
    ///
    /// # Errors
    /// When the image comes from a cache that is damaged there.
    pub fn image(&self, index: usize) -> io::Result<&[u8]> {
        match &self.pixels {
            Pixels::Resident(pixels) => {
                let area = self.area();
                Ok(&pixels[index * area..(index + 1) * area])
            }
            Pixels::Mapped { store, rows } => store.image(rows[index] as usize),
        }
    }

    /// The same for a picture on the screen; black where the cache is damaged, which is logged, and an error for whatever
    /// computes with the image.
    pub fn shown(&self, index: usize) -> Cow<'_, [u8]> {
        self.image(index).map_or_else(|_| Cow::Owned(vec![0; self.area()]), Cow::Borrowed)
    }

    /// The same in memory of the caller's, where images come from a file: the way for many of them in a random order.
    ///
    /// # Errors
    /// When the file can't be read, or is damaged there.
    pub fn read<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        match &self.pixels {
            Pixels::Resident(_) => self.image(index),
            Pixels::Mapped { store, rows } => store.read(rows[index] as usize, scratch),
        }
    }

    /// Asks for images ahead of their use, where they come from a file: the disk reads while the network computes.
    pub fn will_need(&self, indices: impl Iterator<Item = usize>) {
        if let Pixels::Mapped { store, rows } = &self.pixels {
            indices.for_each(|index| store.will_need(rows[index] as usize));
        }
    }

    /// All pixels (`N*H*W` bytes); gathered where they don't lie together.
    ///
    /// # Errors
    /// As `image`.
    pub fn gathered(&self) -> io::Result<Cow<'_, [u8]>> {
        match &self.pixels {
            Pixels::Resident(pixels) => Ok(Cow::Borrowed(pixels)),
            Pixels::Mapped { .. } => {
                let mut all = Vec::with_capacity(self.bytes());
                for index in 0..self.len() {
                    all.extend_from_slice(self.image(index)?);
                }
                Ok(Cow::Owned(all))
            }
        }
    }

    /// The same images in memory, whatever they take.
    ///
    /// # Errors
    /// As `image`.
    pub fn resident(&self) -> io::Result<Self> {
        Ok(Self { pixels: Pixels::Resident(Arc::new(self.gathered()?.into_owned())), ..*self })
    }

    /// Images of a cache that are not what was cached, in order; all are read. Nothing where they are in memory.
    pub fn damaged(&self) -> Vec<usize> {
        (0..self.len()).into_par_iter().filter(|index| self.image(*index).is_err()).collect()
    }

    /// Takes images in a file out of this process's memory; with `forgotten` out of the system's as well, so that the
    /// next reading is from the disk.
    pub fn release_pages(&self, forgotten: bool) {
        if let Pixels::Mapped { store, .. } = &self.pixels {
            store.release_pages();
            if forgotten {
                store.forget();
            }
        }
    }

    /// The fingerprints of all images, in order.
    pub fn hashes(&self) -> Vec<ImageHash> {
        match &self.pixels {
            Pixels::Resident(pixels) => pixels.par_chunks_exact(self.area()).map(hash_of).collect(),
            Pixels::Mapped { store, rows } => rows.iter().map(|row| store.hash(*row as usize)).collect(),
        }
    }

    /// Keeps the first `count` images.
    pub fn truncate(&mut self, count: usize) {
        let area = self.area();
        match &mut self.pixels {
            Pixels::Resident(pixels) => {
                let pixels = Arc::make_mut(pixels);
                pixels.truncate(count * area);
                pixels.shrink_to_fit();
            }
            Pixels::Mapped { rows, .. } => rows.truncate(count),
        }
    }
}

impl PartialEq for Images {
    fn eq(&self, other: &Self) -> bool {
        (self.height, self.width, self.len()) == (other.height, other.width, other.len())
            && (0..self.len()).all(|index| {
                self.image(index).is_ok_and(|own| other.image(index).is_ok_and(|other| own == other))
            })
    }
}

impl Eq for Images {}

/// Label rows, each value 0, 1 or [`crate::label::UNKNOWN`] (`uint8 N,C`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    values: Arc<Vec<u8>>,
    classes: usize,
}

impl Labels {
    /// Wraps `values` (`N*C` bytes, labels). `None` when the length doesn't fit or a value is none.
    pub fn new(values: Vec<u8>, classes: usize) -> Option<Self> {
        let fits = classes > 0
            && values.len().is_multiple_of(classes)
            && values.iter().all(|value| is_label(*value));
        fits.then_some(Self { values: Arc::new(values), classes })
    }

    /// Number of rows, N.
    pub fn len(&self) -> usize {
        self.values.len() / self.classes
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of conditions, C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels of image `index` (`C` values).
    pub fn row(&self, index: usize) -> &[u8] {
        &self.values[index * self.classes..(index + 1) * self.classes]
    }

    /// All rows one after another.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.values.chunks_exact(self.classes)
    }

    /// All values (`N*C`).
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// Whether a label is unknown.
    pub fn any_unknown(&self) -> bool {
        self.values.contains(&UNKNOWN)
    }

    /// Keeps the first `count` rows.
    pub fn truncate(&mut self, count: usize) {
        Arc::make_mut(&mut self.values).truncate(count * self.classes);
    }
}
