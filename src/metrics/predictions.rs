//! The table every multi-label metric reads: N rows (images) by C classes (conditions).

use std::fmt;

use crate::label::{self, is_label};

/// Scores and labels of N images for C conditions, checked once so that nothing behind it can fail.
///
/// `scores` and `labels` are row-major N x C. Scores are probabilities or logits, as the reader wants them;
/// labels are 0, 1 or [`label::UNKNOWN`], which every metric leaves out, condition by condition. A score may be NaN (from a diverged network): the counts treat it as "not above the
/// threshold", the rankings as undefined, and [`Predictions::nan_scores`] counts them.
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'a> {
    // Only this room builds one without `new`, and only from parts that `new` has seen.
    pub(super) scores: &'a [f32],
    pub(super) labels: &'a [u8],
    pub(super) classes: usize,
}

impl<'a> Predictions<'a> {
    /// Checks that the two slices have one length, that it is whole rows of `classes`, and that each label
    /// is 0, 1 or unknown. No rows at all is a valid table.
    pub fn new(scores: &'a [f32], labels: &'a [u8], classes: usize) -> Result<Self, PredictionsError> {
        if classes == 0 {
            return Err(PredictionsError::NoClasses);
        }
        if scores.len() != labels.len() {
            return Err(PredictionsError::LengthsDiffer { scores: scores.len(), labels: labels.len() });
        }
        if !labels.len().is_multiple_of(classes) {
            return Err(PredictionsError::BrokenRow { values: labels.len(), classes });
        }
        if let Some(at) = labels.iter().position(|&label| !is_label(label)) {
            return Err(PredictionsError::LabelNotBinary {
                row: at / classes,
                class: at % classes,
                value: labels[at],
            });
        }
        Ok(Self { scores, labels, classes })
    }

    /// A table of no images.
    pub fn empty(classes: usize) -> Self {
        Self { scores: &[], labels: &[], classes: classes.max(1) }
    }

    /// N, the number of images.
    pub fn rows(&self) -> usize {
        self.labels.len().checked_div(self.classes).unwrap_or(0)
    }

    /// C, the number of conditions.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All scores, row-major N x C.
    pub fn scores(&self) -> &'a [f32] {
        self.scores
    }

    /// All labels, row-major N x C.
    pub fn labels(&self) -> &'a [u8] {
        self.labels
    }

    /// The pairs (score, label is 1) of one class whose label is known, in row order; nothing when there is no such
    /// class.
    pub fn column(&self, class: usize) -> impl Iterator<Item = (f32, bool)> + Clone + use<'a> {
        self.rows_of(class).filter_map(|(score, label)| Some((score, label?)))
    }

    /// The N pairs (score, whether the label is 1 where it is known) of one class, in row order; nothing when there is
    /// no such class.
    pub fn rows_of(&self, class: usize) -> impl Iterator<Item = (f32, Option<bool>)> + Clone + use<'a> {
        // Past the last class no row has a value, so the walk starts behind the end.
        let start = if class < self.classes { class } else { self.labels.len() };
        let step = self.classes.max(1);
        let scores = self.scores.iter().skip(start).step_by(step);
        let labels = self.labels.iter().skip(start).step_by(step);
        scores.zip(labels).map(|(&score, &label)| (score, label::known(label)))
    }

    /// How many of the N x C scores are NaN.
    pub fn nan_scores(&self) -> usize {
        self.scores.iter().filter(|score| score.is_nan()).count()
    }
}

/// Why two slices are not a table of predictions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum PredictionsError {
    /// A table needs at least one class.
    NoClasses,
    /// As many labels as scores are needed.
    LengthsDiffer { scores: usize, labels: usize },
    /// The last row is not complete.
    BrokenRow { values: usize, classes: usize },
    /// Labels are 0, 1 or unknown.
    LabelNotBinary { row: usize, class: usize, value: u8 },
}

impl fmt::Display for PredictionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoClasses => write!(f, "predictions have no classes; at least one is needed"),
            Self::LengthsDiffer { scores, labels } => {
                write!(f, "{scores} scores but {labels} labels; each score needs its label")
            }
            Self::BrokenRow { values, classes } => write!(
                f,
                "{values} values do not make whole rows of {classes} classes; were they made with another label set?"
            ),
            Self::LabelNotBinary { row, class, value } => {
                write!(
                    f,
                    "the label of row {row}, class {class} is {value}; labels are 0, 1 or 255 (unknown)"
                )
            }
        }
    }
}

impl std::error::Error for PredictionsError {}
