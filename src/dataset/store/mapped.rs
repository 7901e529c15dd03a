//! A store opened: images as slices of a mapped file, with a bound on how much of it stays in memory, or read one by
//! one into memory of the caller's. Each image is compared with its checksum the first time it is used.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{Advice, Mmap, UncheckedAdvice};

use super::layout::{Failure, HEADER, Header, IMAGES, RECORD, RECORDS, doubts_in};
use crate::dataset::image_hash::{ImageHash, hash_of};

/// The kernel maps the whole piece of this size in which a requested page lies, as far as it has it.
const AROUND: usize = 64 << 10;

/// The images of a store (`uint8 N,H,W`).
#[derive(Debug)]
pub struct Mapped {
    folder: PathBuf,
    images: Mmap,
    file: File,
    records: Vec<u8>,
    height: usize,
    width: usize,
    /// Bytes that may stay mapped in; `u64::MAX` for all.
    budget: u64,
    touched: AtomicU64,
    /// A bit for each image: whether its pixels were found to be those of its hash.
    verified: Vec<AtomicU64>,
    failures: Vec<Failure>,
    doubts: BTreeMap<String, Vec<usize>>,
}

impl Mapped {
    /// Maps the store in `folder`; about `budget` bytes of it stay in memory.
    ///
    /// # Errors
    /// When a file is missing or of another length than recorded in the store.
    pub(super) fn open(folder: &Path, header: &Header, budget: u64) -> io::Result<Self> {
        let wrong =
            || io::Error::new(io::ErrorKind::InvalidData, "a file of it has another length than it should");
        let file = File::open(folder.join(IMAGES))?;
        let bytes =
            (header.images as u64).checked_mul((header.height * header.width) as u64).ok_or_else(wrong)?;
        let records = std::fs::read(folder.join(RECORDS))?;
        if file.metadata()?.len() != bytes || records.len() != header.images * RECORD {
            return Err(wrong());
        }
        // SAFETY: nobody but us writes into the cache, and a store is never written again once it has its name.
        let images = unsafe { Mmap::map(&file)? };
        let budget = if bytes <= budget { u64::MAX } else { budget };
        if budget < u64::MAX && bytes > 0 {
            // Training reads images in a random order, known ahead; what lies beside them is of no use.
            images.advise(Advice::Random)?;
        }
        let mut doubts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for doubt in doubts_in(folder) {
            doubts.entry(doubt.how).or_default().push(doubt.image);
        }
        let verified = (0..header.images.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            folder: folder.to_owned(),
            images,
            file,
            records,
            height: header.height,
            width: header.width,
            budget,
            touched: AtomicU64::new(0),
            verified,
            failures: header.failures.clone(),
            doubts,
        })
    }

    /// Images that could not be made, in order; they are black.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// What is doubtful about some images and how it was taken, with the numbers of those images.
    pub fn doubts(&self) -> &BTreeMap<String, Vec<usize>> {
        &self.doubts
    }

    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Rows of an image, H.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of an image, W.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes that stay in memory at most, where that is less than all.
    pub fn bound(&self) -> Option<u64> {
        (self.budget < u64::MAX).then_some(self.budget)
    }

    /// The pixels of image `row` (`H*W` bytes), for single images and for all images in order.
    ///
    /// # Errors
    /// When the pixels are not those that were cached. The cache is then no longer taken for whole: the next time its
    /// source is opened, it is made anew.
    pub fn image(&self, row: usize) -> io::Result<&[u8]> {
        let area = self.height * self.width;
        let (first, end) = (row * area, (row + 1) * area);
        if self.budget < u64::MAX {
            let cost = ((end.div_ceil(AROUND) - first / AROUND) * AROUND) as u64;
            if self.touched.fetch_add(cost, Ordering::Relaxed) + cost > self.budget {
                self.release_pages();
            }
        }
        self.verified(row, &self.images[first..end])
    }

    /// The pixels of image `row` (`H*W` bytes), read into `scratch` where not all images may stay in memory. Images in a
    /// random order are a third faster this way: nothing has to be mapped, or let go again.
    ///
    /// # Errors
    /// When the disk can't be read, the file has been cut, or as `image`.
    pub fn read<'a>(&'a self, row: usize, scratch: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        if self.budget == u64::MAX {
            return self.image(row);
        }
        let area = self.height * self.width;
        scratch.resize(area, 0);
        self.file.read_exact_at(scratch, (row * area) as u64)?;
        self.verified(row, scratch)
    }

    /// Compares an image with its hash the first time it is used.
    fn verified<'a>(&self, row: usize, pixels: &'a [u8]) -> io::Result<&'a [u8]> {
        let (word, bit) = (&self.verified[row / 64], 1 << (row % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            if hash_of(pixels) != self.hash(row) {
                return Err(self.damaged(row));
            }
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(pixels)
    }

    fn damaged(&self, row: usize) -> io::Error {
        // Without its header the folder is no store; the images that are mapped stay.
        let gone = match std::fs::remove_file(self.folder.join(HEADER)) {
            Err(error) => error.kind() == io::ErrorKind::NotFound,
            Ok(()) => true,
        };
        let way_out = if gone { "start again" } else { "remove that folder and start again" };
        let message = format!(
            "image {row} of the image cache {} is damaged: its checksum doesn't match; {way_out}: the images are then read \
             anew from their source",
            self.folder.display()
        );
        tracing::error!("{message}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    }

    /// Takes all images out of this process's memory; they come back when they are read again.
    pub fn release_pages(&self) {
        self.touched.store(0, Ordering::Relaxed);
        // SAFETY: the map is of a file and read only, so pages that are let go come back with the same bytes when they
        // are read again, in whatever thread; no slice of it becomes invalid.
        // A kernel that refuses leaves more in memory than requested, which is no reason to stop.
        let _ = unsafe { self.images.unchecked_advise(UncheckedAdvice::DontNeed) };
    }

    /// Asks the system to forget the images as well, as far as no process has them: they come from the disk then.
    pub fn forget(&self) {
        #[cfg(target_os = "linux")]
        // SAFETY: advice about a file that is open; a length of 0 means to its end. Its result is whether the
        // system took it, and nothing depends on that.
        let _ = unsafe { libc::posix_fadvise(self.file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    }

    /// Asks the kernel to read image `row` from the disk.
    pub fn will_need(&self, row: usize) {
        if self.budget < u64::MAX {
            let area = self.height * self.width;
            // Advice: a kernel that can't take it reads the image when it is used.
            let _ = self.images.advise_range(Advice::WillNeed, row * area, area);
        }
    }

    /// The hash of image `row`.
    pub fn hash(&self, row: usize) -> ImageHash {
        let mut hash = ImageHash::default();
        hash.copy_from_slice(&self.records[row * RECORD..row * RECORD + 16]);
        hash
    }

    /// Width and height of the picture that image `row` was made from, in pixels.
    pub fn picture_size(&self, row: usize) -> (u32, u32) {
        let number = |at: usize| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&self.records[row * RECORD + at..row * RECORD + at + 4]);
            u32::from_le_bytes(bytes)
        };
        (number(16), number(20))
    }
}
