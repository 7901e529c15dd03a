//! A learning rate by trying (Smith 2017): the rate rises exponentially from step to step while the loss is
//! watched; where it falls fastest is a good one. Range, smoothing and suggestion are those of Lightning's
//! `lr_find`.

use anyhow::{Context, Result};

use super::inbox::{Inbox, StopReason};
use super::journal::EventSender;
use super::setup::Setup;
use super::{Command, Level, LrCurve, Phase};
use crate::data_loader::Placement;

/// From and to which rate, in how many steps.
const RANGE: (f64, f64) = (1e-8, 1.0);
const STEPS: usize = 100;
/// The share of the old in the smoothed loss.
const SMOOTHING: f64 = 0.98;
/// So many times the best loss is the end.
const DIVERGED: f64 = 4.0;
/// The first losses are too noisy.
const SKIPPED: usize = 10;

/// How a search ended.
pub enum Found {
    Curve(LrCurve),
    Stopped(StopReason),
}

/// Searches with the network, loss and batches of a run, none of which is kept.
///
/// # Errors
/// When the training images can't be read, a step fails, or memory runs out.
pub fn find(setup: &Setup, inbox: &mut Inbox, event_sender: &EventSender) -> Result<Found> {
    let mut learner = setup.first_learner(inbox, event_sender)?;
    let mut epoch = 1;
    let mut loader = setup.training_batches(&Placement::Inline, epoch, 0)?;
    let (mut rates, mut losses) = (Vec::new(), Vec::new());
    let mut mean = Smoothed::default();
    let mut reason = format!("all {STEPS} rates were tried");
    for step in 0..STEPS {
        while let Some(command) = inbox.try_next() {
            if let Some(stop) = StopReason::of_command(&command) {
                return Ok(Found::Stopped(stop));
            }
            if matches!(command, Command::Start { .. } | Command::FindLr { .. }) {
                event_sender
                    .note(Level::Warning, "the learning-rate finder is active; wait or stop it first");
            }
        }
        let (images, targets) = match loader.next_batch()? {
            Some(batch) => batch,
            None => {
                epoch += 1;
                loader = setup.training_batches(&Placement::Inline, epoch, 0)?;
                loader.next_batch()?.context("there are no training images")?
            }
        };
        let lr = rate(step);
        learner.zero_grad()?;
        let (loss, _) = learner.forward_backward(&images, &targets, 1.0)?;
        learner.end_step(lr, step as u64 + 1, &loss)?;
        let loss = mean.push(f64::try_from(loss)?);
        event_sender.progress.send_modify(|progress| {
            progress.phase = Phase::Searching;
            (progress.done, progress.total) = (step + 1, STEPS);
            (progress.loss, progress.lr) = (Some(loss), lr);
        });
        if !loss.is_finite() {
            reason = format!("the loss was no finite number any more at {lr:.1e}");
            break;
        }
        rates.push(lr);
        losses.push(loss);
        if step > 1 && loss > DIVERGED * mean.best {
            reason = format!("the loss had grown to {DIVERGED} times its best at {lr:.1e}");
            break;
        }
    }
    let suggestion = steepest(&losses).map(|index| rates[index]);
    Ok(Found::Curve(LrCurve { rates, losses, suggestion, reason }))
}

/// The rate of a step.
fn rate(step: usize) -> f64 {
    let (from, to) = RANGE;
    from * (to / from).powf(step as f64 / (STEPS - 1) as f64)
}

/// An exponential mean with its start corrected.
#[derive(Default)]
struct Smoothed {
    mean: f64,
    count: i32,
    best: f64,
}

impl Smoothed {
    fn push(&mut self, value: f64) -> f64 {
        self.count += 1;
        self.mean = SMOOTHING * self.mean + (1.0 - SMOOTHING) * value;
        let smoothed = self.mean / (1.0 - SMOOTHING.powi(self.count));
        if self.count == 1 || smoothed < self.best {
            self.best = smoothed;
        }
        smoothed
    }
}

/// Where a curve falls fastest, by central differences; `None` when it is too short or never falls.
fn steepest(losses: &[f64]) -> Option<usize> {
    let end = losses.len().checked_sub(1)?;
    let inner = losses.get(SKIPPED..end)?;
    let slope = |index: usize| {
        let (before, after) = (index.saturating_sub(1), (index + 1).min(inner.len() - 1));
        (inner[after] - inner[before]) / (after - before).max(1) as f64
    };
    let steepest = (0..inner.len()).min_by(|a, b| slope(*a).total_cmp(&slope(*b)))?;
    (slope(steepest) < 0.0).then_some(SKIPPED + steepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggestion_is_where_the_loss_falls_fastest() {
        // Flat, then falling through a sigmoid around 60, then rising.
        let losses: Vec<f64> = (0..100)
            .map(|step| {
                let fall = 1.0 / (1.0 + ((f64::from(step) - 60.0) / 4.0).exp());
                fall + (f64::from(step) - 85.0).max(0.0).powi(2)
            })
            .collect();
        assert_eq!(steepest(&losses), Some(60));
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(steepest(&rising), None);
        assert_eq!(steepest(&[1.0, 0.5]), None);
    }

    #[test]
    fn rates_rise_evenly_in_their_logarithm() {
        assert!((rate(0) / 1e-8 - 1.0).abs() < 1e-12 && (rate(STEPS - 1) - 1.0).abs() < 1e-12);
        assert!((rate(50) / rate(49) - rate(11) / rate(10)).abs() < 1e-9);
    }
}
