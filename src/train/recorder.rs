//! What a run writes and reports while it learns: the journal, checkpoints on the disk, progress.

use std::time::Instant;

use anyhow::Result;
use tch::Device;

use super::checkpoint::Position;
use super::journal::Journal;
use super::meter::{Meter, resident_memory};
use super::writer::{Job, Writer, Written};
use super::{Event, Phase};
use crate::config::CheckpointSection;
use crate::native;

/// Journal, writer and progress of one run.
pub(super) struct Recorder {
    pub journal: Journal,
    writer: Writer,
    device: Device,
    /// Epochs that the settings allow.
    epochs: usize,
    /// Seconds that an epoch's validation took last time.
    pub validation_seconds: f64,
    /// When the last checkpoint was handed over.
    saved_at: Instant,
}

impl Recorder {
    /// Starts the thread that writes checkpoints.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn start(journal: Journal, device: Device, epochs: usize) -> Result<Self> {
        let writer = Writer::start(journal.folder().clone())?;
        Ok(Self { journal, writer, device, epochs, validation_seconds: 0.0, saved_at: Instant::now() })
    }

    /// Waits until all is on the disk that was handed over, and gives the journal back.
    pub fn into_journal(self) -> Journal {
        // What is being written belongs to the run still.
        drop(self.writer);
        self.journal
    }

    /// Reports the begin of a pass of `total` batches; `epoch` 0 leaves the epoch as it is.
    pub fn begin_pass(&self, phase: Phase, epoch: usize, total: usize, position: &Position) {
        self.journal.progress(|progress| {
            progress.phase = phase;
            progress.done = if phase == Phase::Training { position.batches_done } else { 0 };
            progress.total = total;
            if epoch > 0 {
                progress.epoch = epoch;
            }
            progress.epochs = self.epochs;
            progress.lr = position.rate.at(position.step);
            progress.epoch_eta = None;
            if phase == Phase::Testing {
                progress.run_eta = None;
            }
        });
    }

    /// Reports that `done` batches of a pass are done in which nothing is learned.
    pub fn evaluated(&self, done: usize) {
        let elapsed = self.journal.elapsed();
        self.journal.progress(|progress| {
            progress.done = done;
            progress.elapsed = elapsed;
        });
    }

    /// Reports that `done` of `total` batches of an epoch are done, with the mean loss so far.
    pub fn trained(&self, meter: &Meter, done: usize, total: usize, loss: f64, position: &Position) {
        let elapsed = self.journal.elapsed();
        let shares = meter.shares();
        let a_step = meter.seconds_a_step();
        let epoch_eta = a_step * (total - done) as f64 + self.validation_seconds;
        let epoch_seconds = a_step * total as f64 + self.validation_seconds;
        let device_memory = native::device_memory(self.device);
        self.journal.progress(|progress| {
            progress.step = position.step;
            progress.done = done;
            progress.loss = Some(loss);
            progress.lr = position.rate.at(position.step.saturating_sub(1));
            progress.images_per_second = meter.rate();
            progress.shares = shares;
            progress.elapsed = elapsed;
            progress.epoch_eta = Some(epoch_eta);
            let to_come = progress.epochs.saturating_sub(progress.epoch) as f64;
            progress.run_eta = Some(epoch_eta + to_come * epoch_seconds);
            progress.memory = resident_memory();
            progress.device_memory = device_memory.map(|memory| [memory.used, memory.total]);
        });
    }

    /// Whether the settings want a checkpoint after optimizer step `step`.
    pub fn checkpoint_is_due(&self, section: &CheckpointSection, step: u64) -> bool {
        let by_steps = section.every_n_steps > 0 && step.is_multiple_of(section.every_n_steps);
        let by_time = section.every_minutes > 0.0
            && self.saved_at.elapsed().as_secs_f64() >= 60.0 * section.every_minutes;
        by_steps || by_time
    }

    /// Hands a checkpoint to the writer.
    ///
    /// # Errors
    /// When an earlier one could not be written, or the journal can't.
    pub fn checkpoint(&mut self, job: Job) -> Result<()> {
        let step = job.step;
        self.saved_at = Instant::now();
        self.writer.submit(job)?;
        self.report_written(step)
    }

    /// Reports the checkpoints that have reached the disk.
    ///
    /// # Errors
    /// As [`Recorder::checkpoint`].
    pub fn report_written(&mut self, step: u64) -> Result<()> {
        while let Some(written) = self.writer.written()? {
            self.publish(written, step)?;
        }
        Ok(())
    }

    /// Waits until all checkpoints are on the disk.
    ///
    /// # Errors
    /// As [`Recorder::checkpoint`].
    pub fn finish_writing(&mut self, step: u64) -> Result<()> {
        while let Some(written) = self.writer.wait()? {
            self.publish(written, step)?;
        }
        Ok(())
    }

    fn publish(&mut self, written: Written, now: u64) -> Result<()> {
        let Written { epoch, step, files, best } = written;
        if let Some(best) = best {
            // Only now: the status never names weights that are not on the disk.
            self.journal.best(best, now)?;
        }
        files.into_iter().try_for_each(|file| self.journal.event(Event::Checkpoint { file, epoch, step }))
    }
}
