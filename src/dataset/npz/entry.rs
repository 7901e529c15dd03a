//! One member of an archive, unpacked piece by piece straight into the caller's memory and checked at its end.

use std::fs::File;
use std::os::unix::fs::FileExt;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::error::Fault;
use crate::zip::{DEFLATED, Directory, Entry, STORED};

/// Packed bytes fetched from the file at a time.
const INPUT: usize = 128 << 10;
/// Unpacked bytes made at a time: zeroed, filled and summed while they are in the cache.
const STEP: usize = 128 << 10;

/// The most deflate can shrink: a 258-byte match in two bits.
const BEST_RATIO: u64 = 1032;

/// Reads the unpacked bytes of an entry in order. It never makes more than the directory declares, and `finish`
/// checks whether it made exactly that, with the right CRC-32.
pub(super) struct EntryReader<'a> {
    file: &'a File,
    /// Place of the next packed byte that hasn't been fetched.
    offset: u64,
    /// Packed bytes that haven't been fetched.
    unfetched: u64,
    /// `None` for a stored entry.
    inflater: Option<Inflater>,
    crc: Crc,
    expected_crc: u32,
    size: u64,
    made: u64,
}

struct Inflater {
    state: Decompress,
    input: Vec<u8>,
    /// Bytes of `input` already used.
    used: usize,
    ended: bool,
}

impl<'a> EntryReader<'a> {
    /// A reader of the unpacked bytes of `entry`, once its sizes and its compression method are known to be possible.
    pub(super) fn open(directory: &Directory, entry: &Entry, file: &'a File) -> Result<Self, Fault> {
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
        let offset = directory.data_offset(entry, file)?;
        let inflater = (entry.method == DEFLATED).then(|| Inflater {
            state: Decompress::new(false),
            input: Vec::new(),
            used: 0,
            ended: false,
        });
        let (unfetched, expected_crc, size) = (entry.packed, entry.crc, entry.size);
        Ok(Self { file, offset, unfetched, inflater, crc: Crc::new(), expected_crc, size, made: 0 })
    }

    /// Unpacked bytes made so far.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// Fills `out` with the next unpacked bytes.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<(), Fault> {
        if out.len() as u64 > self.size - self.made {
            return Err(Fault::Truncated { found: self.size, size: self.made + out.len() as u64 });
        }
        match self.inflater {
            None => {
                self.file.read_exact_at(out, self.offset).map_err(Fault::Io)?;
                self.offset += out.len() as u64;
            }
            Some(_) => {
                let filled = self.inflate(out)?;
                if filled < out.len() {
                    return Err(Fault::Truncated { found: self.made + filled as u64, size: self.size });
                }
            }
        }
        self.crc.update(out);
        self.made += out.len() as u64;
        Ok(())
    }

    /// The next `count` bytes in one allocation, which is refused rather than fatal where memory is short.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = reserve(count)?;
        while bytes.len() < count {
            let start = bytes.len();
            bytes.resize(count.min(start + STEP), 0);
            self.fill(&mut bytes[start..])?;
        }
        Ok(bytes)
    }

    /// The next `count` elements of `width` bytes each, made by `element` from an element's index and bytes.
    pub(super) fn elements<T>(
        &mut self,
        count: usize,
        width: usize,
        mut element: impl FnMut(usize, &[u8]) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut elements = reserve(count)?;
        let at_once = (STEP / width.max(1)).max(1);
        let mut buffer = vec![0; at_once.min(count) * width];
        while elements.len() < count {
            let batch = &mut buffer[..at_once.min(count - elements.len()) * width];
            self.fill(batch)?;
            for bytes in batch.chunks_exact(width) {
                elements.push(element(elements.len(), bytes)?);
            }
        }
        Ok(elements)
    }

    /// Checks that the entry ends here, with the checksum its directory gives.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        if self.made != self.size {
            return Err(Fault::Truncated { found: self.made, size: self.size });
        }
        if self.inflater.is_some() {
            // The end of a deflate stream takes a few bits after the last byte.
            if self.inflate(&mut [0])? > 0 {
                return Err(Fault::Overflows { size: self.size });
            }
        }
        match (self.expected_crc, self.crc.sum()) {
            (expected, found) if expected == found => Ok(()),
            (expected, found) => Err(Fault::Checksum { expected, found }),
        }
    }

    /// Inflates into `out` until it is full or the stream ends; returns how much was made.
    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        const INVALID: Fault = Fault::Damaged("its deflate stream is invalid");
        let Some(inflater) = &mut self.inflater else { return Ok(0) };
        let mut filled = 0;
        while filled < out.len() && !inflater.ended {
            if inflater.used == inflater.input.len() && self.unfetched > 0 {
                let length = self.unfetched.min(INPUT as u64) as usize;
                inflater.input.resize(length, 0);
                inflater.used = 0;
                self.file.read_exact_at(&mut inflater.input, self.offset).map_err(Fault::Io)?;
                self.offset += length as u64;
                self.unfetched -= length as u64;
            }
            let (before_in, before_out) = (inflater.state.total_in(), inflater.state.total_out());
            let status = inflater
                .state
                .decompress(&inflater.input[inflater.used..], &mut out[filled..], FlushDecompress::None)
                .map_err(|_| INVALID)?;
            // Both differences are bounded by the slices handed over.
            let used = (inflater.state.total_in() - before_in) as usize;
            let made = (inflater.state.total_out() - before_out) as usize;
            inflater.used += used;
            filled += made;
            match status {
                Status::StreamEnd => inflater.ended = true,
                // Nothing moved: either all packed bytes are used up without an end, or the stream makes no sense.
                _ if used == 0 && made == 0 => {
                    let exhausted = inflater.used == inflater.input.len() && self.unfetched == 0;
                    let found = self.made + filled as u64;
                    return Err(if exhausted {
                        Fault::Truncated { found, size: self.size }
                    } else {
                        INVALID
                    });
                }
                _ => {}
            }
        }
        Ok(filled)
    }
}

/// An empty vector with room for `count` elements.
fn reserve<T>(count: usize) -> Result<Vec<T>, Fault> {
    let mut vector = Vec::new();
    let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    vector.try_reserve_exact(count).map_err(|_| Fault::Memory(bytes))?;
    Ok(vector)
}
