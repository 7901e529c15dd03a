//! Jobs of the Evaluate screen: reading, predicting, comparing, saving thresholds.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::dataset::labels::LabelSet;
use crate::dataset::progress::{Progress, Watch};
use crate::dataset::{Cache, Split};
use crate::evaluation::{self, Comparison, ComparisonInput, compare};
use crate::metrics::Thresholds;
use crate::runs::{self, RunFolder, RunId, SplitPredictions};
use crate::tui::screens::evaluate::state::evaluated_run::{EvaluatedRun, read_best};

/// Which run on which split; `None` is the newest that was evaluated on it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluateRequest {
    pub run: Option<PathBuf>,
    pub split: Split,
    /// Its best weights are to be tried first.
    pub predict: bool,
}

/// The answer.
#[derive(Debug)]
pub struct Answer {
    pub run: EvaluatedRun,
    /// All runs that were evaluated on the split, the newest first.
    pub choices: Vec<PathBuf>,
}

/// The comparison of the run on the screen with another.
#[derive(Debug)]
pub struct Against {
    pub id: RunId,
    pub network: &'static str,
    pub comparison: Comparison,
}

impl Against {
    /// Compares two runs' saved predictions of a split; `a` is the other run, so a gain is the shown run's.
    ///
    /// # Errors
    /// When either can't be read or the images aren't the same.
    pub fn read(shown: &RunFolder, other: &RunFolder, split: Split) -> Result<Self> {
        let read = |folder: &RunFolder| -> Result<(SplitPredictions, Option<Thresholds>)> {
            Ok((read_best(folder, split)?, folder.read_thresholds()?))
        };
        let ((predictions_a, kept_a), (predictions_b, kept_b)) = (read(other)?, read(shown)?);
        let labels = LabelSet::of_keys(&shown.read_provenance()?.conditions);
        let comparison = compare(
            ComparisonInput { predictions: &predictions_a, thresholds: kept_a.as_ref() },
            ComparisonInput { predictions: &predictions_b, thresholds: kept_b.as_ref() },
            &labels,
            evaluation::RESAMPLES,
        )?;
        let network = other.read_config()?.model.arch.name();
        Ok(Self { id: other.id().clone(), network, comparison })
    }
}

/// Finds the run, predicts with its weights if requested, and reads its evaluation.
///
/// # Errors
/// When no run was evaluated yet, `watch` cancels, or as [`EvaluatedRun::read`].
pub fn answer(request: &EvaluateRequest, runs_folder: &Path, cache: &Cache, watch: &Watch) -> Result<Answer> {
    let choices: Vec<PathBuf> = runs::list(runs_folder)?
        .into_iter()
        .map(|run| run.path)
        .filter(|path| path.join(format!("predictions_{}.npz", request.split)).is_file())
        .collect();
    let Some(path) = request.run.as_ref().or(choices.first()) else {
        bail!("No run was evaluated on its {} images yet. A run evaluates them at its end.", request.split);
    };
    let folder = RunFolder::open(path)?;
    if request.predict {
        predict(&folder, request.split, cache, watch)?;
    }
    Ok(Answer { run: EvaluatedRun::read(&folder, request.split)?, choices })
}

/// Tries a run's best weights on its validation images and on a split.
fn predict(folder: &RunFolder, split: Split, cache: &Cache, watch: &Watch) -> Result<()> {
    let predictor = evaluation::Predictor::open(folder, "auto")?;
    let dataset = evaluation::own_images_watched(folder, cache, watch)?;
    for split in if split == Split::Val { vec![split] } else { vec![Split::Val, split] } {
        let total = dataset.part(split).labels.len();
        let doing = match split {
            Split::Train => "predicting train images",
            Split::Val => "predicting validation images",
            Split::Test => "predicting test images",
        };
        let mut watch = |done| watch(Progress { doing, done, total });
        if evaluation::predict_split(folder, &predictor, &dataset, split, &mut watch)?.is_none() {
            bail!("cancelled");
        }
    }
    Ok(())
}

/// Writes thresholds of a run, and its numbers, figures and report by them.
///
/// # Errors
/// When the predictions can't be read or a file can't be written.
pub fn save_thresholds(run: &Path, split: Split, thresholds: &Thresholds) -> Result<()> {
    let folder = RunFolder::open(run)?;
    let labels = LabelSet::of_keys(&folder.read_provenance()?.conditions);
    let predictions = read_best(&folder, split)?;
    let evaluation =
        evaluation::record(&folder, &labels, thresholds, split, &predictions, evaluation::RESAMPLES)?;
    evaluation::draw(&folder, &labels, &evaluation, thresholds, &predictions)
}
