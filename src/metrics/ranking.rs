//! What needs no threshold: the order of the scores, AUROC and average precision.

use crate::label::known_pairs;

/// N scores from highest to lowest with their labels; sorted once, read by every ranking metric.
///
/// Equal scores form one [`Step`]: no threshold can part them. -0.0 equals 0.0, infinities are ordinary.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// (descending score as an integer) << 1 | label: plain integers, so the sort compares no floats.
    entries: Vec<u64>,
    positives: u64,
}

/// The images that share one score: how many of them are truly positive and how many not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Images with the condition among these.
    pub positives: u64,
    /// Images without it.
    pub negatives: u64,
}

impl Ranking {
    /// Sorts (score, truly positive) pairs; `None` when a score is NaN, which has no place in an order.
    pub fn new(pairs: impl IntoIterator<Item = (f32, bool)>) -> Option<Self> {
        let mut positives = 0;
        let mut entries = Vec::new();
        for (score, positive) in pairs {
            if score.is_nan() {
                return None;
            }
            positives += u64::from(positive);
            entries.push(u64::from(descending_key(score)) << 1 | u64::from(positive));
        }
        entries.sort_unstable();
        Some(Self { entries, positives })
    }

    /// How many images are truly positive.
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// How many are not.
    pub fn negatives(&self) -> u64 {
        self.entries.len() as u64 - self.positives
    }

    /// One step a distinct score, from the highest score to the lowest. Running sums of the two counts are tp
    /// and fp at the threshold that just lets the step's images through.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        self.entries.chunk_by(|a, b| a >> 1 == b >> 1).map(|tied| {
            let positives = tied.iter().map(|entry| entry & 1).sum();
            Step { positives, negatives: tied.len() as u64 - positives }
        })
    }

    /// Area under the ROC curve, 0 to 1: the share of (positive, negative) pairs in which the positive has the
    /// higher score, ties counted half (Mann-Whitney U / (P N); Hanley & McNeil 1982). This is the trapezoidal
    /// area of scikit-learn's `roc_auc_score`, counted in integers and divided once. Undefined without positives
    /// or without negatives.
    pub fn auroc(&self) -> Option<f64> {
        let pairs = u128::from(self.positives()) * u128::from(self.negatives());
        if pairs == 0 {
            return None;
        }
        let mut above = 0;
        let mut twice_won = 0;
        for step in self.steps() {
            twice_won += u128::from(step.negatives) * u128::from(2 * above + step.positives);
            above += step.positives;
        }
        Some(twice_won as f64 / (2 * pairs) as f64)
    }

    /// Average precision, 0 to 1: the sum over distinct scores of (gain in recall) x (precision there), without
    /// interpolation, as scikit-learn's `average_precision_score`. Undefined without positives, where scikit-learn
    /// warns and gives 0.0; with positives only it is 1.
    pub fn average_precision(&self) -> Option<f64> {
        if self.positives == 0 {
            return None;
        }
        let mut called = 0;
        let mut hits = 0;
        let mut gained = 0.0;
        for step in self.steps() {
            called += step.positives + step.negatives;
            hits += step.positives;
            gained += step.positives as f64 * (hits as f64 / called as f64);
        }
        Some(gained / self.positives as f64)
    }
}

/// AUROC of N `scores` against N `labels` (0, 1, or unknown, which is left out): see [`Ranking::auroc`].
/// `None` without positives, without negatives or with a NaN score.
///
/// # Panics
/// When the slices differ in length, which is a mistake in the calling code.
pub fn auroc(scores: &[f32], labels: &[u8]) -> Option<f64> {
    rank(scores, labels)?.auroc()
}

/// Average precision of N `scores` against N `labels` as in [`auroc`]: see [`Ranking::average_precision`].
/// `None` without positives or with a NaN score.
///
/// # Panics
/// When the slices differ in length, which is a mistake in the calling code.
pub fn average_precision(scores: &[f32], labels: &[u8]) -> Option<f64> {
    rank(scores, labels)?.average_precision()
}

fn rank(scores: &[f32], labels: &[u8]) -> Option<Ranking> {
    assert_eq!(scores.len(), labels.len(), "a ranking needs one label a score");
    Ranking::new(known_pairs(scores, labels))
}

/// An integer that falls as the score rises: IEEE 754 bits sort like sign and magnitude, so negative numbers are
/// flipped whole and the others get the sign bit; the complement turns the order round.
fn descending_key(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits(); // -0.0 + 0.0 is 0.0
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    !ascending
}
