//! The learning loop: epochs of steps, validation after each, best weights tested at the end.

use anyhow::{Result, bail, ensure};
use tch::{Device, Kind, Tensor};

use super::checkpoint::Position;
use super::inbox::{Inbox, StopReason};
use super::learner::Learner;
use super::meter::{Meter, Work};
use super::recorder::Recorder;
use super::{Phase, setup::Setup};
use crate::config::RunConfig;
use crate::data_loader::{DataLoader, Placement};
use crate::dataset::Split;
use crate::metrics::EpochAccumulator;
use crate::text::rate;

/// Images a batch when nothing is learned: no gradients are kept, so more fit than in training, up to this.
const MAX_EVAL_BATCH: usize = 256;
/// So many times the training batch fits surely.
const EVAL_BATCH_FACTOR: usize = 4;

/// So many steps left out one after another can't be mended by a smaller loss scale: 16 halvings bring it to 1.
const SKIPPED_STEPS: u64 = 100;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All epochs done or early stopping; why, in words.
    Complete(String),
    /// Stopped before its time.
    Stopped(StopReason),
}

/// A pass over a split came to its end, or was stopped.
pub(super) enum Interruptible<T> {
    Done(T),
    Stopped(StopReason),
}

/// Output of a pass over the training images.
pub(super) struct TrainOutput {
    /// By the probabilities that are reported.
    pub seen: EpochAccumulator,
    /// Mean of the trained loss.
    pub loss: f64,
    /// Of the last step.
    pub lr: f64,
    pub images_per_second: f64,
    pub seconds: f64,
}

/// Output of a pass over a split.
pub(super) struct EvalOutput {
    /// By the probabilities that are reported.
    pub seen: EpochAccumulator,
    /// Mean of the trained loss.
    pub loss: f64,
}

/// Outputs of the epoch so far, on the device until they are read.
pub(super) struct EpochOutputs {
    /// Logits as the network gave them, `float32 B,C` a batch.
    pub logits: Vec<Tensor>,
    /// Sum of the trained loss over the images, `float64` scalar.
    pub loss_sum: Tensor,
}

impl EpochOutputs {
    pub fn nothing(device: Device) -> Result<Self> {
        let loss_sum = Tensor::f_zeros([0_i64; 0].as_slice(), (Kind::Double, device))?;
        Ok(Self { logits: Vec::new(), loss_sum })
    }
}

/// Everything that one run uses.
pub struct Fit<'a> {
    pub(super) setup: &'a Setup,
    pub(super) learner: Learner,
    /// Where the batches of training are put together.
    pub(super) placement: Placement,
    pub(super) position: Position,
    pub(super) seen: EpochOutputs,
    /// Subtracted from logits before they become probabilities (`float32 C`); see `loss::logit_correction`.
    pub(super) shift: Option<Tensor>,
    pub(super) recorder: Recorder,
    pub(super) inbox: &'a mut Inbox,
}

