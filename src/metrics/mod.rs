//! Predictions in, numbers out.
//!
//! Pure functions on slices: no tensors, no files, nothing from the rest of the crate. One subject a file:
//! [`Predictions`] is the checked table that everything starts from, [`Confusion`] counts at a threshold,
//! [`Ranking`] holds what needs no threshold (AUROC, average precision), [`CutPoints`] every threshold at once,
//! [`ThresholdRule`] how one is chosen, [`Calibration`] whether probabilities equal frequencies, [`Bootstrap`] and
//! [`delong`] how far to trust it all. [`EpochAccumulator`] gathers batches so that an epoch is evaluated once and
//! never as a mean of batch values; [`MultilabelReport`] has the figures of an epoch, [`Evaluation`] all those of a
//! split.
//!
//! What is undefined is `None`, never a number that looks like one; a mean carries the number of conditions that it
//! was taken. The one exception is [`Micro`], which keeps torchmetrics' 0.0 because its names promise it.

/// A condition with fewer positive images than this is neither tested nor ranked: its figures move by an image or two,
/// and asymptotic intervals and p-values are wrong.
pub const FEW_POSITIVES: u64 = 10;

mod accumulator;
mod average;
mod bootstrap;
mod calibration;
mod confusion;
mod cooccurrence;
mod cut_points;
mod delong;
mod evaluation;
mod logits;
mod multilabel;
mod normal;
mod predictions;
mod ranking;
mod threshold;
mod threshold_rule;

pub use accumulator::EpochAccumulator;
pub use average::{MetricValues, PerMetric, macro_average, samples_average, weighted_average};
pub use bootstrap::{Bootstrap, Draw, Resampled, Resampling, Units, Weight, WeightedRanking, interval};
pub use calibration::{BINS, Calibration, CalibrationBin, at_temperature, bce_at_temperature, temperature};
pub use confusion::{Confusion, Micro};
pub use cooccurrence::Cooccurrence;
pub use cut_points::{CutPoint, CutPoints};
pub use delong::{AurocVariance, PairedAuroc, delong, holm, paired_delong, two_sided_p};
pub use evaluation::{
    Average, BootstrapEvaluation, CalibrationEvaluation, ConditionEvaluation, Evaluation, Interval,
    MacroEvaluation, MedMnistEvaluation, MicroEvaluation, NormalEvaluation, Subject,
};
pub use logits::{bce_with_logits, sigmoid};
pub use multilabel::{DEFAULT_THRESHOLD, Mean, MultilabelReport};
pub use normal::{NORMAL_CLASSES, known_normal_scores, normal_scores};
pub use predictions::{Predictions, PredictionsError};
pub use ranking::{Ranking, Step, auroc, average_precision};
pub use threshold::{Basis, Chosen, Thresholds};
pub use threshold_rule::{ThresholdRule, UnknownRule};
