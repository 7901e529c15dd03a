//! Early stopping.

use serde::{Deserialize, Serialize};

use crate::config::{EarlyStoppingSection, Mode};

/// Counts epochs without gain, as Lightning's `EarlyStopping`: a value counts as a gain when it beats the
/// best by more than `min_delta`, and the run stops once `patience` epochs in a row brought none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    check_finite: bool,
    mode: Mode,
    patience: usize,
    min_delta: f64,
    best: Option<f64>,
    wait_count: usize,
}

/// What the value of an epoch means.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The best value so far, by more than `min_delta`.
    Gain,
    /// So many epochs in a row without gain.
    Wait(usize),
    /// Patience is exhausted.
    Stop,
    /// The value is not a finite number and that was to be checked; without the check it is no gain.
    NotFinite,
}

impl EarlyStopping {
    /// No value yet.
    pub fn new(section: &EarlyStoppingSection) -> Self {
        Self {
            check_finite: section.check_finite,
            mode: section.mode,
            patience: section.patience,
            min_delta: section.min_delta,
            best: None,
            wait_count: 0,
        }
    }

    /// Decides by the monitored value of an epoch.
    pub fn update(&mut self, value: f64) -> Decision {
        if self.check_finite && !value.is_finite() {
            return Decision::NotFinite;
        }
        let gain = match (self.best, self.mode) {
            (None, _) => value.is_finite(),
            (Some(best), Mode::Max) => value - self.min_delta > best,
            (Some(best), Mode::Min) => value + self.min_delta < best,
        };
        if gain {
            self.best = Some(value);
            self.wait_count = 0;
            return Decision::Gain;
        }
        self.wait_count += 1;
        if self.wait_count >= self.patience { Decision::Stop } else { Decision::Wait(self.wait_count) }
    }

    /// Starts counting anew, as a run that is to train longer does; the best value stays.
    pub fn reset_wait_count(&mut self) {
        self.wait_count = 0;
    }

    /// Epochs in a row without gain.
    pub fn wait_count(&self) -> usize {
        self.wait_count
    }
}
