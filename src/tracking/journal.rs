//! What a run has written line by line, read on from where the last reading ended: a run may go on for weeks and is looked
//! at every few seconds.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;

use super::rows::{EPOCH_COUNTER, Row, SAMPLE_COUNTER};
use crate::runs::{EpochRecord, METRICS, RunFolder, Status, SystemSample};

/// How far a file that grows line by line was read.
#[derive(Debug, Default)]
struct Tail {
    /// Its number in the file system: a file that was written anew has another.
    inode: u64,
    /// Bytes of the whole lines that were read.
    bytes: u64,
    /// Those lines.
    lines: usize,
    /// The last of them: a file that has something else there isn't the one that was read.
    last: Vec<u8>,
}

impl Tail {
    /// The lines that came since the last reading, without their ends, and the number of the first one (from 0), which is 0 in
    /// a file that isn't the one that was read. A last line without an end is left for the next time.
    fn read_on(&mut self, folder: &RunFolder, name: &str) -> Result<(usize, Vec<Vec<u8>>)> {
        let path = folder.path().join(name);
        let mut read = || -> io::Result<Vec<u8>> {
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    *self = Self::default();
                    return Ok(Vec::new());
                }
                file => file?,
            };
            let about = file.metadata()?;
            let mut before = vec![0; self.last.len()];
            let is_same = about.ino() == self.inode
                && about.len() >= self.bytes
                && file.read_exact_at(&mut before, self.bytes - self.last.len() as u64).is_ok()
                && before == self.last;
            if !is_same {
                *self = Self { inode: about.ino(), ..Self::default() };
            }
            let mut bytes = vec![0; (about.len() - self.bytes) as usize];
            file.read_exact_at(&mut bytes, self.bytes)?;
            Ok(bytes)
        };
        let mut bytes = read().with_context(|| format!("can't read {}", path.display()))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        bytes.truncate(whole);
        let first = self.lines;
        let lines: Vec<Vec<u8>> = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| line[..line.len() - 1].to_vec())
            .collect();
        if let Some(last) = bytes.split_inclusive(|byte| *byte == b'\n').next_back() {
            self.last = last.to_vec();
        }
        self.bytes += bytes.len() as u64;
        self.lines += lines.len();
        Ok((first, lines))
    }
}

/// A run's epochs, the times of its events, and samples of its machine.
#[derive(Debug, Default)]
pub struct Journal {
    events: Tail,
    /// When each epoch ended, in milliseconds since 1970.
    ended: HashMap<usize, i64>,
    /// The last epoch whose end a checkpoint holds.
    checkpointed: i64,
    metrics: Tail,
    epochs: Vec<EpochRecord>,
    system: Tail,
    /// Shared with its readers: there may be hundreds of thousands.
    samples: Arc<Vec<Row>>,
    /// The names of their values, each kept once.
    names: HashSet<Arc<str>>,
}

#[derive(Deserialize)]
struct EventLine {
    time: Timestamp,
    event: String,
    epoch: Option<usize>,
    record: Option<EpochOnly>,
}

#[derive(Deserialize)]
struct EpochOnly {
    epoch: usize,
}

impl Journal {
    /// Reads what came since the last reading, or all of it where a file was written anew. Of events and samples, a line that
    /// a kill cut short or a disk has damaged is skipped, as is what a later version may write.
    ///
    /// # Errors
    /// When a file can't be read, or a line of `metrics.jsonl` is damaged.
    pub fn update(&mut self, folder: &RunFolder) -> Result<()> {
        let (first, lines) = self.events.read_on(folder, "events.jsonl")?;
        if first == 0 {
            self.ended.clear();
            self.checkpointed = 0;
        }
        for line in lines.iter().filter_map(|line| serde_json::from_slice::<EventLine>(line).ok()) {
            match (line.event.as_str(), line.record, line.epoch) {
                // A run that went on may have trained an epoch twice: the row is of the later one.
                ("epoch", Some(record), _) => {
                    self.ended.insert(record.epoch, line.time.as_millisecond());
                }
                ("checkpoint", _, Some(epoch)) => self.checkpointed = self.checkpointed.max(epoch as i64),
                _ => {}
            }
        }
        let (first, lines) = self.metrics.read_on(folder, "metrics.jsonl")?;
        if first == 0 {
            self.epochs.clear();
        }
        for line in lines {
            match serde_json::from_slice(&line) {
                Ok(epoch) => self.epochs.push(epoch),
                Err(_) => {
                    // This names the line; the next reading begins at the first one.
                    self.metrics = Tail::default();
                    self.epochs = folder.read_epochs()?;
                    break;
                }
            }
        }
        let (first, lines) = self.system.read_on(folder, "system.jsonl")?;
        let (samples, names) = (Arc::make_mut(&mut self.samples), &mut self.names);
        if first == 0 {
            samples.clear();
        }
        samples.extend(lines.iter().enumerate().filter_map(|(place, line)| {
            let sample: SystemSample = serde_json::from_slice(line).ok()?;
            let values = sample.values.into_iter().map(|(key, value)| {
                let name: Arc<str> = format!("system/{key}").into();
                let name = names.get(&name).cloned().unwrap_or(name);
                names.insert(name.clone());
                (name, value)
            });
            let (step, time) = ((first + place) as i64, sample.time.as_millisecond());
            Some(Row { step, time, values: values.collect() }.counted_by(SAMPLE_COUNTER))
        }));
        Ok(())
    }

