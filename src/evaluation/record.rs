//! The files of an evaluation: predictions, thresholds, `evaluation.json`, figures and report.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use super::Predictor;
use super::threshold_spec::thresholds_by;
use crate::dataset::labels::LabelSet;
use crate::dataset::{Dataset, Split};
use crate::files::replace_file;
use crate::metrics::{EpochAccumulator, Evaluation, Resampling, Subject, ThresholdRule, Thresholds};
use crate::report::{self, Blueprint, Sheet};
use crate::runs::{RunFolder, SplitPredictions};

/// Resamples of an interval, unless another number is requested.
pub const RESAMPLES: usize = 1000;
/// The seed they are drawn from: fixed, so that an evaluation done again gives the same intervals.
pub const SEED: u64 = 0;

/// What the trainer's pass over a split saw.
pub fn split_predictions(
    dataset: &Dataset,
    split: Split,
    seen: &EpochAccumulator,
    epoch: usize,
) -> SplitPredictions {
    SplitPredictions {
        logits: seen.logits().to_vec(),
        probabilities: seen.probabilities(),
        labels: seen.labels().to_vec(),
        classes: dataset.labels().len(),
        patients: dataset.part(split).patients.clone(),
        epoch: Some(epoch),
    }
}

/// Predicts with a run's best weights on a split and saves the predictions in the run directory. `watch` receives
/// the number of images done and returns whether to continue; `None` when it returned `false`.
///
/// # Errors
/// When the images can't be had or don't fit, or the file can't be written.
pub fn predict_split(
    folder: &RunFolder,
    predictor: &Predictor,
    dataset: &Dataset,
    split: Split,
    watch: &mut dyn FnMut(usize) -> bool,
) -> Result<Option<SplitPredictions>> {
    let (images, labels) = dataset.trainable(split)?;
    let Some(scores) = predictor.predict(images, watch)? else { return Ok(None) };
    let predictions = SplitPredictions {
        logits: scores.logits,
        probabilities: scores.probabilities,
        labels: labels.values().to_vec(),
        classes: labels.classes(),
        patients: dataset.part(split).patients.clone(),
        epoch: Some(predictor.epoch()),
    };
    save_predictions(folder, split, &predictions)?;
    Ok(Some(predictions))
}

/// Writes `predictions_<split>.npz`.
///
/// # Errors
/// When a probability is no number, or the file can't be written.
pub fn save_predictions(folder: &RunFolder, split: Split, predictions: &SplitPredictions) -> Result<()> {
    if let Some(rows) = predictions.without_numbers() {
        bail!(
            "the network's output for the {split} split {rows}, so it can't be evaluated; its values overflow there: train \
             with a lower optimizer.lr, or with run.precision=fp32"
        );
    }
    let path = folder.predictions(split.name());
    predictions.write(&path).with_context(|| format!("can't write {}", path.display()))
}

/// Evaluates a split and writes the thresholds, then `evaluation.json` (or `evaluation_<split>.json`).
///
/// # Errors
/// When a file can't be written.
pub fn record(
    folder: &RunFolder,
    labels: &LabelSet,
    thresholds: &Thresholds,
    split: Split,
    predictions: &SplitPredictions,
    resamples: usize,
) -> Result<Evaluation> {
    let evaluation = evaluate(labels, thresholds, split.name(), predictions, resamples);
    folder.write_thresholds(thresholds)?;
    folder.write_evaluation(&evaluation)?;
    Ok(evaluation)
}

/// A split's numbers.
pub fn evaluate(
    labels: &LabelSet,
    thresholds: &Thresholds,
    split: &str,
    predictions: &SplitPredictions,
    resamples: usize,
) -> Evaluation {
    let subject = Subject {
        probabilities: predictions.table(),
        logits: (!predictions.logits.is_empty()).then_some(&predictions.logits),
        conditions: &labels.keys(),
        thresholds,
        split,
    };
    let patients = predictions.patients.as_deref();
    Evaluation::new(&subject, Resampling { count: resamples, seed: SEED, patients })
}

/// Thresholds by the default rule, from the validation images.
pub fn default_thresholds(val: &SplitPredictions, labels: &LabelSet) -> Thresholds {
    thresholds_by(ThresholdRule::default(), val, Split::Val.name(), labels)
}

/// Draws the network and all figures and writes the report of a run's evaluation, for the test split into `artifacts`, for another
/// into `artifacts/<split>`.
///
/// # Errors
/// When a file can't be written.
pub fn draw(
    folder: &RunFolder,
    labels: &LabelSet,
    evaluation: &Evaluation,
    thresholds: &Thresholds,
    predictions: &SplitPredictions,
) -> Result<()> {
    draw_network(folder)?;
    let config = folder.read_config()?;
    let out = match evaluation.split.as_str() {
        "test" => folder.artifacts(),
        split => folder.artifacts().join(split),
    };
    let title = format!("{} {}", config.model.arch.name(), folder.id().short());
    let origin =
        format!("Run {}, {} images from {}.", folder.id(), config.model.arch.name(), config.data.source);
    draw_into(&out, &title, &origin, labels, evaluation, thresholds, predictions)
}

/// The same for any predictions, into any folder.
///
/// # Errors
/// When a file can't be written.
pub fn draw_into(
    out: &Path,
    title: &str,
    origin: &str,
    labels: &LabelSet,
    evaluation: &Evaluation,
    thresholds: &Thresholds,
    predictions: &SplitPredictions,
) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("can't make the folder {}", out.display()))?;
    let sheet = Sheet {
        title,
        origin,
        labels,
        evaluation,
        thresholds,
        predictions: predictions.table(),
        logits: (!predictions.logits.is_empty()).then_some(&predictions.logits),
    };
    report::files(&sheet).into_par_iter().try_for_each(|file| {
        let path = out.join(file.name.as_ref());
        let bytes = file.make(&sheet)?;
        replace_file(&path, &bytes).with_context(|| format!("can't write {}", path.display()))
    })
}

/// Draws a run's network into its `artifacts` from what it keeps of it; runs of before it was kept have no picture.
///
/// # Errors
/// When `model_details.json` is damaged or the picture can't be written.
pub fn draw_network(folder: &RunFolder) -> Result<()> {
    let Some(network) = folder.read_model::<Blueprint>()? else { return Ok(()) };
    let path = folder.artifacts().join("model_architecture.png");
    let picture = network.draw(folder.id().as_str())?;
    replace_file(&path, &picture).with_context(|| format!("can't write {}", path.display()))
}
