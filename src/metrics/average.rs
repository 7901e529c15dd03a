//! One number for several conditions, or for several images.

use serde::{Deserialize, Serialize};

use super::{Confusion, Mean, Predictions, Ranking};
use crate::label::known;

/// The same thing for each metric that is averaged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PerMetric<T> {
    /// Area under the ROC curve, 0 to 1.
    pub auroc: T,
    /// Average precision, 0 to 1.
    pub auprc: T,
    /// TP / (TP + FP), 0 to 1.
    pub precision: T,
    /// TP / (TP + FN), 0 to 1.
    pub recall: T,
    /// TN / (TN + FP), 0 to 1.
    pub specificity: T,
    /// 2 TP / (2 TP + FP + FN), 0 to 1.
    pub f1: T,
    /// Matthews correlation coefficient, -1 to 1.
    pub mcc: T,
    /// Mean of recall and specificity, 0 to 1.
    pub balanced_accuracy: T,
}

/// One condition's or one image's metrics, each 0 to 1 (the correlation -1 to 1); `None` where undefined.
pub type MetricValues = PerMetric<Option<f64>>;

impl<T> PerMetric<T> {
    /// What `make` gives for each metric, selected by the function that reads it from a [`MetricValues`].
    pub fn gather(make: impl Fn(fn(&MetricValues) -> Option<f64>) -> T) -> Self {
        Self {
            auroc: make(|evaluated| evaluated.auroc),
            auprc: make(|evaluated| evaluated.auprc),
            precision: make(|evaluated| evaluated.precision),
            recall: make(|evaluated| evaluated.recall),
            specificity: make(|evaluated| evaluated.specificity),
            f1: make(|evaluated| evaluated.f1),
            mcc: make(|evaluated| evaluated.mcc),
            balanced_accuracy: make(|evaluated| evaluated.balanced_accuracy),
        }
    }

    /// Each of them changed.
    pub fn map<U>(&self, change: impl Fn(&T) -> U) -> PerMetric<U> {
        PerMetric {
            auroc: change(&self.auroc),
            auprc: change(&self.auprc),
            precision: change(&self.precision),
            recall: change(&self.recall),
            specificity: change(&self.specificity),
            f1: change(&self.f1),
            mcc: change(&self.mcc),
            balanced_accuracy: change(&self.balanced_accuracy),
        }
    }
}

impl MetricValues {
    /// From a ranking (`None` when a score is NaN) and the counts at a threshold.
    pub fn new(auroc: Option<f64>, auprc: Option<f64>, counts: &Confusion) -> Self {
        Self {
            auroc,
            auprc,
            precision: counts.precision(),
            recall: counts.recall(),
            specificity: counts.specificity(),
            f1: counts.f1(),
            mcc: counts.mcc(),
            balanced_accuracy: counts.balanced_accuracy(),
        }
    }
}

/// The unweighted mean of each metric over the rows that define it.
pub fn macro_average(rows: &[MetricValues]) -> PerMetric<Mean> {
    PerMetric::gather(|metric| Mean::over(&rows.iter().map(metric).collect::<Vec<_>>()))
}

/// The same with each row counted by its weight (scikit-learn's `average="weighted"` with the support); without
/// any weight among the defined rows there is no mean.
pub fn weighted_average(rows: &[MetricValues], weights: &[u64]) -> PerMetric<Mean> {
    PerMetric::gather(|metric| {
        let (mut sum, mut all, mut defined) = (0.0, 0.0, 0);
        for (row, weight) in rows.iter().zip(weights) {
            if let Some(value) = metric(row) {
                sum += value * *weight as f64;
                all += *weight as f64;
                defined += 1;
            }
        }
        Mean { value: (all > 0.0).then(|| sum / all), defined, of: rows.len() }
    })
}

/// Each image evaluated over its own conditions whose labels are known, then averaged over the images that define the metric (scikit-learn's
/// `average="samples"`). `thresholds` has one a condition.
///
/// # Panics
/// When there are not as many thresholds as conditions.
pub fn samples_average(predictions: &Predictions, thresholds: &[f32]) -> PerMetric<Mean> {
    assert_eq!(thresholds.len(), predictions.classes(), "a condition needs a threshold");
    let classes = predictions.classes();
    let images = predictions.scores().chunks_exact(classes).zip(predictions.labels().chunks_exact(classes));
    let rows: Vec<MetricValues> = images
        .map(|(scores, labels)| {
            let pairs = || {
                let labelled = scores.iter().zip(labels).zip(thresholds);
                labelled.filter_map(|((score, label), level)| Some((*score, known(*label)?, *level)))
            };
            let counts = pairs().map(|(score, label, level)| Confusion::of_pairs([(score, label)], level));
            let ranking = Ranking::new(pairs().map(|(score, label, _)| (score, label)));
            MetricValues::new(
                ranking.as_ref().and_then(Ranking::auroc),
                ranking.as_ref().and_then(Ranking::average_precision),
                &counts.sum(),
            )
        })
        .collect();
    macro_average(&rows)
}
