//! Time of evaluation: a test split of ChestX-ray14's size with intervals, and the metrics at the end of an epoch.

use std::time::Instant;

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;

use chestxr_tui::metrics::{
    Evaluation, MultilabelReport, Predictions, Resampling, Subject, ThresholdRule, Thresholds,
};

use super::MedianRange;

/// ChestMNIST's test and validation images.
const TEST_IMAGES: usize = 22_433;
const VAL_IMAGES: usize = 11_219;
const RESAMPLES: usize = 1000;
const SEED: u64 = 20;
/// Images of ChestX-ray14 with each of its 14 conditions, of 112,120.
const POSITIVES: [u32; 14] =
    [11_559, 2_776, 13_317, 19_894, 5_782, 6_331, 1_431, 5_302, 4_667, 2_303, 2_516, 1_686, 3_385, 227];
const ALL_IMAGES: f64 = 112_120.0;

/// Time of evaluation.
#[derive(Debug, Serialize)]
pub struct EvaluationTimes {
    /// Every metric of 22,433 x 14 predictions with 1,000 resamples.
    pub evaluate_seconds: MedianRange,
    /// The metrics at the end of an epoch, of 11,219 x 14 predictions.
    pub epoch_auroc_ms: MedianRange,
}

impl EvaluationTimes {
    /// The figures as text.
    pub fn lines(&self) -> String {
        let (evaluate, epoch) = (self.evaluate_seconds, self.epoch_auroc_ms);
        format!(
            "evaluate: all metrics of 22,433 x 14 with 1,000 resamples in {:.2} s ({:.2} to {:.2})\n\
             end of an epoch: every AUROC and AUPRC of 11,219 x 14 in {:.1} ms ({:.1} to {:.1})",
            evaluate.median, evaluate.low, evaluate.high, epoch.median, epoch.low, epoch.high
        )
    }
}

/// Evaluates the same synthetic predictions `repeats` times.
pub fn measure(repeats: usize) -> Result<EvaluationTimes> {
    let (scores, labels) = predictions();
    let classes = POSITIVES.len();
    let table = Predictions::new(&scores, &labels, classes).context("synthetic predictions")?;
    let names: Vec<String> = (0..classes).map(|class| format!("condition {class}")).collect();
    let thresholds = Thresholds::choose(&table, &names, ThresholdRule::default(), "val", None);
    let subject = Subject {
        probabilities: table,
        logits: None,
        conditions: &names,
        thresholds: &thresholds,
        split: "test",
    };
    let resampling = Resampling { count: RESAMPLES, seed: SEED, patients: None };
    let epoch = VAL_IMAGES * classes;
    let epoch = Predictions::new(&scores[..epoch], &labels[..epoch], classes).context("an epoch")?;
    let seconds = |work: &dyn Fn()| {
        let once = |_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64()
        };
        (0..repeats).map(once).collect::<Vec<f64>>()
    };
    let evaluate = seconds(&|| {
        std::hint::black_box(Evaluation::new(&subject, resampling));
    });
    let report = seconds(&|| {
        std::hint::black_box(MultilabelReport::new(&epoch));
    });
    Ok(EvaluationTimes {
        evaluate_seconds: MedianRange::of(evaluate)?,
        epoch_auroc_ms: MedianRange::of(report.into_iter().map(|seconds| 1000.0 * seconds).collect())?,
    })
}

/// N x C probabilities better than chance, and labels with the prevalence of ChestX-ray14: ties of scores and the number
/// of positives decide how long evaluation takes.
fn predictions() -> (Vec<f32>, Vec<u8>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut scores = Vec::with_capacity(TEST_IMAGES * POSITIVES.len());
    let mut labels = Vec::with_capacity(scores.capacity());
    for _ in 0..TEST_IMAGES {
        for positives in POSITIVES {
            let positive = rng.random::<f64>() < f64::from(positives) / ALL_IMAGES;
            let score = rng.random::<f32>() * rng.random::<f32>();
            scores.push(if positive { score.sqrt() } else { score });
            labels.push(positive.into());
        }
    }
    (scores, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_predictions_have_real_prevalence_and_are_better_than_chance() {
        let (scores, labels) = predictions();
        let table = Predictions::new(&scores, &labels, POSITIVES.len()).expect("whole rows");
        let report = MultilabelReport::new(&table);
        assert_eq!((report.rows, report.auroc_macro.defined), (TEST_IMAGES, 14));
        assert!(report.auroc_macro.value.is_some_and(|auroc| (0.6..0.95).contains(&auroc)));
        for (positives, counts) in POSITIVES.iter().zip(&report.confusion) {
            let expected = f64::from(*positives) / ALL_IMAGES;
            assert!((counts.support() as f64 / TEST_IMAGES as f64 - expected).abs() < 0.01);
        }
    }
}
