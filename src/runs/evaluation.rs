//! What a split's predictions came to: `evaluation.json` and `predictions_<split>.npz`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::dataset::npz::{NpzError, Writer};

/// A split's logits, probabilities and labels, row by row in the split's order.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitPredictions {
    /// `float32 N,C`.
    pub logits: Vec<f32>,
    /// `float32 N,C`, in 0..=1.
    pub probabilities: Vec<f32>,
    /// `uint8 N,C`, 0 or 1.
    pub labels: Vec<u8>,
    /// C.
    pub classes: usize,
}

impl SplitPredictions {
    /// Number of films, N.
    pub fn len(&self) -> usize {
        self.labels.len() / self.classes.max(1)
    }

    /// Whether there is no film.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Writes `logits`, `probabilities`, `labels` and `index` (`int64 N`, the film's place in its split).
    /// Equal predictions give equal bytes.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&self, path: &Path) -> Result<(), NpzError> {
        let shape = [self.len(), self.classes];
        let index: Vec<i64> = (0..self.len() as i64).collect();
        Writer::create(path)?
            .array_f32("logits", &shape, &self.logits)?
            .array_f32("probabilities", &shape, &self.probabilities)?
            .array_u8("labels", &shape, &self.labels)?
            .array_i64("index", &[self.len()], &index)?
            .finish()
    }
}

/// The content of `evaluation.json`. `None` (`null`) is what the split leaves undefined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub split: String,
    /// Films.
    pub n: usize,
    /// Which weights: the epoch of the best checkpoint.
    pub epoch: usize,
    /// The probability above which a condition is called.
    pub thresholds: BTreeMap<String, f64>,
    pub per_condition: BTreeMap<String, ConditionEvaluation>,
    #[serde(rename = "macro")]
    pub macro_average: MacroEvaluation,
    #[serde(rename = "micro")]
    pub micro_average: MicroEvaluation,
}

/// One condition's numbers at its threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionEvaluation {
    /// Films with the condition.
    pub support: usize,
    pub prevalence: f64,
    pub auroc: Option<f64>,
    pub auprc: Option<f64>,
    pub threshold: f64,
    pub tn: u64,
    pub fp: u64,
    #[serde(rename = "fn")]
    pub fn_: u64,
    pub tp: u64,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub specificity: Option<f64>,
    pub f1: Option<f64>,
}

/// Unweighted means over the conditions for which a number is defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MacroEvaluation {
    pub auroc: Option<f64>,
    pub auprc: Option<f64>,
    /// Conditions the mean AUROC is over.
    pub n_conditions: usize,
}

/// Over all film-condition pairs at the thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicroEvaluation {
    pub accuracy: f64,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}
