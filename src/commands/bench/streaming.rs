//! Images that are read from a mapped file as needed against the same images in memory, in turns: how fast they come
//! ready for the network when nothing waits for it, how fast the real loop goes, and what memory that takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use chestxr_tui::augment::{AugmentPipeline, Epoch, Loader};
use chestxr_tui::config::{Arch, RunConfig, Stem};
use chestxr_tui::dataset::{Cache, Dataset, Split};
use chestxr_tui::native;
use chestxr_tui::runs::RunState;
use chestxr_tui::text::bytes;
use chestxr_tui::train::{Command, Event, Phase, Trainer, shuffled};

use super::{Figure, ScratchDir, UsageError, peak_memory, reset_peak_memory, whole};

/// Steps of the loop before the clock starts.
const WARM_UP: u64 = 20;

/// Steps done and seconds since the run began.
type Moment = (usize, f64);

/// Where images are while they are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// In memory, all of them.
    Resident,
    /// In a mapped file that the system has in its own memory, as far as that is free.
    Mapped,
    /// In a mapped file of which the system has forgotten everything: each image comes from the disk.
    Disk,
}

impl Place {
    const ALL: [Self; 3] = [Self::Resident, Self::Mapped, Self::Disk];

    fn name(self) -> &'static str {
        match self {
            Self::Resident => "in memory",
            Self::Mapped => "mapped",
            Self::Disk => "from disk",
        }
    }
}

/// What images of one place come to.
#[derive(Debug, Serialize)]
struct Way {
    images: Place,
    /// Images a second ready for the network (read, augmented, gathered into batches), when nothing waits for it.
    loading: Figure,
    /// Each against the images in memory of the same turn.
    loading_ratio: Figure,
    /// Images a second of the real loop.
    training: Figure,
    training_ratio: Figure,
    /// Greatest resident memory of this process meanwhile, in bytes; null where the system doesn't say.
    loading_peak_memory: Option<u64>,
    training_peak_memory: Option<u64>,
}

/// What streaming comes to.
#[derive(Debug, Serialize)]
pub struct Streaming {
    /// Bytes of images that may stay in memory (`data.memory`), of how many.
    memory: u64,
    image_bytes: usize,
    arch: &'static str,
    batch: usize,
    ways: Vec<Way>,
}

impl Streaming {
    /// A table for people.
    pub fn lines(&self) -> String {
        let range = |figure: &Figure| {
            format!("{:>6} ({}–{})", whole(figure.median), whole(figure.low), whole(figure.high))
        };
        let percent = |ratio: &Figure| format!("{:.1}%", 100.0 * ratio.median);
        let memory = |peak: Option<u64>| peak.map_or("–".to_owned(), bytes);
        let mut lines = format!(
            "{} of images, {} of them in memory at most; {}:{}\n\
             {:<10} {:<24} {:>7} {:>8}   {:<20} {:>7} {:>8}",
            bytes(self.image_bytes as u64),
            bytes(self.memory),
            self.arch,
            self.batch,
            "images",
            "loaded/s",
            "ratio",
            "memory",
            "trained/s",
            "ratio",
            "memory"
        );
        for way in &self.ways {
            lines.push_str(&format!(
                "\n{:<10} {:<24} {:>7} {:>8}   {:<20} {:>7} {:>8}",
                way.images.name(),
                range(&way.loading),
                percent(&way.loading_ratio),
                memory(way.loading_peak_memory),
                range(&way.training),
                percent(&way.training_ratio),
                memory(way.training_peak_memory),
            ));
        }
        lines
    }
}

/// One turn of a place.
#[derive(Clone, Copy)]
struct Turn {
    loading: f64,
    training: f64,
    loading_peak: Option<u64>,
    training_peak: Option<u64>,
}

