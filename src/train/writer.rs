//! Writes checkpoints to the disk in a thread of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};

use crate::files::Replacement;
use crate::model::Snapshot;
use crate::runs::{Best, RunFolder};

/// A thread that broke has reported why.
const GONE: &str = "the thread that writes checkpoints has ended; the log has the reason";

/// What one checkpoint writes, in this order, so that a run killed between any two can be
/// resumed: first what the state will name, then the state, then what only the old state needed goes.
pub struct Job {
    /// Epochs completed and optimizer steps, for the report.
    pub epoch: usize,
    pub step: u64,
    /// The epoch as whose weights `last` is kept too, when they are among the best.
    pub kept: Option<usize>,
    /// `last.safetensors`.
    pub last: Snapshot,
    /// `last_raw.safetensors`, of a run with EMA weights.
    pub last_raw: Option<Snapshot>,
    /// `last.state`.
    pub state: Snapshot,
    /// The best epoch, when that changed.
    pub best: Option<Best>,
    /// Epochs whose weights are kept; all others go.
    pub keep: Vec<usize>,
}

/// A checkpoint that is on the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub epoch: usize,
    pub step: u64,
    /// File names in `checkpoints`.
    pub files: Vec<String>,
    /// The best epoch, when that changed: `best.safetensors` has its weights now.
    pub best: Option<Best>,
}

/// A thread that writes checkpoints one after another. One may wait while another is being written; a third blocks its
/// sender, so that memory stays bounded.
pub struct Writer {
    jobs: Option<SyncSender<Job>>,
    written: Receiver<Result<Written>>,
    /// Checkpoints submitted and not yet returned by `written`.
    outstanding: usize,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// A writer for this run.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(folder: RunFolder) -> io::Result<Self> {
        let (jobs, inbox) = sync_channel::<Job>(1);
        let (outbox, written) = channel();
        let thread = std::thread::Builder::new().name("checkpoints".into()).spawn(move || {
            for job in inbox {
                if outbox.send(write(&folder, &job, &mut || Ok(()))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs: Some(jobs), written, outstanding: 0, thread: Some(thread) })
    }

    /// Submits a checkpoint; blocks while one is written and another waits.
    ///
    /// # Errors
    /// When the thread has ended: why the checkpoint before couldn't be written, or that the thread broke.
    pub fn submit(&mut self, job: Job) -> Result<()> {
        if self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok()) {
            self.outstanding += 1;
            return Ok(());
        }
        while self.wait()?.is_some() {}
        bail!(GONE)
    }

    /// The next checkpoint that was written, if one was.
    ///
    /// # Errors
    /// Why it couldn't be written.
    pub fn written(&mut self) -> Result<Option<Written>> {
        match self.written.try_recv() {
            Ok(written) => {
                self.outstanding -= 1;
                written.map(Some)
            }
            Err(TryRecvError::Disconnected) if self.outstanding > 0 => bail!(GONE),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(None),
        }
    }

