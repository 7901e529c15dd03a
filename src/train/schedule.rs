//! How the learning rate changes from step to step and from epoch to epoch.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::config::{Mode, OptimizerSection, ScheduleKind, ScheduleSection, ThresholdMode};

/// A change of the learning rate an optimizer hardly notices is not made (PyTorch's `eps`).
const LEAST_CHANGE: f64 = 1e-8;

/// Cuts the learning rate when the monitored value stalls, as PyTorch's `ReduceLROnPlateau` without
/// cooldown: after more than `patience` epochs in a row without gain the rate is multiplied by `factor`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReduceLrOnPlateau {
    mode: Mode,
    factor: f64,
    patience: usize,
    min_lr: f64,
    threshold: f64,
    threshold_mode: ThresholdMode,
    /// `None` before the first value.
    best: Option<f64>,
    bad_epochs: usize,
}

impl ReduceLrOnPlateau {
    /// No value yet. `mode` says which direction of the monitored value is better.
    pub fn new(section: &ScheduleSection, mode: Mode) -> Self {
        Self {
            mode,
            factor: section.factor,
            patience: section.patience,
            min_lr: section.min_lr,
            threshold: section.threshold,
            threshold_mode: section.threshold_mode,
            best: None,
            bad_epochs: 0,
        }
    }

    /// The learning rate after an epoch with this value, from the one it was trained with.
    pub fn step(&mut self, value: f64, lr: f64) -> f64 {
        if self.is_gain(value) {
            self.best = Some(value);
            self.bad_epochs = 0;
        } else {
            self.bad_epochs += 1;
        }
        if self.bad_epochs <= self.patience {
            return lr;
        }
        self.bad_epochs = 0;
        let cut = (lr * self.factor).max(self.min_lr);
        if lr - cut > LEAST_CHANGE { cut } else { lr }
    }

    fn is_gain(&self, value: f64) -> bool {
        let best = self.best.unwrap_or(match self.mode {
            Mode::Max => f64::NEG_INFINITY,
            Mode::Min => f64::INFINITY,
        });
        match (self.mode, self.threshold_mode) {
            (Mode::Min, ThresholdMode::Relative) => value < best * (1.0 - self.threshold),
            (Mode::Min, ThresholdMode::Absolute) => value < best - self.threshold,
            (Mode::Max, ThresholdMode::Relative) => value > best * (1.0 + self.threshold),
            (Mode::Max, ThresholdMode::Absolute) => value > best + self.threshold,
        }
    }
}

/// Where a one-cycle schedule begins and ends, and its rise's share of the run: PyTorch's defaults.
const ONE_CYCLE_DIV: f64 = 25.0;
const ONE_CYCLE_FINAL_DIV: f64 = 1e4;
const ONE_CYCLE_RISE: f64 = 0.3;

/// The learning rate of every optimizer step.
///
/// - `plateau` as [`ReduceLrOnPlateau`], stepped after each epoch;
/// - `cosine` as `CosineAnnealingLR` stepped after every optimizer step, over the steps after the warm-up;
/// - `onecycle` as `OneCycleLR` with its defaults, cosine annealing and constant momentum, over all steps.
///
/// A warm-up of `W` steps multiplies the rate of step `k` (from 0) by `(k + 1) / W`, as
/// `LinearLR(start_factor=1/W, total_iters=W-1)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningRate {
    kind: ScheduleKind,
    /// What the schedule scales: `optimizer.lr`, cut by the plateau, moved by hand.
    base: f64,
    min_lr: f64,
    warmup_steps: u64,
    total_steps: u64,
    plateau: ReduceLrOnPlateau,
}

impl LearningRate {
    /// A run's schedule before its first step. `steps_per_epoch` are optimizer steps.
    pub fn new(
        section: &ScheduleSection,
        optimizer: &OptimizerSection,
        mode: Mode,
        steps_per_epoch: usize,
    ) -> Self {
        let steps = steps_per_epoch as f64;
        Self {
            kind: section.kind,
            base: optimizer.lr,
            min_lr: section.min_lr,
            warmup_steps: match section.kind {
                ScheduleKind::OneCycle => 0,
                _ => (section.warmup * steps).round() as u64,
            },
            total_steps: steps_per_epoch as u64 * optimizer.epochs as u64,
            plateau: ReduceLrOnPlateau::new(section, mode),
        }
    }

    /// The rate of optimizer step `step`, from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.base * (step + 1) as f64 / self.warmup_steps as f64;
        }
        match self.kind {
            ScheduleKind::None | ScheduleKind::Plateau => self.base,
            ScheduleKind::Cosine => {
                let steps = self.total_steps.saturating_sub(self.warmup_steps).max(1);
                let done = (step - self.warmup_steps).min(steps) as f64 / steps as f64;
                cosine(self.base, self.min_lr, done)
            }
            ScheduleKind::OneCycle => self.one_cycle(step),
        }
    }

    fn one_cycle(&self, step: u64) -> f64 {
        let last = self.total_steps.saturating_sub(1) as f64;
        let top = ONE_CYCLE_RISE * self.total_steps as f64 - 1.0;
        let first = self.base / ONE_CYCLE_DIV;
        let step = (step as f64).min(last);
        if step <= top {
            cosine(first, self.base, step / top)
        } else {
            cosine(self.base, first / ONE_CYCLE_FINAL_DIV, (step - top) / (last - top))
        }
    }

    /// After an epoch with this monitored value: `Some` (from, to) when the rate was cut.
    pub fn end_epoch(&mut self, value: f64) -> Option<(f64, f64)> {
        if self.kind != ScheduleKind::Plateau {
            return None;
        }
        let from = self.base;
        self.base = self.plateau.step(value, from);
        (self.base != from).then_some((from, self.base))
    }

    /// Moves the whole schedule so that step `step` has the rate `lr`.
    pub fn set_by_hand(&mut self, lr: f64, step: u64) {
        let now = self.at(step);
        self.base = if now > 0.0 { self.base * lr / now } else { lr };
    }

    /// Stretches or shortens the schedule to another number of epochs, for a run that goes on longer.
    pub fn set_total(&mut self, steps: u64) {
        self.total_steps = steps;
    }
}

/// Half a cosine from `from` (`done` 0) to `to` (`done` 1).
fn cosine(from: f64, to: f64, done: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * done).cos()) / 2.0
}
