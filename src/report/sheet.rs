//! The input of a report: an evaluation with its predictions, labels and thresholds.

use super::figures::FigureError;
use crate::dataset::labels::LabelSet;
use crate::metrics::{Evaluation, Predictions, Thresholds};

/// A split's evaluation with what it was made from.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// The network and its run, `chestnet-s a1b2`.
    pub title: &'a str,
    /// A sentence on the source of the predictions.
    pub origin: &'a str,
    /// The conditions, in column order.
    pub labels: &'a LabelSet,
    /// The figures.
    pub evaluation: &'a Evaluation,
    /// The thresholds that they are at.
    pub thresholds: &'a Thresholds,
    /// N x C.
    pub predictions: Predictions<'a>,
    /// N x C; `None` where only probabilities are known.
    pub logits: Option<&'a [f32]>,
}

/// Why a file can't be made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum ReportError {
    #[error("a figure can't be drawn: {0}")]
    Figure(#[from] FigureError),
    #[error("there is no condition number {0}")]
    NoCondition(usize),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}
