//! The training loop compared with bare training steps on one prepared batch.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;

use chestxr_tui::config::{Arch, RunConfig, Stem};
use chestxr_tui::data_loader::batch_of;
use chestxr_tui::dataset::{Cache, Split};
use chestxr_tui::native;
use chestxr_tui::runs::RunState;
use chestxr_tui::train::{Command, Event, Setup, Shares, Trainer};

use super::{MedianRange, ScratchDir, whole};

/// Warm-up steps, in which libtorch chooses its kernels.
const WARM_UP: usize = 3;

/// Speed of training with one network and batch size, in images per second.
#[derive(Debug, Serialize)]
pub struct Training {
    arch: &'static str,
    batch: usize,
    /// The training loop: load, augment, train, metrics, checkpoints, events.
    train_throughput: MedianRange,
    /// Bare training steps on one batch.
    compute_ceiling: MedianRange,
    /// The loop's speed divided by the mean of the ceilings measured before and after it.
    ratio: MedianRange,
    /// Shares of the loop's time.
    shares: Shares,
}

impl Training {
    /// A row of the table.
    pub fn line(&self) -> String {
        let range = |figure: &MedianRange| {
            format!("{:>6} ({}–{})", whole(figure.median), whole(figure.low), whole(figure.high))
        };
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        format!(
            "{:<12} {:>5}   {:<20}  {:<20} {:>6} ({}–{})  {:>5} {:>7}",
            self.arch,
            self.batch,
            range(&self.train_throughput),
            range(&self.compute_ceiling),
            percent(self.ratio.median),
            percent(self.ratio.low),
            percent(self.ratio.high),
            percent(self.shares.data),
            percent(self.shares.metrics),
        )
    }
}

/// Measures ceiling and loop alternately, since the speed of a shared machine drifts.
pub fn measure(config: &RunConfig, cache: &Cache, repeats: usize, pause: Duration) -> Result<Training> {
    let mut config = config.clone();
    if config.model.arch != Arch::ChestNetS && config.model.stem == Stem::Auto {
        // The stem of the predecessor's ResNet, for comparable figures.
        config.model.stem = Stem::ImageNet;
    }
    config.optimizer.epochs = 2;
    config.early_stopping.enabled = false;
    let mut ceilings = vec![on_new_thread(|| ceiling(&config, cache, pause))?];
    let (mut loops, mut ratios, mut shares) = (Vec::new(), Vec::new(), Shares::default());
    for _ in 0..repeats {
        let (rate, spent) = real_loop(&config, cache)?;
        let before = ceilings[ceilings.len() - 1];
        let after = on_new_thread(|| ceiling(&config, cache, pause))?;
        ceilings.push(after);
        loops.push(rate);
        ratios.push(rate / ((before + after) / 2.0));
        shares = spent;
    }
    Ok(Training {
        arch: config.model.arch.name(),
        batch: config.optimizer.batch_size,
        train_throughput: MedianRange::of(loops)?,
        compute_ceiling: MedianRange::of(ceilings)?,
        ratio: MedianRange::of(ratios)?,
        shares,
    })
}

/// Runs `body` on a new thread: OpenMP has a worker pool for every thread that ever computed, and an idle pool slows the
/// next one.
fn on_new_thread(body: impl FnOnce() -> Result<f64> + Send) -> Result<f64> {
    std::thread::scope(|scope| scope.spawn(body).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Images per second of the second epoch of a run, and the shares of its time.
fn real_loop(config: &RunConfig, cache: &Cache) -> Result<(f64, Shares)> {
    let runs = ScratchDir::new()?;
    let mut trainer = Trainer::spawn(runs.0.clone(), cache.clone())?;
    trainer.send(Command::Start { config: Box::new(config.clone()), resume: None });
    let (mut rate, mut shares) = (0.0, Shares::default());
    while let Some(event) = trainer.events.blocking_recv() {
        match event {
            Event::Epoch(report) => rate = report.record.images_per_second,
            Event::Ended { state, reason, .. } => {
                ensure!(state == RunState::Finished, "bench: the measured run {state}: {reason}");
                break;
            }
            _ => {}
        }
        let progress = trainer.progress.borrow();
        if progress.shares.compute > 0.0 {
            shares = progress.shares;
        }
    }
    trainer.shut_down();
    Ok((rate, shares))
}

/// Images per second of bare training steps on one batch.
fn ceiling(config: &RunConfig, cache: &Cache, pause: Duration) -> Result<f64> {
    let setup = Setup::prepare(config.clone(), cache, std::path::Path::new(""), &|_| true)?;
    let mut learner = setup.learner(|_| Ok(()))?;
    let (images, labels) = setup.dataset.trainable(Split::Train)?;
    let count = config.optimizer.batch_size;
    let indices: Vec<usize> = (0..count).map(|index| index % images.len()).collect();
    let (x, y) = batch_of(images, Some(labels), &indices, setup.device)?;
    let mut number = 0;
    let mut step = || -> Result<()> {
        number += 1;
        learner.zero_grad()?;
        let (loss, _) = learner.forward_backward(&x, &y, 1.0)?;
        learner.end_step(config.optimizer.lr, number, &loss)?;
        // As the loop does, so that a GPU isn't given more than a few steps ahead.
        if number.is_multiple_of(16) {
            native::synchronize(setup.device)?;
        }
        Ok(())
    };
    for _ in 0..WARM_UP {
        step()?;
    }
    native::synchronize(setup.device)?;
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < pause {
        step()?;
        done += count;
    }
    // What a GPU was asked to do is done only now.
    native::synchronize(setup.device)?;
    Ok(done as f64 / started.elapsed().as_secs_f64())
}
