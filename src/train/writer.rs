//! Checkpoints on their way to the disk, beside training.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result};

use crate::files::Replacement;
use crate::model::{Snapshot, WeightsError};
use crate::runs::RunFolder;

/// What one checkpoint writes, in this order, so that a kill between any two leaves a run that goes on
/// right: first what the state will name, then the state, then what only the old state needed goes.
pub struct Job {
    /// Epochs completed and optimizer steps, to tell of.
    pub epoch: usize,
    pub step: u64,
    /// Weights of this epoch, when they are among the best.
    pub kept: Option<(usize, Snapshot)>,
    /// `last.safetensors` and `last.state`.
    pub last: Snapshot,
    pub state: Snapshot,
    /// The epoch whose weights are the best, when that changed.
    pub best: Option<usize>,
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
                if outbox.send(write(&folder, &job)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs: Some(jobs), written, outstanding: 0, thread: Some(thread) })
    }

    /// Submits a checkpoint; blocks while one is written and another waits.
    pub fn submit(&mut self, job: Job) {
        // A writer whose thread has ended can't take a job; the next call of `written` returns the error it sent, or one
        // that says that the thread is gone.
        if let Some(jobs) = &self.jobs
            && jobs.send(job).is_ok()
        {
            self.outstanding += 1;
        }
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
        self.written.recv().context("the thread that writes checkpoints is gone")?.map(Some)
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

fn write(folder: &RunFolder, job: &Job) -> Result<Written> {
    let mut files = Vec::new();
    let mut put = |snapshot: &Snapshot, path: PathBuf| -> Result<(), WeightsError> {
        snapshot.write(&path)?;
        files.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        Ok(())
    };
    if let Some((epoch, weights)) = &job.kept {
        put(weights, folder.epoch_weights(*epoch))?;
    }
    put(&job.last, folder.last_weights())?;
    put(&job.state, folder.last_state())?;
    if let Some(epoch) = job.best {
        point_best_at(folder, epoch)?;
        files.push("best.safetensors".into());
    }
    keep_only(folder, &job.keep)?;
    Ok(Written { epoch: job.epoch, step: job.step, files })
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