    /// Waits for the next checkpoint that was handed over; `None` when there is none.
    ///
    /// # Errors
    /// Why it couldn't be written.
    pub fn wait(&mut self) -> Result<Option<Written>> {
        if self.outstanding == 0 {
            return Ok(None);
        }
        self.outstanding -= 1;
        self.written.recv().context(GONE)?.map(Some)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A run that fails still leaves whole files: what was handed over is written.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Called before each change of the disk; an error ends the writing there.
type Step<'a> = &'a mut dyn FnMut() -> Result<()>;

fn write(folder: &RunFolder, job: &Job, step: Step) -> Result<Written> {
    let mut files = Vec::new();
    // Journals first: a state never refers to epochs that a lost disk cache has taken from them.
    folder.sync_journals()?;
    let mut put = |snapshot: &Snapshot, path: PathBuf| -> Result<()> {
        step()?;
        snapshot.write(&path)?;
        files.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        Ok(())
    };
    if let Some(epoch) = job.kept {
        put(&job.last, folder.epoch_weights(epoch))?;
    }
    put(&job.last, folder.last_weights())?;
    if let Some(raw) = &job.last_raw {
        put(raw, folder.last_raw_weights())?;
    }
    put(&job.state, folder.last_state())?;
    if let Some(best) = &job.best {
        step()?;
        point_best_at(folder, best.epoch)?;
        files.push("best.safetensors".into());
    }
    step()?;
    keep_only(folder, &job.keep)?;
    Ok(Written { epoch: job.epoch, step: job.step, files, best: job.best.clone() })
}

/// Makes `best.safetensors` the weights of an epoch that are kept: the same file by another name, or a copy
/// where the file system has no links.
///
/// # Errors
/// When the folder can't be written.
pub fn point_best_at(folder: &RunFolder, epoch: usize) -> Result<()> {
    let (from, to) = (folder.epoch_weights(epoch), folder.best_weights());
    let link = || -> io::Result<()> {
        let (replacement, file) = Replacement::beside(&to)?;
        drop(file);
        fs::remove_file(replacement.path())?;
        fs::hard_link(&from, replacement.path()).or_else(|_| copy(&from, replacement.path()))?;
        replacement.put_in_place()
    };
    link().with_context(|| format!("can't write {}", to.display()))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(|_| ())
}

/// Removes the weights of all epochs but these.
///
/// # Errors
/// When a file can't be removed.
pub fn keep_only(folder: &RunFolder, epochs: &[usize]) -> Result<()> {
    for (epoch, path) in folder.kept_epochs()? {
        if !epochs.contains(&epoch) {
            fs::remove_file(&path).with_context(|| format!("can't remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Zoned;
    use tch::Tensor;

    use super::*;
    use crate::config::RunConfig;
    use crate::train::checkpoint::{Kept, Position, Restored, pack};
    use crate::train::early_stopping::EarlyStopping;
    use crate::train::saving::mend;
    use crate::train::schedule::LearningRate;

    fn best(epoch: usize) -> Best {
        Best { metric: "val_auroc_macro".into(), value: 0.1 * epoch as f64, epoch }
    }

    /// Weights with the number of their epoch in the header.
    fn weights(epoch: usize) -> Snapshot {
        let tensor = Tensor::from_slice(&[epoch as f32; 8]);
        Snapshot::of([("weight", &tensor)].into_iter()).expect("a copy")
    }

    /// The checkpoint of an epoch that is better than all before; the two best are kept.
    fn job(epoch: usize) -> Job {
        let config = RunConfig::default();
        let rate = LearningRate::new(&config.schedule, &config.optimizer, config.early_stopping.mode, 10);
        let mut position = Position::start(rate, EarlyStopping::new(&config.early_stopping));
        position.epochs_done = epoch;
        position.best = Some(best(epoch));
        let kept = (1..=epoch).rev().take(2);
        position.kept = kept.map(|epoch| Kept { epoch, value: best(epoch).value }).collect();
        Job {
            epoch,
            step: 10 * epoch as u64,
            kept: Some(epoch),
            last: weights(epoch),
            last_raw: Some(weights(epoch)),
            state: pack(&position, Vec::new()).expect("a state"),
            best: position.best.clone(),
            keep: position.kept.iter().map(|kept| kept.epoch).collect(),
        }
    }

    fn epoch_of(path: &Path) -> usize {
        let read = Tensor::read_safetensors(path).expect("whole weights");
        f64::try_from(read[0].1.get(0)).expect("a number") as usize
    }

    #[test]
    fn a_kill_between_any_two_writes_leaves_a_pair_that_belongs_together() {
        let mut cut: usize = 0;
        loop {
            let runs = tempfile::tempdir().expect("a temporary folder");
            let folder = RunFolder::create(runs.path(), &RunConfig::default(), &Zoned::now()).expect("a run");
            for epoch in [1, 2] {
                write(&folder, &job(epoch), &mut || Ok(())).expect("written");
            }
            let mut left = cut;
            let mut kill = || {
                left = left.checked_sub(1).context("killed")?;
                Ok(())
            };
            let whole = write(&folder, &job(3), &mut kill).is_ok();
            let position = Restored::read(&folder.last_state()).expect("a whole state").position;
            let named = position.best.clone().expect("a best epoch");
            // What a reader sees before anything is mended: whole weights of one of the two epochs.
            assert!([2, 3].contains(&epoch_of(&folder.best_weights())), "cut {cut}");
            for kept in &position.kept {
                let path = folder.epoch_weights(kept.epoch);
                assert_eq!(epoch_of(&path), kept.epoch, "cut {cut}: weights that the state needs are there");
            }
            mend(&folder, &position).expect("mended");
            assert_eq!(epoch_of(&folder.best_weights()), named.epoch, "cut {cut}");
            let kept: Vec<usize> =
                folder.kept_epochs().expect("readable").into_iter().map(|(epoch, _)| epoch).collect();
            let mut wanted: Vec<usize> = position.kept.iter().map(|kept| kept.epoch).collect();
            wanted.sort_unstable();
            assert_eq!(kept, wanted, "cut {cut}");
            if whole {
                assert!(cut >= 5, "weights, last weights, state, best, old weights: {cut} writes");
                break;
            }
            cut += 1;
        }
    }

    #[test]
    fn a_writer_that_can_not_write_fails_the_run_with_the_reason() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let folder = RunFolder::create(runs.path(), &RunConfig::default(), &Zoned::now()).expect("a run");
        let checkpoints = folder.last_state().parent().expect("a folder").to_owned();
        std::fs::remove_dir_all(&checkpoints).expect("removed");
        std::fs::write(&checkpoints, b"a file in its place").expect("written");
        let mut writer = Writer::start(folder).expect("a thread");
        writer.submit(job(1)).expect("taken");
        let error = writer.wait().expect_err("nothing can be written there");
        assert!(format!("{error:#}").contains("can't write"), "{error:#}");
    }

    #[test]
    fn a_writer_that_is_gone_is_an_error_not_a_silence() {
        let (jobs, inbox) = sync_channel::<Job>(1);
        let (outbox, written) = channel::<Result<Written>>();
        let mut writer = Writer { jobs: Some(jobs), written, outstanding: 0, thread: None };
        writer.submit(job(1)).expect("there is room for one");
        // The thread panics: both of its ends go.
        drop((inbox, outbox));
        assert!(writer.written().is_err_and(|error| error.to_string().contains("has ended")));
        assert!(writer.submit(job(2)).is_err());
    }
}
