//! What training costs on this machine: the real loop (films gathered, network, optimizer, metrics, journal)
//! against bare training steps on one batch that lies ready, in one process.
//!
//! `cargo bench` or `make bench`. CHESTXR_BENCH_FILMS sets the number of phantom films (default 4000, of
//! which 70 % are trained on), CHESTXR_BENCH_DATA another source.

use std::time::Instant;

use chestxr_tui::config::{Arch, RunConfig};
use chestxr_tui::dataset::{Cache, Split};
use chestxr_tui::train::{Batches, Command, Event, Setup, Trainer};

/// Seconds of bare steps.
const CEILING_SECONDS: f64 = 8.0;

fn main() -> anyhow::Result<()> {
    chestxr_tui::native::tune_allocator();
    let films = std::env::var("CHESTXR_BENCH_FILMS").unwrap_or_else(|_| "4000".into());
    let source = std::env::var("CHESTXR_BENCH_DATA").unwrap_or_else(|_| format!("phantom:{films}"));
    let cache = Cache::new();
    let mut config = RunConfig::default();
    config.set("data.source", &source)?;
    let started = Instant::now();
    let dataset = cache.load(&config.data)?;
    println!(
        "{source}: {} training films, ready after {:.1} s",
        dataset.part(Split::Train).labels.len(),
        started.elapsed().as_secs_f64()
    );
    println!("{:<12} {:>5} {:>14} {:>14} {:>8}", "network", "batch", "loop films/s", "ceiling", "share");
    for (arch, batch) in [(Arch::ChestNetS, 32), (Arch::ChestNetS, 256), (Arch::ResNet18, 32)] {
        config.model.arch = arch;
        // The stem of the predecessor's ResNet, so that figures compare.
        config.set("model.stem", "imagenet")?;
        config.optimizer.batch_size = batch;
        config.optimizer.epochs = 2;
        let before = alone(|| ceiling(&config, &cache))?;
        let looped = real_loop(&config, &cache)?;
        // Measured on both sides of the loop: a shared machine drifts.
        let ceiling = (before + alone(|| ceiling(&config, &cache))?) / 2.0;
        println!("{arch:<12} {batch:>5} {looped:>14.0} {ceiling:>14.0} {:>7.0}%", 100.0 * looped / ceiling);
    }
    Ok(())
}

/// Runs `body` on a thread of its own: OpenMP keeps a pool of workers for every thread that ever computed, and
/// an idle pool gets in the way of the next one's.
fn alone(body: impl FnOnce() -> anyhow::Result<f64> + Send) -> anyhow::Result<f64> {
    std::thread::scope(|scope| scope.spawn(body).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Films a second of the second epoch of a run.
fn real_loop(config: &RunConfig, cache: &Cache) -> anyhow::Result<f64> {
    let runs = tempfile::tempdir()?;
    let mut trainer = Trainer::spawn(runs.path().to_owned(), cache.clone())?;
    trainer.send(Command::Start { config: Box::new(config.clone()), resume: None });
    let mut last = 0.0;
    while let Some(event) = trainer.events.blocking_recv() {
        match event {
            Event::Epoch(report) => last = report.record.images_per_second,
            Event::Ended { state, reason, .. } => {
                anyhow::ensure!(state == chestxr_tui::runs::RunState::Finished, "{reason}");
                break;
            }
            _ => {}
        }
    }
    trainer.shut_down();
    Ok(last)
}

/// Films a second of training steps on one batch.
fn ceiling(config: &RunConfig, cache: &Cache) -> anyhow::Result<f64> {
    let setup = Setup::prepare(config.clone(), cache, std::path::Path::new("runs"))?;
    let mut learner = setup.learner(|_| Ok(()))?;
    let (films, labels) = setup.dataset.trainable(Split::Train)?;
    let count = config.optimizer.batch_size;
    let indices: Vec<usize> = (0..count).map(|index| index % films.len()).collect();
    let (x, y) = Batches::new(films, labels, setup.device).gather(&indices)?;
    let mut number = 0;
    let mut step = || -> anyhow::Result<()> {
        number += 1;
        learner.begin_step()?;
        let _ = learner.learn(&x, &y, 1.0)?;
        learner.end_step(config.optimizer.lr, number)
    };
    for _ in 0..3 {
        step()?;
    }
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed().as_secs_f64() < CEILING_SECONDS {
        step()?;
        done += count;
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}