impl Fit<'_> {
    /// Trains to the end, tests the best weights, and returns how the run ended.
    ///
    /// # Errors
    /// When libtorch or the disk fails, or the loss is not finite.
    pub fn run(&mut self) -> Result<Ending> {
        let reason = loop {
            if let Some(reason) = self.position.over.clone() {
                break reason;
            }
            let epoch = self.position.epochs_done + 1;
            let trained = match self.train_epoch(epoch)? {
                Interruptible::Done(trained) => trained,
                Interruptible::Stopped(stop) => return self.stop(stop),
            };
            self.learner.use_ema_weights()?;
            let evaluated = match self.predict(Split::Val, Phase::Validating)? {
                Interruptible::Done(evaluated) => evaluated,
                Interruptible::Stopped(stop) => return self.stop(stop),
            };
            self.learner.use_raw_weights()?;
            self.close_epoch(epoch, &trained, &evaluated)?;
        };
        self.recorder.finish_writing(self.position.step)?;
        match self.test()? {
            Interruptible::Done(()) => Ok(Ending::Complete(reason)),
            Interruptible::Stopped(stop) => Ok(Ending::Stopped(stop)),
        }
    }

    /// One pass over the training images, from where the epoch in work stands.
    fn train_epoch(&mut self, epoch: usize) -> Result<Interruptible<TrainOutput>> {
        let setup = self.setup;
        let config = &setup.config;
        let (_, labels) = setup.dataset.trainable(Split::Train)?;
        let mut loader = setup.training_batches(&self.placement, epoch, self.position.batches_done)?;
        let (total, accumulate) = (loader.batches(), config.optimizer.accumulate);
        self.learner.freeze_backbone(epoch <= config.model.freeze_epochs)?;
        self.recorder.begin_pass(Phase::Training, epoch, total, &self.position);

        let mut meter = Meter::start();
        while self.position.batches_done < total {
            let batch = self.position.batches_done;
            let in_step = batch % accumulate;
            if in_step == 0 {
                // Between steps there are no gradients, so here a run can be left and gone on with.
                if let Some(stop) = self.poll_commands(&mut meter)? {
                    return Ok(Interruptible::Stopped(stop));
                }
                self.learner.zero_grad()?;
            }
            let Some((images, targets)) = loader.next_batch()? else { break };
            meter.lap(Work::Data);

            // The last step of an epoch may have fewer batches than the others.
            let together = accumulate.min(total - (batch - in_step));
            let (loss, logits) = self.learner.forward_backward(&images, &targets, 1.0 / together as f64)?;
            let images_done = targets.size()[0] as usize;
            self.seen.loss_sum =
                self.seen.loss_sum.f_add(&loss.f_to_kind(Kind::Double)?.f_mul_scalar(images_done as f64)?)?;
            let ends_step = in_step + 1 == together;
            if ends_step {
                let lr = self.position.rate.at(self.position.step);
                self.position.step += 1;
                self.learner.end_step(lr, self.position.step, &self.seen.loss_sum)?;
            }
            self.seen.logits.push(logits);
            self.position.batches_done += 1;
            self.position.images_seen += images_done;
            meter.images(images_done);
            let told = if meter.beats() { Some(self.mean_loss()?) } else { None };
            meter.lap(Work::Compute);

            if ends_step && self.recorder.checkpoint_is_due(&config.checkpoint, self.position.step) {
                self.checkpoint()?;
                meter.lap(Work::Checkpoint);
            }
            if let Some(loss) = told {
                self.recorder.trained(&meter, batch + 1, total, loss, &self.position);
            }
            meter.lap(Work::Metrics);
        }
        let loss = self.mean_loss()?;
        // A GPU has done all of it only now.
        meter.lap(Work::Compute);
        self.recorder.trained(&meter, total, total, loss, &self.position);
        let logits = self.reported(&Tensor::f_cat(&self.seen.logits, 0)?)?;
        let mut seen = EpochAccumulator::new(labels.classes());
        let in_order: Vec<u8> = loader.order().iter().flat_map(|image| labels.row(*image)).copied().collect();
        seen.push(&to_floats(&logits)?, &in_order)?;
        Ok(Interruptible::Done(TrainOutput {
            seen,
            loss,
            lr: self.position.rate.at(self.position.step.saturating_sub(1)),
            images_per_second: meter.mean_rate(),
            seconds: meter.seconds(),
        }))
    }

    /// The mean loss of the images seen.
    ///
    /// # Errors
    /// When a step was not finite, since nothing good comes after that, or too many were left out.
    fn mean_loss(&self) -> Result<f64> {
        self.ensure_steps_were_taken()?;
        Ok(f64::try_from(&self.seen.loss_sum)? / self.position.images_seen.max(1) as f64)
    }

    /// Refuses to go on after a step that was not finite, and after many that were left out.
    pub(super) fn ensure_steps_were_taken(&self) -> Result<()> {
        let lr = |step: u64| rate(self.position.rate.at(step.saturating_sub(1)));
        if let Some(step) = self.learner.guard().first_bad_step()? {
            bail!(
                "the loss or a gradient of step {step} is no finite number, so neither that step nor one after it was taken; \
                 lower optimizer.lr, which was {}",
                lr(step)
            );
        }
        if let Some(scaler) = self.learner.guard().scaler() {
            let in_a_row = scaler.report()?.in_a_row;
            ensure!(
                in_a_row < SKIPPED_STEPS,
                "the gradients of the last {in_a_row} steps overflowed in fp16 at every loss scale, so nothing was learned; \
                 set run.precision=bf16, or lower optimizer.lr, which is {}",
                lr(self.position.step)
            );
        }
        Ok(())
    }

    /// Predictions of the network for a whole split, in its order.
    pub(super) fn predict(&mut self, split: Split, phase: Phase) -> Result<Interruptible<EvalOutput>> {
        let setup = self.setup;
        let (images, labels) = setup.dataset.trainable(split)?;
        let together = MAX_EVAL_BATCH.min(EVAL_BATCH_FACTOR * self.config().optimizer.batch_size);
        let mut loader = DataLoader::in_order(images, Some(labels), together, setup.device)?;
        self.recorder.begin_pass(phase, 0, loader.batches(), &self.position);
        let mut meter = Meter::start();
        let mut logits_seen = Vec::new();
        let mut targets_seen = Vec::new();
        for done in 1..=loader.batches() {
            if let Some(stop) = self.poll_commands(&mut meter)? {
                return Ok(Interruptible::Stopped(stop));
            }
            let Some((images, targets)) = loader.next_batch()? else { break };
            logits_seen.push(self.learner.evaluate(&images)?);
            targets_seen.push(targets);
            meter.lap(Work::Compute);
            self.recorder.evaluated(done);
        }
        let logits = Tensor::f_cat(&logits_seen, 0)?;
        let loss = f64::try_from(self.learner.loss().of(&logits, &Tensor::f_cat(&targets_seen, 0)?)?)?;
        let mut seen = EpochAccumulator::new(labels.classes());
        seen.push(&to_floats(&self.reported(&logits)?)?, labels.values())?;
        meter.lap(Work::Metrics);
        if split == Split::Val {
            self.recorder.validation_seconds = meter.seconds();
        }
        Ok(Interruptible::Done(EvalOutput { seen, loss }))
    }

    /// Logits of the probabilities that are reported: without the shift by class weights and sampling.
    fn reported(&self, logits: &Tensor) -> Result<Tensor> {
        Ok(match &self.shift {
            Some(shift) => logits.f_to_kind(Kind::Float)?.f_sub(shift)?,
            None => logits.f_to_kind(Kind::Float)?,
        })
    }

    pub(super) fn config(&self) -> &RunConfig {
        &self.setup.config
    }
}

fn to_floats(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(Vec::try_from(tensor.f_contiguous()?.f_view(-1)?)?)
}
