//! A run's predictions of a split, with all that the screen looks up in them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::config::{DataSection, RunConfig};
use crate::dataset::Split;
use crate::dataset::labels::LabelSet;
use crate::evaluation;
use crate::label::known_pairs;
use crate::metrics::{
    Basis, Calibration, Chosen, ConditionEvaluation, CutPoints, DEFAULT_THRESHOLD, Evaluation, Predictions,
    ThresholdRule, Thresholds, at_temperature, known_normal_scores, normal_scores,
};
use crate::runs::{RunFolder, RunId, SplitPredictions};

/// A split's predictions with all that the screen looks up. Row C, behind the conditions, is normal detection.
#[derive(Debug)]
pub struct EvaluatedRun {
    pub path: PathBuf,
    pub id: RunId,
    pub network: &'static str,
    /// Where its images are.
    pub data: DataSection,
    pub labels: LabelSet,
    pub split: Split,
    pub predictions: SplitPredictions,
    /// One a row; `None` where a score is NaN.
    pub cuts: Vec<Option<CutPoints>>,
    /// The same of the validation images, which threshold rules use.
    request: Vec<Option<CutPoints>>,
    /// At the saved thresholds, with intervals.
    pub evaluation: Evaluation,
    pub kept: Thresholds,
    /// One a row, as moved.
    pub levels: Vec<f32>,
    /// Of all image-condition pairs, before and after the temperature.
    pub pooled: [Option<Calibration>; 2],
    /// One a condition.
    pub calibration: Vec<Option<Calibration>>,
}

impl EvaluatedRun {
    /// Reads a split's files from a run's directory; computes metrics that are missing or of other thresholds.
    /// Takes a second on large splits: not for the event loop.
    ///
    /// # Errors
    /// When the run has no predictions of its best weights, or a file is damaged.
    pub fn read(folder: &RunFolder, split: Split) -> Result<Self> {
        let config = folder.read_config()?;
        let best = folder.read_status()?.best.map(|best| best.epoch);
        let labels = LabelSet::of_keys(&folder.read_provenance()?.conditions);
        let predictions = read_best(folder, split)?;
        let val = if split == Split::Val { predictions.clone() } else { read_best(folder, Split::Val)? };
        if predictions.classes != labels.len() || val.classes != labels.len() {
            bail!("run {} has predictions of another number of conditions", folder.id());
        }
        let kept = match folder.read_thresholds()?.filter(|kept| kept.epoch == best) {
            Some(kept) => kept,
            None => evaluation::default_thresholds(&val, &labels),
        };
        let levels = levels(&kept, &labels);
        let known = folder.read_evaluation(split.name()).ok().filter(|known| {
            let at = known.iter().map(|(_, numbers)| numbers.threshold);
            known.epoch == best
                && known.n == predictions.len()
                && at.chain([known.normal_detection.numbers.threshold]).eq(levels.iter().copied())
        });
        let known = known.or_else(|| {
            let resamples = evaluation::RESAMPLES;
            Some(evaluation::evaluate(&labels, &kept, split.name(), &predictions, resamples))
        });
        let val = (split != Split::Val).then_some(val);
        let (path, id) = (folder.path().to_owned(), folder.id().clone());
        Ok(Self::new(path, id, &config, labels, split, predictions, val, kept, known))
    }

