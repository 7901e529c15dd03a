//! Writes npz archives that numpy loads: equal arrays make equal bytes, and a reader never sees half a file.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::dataset::images::Images;
use crate::files::Replacement;

use super::error::{Fault, NpzError};
use super::npy;
use super::record::{self, Member};
use crate::label::UNKNOWN;
use crate::zip::{DEFLATED, STORED};

/// Entries this large get 64-bit sizes. Below the 32-bit end, since deflate may grow incompressible data a little.
const WIDE_FROM: u64 = 0xf000_0000;

/// Bytes handled at a time.
const STEP: usize = 128 << 10;
/// Longest name of an array, in bytes.
const LONGEST_NAME: usize = 200;
/// Most dimensions; numpy's own bound.
const MOST_DIMENSIONS: usize = 64;

/// An npz archive in the making.
///
/// It grows in a temporary file beside its target and takes the target's name in [`Writer::finish`], when its bytes
/// are on the disk. Dropped before that, by an error or otherwise, it leaves nothing behind.
///
/// ```no_run
/// # use chestxr_tui::dataset::npz::{NpzError, Writer};
/// # fn save(probabilities: &[f32]) -> Result<(), NpzError> {
/// Writer::create("predictions_val.npz".as_ref())?
///     .deflated()
///     .array_f32("probs", &[probabilities.len() / 14, 14], probabilities)?
///     .finish()
/// # }
/// ```
#[derive(Debug)]
pub struct Writer {
    target: PathBuf,
    replacement: Replacement,
    out: BufWriter<File>,
    method: u16,
    wide_from: u64,
    members: Vec<Member>,
}

impl Writer {
    /// Begins an archive that will be `path`, of stored arrays.
    ///
    /// # Errors
    /// A folder that isn't there or can't be written.
    pub fn create(path: &Path) -> Result<Self, NpzError> {
        let (replacement, file) =
            Replacement::beside(path).map_err(|error| NpzError::of_file(path, Fault::Write(error)))?;
        Ok(Self {
            target: path.to_owned(),
            replacement,
            out: BufWriter::with_capacity(STEP, file),
            method: STORED,
            wide_from: WIDE_FROM,
            members: Vec::new(),
        })
    }

    /// Deflates the arrays that follow.
    #[must_use]
    pub fn deflated(mut self) -> Self {
        self.method = DEFLATED;
        self
    }

    /// Adds `float32` values in C order.
    ///
    /// # Errors
    /// A shape of another number of values, a name that is empty or used already, a full disk.
    pub fn array_f32(self, name: &str, shape: &[usize], values: &[f32]) -> Result<Self, NpzError> {
        self.array(name, "<f4", shape, values, f32::to_le_bytes)
    }

    /// Adds `uint8` values in C order.
    ///
    /// # Errors
    /// As [`Writer::array_f32`].
    pub fn array_u8(self, name: &str, shape: &[usize], values: &[u8]) -> Result<Self, NpzError> {
        self.array(name, "|u1", shape, values, u8::to_le_bytes)
    }

    /// Adds labels in C order: `uint8` 0 and 1, or `int8` with -1 where a label is unknown.
    ///
    /// # Errors
    /// As [`Writer::array_f32`].
    pub fn labels(self, name: &str, shape: &[usize], labels: &[u8]) -> Result<Self, NpzError> {
        let kind = if labels.contains(&UNKNOWN) { "|i1" } else { "|u1" };
        self.array(name, kind, shape, labels, u8::to_le_bytes)
    }

    /// Adds `int64` values in C order.
    ///
    /// # Errors
    /// As [`Writer::array_f32`].
    pub fn array_i64(self, name: &str, shape: &[usize], values: &[i64]) -> Result<Self, NpzError> {
        self.array(name, "<i8", shape, values, i64::to_le_bytes)
    }

    /// Adds texts along one axis, as numpy's `<U` of the longest one's characters.
    ///
    /// # Errors
    /// As [`Writer::array_f32`].
    pub fn array_text(mut self, name: &str, values: &[String]) -> Result<Self, NpzError> {
        let longest = values.iter().map(|value| value.chars().count()).max().unwrap_or(0).max(1);
        let header = npy::header(&format!("<U{longest}"), &[values.len()]);
        let size = header.len() + values.len() * longest * 4;
        let file_name = format!("{name}.npy");
        let added = self.check_name(&file_name, name).and_then(|()| {
            self.add_member(file_name, size as u64, |out| {
                out.write_all(&header)?;
                for value in values {
                    let mut bytes: Vec<u8> = value.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
                    bytes.resize(longest * 4, 0);
                    out.write_all(&bytes)?;
                }
                Ok(())
            })
            .map_err(Fault::Write)
        });
        match added {
            Ok(()) => Ok(self),
            Err(fault) => Err(NpzError::of_array(&self.target, name, fault)),
        }
    }

    /// Adds images (`uint8 N,H,W`) one by one, so that they need not lie in memory together.
    ///
    /// # Errors
    /// As [`Writer::array_f32`].
    pub fn images(mut self, name: &str, images: &Images) -> Result<Self, NpzError> {
        let header = npy::header("|u1", &[images.len(), images.height(), images.width()]);
        let file_name = format!("{name}.npy");
        let added = self.check_name(&file_name, name).and_then(|()| {
            self.add_member(file_name, (header.len() + images.bytes()) as u64, |out| {
                out.write_all(&header)?;
                (0..images.len()).try_for_each(|image| out.write_all(images.image(image)?))
            })
            .map_err(Fault::Write)
        });
        match added {
            Ok(()) => Ok(self),
            Err(fault) => Err(NpzError::of_array(&self.target, name, fault)),
        }
    }

