//! Between two epochs and after the last: the record, early stopping, the checkpoint, the test.

use anyhow::{Result, bail};

use super::checkpoint::Kept;
use super::early_stopping::Decision;
use super::fit::{EpochOutputs, EvalOutput, Fit, Interruptible, TrainOutput};
use super::scaler::ScalerReport;
use super::{EpochReport, Event, Level, Phase};
use crate::config::{Mode as Better, Monitor};
use crate::dataset::Split;
use crate::evaluation::{self, split_predictions};
use crate::metrics::MultilabelReport;
use crate::runs::{Best, EpochRecord, METRICS, SplitPredictions};
use crate::sentence;
use crate::text::rate;

impl Fit<'_> {
    /// Writes the epoch down, keeps its weights if they are among the best, and decides: the learning rate of
    /// the next one, or that there shall be none.
    pub(super) fn close_epoch(
        &mut self,
        epoch: usize,
        trained: &TrainOutput,
        evaluated: &EvalOutput,
    ) -> Result<()> {
        let report = evaluated.seen.compute();
        let monitor = self.config().early_stopping.monitor;
        let mut record = self.record(epoch, trained, evaluated, &report);
        let value = monitored(monitor, &record);
        let verdict = self.position.stopping.update(value.unwrap_or(f64::NAN));
        record.wait_count = self.position.stopping.wait_count();
        let (improved, among_best) = self.rank(epoch, value);
        let undefined: Vec<&str> = METRICS
            .iter()
            .filter(|metric| (metric.get)(&record).is_none())
            .map(|metric| metric.key)
            .collect();
        let loss_is_number = record.val_loss.is_some();
        let best = self.position.best.clone();
        self.recorder.journal.epoch(EpochReport { record, val_auroc: report.auroc, improved, best })?;
        if !loss_is_number {
            bail!(
                "the validation loss is no finite number after epoch {epoch}; lower optimizer.lr, which is {}",
                rate(trained.lr)
            );
        }
        if !undefined.is_empty() {
            let text = format!(
                "{} undefined after epoch {epoch}: no condition is both present and absent in the validation images",
                undefined.join(" and ")
            );
            self.recorder.journal.note(Level::Warning, text)?;
        }

        if let Some(scaler) = self.learner.guard().scaler() {
            let ScalerReport { scale, skipped, .. } = scaler.report()?;
            let text = format!("epoch {epoch} ends with loss scale {scale}; {skipped} steps left out so far");
            self.recorder.journal.note(Level::Info, text)?;
        }

        self.position.over = self.end_of_learning(epoch, &verdict);
        if self.position.over.is_none()
            && let Some((from, to)) = self.position.rate.end_epoch(value.unwrap_or(f64::NAN))
        {
            let reason = format!("{} epochs without gain", self.config().schedule.patience + 1);
            self.recorder.journal.event(Event::LearningRate { from, to, reason })?;
        }
        self.position.epochs_done = epoch;
        self.position.batches_done = 0;
        self.position.images_seen = 0;
        self.seen = EpochOutputs::nothing(self.setup.device)?;
        self.checkpoint_epoch(epoch, among_best, improved)
    }

    /// Enters the epoch into the list of the best; returns whether it is the best, and whether it is on the list.
    fn rank(&mut self, epoch: usize, value: Option<f64>) -> (bool, bool) {
        let Some(value) = value else { return (false, false) };
        let stopping = &self.config().early_stopping;
        let (mode, metric) = (stopping.mode, stopping.monitor.name().to_owned());
        let beats = |value: f64, other: f64| match mode {
            Better::Max => value > other,
            Better::Min => value < other,
        };
        let kept = &mut self.position.kept;
        // Of equal ones the earlier stays in front.
        let place = kept.iter().position(|kept| beats(value, kept.value)).unwrap_or(kept.len());
        kept.insert(place, Kept { epoch, value });
        kept.truncate(self.setup.config.checkpoint.save_top_k);
        let among_best = kept.iter().any(|kept| kept.epoch == epoch);
        let improved = self.position.best.as_ref().is_none_or(|best| beats(value, best.value));
        if improved {
            self.position.best = Some(Best { metric, value, epoch });
        }
        (improved, among_best)
    }

    /// Why training ends after this epoch, if it does.
    fn end_of_learning(&self, epoch: usize, verdict: &Decision) -> Option<String> {
        let config = self.config();
        let stopping = &config.early_stopping;
        let monitor = stopping.monitor;
        match verdict {
            Decision::Stop if stopping.enabled => Some(format!(
                "{monitor} gained less than {} for {} epochs in a row",
                stopping.min_delta, stopping.patience
            )),
            Decision::NotFinite if stopping.enabled => {
                Some(format!("{monitor} is undefined after epoch {epoch}, so nothing can be watched"))
            }
            _ => (epoch >= config.optimizer.epochs).then(|| format!("all {epoch} epochs are done")),
        }
    }

    fn record(
        &self,
        epoch: usize,
        trained: &TrainOutput,
        evaluated: &EvalOutput,
        report: &MultilabelReport,
    ) -> EpochRecord {
        let train = trained.seen.micro();
        let finite = |value: &f64| value.is_finite();
        EpochRecord {
            epoch,
            step: self.position.step,
            train_loss: Some(trained.loss),
            train_loss_unweighted: trained.seen.bce().filter(finite),
            train_accuracy: Some(train.accuracy),
            train_precision: Some(train.precision),
            train_f1_score: Some(train.f1),
            val_loss: Some(evaluated.loss).filter(finite),
            val_loss_unweighted: evaluated.seen.bce().filter(finite),
            val_accuracy: Some(report.micro.accuracy),
            val_precision: Some(report.micro.precision),
            val_f1_score: Some(report.micro.f1),
            val_auroc_macro: report.auroc_macro.value,
            val_auprc_macro: report.auprc_macro.value,
            val_auroc: self
                .setup
                .dataset
                .labels()
                .keys()
                .into_iter()
                .zip(report.auroc.iter().copied())
                .collect(),
            lr: trained.lr,
            wait_count: 0,
            epoch_seconds: trained.seconds + self.recorder.validation_seconds,
            images_per_second: trained.images_per_second,
        }
    }

    /// Evaluates the best weights on validation and test images.
    pub(super) fn test(&mut self) -> Result<Interruptible<()>> {
        let Some(best) = self.position.best.clone() else {
            bail!("no epoch had a best value, so there are no weights to test");
        };
        self.learner.network_mut().state_mut().load(&self.recorder.journal.folder().best_weights())?;
        let mut predicted = Vec::new();
        for split in [Split::Val, Split::Test] {
            let evaluated = match self.predict(split, Phase::Testing)? {
                Interruptible::Done(evaluated) => evaluated,
                Interruptible::Stopped(stop) => return Ok(Interruptible::Stopped(stop)),
            };
            let predictions = split_predictions(&self.setup.dataset, split, &evaluated.seen, best.epoch);
            evaluation::save_predictions(self.recorder.journal.folder(), split, &predictions)?;
            let report = evaluated.seen.compute();
            self.recorder.journal.event(Event::Evaluated {
                split: split.name().to_owned(),
                auroc_macro: report.auroc_macro.value,
                auprc_macro: report.auprc_macro.value,
                n_conditions: report.auroc_macro.defined,
            })?;
            predicted.push(predictions);
        }
        if let [val, test] = predicted.as_slice() {
            self.conclude(val, test)?;
        }
        Ok(Interruptible::Done(()))
    }

    /// Chooses thresholds on the validation images, evaluates the test images with them, and draws the figures.
    fn conclude(&self, val: &SplitPredictions, test: &SplitPredictions) -> Result<()> {
        let (folder, labels) = (self.recorder.journal.folder(), self.setup.dataset.labels());
        let thresholds = evaluation::default_thresholds(val, labels);
        let evaluated =
            evaluation::record(folder, labels, &thresholds, Split::Test, test, evaluation::RESAMPLES)?;
        // A run whose numbers are written doesn't fail for its figures.
        if let Err(error) = evaluation::draw(folder, labels, &evaluated, &thresholds, test) {
            self.recorder.journal.note(
                Level::Warning,
                format!("no figures: {}; `chestxr-tui evaluate` draws them", sentence::of_error(&error)),
            )?;
        }
        Ok(())
    }
}

/// The value that decides, from an epoch's record.
fn monitored(monitor: Monitor, record: &EpochRecord) -> Option<f64> {
    let metric = crate::runs::Metric::find(monitor.name())?;
    (metric.get)(record).filter(|value| value.is_finite())
}
