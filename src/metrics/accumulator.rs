//! An epoch's predictions, gathered batch by batch and evaluated once.

use super::{
    Confusion, DEFAULT_THRESHOLD, Micro, MultilabelReport, Predictions, PredictionsError, bce_with_logits,
    sigmoid,
};
use crate::label::known_pairs;

/// Gathers logits and labels over an epoch. Every value is computed over all of its images at once: a mean of batch
/// values would weigh a short last batch like a full one, and for F1, precision and AUROC would be another number
/// altogether.
///
/// Probabilities are f32 sigmoids, and the rankings are taken on them, not on the logits: what is reported is what
/// anyone gets from the probabilities that the run saves.
#[derive(Debug, Clone)]
pub struct EpochAccumulator {
    classes: usize,
    logits: Vec<f32>,
    labels: Vec<u8>,
}

impl EpochAccumulator {
    /// An empty epoch of `classes` conditions; with none, every push is refused.
    pub fn new(classes: usize) -> Self {
        Self { classes, logits: Vec::new(), labels: Vec::new() }
    }

    /// Adds a batch: `logits` and `labels` row-major B x C, any B. A refused batch leaves the epoch as it was.
    pub fn push(&mut self, logits: &[f32], labels: &[u8]) -> Result<(), PredictionsError> {
        let batch = Predictions::new(logits, labels, self.classes)?;
        self.logits.extend_from_slice(batch.scores());
        self.labels.extend_from_slice(batch.labels());
        Ok(())
    }

    /// N, the images seen so far.
    pub fn rows(&self) -> usize {
        self.labels.len().checked_div(self.classes).unwrap_or(0)
    }

    /// Row-major N x C, in the order of the pushes.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Row-major N x C, 0, 1 or unknown, in the order of the pushes.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Row-major N x C, 0 to 1.
    pub fn probabilities(&self) -> Vec<f32> {
        self.logits.iter().map(|&logit| sigmoid(logit)).collect()
    }

    /// Only the micro values, without sorting: enough for the training split.
    pub fn micro(&self) -> Micro {
        let known = known_pairs(&self.logits, &self.labels).map(|(logit, label)| (sigmoid(logit), label));
        Confusion::of_pairs(known, DEFAULT_THRESHOLD).into()
    }

    /// The unweighted mean cross-entropy over the epoch's known labels; `None` before the first.
    pub fn bce(&self) -> Option<f64> {
        bce_with_logits(&self.logits, &self.labels)
    }

    /// Everything, over all images pushed so far.
    pub fn compute(&self) -> MultilabelReport {
        let probabilities = self.probabilities();
        // Each batch passed `Predictions::new`, so whole rows are all that is here.
        MultilabelReport::new(&Predictions {
            scores: &probabilities,
            labels: &self.labels,
            classes: self.classes,
        })
    }
}