    fn check_name(&self, file_name: &str, name: &str) -> Result<(), Fault> {
        let used = self.members.iter().any(|member| member.name == file_name);
        let wrong = used || name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control);
        if wrong { Err(Fault::Name) } else { Ok(()) }
    }

    /// Writes the directory, sees all bytes onto the disk and puts the archive in its place, over any file that
    /// was there.
    ///
    /// # Errors
    /// A full disk or a folder that can't be written; the file that was there is then still whole.
    pub fn finish(self) -> Result<(), NpzError> {
        let Self { target, replacement, mut out, wide_from, members, .. } = self;
        let finish = || {
            let start = out.stream_position()?;
            out.write_all(&record::directory(&members, start, wide_from))?;
            out.flush()?;
            replacement.put_in_place()
        };
        finish().map_err(|error| NpzError::of_file(&target, Fault::Write(error)))
    }

    fn array<T: Copy, const N: usize>(
        mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        values: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<Self, NpzError> {
        match self.add(name, descr, shape, values, bytes) {
            Ok(()) => Ok(self),
            Err(fault) => Err(NpzError::of_array(&self.target, name, fault)),
        }
    }

    fn add<T: Copy, const N: usize>(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        values: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<(), Fault> {
        let file_name = format!("{name}.npy");
        self.check_name(&file_name, name)?;
        let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        if count != Some(values.len()) || shape.len() > MOST_DIMENSIONS {
            return Err(Fault::Values { shape: shape.to_vec(), values: values.len() });
        }
        let header = npy::header(descr, shape);
        let size = (header.len() + size_of_val(values)) as u64;
        self.add_member(file_name, size, |out| {
            out.write_all(&header)?;
            let mut buffer = Vec::with_capacity(STEP);
            for batch in values.chunks(STEP / N) {
                buffer.clear();
                buffer.extend(batch.iter().flat_map(|value| bytes(*value)));
                out.write_all(&buffer)?;
            }
            Ok(())
        })
        .map_err(Fault::Write)
    }

    /// Adds a member of `size` bytes, which `content` writes.
    fn add_member(
        &mut self,
        name: String,
        size: u64,
        content: impl FnOnce(&mut Summed<&mut dyn Write>) -> io::Result<()>,
    ) -> io::Result<()> {
        let offset = self.out.stream_position()?;
        let (method, wide) = (self.method, size >= self.wide_from);
        let mut member = Member { name, method, wide, crc: 0, packed: 0, size, offset };
        // The checksum and the packed size are known afterwards; the record's length is known now.
        let record = member.local();
        self.out.write_all(&record)?;
        let start = offset + record.len() as u64;
        member.crc = if method == DEFLATED {
            let mut encoder = DeflateEncoder::new(&mut self.out, Compression::default());
            let crc = Summed::run(&mut encoder, content)?;
            encoder.finish()?;
            crc
        } else {
            Summed::run(&mut self.out, content)?
        };
        let end = self.out.stream_position()?;
        member.packed = end - start;
        self.out.seek(SeekFrom::Start(offset))?;
        self.out.write_all(&member.local())?;
        self.out.seek(SeekFrom::Start(end))?;
        self.members.push(member);
        Ok(())
    }
}

/// A writer that sums what passes through it.
struct Summed<W> {
    inner: W,
    crc: Crc,
}

impl<'a> Summed<&'a mut dyn Write> {
    /// Lets `content` write into `inner` and returns the CRC-32 of what it wrote.
    fn run(inner: &'a mut dyn Write, content: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<u32> {
        let mut summed = Self { inner, crc: Crc::new() };
        content(&mut summed)?;
        Ok(summed.crc.sum())
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.crc.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Archive, Limits};
    use super::*;

    /// Two arrays, zip64 from so many bytes on.
    fn written(path: &Path, wide_from: u64, deflated: bool) -> Vec<u8> {
        let mut writer = Writer::create(path).unwrap();
        writer.wide_from = wide_from;
        if deflated {
            writer = writer.deflated();
        }
        writer = writer.array_u8("small", &[3], &[1, 2, 3]).unwrap();
        writer = writer.array_i64("large", &[40, 50], &(0..2000).collect::<Vec<_>>()).unwrap();
        writer.finish().unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn zip64_fields_are_written_where_sizes_demand_them_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let plain = written(&path, WIDE_FROM, false);
        // 0: everything wide; 200: the second array, its place and the directory's; 10,000: the second array alone.
        for (wide_from, deflated) in [(0, false), (0, true), (200, false), (200, true), (10_000, false)] {
            let bytes = written(&path, wide_from, deflated);
            assert!(deflated || bytes.len() > plain.len(), "64-bit fields from {wide_from}");
            let archive = Archive::open(&path, Limits::default()).unwrap();
            assert_eq!(archive.read_u8("small").unwrap().values, [1, 2, 3]);
            let large = archive.read_i64("large").unwrap();
            assert_eq!(large.shape, [40, 50]);
            assert!(large.values.iter().copied().eq(0..2000));
        }
    }
}
