//! Predictions in, numbers out.
//!
//! Pure functions on slices: no tensors, no files, nothing from the rest of the crate. One subject a file:
//! [`Predictions`] is the checked table that everything starts from, [`Confusion`] counts at a threshold,
//! [`Ranking`] holds what needs no threshold (AUROC, average precision), [`MultilabelReport`] is what one
//! split says over all conditions, [`EpochAccumulator`] gathers batches so that an epoch is judged once and
//! never as a mean of batch values.
//!
//! What is undefined is `None`, never a number that looks like one; a mean says over how many conditions it
//! was taken. The one exception is [`Micro`], which keeps torchmetrics' 0.0 because its names promise it.

mod accumulator;
mod confusion;
mod logits;
mod multilabel;
mod predictions;
mod ranking;

pub use accumulator::EpochAccumulator;
pub use confusion::{Confusion, Micro};
pub use logits::{bce_with_logits, sigmoid};
pub use multilabel::{DEFAULT_THRESHOLD, Mean, MultilabelReport};
pub use predictions::{Predictions, PredictionsError};
pub use ranking::{Ranking, Step, auroc, average_precision};
