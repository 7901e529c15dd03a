//! The learning loop: epochs of steps, validation after each, best weights tested at the end.

use anyhow::{Context, Result, bail};
use tch::{Kind, Reduction, Tensor};

use super::batches::{Batches, shuffled};
use super::early_stopping::{EarlyStopping, Verdict};
use super::inbox::{Halt, Inbox};
use super::journal::Journal;
use super::meter::{Meter, Work, resident_memory};
use super::optimizer::Adam;
use super::schedule::ReduceLrOnPlateau;
use super::{EpochReport, Event, Level, Phase};
use crate::config::{Mode as Better, Monitor, RunConfig};
use crate::dataset::{Dataset, Split};
use crate::metrics::{EpochAccumulator, MultilabelReport};
use crate::model::{Mode, Network};
use crate::runs::{Best, EpochRecord, METRICS};

/// Films a batch when nothing is learned: no gradients are kept, so more fit than in training, up to this.
const MOST_JUDGED_TOGETHER: usize = 256;
/// So many times the training batch fits surely.
const JUDGED_PER_TRAINED: usize = 4;

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All epochs done or early stopping; why, in words.
    Complete(String),
    /// Halted before its time.
    Halted(Halt),
}

/// A pass over a split came to its end, or was halted.
enum Pass<T> {
    Done(T),
    Halted(Halt),
}

/// What a pass over the training films leaves.
struct Trained {
    seen: EpochAccumulator,
    loss: f64,
    lr: f64,
    films_per_second: f64,
    seconds: f64,
}

/// Everything one run works with.
pub struct Fit<'a> {
    pub config: &'a RunConfig,
    pub dataset: &'a Dataset,
    pub network: Network,
    pub optimizer: Adam,
    pub schedule: ReduceLrOnPlateau,
    pub stopping: EarlyStopping,
    pub journal: Journal,
    pub inbox: &'a mut Inbox,
    pub device: tch::Device,
    /// Optimizer steps done.
    pub step: u64,
    /// Seconds that an epoch's validation took last time.
    pub validation_seconds: f64,
    /// Learning is over and the network holds the best weights.
    pub testing: bool,
}

