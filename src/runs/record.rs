//! What an epoch leaves in `metrics.jsonl`, and the table of its numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of `metrics.jsonl`. `None` (`null` in the file) is a number that is undefined or not finite.
/// Accuracy, precision and F1 are micro averages at probability .5 over the whole epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// 1 for the first pass over the training images.
    pub epoch: usize,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Mean of the trained loss.
    pub train_loss: Option<f64>,
    /// Mean binary cross-entropy of the probabilities as reported, without weights, focus or smoothing.
    #[serde(default)]
    pub train_loss_unweighted: Option<f64>,
    /// Share of right decisions at 0.5 over all labels of the training images, 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Macro precision at 0.5 of the training images, 0 to 1.
    pub train_precision: Option<f64>,
    /// Macro F1 at 0.5 of the training images, 0 to 1.
    pub train_f1_score: Option<f64>,
    /// Mean loss of the validation images.
    pub val_loss: Option<f64>,
    /// As for training.
    pub val_loss_unweighted: Option<f64>,
    /// Share of right decisions at 0.5 of the validation images, 0 to 1.
    pub val_accuracy: Option<f64>,
    /// Macro precision at 0.5 of the validation images, 0 to 1.
    pub val_precision: Option<f64>,
    /// Macro F1 at 0.5 of the validation images, 0 to 1.
    pub val_f1_score: Option<f64>,
    /// Macro AUROC of the validation images, 0 to 1.
    pub val_auroc_macro: Option<f64>,
    /// Macro average precision of the validation images, 0 to 1.
    pub val_auprc_macro: Option<f64>,
    /// Each condition's AUROC over the validation images, by its key.
    #[serde(default)]
    pub val_auroc: BTreeMap<String, Option<f64>>,
    /// Learning rate of the epoch's last step.
    pub lr: f64,
    /// Epochs since the monitored value last improved.
    pub wait_count: usize,
    /// Wall-clock seconds of training and validation.
    pub epoch_seconds: f64,
    /// Training images a second, validation left out.
    pub images_per_second: f64,
}

/// One number of an [`EpochRecord`].
pub struct Metric {
    /// Its key in `metrics.jsonl`.
    pub key: &'static str,
    /// Its name as shown.
    pub label: &'static str,
    /// Reads it.
    pub get: fn(&EpochRecord) -> Option<f64>,
}

/// Every number of an epoch that a curve can be drawn of.
pub const METRICS: &[Metric] = &[
    Metric { key: "train_loss", label: "loss", get: |r| r.train_loss },
    Metric { key: "train_loss_unweighted", label: "unweighted loss", get: |r| r.train_loss_unweighted },
    Metric { key: "train_accuracy", label: "accuracy", get: |r| r.train_accuracy },
    Metric { key: "train_precision", label: "precision", get: |r| r.train_precision },
    Metric { key: "train_f1_score", label: "F1", get: |r| r.train_f1_score },
    Metric { key: "val_loss", label: "loss", get: |r| r.val_loss },
    Metric { key: "val_loss_unweighted", label: "unweighted loss", get: |r| r.val_loss_unweighted },
    Metric { key: "val_accuracy", label: "accuracy", get: |r| r.val_accuracy },
    Metric { key: "val_precision", label: "precision", get: |r| r.val_precision },
    Metric { key: "val_f1_score", label: "F1", get: |r| r.val_f1_score },
    Metric { key: "val_auroc_macro", label: "macro AUROC", get: |r| r.val_auroc_macro },
    Metric { key: "val_auprc_macro", label: "macro AUPRC", get: |r| r.val_auprc_macro },
    Metric { key: "lr", label: "learning rate", get: |r| Some(r.lr) },
    Metric { key: "wait_count", label: "wait", get: |r| Some(r.wait_count as f64) },
    Metric { key: "epoch_seconds", label: "seconds", get: |r| Some(r.epoch_seconds) },
    Metric { key: "images_per_second", label: "images/s", get: |r| Some(r.images_per_second) },
];

impl Metric {
    /// The metric of this key, if there is one.
    pub fn find(key: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|metric| metric.key == key)
    }

    /// Whether a smaller number is the better one.
    pub fn falls(&self) -> bool {
        self.key.contains("_loss")
    }

    /// Its name with the images it is over: `val macro AUROC`.
    pub fn title(&self) -> String {
        match self.key.split_once('_') {
            Some((images @ ("train" | "val"), _)) => format!("{images} {}", self.label),
            _ => self.label.to_owned(),
        }
    }
}
