//! How the learning rate changes from epoch to epoch.

use crate::config::{Mode, ScheduleKind, ScheduleSection, ThresholdMode};

/// A change of the learning rate an optimizer hardly notices is not made (PyTorch's `eps`).
const LEAST_CHANGE: f64 = 1e-8;

/// Cuts the learning rate when the monitored value stalls, as PyTorch's `ReduceLROnPlateau` without
/// cooldown: after more than `patience` epochs in a row without gain the rate is multiplied by `factor`.
#[derive(Clone, Debug)]
pub struct ReduceLrOnPlateau {
    enabled: bool,
    mode: Mode,
    factor: f64,
    patience: usize,
    min_lr: f64,
    threshold: f64,
    threshold_mode: ThresholdMode,
    best: f64,
    bad_epochs: usize,
}

impl ReduceLrOnPlateau {
    /// Nothing seen yet. `mode` says which direction of the monitored value is better.
    pub fn new(section: &ScheduleSection, mode: Mode) -> Self {
        Self {
            enabled: section.kind == ScheduleKind::Plateau,
            mode,
            factor: section.factor,
            patience: section.patience,
            min_lr: section.min_lr,
            threshold: section.threshold,
            threshold_mode: section.threshold_mode,
            best: match mode {
                Mode::Max => f64::NEG_INFINITY,
                Mode::Min => f64::INFINITY,
            },
            bad_epochs: 0,
        }
    }

    /// The learning rate after an epoch with this value, from the one it was trained with.
    pub fn step(&mut self, value: f64, lr: f64) -> f64 {
        if self.is_gain(value) {
            self.best = value;
            self.bad_epochs = 0;
        } else {
            self.bad_epochs += 1;
        }
        if !self.enabled || self.bad_epochs <= self.patience {
            return lr;
        }
        self.bad_epochs = 0;
        let cut = (lr * self.factor).max(self.min_lr);
        if lr - cut > LEAST_CHANGE { cut } else { lr }
    }

    fn is_gain(&self, value: f64) -> bool {
        match (self.mode, self.threshold_mode) {
            (Mode::Min, ThresholdMode::Relative) => value < self.best * (1.0 - self.threshold),
            (Mode::Min, ThresholdMode::Absolute) => value < self.best - self.threshold,
            (Mode::Max, ThresholdMode::Relative) => value > self.best * (1.0 + self.threshold),
            (Mode::Max, ThresholdMode::Absolute) => value > self.best + self.threshold,
        }
    }
}
