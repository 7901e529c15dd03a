//! Metrics of one split over all conditions.

use serde::{Deserialize, Serialize};

use super::{Confusion, Micro, Predictions, Ranking};

/// The threshold of the journal's micro metrics.
pub const DEFAULT_THRESHOLD: f32 = 0.5;

/// A mean over conditions with the number that had a value. Undefined conditions are left out, not counted as 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The mean of the defined values; `None` when there are none.
    pub value: Option<f64>,
    /// How many values it is the mean of.
    pub defined: usize,
    /// How many there could have been.
    pub of: usize,
}

impl Mean {
    /// The mean of those values that are there.
    pub fn over(values: &[Option<f64>]) -> Self {
        let defined = values.iter().flatten().count();
        let value = (defined > 0).then(|| values.iter().flatten().sum::<f64>() / defined as f64);
        Self { value, defined, of: values.len() }
    }
}

/// N x C probabilities evaluated against their labels. Vectors have C entries, in the order of the label set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MultilabelReport {
    /// N.
    pub rows: usize,
    /// Counts of each condition at [`DEFAULT_THRESHOLD`]; `support()` shows why an AUROC is undefined.
    pub confusion: Vec<Confusion>,
    /// All conditions' counts added up, as torchmetrics' micro averages see them.
    pub micro: Micro,
    /// Area under the ROC curve of each condition; `None` without positives or without negatives.
    pub auroc: Vec<Option<f64>>,
    /// Average precision of each condition; `None` without positives.
    pub auprc: Vec<Option<f64>>,
    /// Mean AUROC over the conditions where it is defined.
    pub auroc_macro: Mean,
    /// Mean average precision over the conditions where it is defined.
    pub auprc_macro: Mean,
    /// Probabilities that were NaN. Their conditions have neither AUROC nor AUPRC.
    pub nan_scores: usize,
}

impl MultilabelReport {
    /// Evaluates probabilities. Each condition is sorted once for both rankings.
    pub fn new(probabilities: &Predictions) -> Self {
        let rankings: Vec<Option<Ranking>> =
            (0..probabilities.classes()).map(|class| Ranking::new(probabilities.column(class))).collect();
        let each = |metric: fn(&Ranking) -> Option<f64>| -> Vec<Option<f64>> {
            rankings.iter().map(|ranking| ranking.as_ref().and_then(metric)).collect()
        };
        let auroc = each(Ranking::auroc);
        let auprc = each(Ranking::average_precision);
        let confusion: Vec<Confusion> = (0..probabilities.classes())
            .map(|class| Confusion::of_pairs(probabilities.column(class), DEFAULT_THRESHOLD))
            .collect();
        Self {
            rows: probabilities.rows(),
            micro: confusion.iter().copied().sum::<Confusion>().into(),
            auroc_macro: Mean::over(&auroc),
            auprc_macro: Mean::over(&auprc),
            nan_scores: probabilities.nan_scores(),
            confusion,
            auroc,
            auprc,
        }
    }
}
