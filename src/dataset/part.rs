//! One split of a data set as it comes from its source.

use super::films::{Films, Labels};

/// The films and labels of one split. With films, row `i` of `labels` belongs to film `i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The films; `None` where the source holds labels alone, enough for statistics.
    pub films: Option<Films>,
    /// The label rows.
    pub labels: Labels,
    /// Which patient each film is of, numbered from 0 in the order they come; `None` where that isn't known.
    pub patients: Option<Vec<u32>>,
}
