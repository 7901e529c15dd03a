//! Checkpoints of a run: when they are due, what goes into them, and how a run goes on from one.

use anyhow::{Context, Result, ensure};
use tch::{Device, Kind, Tensor};

use super::checkpoint::{self, Position, Restored};
use super::fit::{Ending, EpochOutputs, Fit};
use super::inbox::StopReason;
use super::writer::{self, Job};
use crate::runs::RunFolder;
use crate::text::rate;

impl Fit<'_> {
    /// Hands a checkpoint of this moment, between two steps, to the writer.
    pub(super) fn checkpoint(&mut self) -> Result<()> {
        self.submit(None, false)
    }

    /// The checkpoint at the end of an epoch, with its weights when they are `among_best`.
    pub(super) fn checkpoint_epoch(&mut self, epoch: usize, among_best: bool, improved: bool) -> Result<()> {
        self.submit(among_best.then_some(epoch), improved)
    }

    fn submit(&mut self, kept: Option<usize>, improved: bool) -> Result<()> {
        self.ensure_steps_were_taken()?;
        ensure!(
            self.learner.is_finite()?,
            "a weight is not a finite number at step {}, so no checkpoint replaces the last one; lower optimizer.lr, \
             which is {}",
            self.position.step,
            rate(self.position.rate.at(self.position.step.saturating_sub(1)))
        );
        // A checkpoint may be requested while the running mean is being evaluated.
        let with_ema = self.learner.uses_ema_weights();
        let has_ema = self.learner.has_ema();
        let mut tensors = self.learner.state()?;
        tensors.push(("epoch.loss_sum".into(), self.seen.loss_sum.shallow_clone()));
        if !self.seen.logits.is_empty() {
            // One tensor from here on: what was joined once isn't joined again.
            self.seen.logits = vec![Tensor::f_cat(&self.seen.logits, 0)?];
            tensors.push(("epoch.logits".into(), self.seen.logits[0].shallow_clone()));
        }
        let state = checkpoint::pack(&self.position, tensors)?;
        let job = Job {
            epoch: self.position.epochs_done,
            step: self.position.step,
            kept,
            last: state.part("weight.", Some("ema.")),
            last_raw: has_ema.then(|| state.part("weight.", None)),
            state,
            best: self.position.best.clone().filter(|_| improved),
            keep: self.position.kept.iter().map(|kept| kept.epoch).collect(),
        };
        if with_ema {
            self.learner.use_ema_weights()?;
        }
        self.recorder.checkpoint(job)
    }

    /// Stops a run with a checkpoint that it can be resumed from.
    pub(super) fn stop(&mut self, stop: StopReason) -> Result<Ending> {
        self.checkpoint()
            .and_then(|()| self.recorder.finish_writing(self.position.step))
            .context("the last checkpoint could not be written")?;
        Ok(Ending::Stopped(stop))
    }
}

impl EpochOutputs {
    /// What the epoch had put out at a checkpoint.
    ///
    /// # Errors
    /// When a tensor has another type, or memory runs out.
    pub(super) fn restore(restored: &mut Restored, device: Device) -> Result<Self> {
        let mut outputs = Self::nothing(device)?;
        if let Some(sum) = restored.take("epoch.loss_sum", Kind::Double, device)? {
            outputs.loss_sum = sum;
        }
        outputs.logits.extend(restored.take("epoch.logits", Kind::Float, device)?);
        Ok(outputs)
    }
}

/// Completes what a kill between two writes of a checkpoint left undone: the best weights' name, and weights that only
/// the checkpoint before needed.
///
/// # Errors
/// When the directory can't be written.
pub(super) fn mend(folder: &RunFolder, position: &Position) -> Result<()> {
    if let Some(best) = position.best.as_ref().filter(|best| folder.epoch_weights(best.epoch).is_file()) {
        writer::point_best_at(folder, best.epoch)?;
    }
    let kept: Vec<usize> = position.kept.iter().map(|kept| kept.epoch).collect();
    writer::keep_only(folder, &kept)
}