/// Measures all places in turns, since a shared machine drifts. `dataset` is what `config` asks for.
pub fn measure(
    config: &RunConfig,
    dataset: &Arc<Dataset>,
    repeats: usize,
    pause: Duration,
) -> Result<Streaming> {
    let Some(memory) = dataset.memory_bound() else {
        let all = bytes(dataset.image_bytes() as u64);
        let what = format!(
            "streaming needs images that don't fit: these take {all}, so set --memory to less, or take more images"
        );
        return Err(UsageError(what).into());
    };
    let mut config = config.clone();
    if config.model.arch != Arch::ChestNetS && config.model.stem == Stem::Auto {
        config.model.stem = Stem::ImageNet;
    }
    config.optimizer.epochs = 1000;
    config.early_stopping.enabled = false;
    let mut turns: [Vec<Turn>; 3] = Default::default();
    for repeat in 0..repeats {
        for place in Place::ALL {
            let turn = match place {
                // Made anew each time: the copy must be gone while the others are measured. To gather it is what
                // brings the file into the system's memory for those that come next.
                Place::Resident => of_place(&config, &Arc::new(dataset.resident()), place, repeat, pause)?,
                Place::Mapped | Place::Disk => of_place(&config, dataset, place, repeat, pause)?,
            };
            turns[place as usize].push(turn);
        }
    }
    let [resident, ..] = &turns;
    let way = |place: Place| -> Result<Way> {
        let own = &turns[place as usize];
        let values = |of: fn(&Turn) -> f64| Figure::of(own.iter().map(of).collect());
        let ratio = |of: fn(&Turn) -> f64| {
            Figure::of(own.iter().zip(resident).map(|(turn, resident)| of(turn) / of(resident)).collect())
        };
        Ok(Way {
            images: place,
            loading: values(|turn| turn.loading)?,
            loading_ratio: ratio(|turn| turn.loading)?,
            training: values(|turn| turn.training)?,
            training_ratio: ratio(|turn| turn.training)?,
            loading_peak_memory: own.iter().filter_map(|turn| turn.loading_peak).max(),
            training_peak_memory: own.iter().filter_map(|turn| turn.training_peak).max(),
        })
    };
    Ok(Streaming {
        memory,
        image_bytes: dataset.image_bytes(),
        arch: config.model.arch.name(),
        batch: config.optimizer.batch_size,
        ways: Place::ALL.into_iter().map(way).collect::<Result<_>>()?,
    })
}

fn of_place(
    config: &RunConfig,
    dataset: &Arc<Dataset>,
    place: Place,
    repeat: usize,
    pause: Duration,
) -> Result<Turn> {
    let measured = |rate: &mut dyn FnMut() -> Result<f64>| -> Result<(f64, Option<u64>)> {
        dataset.release_pages(place == Place::Disk);
        // The images of the turn before were in memory.
        native::release_freed();
        let counted = reset_peak_memory();
        let rate = rate()?;
        Ok((rate, counted.then(peak_memory)))
    };
    // Another order each time, as in another epoch.
    let (loading, loading_peak) = measured(&mut || loading(config, dataset, repeat + 1, pause))?;
    let (training, training_peak) = measured(&mut || training(config, dataset, pause))?;
    Ok(Turn { loading, training, loading_peak, training_peak })
}

/// Images a second of the loader that feeds the loop, over one epoch or `pause`, whichever is shorter.
fn loading(config: &RunConfig, dataset: &Arc<Dataset>, epoch: usize, pause: Duration) -> Result<f64> {
    let (images, _) = dataset.trainable(Split::Train)?;
    let epoch = Epoch {
        order: Arc::new(shuffled(images.len(), config.run.seed, epoch)),
        times: Arc::default(),
        batch_size: config.optimizer.batch_size,
        seed: config.run.seed,
        epoch,
    };
    let workers = config.augment.workers.max(1);
    let mut loader =
        Loader::start(dataset, &AugmentPipeline::new(&config.augment), &epoch, 0, workers, None)?;
    let started = Instant::now();
    let mut done = 0;
    for number in 0..epoch.batches() {
        loader.next_batch()?;
        done += epoch.batch(number).count();
        if started.elapsed() >= pause {
            break;
        }
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

/// Images a second of the real loop within its first epoch.
fn training(config: &RunConfig, dataset: &Arc<Dataset>, pause: Duration) -> Result<f64> {
    let runs = ScratchDir::new()?;
    let cache = Cache::holding(&config.data, dataset.clone())?;
    let mut trainer = Trainer::spawn(runs.0.clone(), cache)?;
    trainer.send(Command::Start { config: Box::new(config.clone()), resume: None });
    // When the clock started, and the last time it was looked at.
    let (mut first, mut last): (Option<Moment>, Option<Moment>) = (None, None);
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let progress = trainer.progress.borrow().clone();
        if progress.phase == Phase::Training && progress.epoch == 1 && progress.step >= WARM_UP {
            let now = (progress.done, progress.elapsed);
            last = Some(now);
            if now.1 - first.get_or_insert(now).1 >= pause.as_secs_f64() {
                break;
            }
        } else if first.is_some() {
            // The epoch was shorter than the time.
            break;
        }
        while let Ok(event) = trainer.events.try_recv() {
            if let Event::Ended { state, reason, .. } = event {
                bail!("the run to be measured {state}: {reason}");
            }
        }
    }
    trainer.send(Command::Stop);
    while let Some(event) = trainer.events.blocking_recv() {
        if let Event::Ended { state, reason, .. } = event {
            ensure!(state == RunState::Stopped, "the run to be measured {state}: {reason}");
            break;
        }
    }
    trainer.shut_down();
    let (first, last) = first.zip(last).context("the run to be measured told no progress")?;
    let seconds = last.1 - first.1;
    ensure!(
        last.0 > first.0 && seconds > 0.0,
        "an epoch is too short to be measured; take more images or a smaller batch"
    );
    Ok(((last.0 - first.0) * config.optimizer.batch_size) as f64 / seconds)
}
