//! The files of a run that grow line by line while it is on: epochs, events, samples of the machine.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{EpochRecord, RunFolder, SystemSample};

pub(super) const EPOCHS: &str = "metrics.jsonl";
const EVENTS: &str = "events.jsonl";
const SYSTEM: &str = "system.jsonl";

impl RunFolder {
    /// Appends an epoch to `metrics.jsonl`.
    ///
    /// # Errors
    /// When the line can't be written.
    pub fn append_epoch(&self, record: &EpochRecord) -> Result<()> {
        self.append(EPOCHS, record)
    }

    /// Appends anything else that happened to `events.jsonl`, with the time in front.
    ///
    /// # Errors
    /// When the line can't be written.
    pub fn append_event(&self, at: jiff::Timestamp, event: &impl Serialize) -> Result<()> {
        #[derive(Serialize)]
        struct Line<'a, E> {
            time: jiff::Timestamp,
            #[serde(flatten)]
            event: &'a E,
        }
        self.append(EVENTS, &Line { time: at, event })
    }

    /// The epochs of `metrics.jsonl`. A last line that a kill cut short is left out.
    ///
    /// # Errors
    /// When the file can't be read or a line other than the last is damaged.
    pub fn read_epochs(&self) -> Result<Vec<EpochRecord>> {
        self.read_lines(EPOCHS)
    }

    /// The epochs of `metrics.jsonl` that can be read, and the first reason why not all can.
    pub fn salvage_epochs(&self) -> (Vec<EpochRecord>, Option<anyhow::Error>) {
        let lines = match self.each_line(EPOCHS) {
            Ok(lines) => lines,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut first = None;
        let mut epochs = Vec::new();
        for line in lines {
            match line {
                Ok(epoch) => epochs.push(epoch),
                Err(error) => first = first.or(Some(error)),
            }
        }
        (epochs, first)
    }

    /// Appends what was measured of the machine to `system.jsonl`.
    ///
    /// # Errors
    /// When the line can't be written.
    pub fn append_system(&self, sample: &SystemSample) -> Result<()> {
        self.append(SYSTEM, sample)
    }

    /// The samples of `system.jsonl`, in order; none where there is no such file.
    ///
    /// # Errors
    /// When the file can't be read or a line other than the last is damaged.
    pub fn read_system(&self) -> Result<Vec<SystemSample>> {
        self.read_lines(SYSTEM)
    }

    /// Brings the journal back to the end of epoch `epochs`: rows of `metrics.jsonl` behind it go, since the
    /// run that goes on writes them again, and lines that a kill cut short go from all its files. Returns the epochs up to
    /// there that have no row.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub fn rewind(&self, epochs: usize) -> Result<Vec<usize>> {
        #[derive(Deserialize)]
        struct Row {
            epoch: usize,
        }
        self.keep_lines(EPOCHS, |line| {
            serde_json::from_slice::<Row>(line).is_ok_and(|row| row.epoch <= epochs)
        })?;
        self.cut_at_line(EVENTS)?;
        self.cut_at_line(SYSTEM)?;
        let rows: Vec<usize> = self.read_lines::<Row>(EPOCHS)?.into_iter().map(|row| row.epoch).collect();
        Ok((1..=epochs).filter(|epoch| !rows.contains(epoch)).collect())
    }

    /// Waits until `metrics.jsonl` and `events.jsonl` are on the disk.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn sync_journals(&self) -> Result<()> {
        for name in [EPOCHS, EVENTS] {
            let path = self.path().join(name);
            match std::fs::File::open(&path).and_then(|file| file.sync_data()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("can't write {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes away a last line that a kill cut short, in place: another process may be following the file.
    fn cut_at_line(&self, name: &str) -> Result<()> {
        let path = self.path().join(name);
        let cut = || -> io::Result<()> {
            let bytes = fs::read(&path)?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            if whole < bytes.len() {
                OpenOptions::new().write(true).open(&path)?.set_len(whole as u64)?;
            }
            Ok(())
        };
        match cut() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't mend {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Keeps the whole lines of a file that `wanted` wants, byte for byte.
    fn keep_lines(&self, name: &str, wanted: impl Fn(&[u8]) -> bool) -> Result<()> {
        let bytes = self.read_bytes(name)?;
        let kept: Vec<u8> = whole_lines(&bytes).filter(|line| wanted(line)).flatten().copied().collect();
        if kept == bytes { Ok(()) } else { self.replace(name, &kept) }
    }

    /// A file's lines, each an object; a last line that a kill cut short is left out.
    fn read_lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        self.each_line(name)?.into_iter().collect()
    }

    /// A file's lines as [`RunFolder::read_lines`] has them, or of each why it is none.
    fn each_line<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<Result<T>>> {
        let bytes = self.read_bytes(name)?;
        let read = |(row, line)| {
            serde_json::from_slice(line).with_context(|| {
                format!("{} is damaged in line {}", self.path().join(name).display(), row + 1)
            })
        };
        Ok(whole_lines(&bytes).enumerate().map(read).collect())
    }

    /// What a file holds; nothing where there is none.
    fn read_bytes(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path().join(name);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read.with_context(|| format!("can't read {}", path.display())),
        }
    }

    fn append(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let path = self.path().join(name);
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        // One write of the whole line: a reader or a kill sees all of it or a tail without a line end.
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&line))
            .with_context(|| format!("can't write {}", path.display()))
    }
}

/// The lines that have their end, with it.
fn whole_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"))
}
