//! The confusion matrix at a threshold and the ratios derived from it.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::label::known_pairs;

/// True and false negatives and positives of one condition, or of several added up.
///
/// The ratios are `None` where their denominator is 0 ("no image was called positive, so there is no
/// precision"); [`Micro`] is the view that puts 0.0 there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Images without the condition, predicted negative.
    pub tn: u64,
    /// Images without it, predicted positive.
    pub fp: u64,
    /// Images with it, predicted negative.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// Images with it, predicted positive.
    pub tp: u64,
}

impl Confusion {
    /// Counts N `scores` against N `labels` (0, 1, or unknown, which is left out).
    ///
    /// Positive is called what lies strictly above the threshold, `score > threshold`, as in torchmetrics 1.9
    /// (`functional/classification/stat_scores.py`) and MedMNIST's evaluator: a score of exactly .5 is negative
    /// at .5. The threshold is `f32` because torch and NumPy 2 round a Python number to the scores' type before
    /// they compare. A NaN score is above nothing and so counts as called negative.
    ///
    /// # Panics
    /// When the slices differ in length, which is a mistake in the calling code; data from outside goes through
    /// [`Predictions::new`](super::Predictions::new).
    pub fn at(scores: &[f32], labels: &[u8], threshold: f32) -> Self {
        assert_eq!(scores.len(), labels.len(), "a confusion matrix needs one label a score");
        Self::of_pairs(known_pairs(scores, labels), threshold)
    }

    /// The same from pairs (score, truly positive), such as [`Predictions::column`](super::Predictions::column).
    pub fn of_pairs(pairs: impl IntoIterator<Item = (f32, bool)>, threshold: f32) -> Self {
        let mut counts = Self::default();
        for (score, positive) in pairs {
            match (positive, score > threshold) {
                (false, false) => counts.tn += 1,
                (false, true) => counts.fp += 1,
                (true, false) => counts.fn_ += 1,
                (true, true) => counts.tp += 1,
            }
        }
        counts
    }

    /// All that was counted.
    pub fn total(&self) -> u64 {
        self.tn + self.fp + self.fn_ + self.tp
    }

    /// How many are truly positive.
    pub fn support(&self) -> u64 {
        self.tp + self.fn_
    }

    /// (tp + tn) / all, 0 to 1; undefined when nothing was counted.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.tp + self.tn, self.total())
    }

    /// tp / (tp + fp), 0 to 1; undefined when nothing was called positive.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// tp / (tp + fn), 0 to 1, also called sensitivity; undefined without positives.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// tn / (tn + fp), 0 to 1; undefined without negatives.
    pub fn specificity(&self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fp)
    }

    /// tn / (tn + fn), 0 to 1, the negative predictive value; undefined when nothing was called negative.
    pub fn npv(&self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fn_)
    }

    /// The mean of recall and specificity, 0 to 1; undefined without positives or without negatives.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        Some((self.recall()? + self.specificity()?) / 2.0)
    }

    /// Matthews' correlation coefficient, -1 to 1: (tp tn - fp fn) over the root of the product of the four
    /// margins (Matthews 1975). Undefined when a margin is 0, where scikit-learn gives 0.0.
    pub fn mcc(&self) -> Option<f64> {
        let [tn, fp, fn_, tp] = [self.tn, self.fp, self.fn_, self.tp].map(|count| count as f64);
        let margins = ((tp + fp) * (tn + fn_)).sqrt() * ((tp + fn_) * (tn + fp)).sqrt();
        (margins > 0.0).then(|| (tp * tn - fp * fn_) / margins)
    }

    /// 2 tp / (2 tp + fp + fn), 0 to 1; undefined when nothing is positive and nothing was called so.
    /// This form stays defined (and 0) where only one of precision and recall is not, as scikit-learn's does.
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Add for Confusion {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            tn: self.tn + other.tn,
            fp: self.fp + other.fp,
            fn_: self.fn_ + other.fn_,
            tp: self.tp + other.tp,
        }
    }
}

impl AddAssign for Confusion {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Confusion {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// The journal's `accuracy`, `precision`, `f1_score` (and recall): torchmetrics' MultilabelAccuracy, -Precision,
/// -F1Score and -Recall with `average="micro"`, from the counts of all conditions added up.
///
/// 0/0 is 0.0 here, torchmetrics' default and scikit-learn's `zero_division=0`, so that a network that calls
/// nothing positive logs precision 0 as the predecessor did. Only the division differs: torchmetrics divides
/// in f32, this in f64 (equal to about 6e-8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Micro {
    /// (TP + TN) / N, 0 to 1.
    pub accuracy: f64,
    /// TP / (TP + FP), 0 to 1; 0 where nothing is predicted positive.
    pub precision: f64,
    /// TP / (TP + FN), 0 to 1; 0 without positives.
    pub recall: f64,
    /// Harmonic mean of precision and recall, 0 to 1.
    pub f1: f64,
}

impl From<Confusion> for Micro {
    fn from(counts: Confusion) -> Self {
        Self {
            accuracy: counts.accuracy().unwrap_or(0.0),
            precision: counts.precision().unwrap_or(0.0),
            recall: counts.recall().unwrap_or(0.0),
            f1: counts.f1().unwrap_or(0.0),
        }
    }
}
