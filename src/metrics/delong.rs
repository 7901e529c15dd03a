//! Two networks on the same images: DeLong's test for AUROCs, Holm's correction for many of them.

use serde::{Deserialize, Serialize};

use crate::label::known_pairs;

/// The normal distribution's 97.5th percentile.
const Z_95: f64 = 1.959_963_984_540_054;

/// An AUROC with its variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AurocVariance {
    /// Area under the ROC curve, 0 to 1.
    pub auroc: f64,
    /// DeLong's variance of it.
    pub variance: f64,
}

impl AurocVariance {
    /// The 95 % interval by the normal approximation, within 0..=1.
    pub fn interval(&self) -> [f64; 2] {
        let half = Z_95 * self.variance.sqrt();
        [(self.auroc - half).max(0.0), (self.auroc + half).min(1.0)]
    }
}

/// Two AUROCs on the same images, and whether they differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedAuroc {
    /// The first model.
    pub a: AurocVariance,
    /// The second model.
    pub b: AurocVariance,
    /// DeLong's covariance of the two areas.
    pub covariance: f64,
    /// b - a.
    pub difference: f64,
    /// The difference's 95 % interval by the normal approximation.
    pub difference_ci: [f64; 2],
    /// The difference in standard deviations of itself; `None` when that is 0 and the difference isn't.
    pub z: Option<f64>,
    /// Two-sided; `None` with `z`.
    pub p: Option<f64>,
}

/// An AUROC's variance by DeLong, DeLong & Clarke-Pearson (1988) from midranks (Sun & Xu 2014). `labels` are 0, 1
/// or unknown, which is left out. `None` with fewer than two positives or negatives or with a NaN score.
///
/// # Panics
/// When the slices differ in length, which is a mistake in the calling code.
pub fn delong(scores: &[f32], labels: &[u8]) -> Option<AurocVariance> {
    Components::new(scores, labels).map(|components| components.variance())
}

/// DeLong's test of two networks' `scores` for the same images: are their AUROCs equal? `None` as for [`delong`].
///
/// # Panics
/// When the slices differ in length, which is a mistake in the calling code.
pub fn paired_delong(a: &[f32], b: &[f32], labels: &[u8]) -> Option<PairedAuroc> {
    let (of_a, of_b) = (Components::new(a, labels)?, Components::new(b, labels)?);
    let (a, b) = (of_a.variance(), of_b.variance());
    let covariance = of_a.covariance(&of_b);
    let difference = b.auroc - a.auroc;
    // What rounding leaves of two equal ones is no variance.
    let variance = a.variance + b.variance - 2.0 * covariance;
    let deviation = if variance > 1e-14 * (a.variance + b.variance) { variance.sqrt() } else { 0.0 };
    let z = match (deviation > 0.0, difference == 0.0) {
        (true, _) => Some(difference / deviation),
        (false, true) => Some(0.0),
        (false, false) => None,
    };
    let half = Z_95 * deviation;
    Some(PairedAuroc {
        a,
        b,
        covariance,
        difference,
        difference_ci: [difference - half, difference + half],
        z,
        p: z.map(two_sided_p),
    })
}

/// What each positive and each negative image adds to an AUROC.
struct Components {
    auroc: f64,
    /// For each positive, the share of negatives below it, ties counted half.
    positives: Vec<f64>,
    /// For each negative, the share of positives above it.
    negatives: Vec<f64>,
}

impl Components {
    fn new(scores: &[f32], labels: &[u8]) -> Option<Self> {
        assert_eq!(scores.len(), labels.len(), "DeLong's test needs one label a score");
        let (scores, labels): (Vec<f32>, Vec<bool>) = known_pairs(scores, labels).unzip();
        if scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let of = |positive: bool| -> Vec<f32> {
            let images = scores.iter().zip(&labels).filter(|(_, label)| **label == positive);
            images.map(|(score, _)| *score).collect()
        };
        let (positives, negatives) = (of(true), of(false));
        if positives.len() < 2 || negatives.len() < 2 {
            return None;
        }
        let (m, n) = (positives.len() as f64, negatives.len() as f64);
        let together = midranks(&scores);
        let (among_positives, among_negatives) = (midranks(&positives), midranks(&negatives));
        let ranks = |positive: bool| {
            let images = together.iter().zip(&labels);
            images.filter(move |(_, label)| **label == positive).map(|(rank, _)| *rank)
        };
        let of_positives: Vec<f64> =
            ranks(true).zip(&among_positives).map(|(all, own)| (all - own) / n).collect();
        let of_negatives: Vec<f64> =
            ranks(false).zip(&among_negatives).map(|(all, own)| 1.0 - (all - own) / m).collect();
        let auroc = mean(&of_positives);
        Some(Self { auroc, positives: of_positives, negatives: of_negatives })
    }

    fn variance(&self) -> AurocVariance {
        AurocVariance { auroc: self.auroc, variance: self.covariance(self) }
    }

    fn covariance(&self, other: &Self) -> f64 {
        let part = |a: &[f64], b: &[f64]| {
            let (mean_a, mean_b) = (mean(a), mean(b));
            let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
            sum / (a.len() as f64 - 1.0) / a.len() as f64
        };
        part(&self.positives, &other.positives) + part(&self.negatives, &other.negatives)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Ranks from 1, lowest first, equal scores sharing the mean of theirs.
fn midranks(scores: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*a].total_cmp(&(scores[*b])));
    let mut ranks = vec![0.0; scores.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for image in tied {
            ranks[*image] = rank;
        }
        before += tied.len();
    }
    ranks
}

/// The chance of a standard normal value at least as far from 0 as `z`.
pub fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// Holm's (1979) adjusted p-values, in the order given: significant together at .05 are those below .05. What is
/// `None` stays so and doesn't count.
pub fn holm(ps: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..ps.len()).filter(|index| ps[*index].is_some()).collect();
    let p = |index: usize| ps[index].unwrap_or(1.0);
    order.sort_by(|a, b| p(*a).total_cmp(&p(*b)));
    let mut adjusted = vec![None; ps.len()];
    let mut least = 0.0_f64;
    for (place, index) in order.iter().enumerate() {
        least = least.max((p(*index) * (order.len() - place) as f64).min(1.0));
        adjusted[*index] = Some(least);
    }
    adjusted
}