impl Fit<'_> {
    /// Trains to the end, tests the best weights, and says how it ended.
    ///
    /// # Errors
    /// What libtorch or the disk says, or that the loss is no number any more.
    pub fn run(&mut self) -> Result<Ending> {
        let mut reason = format!("all {} epochs are done", self.config.optimizer.epochs);
        for epoch in 1..=self.config.optimizer.epochs {
            let trained = match self.train_epoch(epoch)? {
                Pass::Done(trained) => trained,
                Pass::Halted(halt) => return self.halt(halt, epoch),
            };
            let judged = match self.predict(Split::Val, Phase::Validating)? {
                Pass::Done(judged) => judged,
                Pass::Halted(halt) => return self.halt(halt, epoch),
            };
            if let Some(why) = self.close_epoch(epoch, &trained, &judged)? {
                reason = why;
                break;
            }
        }
        match self.test()? {
            Pass::Done(()) => Ok(Ending::Complete(reason)),
            Pass::Halted(halt) => Ok(Ending::Halted(halt)),
        }
    }

    fn train_epoch(&mut self, epoch: usize) -> Result<Pass<Trained>> {
        let (films, labels) = self.dataset.trainable(Split::Train)?;
        let mut batches = Batches::new(films, labels, self.device);
        let order = shuffled(batches.film_count(), self.config.run.seed, epoch);
        let batch_size = self.config.optimizer.batch_size;
        let total = order.len().div_ceil(batch_size);
        self.begin_pass(Phase::Training, epoch, total);

        let mut meter = Meter::start();
        // Both stay on the device until somebody reads them: a step need not wait for its own loss.
        let mut logits_seen = Vec::with_capacity(total);
        let mut loss_sum = Tensor::f_zeros([0_i64; 0].as_slice(), (Kind::Double, self.device))?;
        let mut films_seen = 0;
        for (done, indices) in order.chunks(batch_size).enumerate() {
            if let Some(halt) = self.obey(&mut meter)? {
                return Ok(Pass::Halted(halt));
            }
            let (films, targets) = batches.gather(indices)?;
            meter.lap(Work::Data);

            self.optimizer.clear_gradients()?;
            let logits = self.network.forward(&films, Mode::Train)?;
            let loss = bce_with_logits(&logits, &targets)?;
            loss.f_backward()?;
            self.optimizer.step()?;
            self.step += 1;
            films_seen += indices.len();
            loss_sum = loss_sum
                .f_add(&loss.detach().f_to_kind(Kind::Double)?.f_mul_scalar(indices.len() as f64)?)?;
            logits_seen.push(logits.detach());
            meter.films(indices.len());
            meter.lap(Work::Compute);

            if meter.beats() {
                self.tell_step(&meter, done + 1, total, self.mean_loss(&loss_sum, films_seen)?);
            }
            meter.lap(Work::Other);
        }
        let loss = self.mean_loss(&loss_sum, films_seen)?;
        self.tell_step(&meter, total, total, loss);
        let mut seen = EpochAccumulator::new(labels.classes());
        seen.push(&to_floats(&Tensor::f_cat(&logits_seen, 0)?)?, &batches.labels_of(&order))?;
        let lr = self.optimizer.lr();
        Ok(Pass::Done(Trained {
            seen,
            loss,
            lr,
            films_per_second: meter.mean_rate(),
            seconds: meter.seconds(),
        }))
    }

    /// The mean loss of the films seen; an error once it is no number, since nothing good comes after that.
    fn mean_loss(&self, sum: &Tensor, films: usize) -> Result<f64> {
        let loss = f64::try_from(sum)? / films as f64;
        if !loss.is_finite() {
            let (step, lr) = (self.step, self.optimizer.lr());
            bail!("the loss is no finite number any more by step {step}; lower optimizer.lr, which is {lr}");
        }
        Ok(loss)
    }

    /// Logits and labels of a whole split, in its order, by the network as it is.
    fn predict(&mut self, split: Split, phase: Phase) -> Result<Pass<EpochAccumulator>> {
        let (films, labels) = self.dataset.trainable(split)?;
        let mut batches = Batches::new(films, labels, self.device);
        let order: Vec<usize> = (0..batches.film_count()).collect();
        let together = MOST_JUDGED_TOGETHER.min(JUDGED_PER_TRAINED * self.config.optimizer.batch_size);
        let total = order.len().div_ceil(together);
        self.begin_pass(phase, 0, total);
        let mut meter = Meter::start();
        let mut seen = EpochAccumulator::new(labels.classes());
        for (done, indices) in order.chunks(together).enumerate() {
            if let Some(halt) = self.obey(&mut meter)? {
                return Ok(Pass::Halted(halt));
            }
            let logits = {
                let _no_grad = tch::no_grad_guard();
                let (films, _) = batches.gather(indices)?;
                to_floats(&self.network.forward(&films, Mode::Eval)?)?
            };
            seen.push(&logits, &batches.labels_of(indices))?;
            meter.lap(Work::Compute);
            let elapsed = self.journal.elapsed();
            self.journal.progress(|progress| {
                progress.done = done + 1;
                progress.elapsed = elapsed;
            });
        }
        if split == Split::Val {
            self.validation_seconds = meter.seconds();
        }
        Ok(Pass::Done(seen))
    }

    /// Writes the epoch down, keeps its weights, and decides: the learning rate of the next one, and `Some`
    /// reason when there shall be none.
    fn close_epoch(
        &mut self,
        epoch: usize,
        trained: &Trained,
        judged: &EpochAccumulator,
    ) -> Result<Option<String>> {
        let report = judged.compute();
        let monitor = self.config.early_stopping.monitor;
        let mut record = self.record(epoch, trained, judged, &report);
        let value = monitored(monitor, &record);
        let verdict = self.stopping.update(value.unwrap_or(f64::NAN));
        record.wait_count = self.stopping.wait_count();

        let better = |best: &Best, value: f64| match self.config.early_stopping.mode {
            Better::Max => value > best.value,
            Better::Min => value < best.value,
        };
        let best = value
            .filter(|value| self.journal.best().is_none_or(|best| better(best, *value)))
            .map(|value| Best { metric: monitor.name().to_owned(), value, epoch });
        let improved = best.is_some();
        self.checkpoint(epoch, improved)?;
        let best = best.or_else(|| self.journal.best().cloned());
        let undefined: Vec<&str> = METRICS
            .iter()
            .filter(|metric| (metric.get)(&record).is_none())
            .map(|metric| metric.key)
            .collect();
        let loss_is_number = record.val_loss.is_some();
        self.journal.epoch(EpochReport { record, val_auroc: report.auroc, improved, best })?;
        if !loss_is_number {
            bail!(
                "the validation loss is no finite number after epoch {epoch}; lower optimizer.lr, which is {}",
                trained.lr
            );
        }
        if !undefined.is_empty() {
            let text = format!(
                "{} undefined after epoch {epoch}: no condition is both present and absent in the validation films",
                undefined.join(" and ")
            );
            self.journal.note(Level::Warning, text)?;
        }

        if self.config.early_stopping.enabled {
            match verdict {
                Verdict::Stop => {
                    let patience = self.config.early_stopping.patience;
                    return Ok(Some(format!(
                        "{monitor} gained less than {} for {patience} epochs in a row",
                        self.config.early_stopping.min_delta
                    )));
                }
                Verdict::NotFinite => {
                    return Ok(Some(format!(
                        "{monitor} is undefined after epoch {epoch}, so nothing can be watched"
                    )));
                }
                Verdict::Gain | Verdict::Wait(_) => {}
            }
        }
        let from = self.optimizer.lr();
        let to = self.schedule.step(value.unwrap_or(f64::NAN), from);
        if to != from {
            self.optimizer.set_lr(to);
            let reason = format!("{} epochs without gain", self.config.schedule.patience + 1);
            self.journal.event(Event::LearningRate { from, to, reason })?;
        }
        Ok(None)
    }

    fn record(
        &self,
        epoch: usize,
        trained: &Trained,
        judged: &EpochAccumulator,
        report: &MultilabelReport,
    ) -> EpochRecord {
        let train = trained.seen.micro();
        let val_loss = judged.bce().filter(|loss| loss.is_finite());
        EpochRecord {
            epoch,
            step: self.step,
            train_loss: Some(trained.loss),
            train_accuracy: Some(train.accuracy),
            train_precision: Some(train.precision),
            train_f1_score: Some(train.f1),
            val_loss,
            // The same number as long as the trained loss carries no weights.
            val_loss_unweighted: val_loss,
            val_accuracy: Some(report.micro.accuracy),
            val_precision: Some(report.micro.precision),
            val_f1_score: Some(report.micro.f1),
            val_auroc_macro: report.auroc_macro.value,
            val_auprc_macro: report.auprc_macro.value,
            lr: trained.lr,
            wait_count: 0,
            epoch_seconds: trained.seconds + self.validation_seconds,
            images_per_second: trained.films_per_second,
        }
    }

    /// Tries the best weights on validation and test films and writes down what they said.
    fn test(&mut self) -> Result<Pass<()>> {
        let Some(best) = self.journal.best().cloned() else {
            bail!("no epoch had a best value, so there are no weights to test");
        };
        self.testing = true;
        self.network.state_mut().load(&self.journal.folder().best_weights())?;
        for split in [Split::Val, Split::Test] {
            let seen = match self.predict(split, Phase::Testing)? {
                Pass::Done(seen) => seen,
                Pass::Halted(halt) => return Ok(Pass::Halted(halt)),
            };
            let event = super::verdict::write(
                self.journal.folder(),
                split,
                self.dataset.labels(),
                &seen,
                best.epoch,
            )?;
            self.journal.event(event)?;
        }
        Ok(Pass::Done(()))
    }

    fn halt(&self, halt: Halt, epoch: usize) -> Result<Ending> {
        self.checkpoint(epoch - 1, false).context("the last checkpoint could not be written")?;
        Ok(Ending::Halted(halt))
    }

    /// Tells where a pass begins; `epoch` 0 leaves the epoch as it is.
    fn begin_pass(&self, phase: Phase, epoch: usize, total: usize) {
        self.journal.progress(|progress| {
            progress.phase = phase;
            progress.done = 0;
            progress.total = total;
            if epoch > 0 {
                progress.epoch = epoch;
            }
            progress.epochs = self.config.optimizer.epochs;
            progress.lr = self.optimizer.lr();
            progress.epoch_eta = None;
            if phase == Phase::Testing {
                progress.run_eta = None;
            }
        });
    }

    fn tell_step(&self, meter: &Meter, done: usize, total: usize, loss: f64) {
        let elapsed = self.journal.elapsed();
        let (data_share, compute_share) = meter.shares();
        let a_step = meter.seconds() / done as f64;
        let epoch_eta = a_step * (total - done) as f64 + self.validation_seconds;
        let epoch_seconds = a_step * total as f64 + self.validation_seconds;
        self.journal.progress(|progress| {
            progress.step = self.step;
            progress.done = done;
            progress.loss = Some(loss);
            progress.lr = self.optimizer.lr();
            progress.images_per_second = meter.rate();
            progress.data_share = data_share;
            progress.compute_share = compute_share;
            progress.elapsed = elapsed;
            progress.epoch_eta = Some(epoch_eta);
            let to_come = progress.epochs.saturating_sub(progress.epoch) as f64;
            progress.run_eta = Some(epoch_eta + to_come * epoch_seconds);
            progress.memory = resident_memory();
        });
    }
}

/// Mean binary cross-entropy of logits (`N,C`) and 0/1 targets (`N,C`), a scalar with its gradient.
pub fn bce_with_logits(logits: &Tensor, targets: &Tensor) -> Result<Tensor, tch::TchError> {
    logits.f_binary_cross_entropy_with_logits::<Tensor>(targets, None, None, Reduction::Mean)
}

fn to_floats(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(Vec::try_from(tensor.f_contiguous()?.f_view(-1)?)?)
}

/// The value that decides, from an epoch's record.
fn monitored(monitor: Monitor, record: &EpochRecord) -> Option<f64> {
    let metric = crate::runs::Metric::find(monitor.name())?;
    (metric.get)(record).filter(|value| value.is_finite())
}
