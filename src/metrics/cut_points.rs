//! All cut points of a condition: the confusion matrix at every distinct score.

use super::{Confusion, Predictions, ThresholdRule};

/// The distinct scores of N images, highest first, with the counts above each: sorted once, after which the counts
/// at any threshold, both curves and the best threshold are look-ups.
#[derive(Debug, Clone, PartialEq)]
pub struct CutPoints {
    /// K distinct scores, falling.
    scores: Vec<f32>,
    /// How many of the images that score at least `scores[k]` are truly positive.
    tp: Vec<u32>,
    /// How many of them are not.
    fp: Vec<u32>,
}

/// One way to part the images: those that score at least `score` are called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutPoint {
    /// Predicted positive from this score on (`>=`).
    pub score: f32,
    /// Counts at that threshold.
    pub counts: Confusion,
}

impl CutPoints {
    /// Sorts (score, truly positive) pairs; `None` when a score is NaN, which has no place in an order.
    pub fn new(pairs: impl IntoIterator<Item = (f32, bool)>) -> Option<Self> {
        let mut sorted: Vec<(f32, bool)> = pairs.into_iter().collect();
        if sorted.iter().any(|(score, _)| score.is_nan()) {
            return None;
        }
        // -0.0 + 0.0 is 0.0: the two are one score.
        sorted.iter_mut().for_each(|(score, _)| *score += 0.0);
        sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut scores, mut tps, mut fps) = (Vec::new(), Vec::new(), Vec::new());
        let (mut tp, mut fp) = (0, 0);
        for tied in sorted.chunk_by(|a, b| a.0 == b.0) {
            let positives = tied.iter().filter(|(_, positive)| *positive).count() as u32;
            tp += positives;
            fp += tied.len() as u32 - positives;
            scores.push(tied[0].0);
            tps.push(tp);
            fps.push(fp);
        }
        Some(Self { scores, tp: tps, fp: fps })
    }

    /// Those of one class of a table.
    pub fn of_class(predictions: &Predictions, class: usize) -> Option<Self> {
        Self::new(predictions.column(class))
    }

    /// How many images are truly positive.
    pub fn positives(&self) -> u64 {
        self.tp.last().copied().unwrap_or(0).into()
    }

    /// How many are not.
    pub fn negatives(&self) -> u64 {
        self.fp.last().copied().unwrap_or(0).into()
    }

    /// The counts when images that score above `threshold` are called: [`Confusion::at`] by a binary search.
    pub fn counts(&self, threshold: f32) -> Confusion {
        self.counts_above(self.scores.partition_point(|score| *score > threshold))
    }

    /// The counts when the images of the first `distinct` scores are called.
    fn counts_above(&self, distinct: usize) -> Confusion {
        let count = |sums: &[u32]| distinct.checked_sub(1).map_or(0, |last| u64::from(sums[last]));
        let (tp, fp) = (count(&self.tp), count(&self.fp));
        Confusion { tn: self.negatives() - fp, fp, fn_: self.positives() - tp, tp }
    }

    /// Every way to part the images, from the fewest called to all of them; calling none is left out.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = CutPoint> {
        (0..self.scores.len())
            .map(|index| CutPoint { score: self.scores[index], counts: self.counts_above(index + 1) })
    }

    /// (1 - specificity, sensitivity) from (0, 0) to (1, 1), one point a distinct score: scikit-learn's
    /// `roc_curve` with `drop_intermediate=False`. Empty without positives or without negatives.
    pub fn roc(&self) -> Vec<(f64, f64)> {
        let (positives, negatives) = (self.positives() as f64, self.negatives() as f64);
        if positives == 0.0 || negatives == 0.0 {
            return Vec::new();
        }
        let points = self.tp.iter().zip(&self.fp);
        let points = points.map(|(tp, fp)| (f64::from(*fp) / negatives, f64::from(*tp) / positives));
        std::iter::once((0.0, 0.0)).chain(points).collect()
    }

    /// (recall, precision), one point a distinct score from the highest to the lowest: scikit-learn's
    /// `precision_recall_curve` without its made-up point at recall 0. Empty without positives.
    pub fn precision_recall(&self) -> Vec<(f64, f64)> {
        let positives = self.positives() as f64;
        if positives == 0.0 {
            return Vec::new();
        }
        let points = self.tp.iter().zip(&self.fp);
        points.map(|(tp, fp)| (f64::from(*tp) / positives, f64::from(*tp) / f64::from(tp + fp))).collect()
    }

    /// The threshold by a rule, at least 0; `None` where the rule is undefined (no positives; for
    /// Youden's no negatives either; a sensitivity that no threshold reaches). Of equally good ones the highest,
    /// which calls the fewest images. Between two scores it is the shortest decimal number.
    pub fn choose(&self, rule: ThresholdRule) -> Option<f32> {
        let value: fn(&Confusion) -> Option<f64> = match rule {
            ThresholdRule::Fixed(threshold) => return Some(threshold),
            ThresholdRule::MaxF1 => Confusion::f1,
            ThresholdRule::Youden => Confusion::balanced_accuracy,
            // The fewest false alarms among the cuts that find enough: the first of them.
            ThresholdRule::Sensitivity(wanted) => {
                let enough = |cut: &CutPoint| cut.counts.recall().is_some_and(|recall| recall >= wanted);
                let index = self.iter().position(|cut| enough(&cut))?;
                return self.below(index);
            }
        };
        if self.positives() == 0 {
            return None;
        }
        let mut best: Option<(f64, f32)> = None;
        for (index, cut) in self.iter().enumerate() {
            if let (Some(value), Some(threshold)) = (value(&cut.counts), self.below(index))
                && best.is_none_or(|(most, _)| value > most)
            {
                best = Some((value, threshold));
            }
        }
        best.map(|(_, threshold)| threshold)
    }

    /// A threshold that just lets the score at `index` through; `None` when it would have to be below 0.
    fn below(&self, index: usize) -> Option<f32> {
        let score = self.scores[index];
        let next = self.scores.get(index + 1).copied().unwrap_or(0.0).max(0.0);
        (score > next).then(|| between(next, score))
    }
}

/// The decimal number of the fewest digits in `low..high`: what lies above it has at least the score `high`.
/// `low < high`, both at least 0; as both are finite f32, nine digits always part them or `low` itself does.
pub(super) fn between(low: f32, high: f32) -> f32 {
    let middle = (f64::from(low) + f64::from(high)) / 2.0;
    (2..10)
        .map(|digits| {
            let scale = 10_f64.powi(digits);
            ((middle * scale).round() / scale) as f32
        })
        .find(|threshold| (low..high).contains(threshold))
        .unwrap_or(low)
}