    /// From what was read. `val` holds the validation images, where the split is another; without `evaluation` one
    /// is made, without intervals.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        path: PathBuf,
        id: RunId,
        config: &RunConfig,
        labels: LabelSet,
        split: Split,
        predictions: SplitPredictions,
        val: Option<SplitPredictions>,
        kept: Thresholds,
        evaluation: Option<Evaluation>,
    ) -> Self {
        let evaluation =
            evaluation.unwrap_or_else(|| evaluation::evaluate(&labels, &kept, split.name(), &predictions, 0));
        let levels = levels(&kept, &labels);
        let table = predictions.table();
        let pooled = |scores: &[f32]| Calibration::new(known_pairs(scores, &predictions.labels));
        let after = kept.temperature.map(|by| at_temperature(&predictions.logits, by));
        Self {
            path,
            id,
            network: config.model.arch.name(),
            data: config.data.clone(),
            split,
            cuts: cut_points(&table),
            request: cut_points(&val.as_ref().unwrap_or(&predictions).table()),
            calibration: (0..labels.len()).map(|class| Calibration::new(table.column(class))).collect(),
            pooled: [pooled(&predictions.probabilities), after.and_then(|after| pooled(&after))],
            labels,
            evaluation,
            kept,
            levels,
            predictions,
        }
    }

    /// Conditions and normal detection.
    pub fn rows(&self) -> usize {
        self.levels.len()
    }

    /// A row's name.
    pub fn name(&self, row: usize) -> &str {
        self.labels.get(row).map_or("Normal", |condition| &condition.name)
    }

    /// A row's name in five letters.
    pub fn short_name(&self, row: usize) -> &str {
        self.labels.get(row).map_or("Norm", |condition| &condition.abbreviation)
    }

    /// A row's metrics at the saved threshold, with intervals.
    pub fn kept_numbers(&self, row: usize) -> Option<&ConditionEvaluation> {
        match self.labels.get(row) {
            Some(condition) => self.evaluation.per_condition.get(&condition.key),
            None => Some(&self.evaluation.normal_detection.numbers),
        }
    }

    /// A row's numbers at its threshold as it is now; where it was moved, what it moves has no interval.
    pub fn numbers(&self, row: usize) -> Option<ConditionEvaluation> {
        let kept = self.kept_numbers(row)?;
        let level = *self.levels.get(row)?;
        match self.cuts.get(row)?.as_ref() {
            Some(cuts) if level != kept.threshold => Some(cuts.evaluated(kept, level)),
            _ => Some(kept.clone()),
        }
    }

    /// Whether a row's threshold differs from the saved one.
    pub fn is_moved(&self, row: usize) -> bool {
        self.kept_numbers(row).is_some_and(|kept| self.levels.get(row) != Some(&kept.threshold))
    }

    /// Whether any is.
    pub fn any_moved(&self) -> bool {
        (0..self.rows()).any(|row| self.is_moved(row))
    }

    /// Mean F1 over the conditions that define it, at the thresholds as they are now.
    pub fn macro_f1(&self) -> Option<f64> {
        let values: Vec<Option<f64>> =
            (0..self.labels.len()).map(|row| self.numbers(row).and_then(|numbers| numbers.f1)).collect();
        crate::metrics::Mean::over(&values).value
    }

    /// The threshold of a rule for a row, by the validation images; 0.5 where the rule is undefined.
    pub fn threshold_by(&self, row: usize, rule: ThresholdRule) -> f32 {
        let cuts = self.request.get(row).and_then(Option::as_ref);
        cuts.and_then(|cuts| cuts.choose(rule)).unwrap_or(DEFAULT_THRESHOLD)
    }

    /// Where a row's threshold is from, in words.
    pub fn basis(&self, row: usize) -> String {
        if self.is_moved(row) {
            return "manual, not saved".to_owned();
        }
        let chosen = match self.labels.get(row) {
            Some(condition) => self.kept.conditions.get(&condition.key),
            None => Some(&self.kept.normal),
        };
        match chosen.map(|chosen| chosen.by) {
            Some(Basis::Rule) => format!("{} on {}", self.kept.rule, self.kept.split),
            Some(Basis::Hand) => "manual".to_owned(),
            Some(Basis::Default) | None => "default: the rule is undefined".to_owned(),
        }
    }

    /// The current thresholds, to be saved.
    pub fn thresholds(&self) -> Thresholds {
        let mut thresholds = self.kept.clone();
        for (row, level) in self.levels.iter().enumerate().filter(|(row, _)| self.is_moved(*row)) {
            let chosen = Chosen { threshold: *level, by: Basis::Hand };
            match self.labels.get(row) {
                Some(condition) => drop(thresholds.conditions.insert(condition.key.clone(), chosen)),
                None => thresholds.normal = chosen,
            }
        }
        thresholds
    }

    /// The images of a cell with their scores: those that are furthest wrong first, or furthest right.
    pub fn images(&self, row: usize, cell: Cell) -> Vec<(u32, f32)> {
        let Some(level) = self.levels.get(row) else { return Vec::new() };
        let table = self.predictions.table();
        let pairs: Vec<(f32, Option<bool>)> = match self.labels.get(row) {
            Some(_) => table.rows_of(row).collect(),
            None => normal_scores(&table),
        };
        let (called, positive) = cell.sides();
        let mut images: Vec<(u32, f32)> = pairs
            .iter()
            .enumerate()
            .filter(|(_, (score, label))| (*score > *level) == called && *label == Some(positive))
            .map(|(image, (score, _))| (image as u32, *score))
            .collect();
        images.sort_by(|a, b| if called { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) });
        images
    }

    /// An image's labels and probabilities, condition by condition.
    pub fn image(&self, image: usize) -> Option<(&[u8], &[f32])> {
        let at = image * self.predictions.classes..(image + 1) * self.predictions.classes;
        Some((self.predictions.labels.get(at.clone())?, self.predictions.probabilities.get(at)?))
    }
}

/// A row's threshold each.
fn levels(kept: &Thresholds, labels: &LabelSet) -> Vec<f32> {
    kept.of(&labels.keys()).into_iter().chain([kept.normal.threshold]).collect()
}

/// Predictions of the best weights as they are now.
pub(in crate::tui) fn read_best(folder: &RunFolder, split: Split) -> Result<SplitPredictions> {
    let none = || format!("run {} was not evaluated on its {split} images: press p", folder.id().short());
    evaluation::best_predictions(folder, split).with_context(none)?.with_context(none)
}

fn cut_points(table: &Predictions) -> Vec<Option<CutPoints>> {
    let conditions = (0..table.classes()).map(|class| CutPoints::of_class(table, class));
    conditions.chain([CutPoints::new(known_normal_scores(table))]).collect()
}

/// A cell of a two by two matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cell {
    /// Positive, not called.
    #[default]
    FalseNegative,
    /// Negative, called.
    FalsePositive,
    /// Positive, called.
    TruePositive,
    /// Negative, not called.
    TrueNegative,
}

impl Cell {
    /// In reading order: rows actual, columns called, the negative first.
    pub const MATRIX: [[Cell; 2]; 2] =
        [[Self::TrueNegative, Self::FalsePositive], [Self::FalseNegative, Self::TruePositive]];
    /// All of them, the most wanted first.
    pub const ALL: [Cell; 4] =
        [Cell::FalseNegative, Cell::FalsePositive, Cell::TruePositive, Cell::TrueNegative];

    /// Called, truly positive.
    pub fn sides(self) -> (bool, bool) {
        match self {
            Self::FalseNegative => (false, true),
            Self::FalsePositive => (true, false),
            Self::TruePositive => (true, true),
            Self::TrueNegative => (false, false),
        }
    }

    /// What its images are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::FalseNegative => "false negatives (FN)",
            Self::FalsePositive => "false positives (FP)",
            Self::TruePositive => "true positives (TP)",
            Self::TrueNegative => "true negatives (TN)",
        }
    }

    /// The next cell.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|cell| *cell == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}
