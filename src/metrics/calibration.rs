//! Calibration: whether predicted probabilities match observed frequencies.

use super::logits::mean_cost;
use super::sigmoid;
use crate::label::known;

/// Bins of the expected calibration error.
pub const BINS: usize = 15;

/// The images whose probabilities fall into one of [`BINS`] equal parts of 0..=1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CalibrationBin {
    /// Images.
    pub count: u64,
    /// Sum of their probabilities.
    pub predicted: f64,
    /// How many of them are truly positive.
    pub positives: u64,
}

impl CalibrationBin {
    /// The mean probability; `None` without images.
    pub fn mean_predicted(&self) -> Option<f64> {
        (self.count > 0).then(|| self.predicted / self.count as f64)
    }

    /// The share of positives; `None` without images.
    pub fn observed(&self) -> Option<f64> {
        (self.count > 0).then(|| self.positives as f64 / self.count as f64)
    }
}

/// A reliability diagram's bins, and what is made of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// By rising probability. The last holds what is exactly 1: torchmetrics parts `[0, 1/15), [1/15, 2/15) …`
    /// and keeps 1 by itself.
    pub bins: [CalibrationBin; BINS + 1],
    squared_error: f64,
    images: u64,
}

impl Calibration {
    /// Bins (probability in 0..=1, truly positive) pairs by f32 edges, as torchmetrics' `BinaryCalibrationError`
    /// does; `None` when a probability is NaN or outside.
    pub fn new(pairs: impl IntoIterator<Item = (f32, bool)>) -> Option<Self> {
        let edges = edges();
        let mut made = Self { bins: [CalibrationBin::default(); BINS + 1], squared_error: 0.0, images: 0 };
        for (probability, positive) in pairs {
            if !(0.0..=1.0).contains(&probability) {
                return None;
            }
            // The guess is right but for the last bit, which the edges decide.
            let mut bin = (probability * BINS as f32) as usize;
            while bin < BINS && probability >= edges[bin + 1] {
                bin += 1;
            }
            while bin > 0 && probability < edges[bin] {
                bin -= 1;
            }
            let bin = &mut made.bins[bin];
            let p = f64::from(probability);
            bin.count += 1;
            bin.predicted += p;
            bin.positives += u64::from(positive);
            made.squared_error += (p - f64::from(u8::from(positive))).powi(2);
            made.images += 1;
        }
        Some(made)
    }

    /// Expected calibration error, 0 to 1: the mean distance between a bin's mean probability and its share of
    /// positives, weighted by its images (Naeini et al. 2015). `None` without images.
    pub fn ece(&self) -> Option<f64> {
        let off = |bin: &CalibrationBin| (bin.predicted - bin.positives as f64).abs();
        (self.images > 0).then(|| self.bins.iter().map(off).sum::<f64>() / self.images as f64)
    }

    /// Brier score, 0 to 1: the mean squared distance of probabilities from labels (Brier 1950). `None` without
    /// images.
    pub fn brier(&self) -> Option<f64> {
        (self.images > 0).then(|| self.squared_error / self.images as f64)
    }
}

/// `torch.linspace(0, 1, 16)` in f32 to the last bit: from both ends towards the middle, the upper half by a fused
/// multiply-add. Not the same as `i / 15`: a probability on an edge would fall into another bin.
fn edges() -> [f32; BINS + 1] {
    let step = 1.0 / BINS as f32;
    std::array::from_fn(|index| {
        let from_end = (BINS - index) as f32;
        if index < BINS.div_ceil(2) { step * index as f32 } else { (-from_end).mul_add(step, 1.0) }
    })
}

/// The temperature T in .05..=20 that makes sigmoid(z / T) cost least over N x C `logits` (Guo et al. 2017);
/// unknown labels are left out, rankings stay as they are. `None` without known labels or where a logit of one isn't
/// finite.
///
/// # Panics
/// When the slices differ in length, which is a mistake in the calling code.
pub fn temperature(logits: &[f32], labels: &[u8]) -> Option<f64> {
    const RANGE: (f64, f64) = (0.05, 20.0);
    assert_eq!(logits.len(), labels.len(), "a temperature needs one label a logit");
    let mut labelled = logits.iter().zip(labels).filter(|(_, label)| known(**label).is_some()).peekable();
    if labelled.peek().is_none() || labelled.any(|(logit, _)| !logit.is_finite()) {
        return None;
    }
    // In s = 1 / T the cost is convex: its slope, the mean of (sigmoid(s z) - y) z, rises, so halving finds where
    // it is 0.
    let slope = |s: f64| -> f64 {
        let pairs = logits.iter().zip(labels);
        pairs
            .filter_map(|(&logit, &label)| {
                let (z, y) = (f64::from(logit), f64::from(u8::from(known(label)?)));
                Some((1.0 / (1.0 + (-s * z).exp()) - y) * z)
            })
            .sum()
    };
    let (mut low, mut high) = (1.0 / RANGE.1, 1.0 / RANGE.0);
    if slope(low) > 0.0 {
        return Some(RANGE.1);
    }
    if slope(high) < 0.0 {
        return Some(RANGE.0);
    }
    while (high - low) > 1e-10 * high {
        let middle = f64::midpoint(low, high);
        if slope(middle) < 0.0 { low = middle } else { high = middle }
    }
    Some(2.0 / (low + high))
}

/// Probabilities of logits at a temperature, 0 to 1.
pub fn at_temperature(logits: &[f32], temperature: f64) -> Vec<f32> {
    logits.iter().map(|&logit| sigmoid((f64::from(logit) / temperature) as f32)).collect()
}

/// The mean cross-entropy at a temperature, in f64 throughout; see [`bce_with_logits`](super::bce_with_logits).
///
/// # Panics
/// When the slices differ in length, which is a mistake in the calling code.
pub fn bce_at_temperature(logits: &[f32], labels: &[u8], temperature: f64) -> Option<f64> {
    mean_cost(logits, labels, temperature)
}