    /// The last epoch whose end a checkpoint holds; 0 where none does.
    pub(super) fn checkpointed(&self) -> i64 {
        self.checkpointed
    }

    /// A row an epoch.
    pub(super) fn epochs(&self, status: &Status) -> Vec<Row> {
        let rows = self.epochs.iter().map(|record| {
            let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
            let mut values: Vec<(Arc<str>, f64)> =
                METRICS.iter().map(|metric| (metric.key.into(), number((metric.get)(record)))).collect();
            values.push(("step".into(), record.step as f64));
            let each = record.val_auroc.iter();
            values.extend(each.map(|(key, auroc)| (format!("val_auroc_{key}").into(), number(*auroc))));
            let time = self.ended.get(&record.epoch).copied().unwrap_or(status.created.as_millisecond());
            Row { step: record.epoch as i64, time, values }.counted_by(EPOCH_COUNTER)
        });
        rows.collect()
    }

    /// A row a sample; its step is the sample's line.
    pub(super) fn samples(&self) -> &Arc<Vec<Row>> {
        &self.samples
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn run(runs: &std::path::Path) -> RunFolder {
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        RunFolder::create(runs, &Default::default(), &now).expect("a run")
    }

    fn sample(load: f64) -> String {
        let time = "2026-11-22T12:00:00Z";
        format!(
            "{}\n",
            json!({"time": time, "cpu_utilization_percentage": load, "disk_usage_percentage": 1.0})
        )
    }

    fn add(folder: &RunFolder, name: &str, text: &str) {
        let path = folder.path().join(name);
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn loads(journal: &Journal) -> Vec<(i64, f64)> {
        let load = |row: &Row| row.values.last().map(|(_, value)| *value).expect("a number");
        journal.samples().iter().map(|row| (row.step, load(row))).collect()
    }

    #[test]
    fn a_damaged_line_takes_away_no_other_sample() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let folder = run(runs.path());
        let mut bytes = sample(10.0).into_bytes();
        bytes.extend(b"{\"time\": \xff\0\n");
        bytes.extend(sample(30.0).bytes());
        fs::write(folder.path().join("system.jsonl"), bytes).expect("written");
        let mut journal = Journal::default();
        journal.update(&folder).expect("it reads");
        assert_eq!(loads(&journal), [(0, 10.0), (2, 30.0)]);
        assert_eq!(journal.samples()[0].values.last().map(|(key, _)| &**key), Some(SAMPLE_COUNTER));
    }

    #[test]
    fn reading_goes_on_where_it_ended_and_begins_anew_in_a_file_that_was_written_anew() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let folder = run(runs.path());
        let mut journal = Journal::default();
        journal.update(&folder).expect("nothing to read");
        let half = sample(30.0);
        add(&folder, "system.jsonl", &(sample(10.0) + &sample(20.0) + &half[..9]));
        journal.update(&folder).expect("it reads");
        assert_eq!(loads(&journal), [(0, 10.0), (1, 20.0)]);
        // The line is whole now; of what was read nothing is read again, as the damage of it shows.
        add(&folder, "system.jsonl", &half[9..]);
        let path = folder.path().join("system.jsonl");
        let file = OpenOptions::new().write(true).open(&path).expect("a file");
        file.write_all_at(b"XXXX", 0).expect("written");
        journal.update(&folder).expect("it reads");
        assert_eq!(loads(&journal), [(0, 10.0), (1, 20.0), (2, 30.0)]);

        let epoch = |epoch| EpochRecord { epoch, ..EpochRecord::default() };
        for number in 1..=3 {
            folder.append_epoch(&epoch(number)).expect("written");
        }
        journal.update(&folder).expect("it reads");
        assert_eq!(journal.epochs.len(), 3);
        // A run that is resumed after epoch 1 writes epochs anew.
        folder.rewind(1).expect("rewound");
        folder.append_epoch(&EpochRecord { train_loss: Some(0.5), ..epoch(2) }).expect("written");
        journal.update(&folder).expect("it reads");
        let records: Vec<_> = journal.epochs.iter().map(|record| (record.epoch, record.train_loss)).collect();
        assert_eq!(records, [(1, None), (2, Some(0.5))]);
        add(&folder, "metrics.jsonl", "no epoch\n");
        folder.append_epoch(&epoch(3)).expect("written");
        let error = journal.update(&folder).expect_err("a damaged line").to_string();
        assert!(error.contains("line 3"), "{error}");
    }
}
