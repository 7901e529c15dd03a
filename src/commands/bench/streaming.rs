//! Images read from a mapped file compared with the same images in memory: speed of the data loader alone, speed of the
//! training loop, and peak memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use tch::Device;

use chestxr_tui::augment::AugmentPipeline;
use chestxr_tui::config::{Arch, RunConfig, Stem};
use chestxr_tui::data_loader::{Augmentation, DataLoader, Epoch, Placement, shuffled};
use chestxr_tui::dataset::{Cache, Dataset, Split};
use chestxr_tui::native;
use chestxr_tui::runs::RunState;
use chestxr_tui::text::bytes;
use chestxr_tui::train::{Command, Event, Phase, Trainer};

use super::{MedianRange, ScratchDir, UsageError, peak_memory, reset_peak_memory, whole};

/// Warm-up steps of the loop.
const WARM_UP: u64 = 20;

/// Steps done and seconds since the run started.
type ProgressSample = (usize, f64);

/// Where the images are during a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ImageStorage {
    /// All in memory.
    Resident,
    /// In a mapped file, in the system's page cache as far as memory is free.
    Mapped,
    /// In a mapped file outside of the page cache: each image is read from disk.
    Disk,
}

impl ImageStorage {
    const ALL: [Self; 3] = [Self::Resident, Self::Mapped, Self::Disk];

    fn name(self) -> &'static str {
        match self {
            Self::Resident => "in memory",
            Self::Mapped => "mapped",
            Self::Disk => "from disk",
        }
    }
}

/// Speed and memory with one storage.
#[derive(Debug, Serialize)]
struct StorageResult {
    images: ImageStorage,
    /// Images per second of the data loader alone: read, augmented, collated into batches.
    loading: MedianRange,
    /// Divided by the speed with images in memory, measured next to it.
    loading_ratio: MedianRange,
    /// Images per second of the training loop.
    training: MedianRange,
    training_ratio: MedianRange,
    /// Peak resident memory in bytes; null where the system doesn't report it.
    loading_peak_memory: Option<u64>,
    training_peak_memory: Option<u64>,
}

/// Speed and memory with each storage.
#[derive(Debug, Serialize)]
pub struct Streaming {
    /// Memory limit in bytes (`data.memory`).
    memory: u64,
    image_bytes: usize,
    arch: &'static str,
    batch: usize,
    storages: Vec<StorageResult>,
}

impl Streaming {
    /// The figures as a table.
    pub fn lines(&self) -> String {
        let range = |figure: &MedianRange| {
            format!("{:>6} ({}–{})", whole(figure.median), whole(figure.low), whole(figure.high))
        };
        let percent = |ratio: &MedianRange| format!("{:.1}%", 100.0 * ratio.median);
        let memory = |peak: Option<u64>| peak.map_or("–".to_owned(), bytes);
        let mut lines = format!(
            "{} of images, memory limit {}; {}:{}\n\
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
        for row in &self.storages {
            lines.push_str(&format!(
                "\n{:<10} {:<24} {:>7} {:>8}   {:<20} {:>7} {:>8}",
                row.images.name(),
                range(&row.loading),
                percent(&row.loading_ratio),
                memory(row.loading_peak_memory),
                range(&row.training),
                percent(&row.training_ratio),
                memory(row.training_peak_memory),
            ));
        }
        lines
    }
}

/// One measurement with one storage.
#[derive(Clone, Copy)]
struct StorageMeasurement {
    loading: f64,
    training: f64,
    loading_peak: Option<u64>,
    training_peak: Option<u64>,
}

/// Measures all storages alternately, since the speed of a shared machine drifts. `dataset` is that of `config`.
pub fn measure(
    config: &RunConfig,
    dataset: &Arc<Dataset>,
    repeats: usize,
    pause: Duration,
) -> Result<Streaming> {
    let Some(memory) = dataset.memory_bound() else {
        let all = bytes(dataset.image_bytes() as u64);
        let what = format!(
            "bench streaming: the images ({all}) fit in memory; set --memory to less, or use more images"
        );
        return Err(UsageError(what).into());
    };
    let mut config = config.clone();
    if config.model.arch != Arch::ChestNetS && config.model.stem == Stem::Auto {
        config.model.stem = Stem::ImageNet;
    }
    config.optimizer.epochs = 1000;
    config.early_stopping.enabled = false;
    let mut measurements: [Vec<StorageMeasurement>; 3] = Default::default();
    for repeat in 0..repeats {
        for storage in ImageStorage::ALL {
            let measurement = match storage {
                // Copied for each measurement, since the others must run without the copy. Copying also loads the
                // file into the page cache for the next one.
                ImageStorage::Resident => {
                    with_storage(&config, &Arc::new(dataset.resident()?), storage, repeat, pause)?
                }
                ImageStorage::Mapped | ImageStorage::Disk => {
                    with_storage(&config, dataset, storage, repeat, pause)?
                }
            };
            measurements[storage as usize].push(measurement);
        }
    }
    let [resident, ..] = &measurements;
    let result = |storage: ImageStorage| -> Result<StorageResult> {
        let own = &measurements[storage as usize];
        let values = |of: fn(&StorageMeasurement) -> f64| MedianRange::of(own.iter().map(of).collect());
        let ratio = |of: fn(&StorageMeasurement) -> f64| {
            MedianRange::of(
                own.iter()
                    .zip(resident)
                    .map(|(measurement, resident)| of(measurement) / of(resident))
                    .collect(),
            )
        };
        Ok(StorageResult {
            images: storage,
            loading: values(|measurement| measurement.loading)?,
            loading_ratio: ratio(|measurement| measurement.loading)?,
            training: values(|measurement| measurement.training)?,
            training_ratio: ratio(|measurement| measurement.training)?,
            loading_peak_memory: own.iter().filter_map(|measurement| measurement.loading_peak).max(),
            training_peak_memory: own.iter().filter_map(|measurement| measurement.training_peak).max(),
        })
    };
    Ok(Streaming {
        memory,
        image_bytes: dataset.image_bytes(),
        arch: config.model.arch.name(),
        batch: config.optimizer.batch_size,
        storages: ImageStorage::ALL.into_iter().map(result).collect::<Result<_>>()?,
    })
}

fn with_storage(
    config: &RunConfig,
    dataset: &Arc<Dataset>,
    storage: ImageStorage,
    repeat: usize,
    pause: Duration,
) -> Result<StorageMeasurement> {
    let measured = |rate: &mut dyn FnMut() -> Result<f64>| -> Result<(f64, Option<u64>)> {
        dataset.release_pages(storage == ImageStorage::Disk);
        // The images of the measurement before were in memory.
        native::release_freed();
        let counted = reset_peak_memory();
        let rate = rate()?;
        Ok((rate, counted.then(peak_memory)))
    };
    // Another order each time, as in each epoch.
    let (loading, loading_peak) = measured(&mut || loading(config, dataset, repeat + 1, pause))?;
    let (training, training_peak) = measured(&mut || training(config, dataset, pause))?;
    Ok(StorageMeasurement { loading, training, loading_peak, training_peak })
}

/// Images per second of the data loader, over one epoch or `pause`, whichever is shorter.
fn loading(config: &RunConfig, dataset: &Arc<Dataset>, epoch: usize, pause: Duration) -> Result<f64> {
    let (images, labels) = dataset.trainable(Split::Train)?;
    let order = shuffled(images.len(), config.run.seed, epoch);
    let epoch = Epoch::new(order, config.optimizer.batch_size, config.run.seed, epoch);
    let augmentation = Augmentation::OnHost(AugmentPipeline::new(&config.augment));
    let placement = Placement::Workers(config.augment.workers.max(1));
    let mut loader =
        DataLoader::start(images, Some(labels), epoch, 0, &augmentation, &placement, Device::Cpu)?;
    let started = Instant::now();
    let mut done = 0;
    while let Some((batch, _)) = loader.next_batch()? {
        done += batch.size()[0];
        if started.elapsed() >= pause {
            break;
        }
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

/// Images per second of the training loop within its first epoch.
fn training(config: &RunConfig, dataset: &Arc<Dataset>, pause: Duration) -> Result<f64> {
    let runs = ScratchDir::new()?;
    let cache = Cache::holding(&config.data, dataset.clone())?;
    let mut trainer = Trainer::spawn(runs.0.clone(), cache)?;
    trainer.send(Command::Start { config: Box::new(config.clone()), resume: None });
    // The first sample after the warm-up, and the last.
    let (mut first, mut last): (Option<ProgressSample>, Option<ProgressSample>) = (None, None);
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
            // The epoch was shorter than `pause`.
            break;
        }
        while let Ok(event) = trainer.events.try_recv() {
            if let Event::Ended { state, reason, .. } = event {
                bail!("bench: the measured run {state}: {reason}");
            }
        }
    }
    trainer.send(Command::Stop);
    while let Some(event) = trainer.events.blocking_recv() {
        if let Event::Ended { state, reason, .. } = event {
            ensure!(state == RunState::Stopped, "bench: the measured run {state}: {reason}");
            break;
        }
    }
    trainer.shut_down();
    let (first, last) = first.zip(last).context("bench: the measured run reported no progress")?;
    let seconds = last.1 - first.1;
    ensure!(
        last.0 > first.0 && seconds > 0.0,
        "bench: an epoch is too short to measure; use more images or a smaller batch"
    );
    Ok(((last.0 - first.0) * config.optimizer.batch_size) as f64 / seconds)
}
