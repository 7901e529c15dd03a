//! From images and labels to batches on the network's device: the one way for training, validation, test, prediction,
//! explanations and the benchmark.
//!
//! 1. An [`Epoch`] says which images come in which order, cut into batches.
//! 2. Worker threads put batches together ahead of the step, or the calling thread does, or the images lie on the device.
//! 3. For a CUDA device a batch is grey levels in pinned memory, copied on a stream of its own while the device computes.
//! 4. Batches are augmented and normalised: on the device, or by the workers.
//!
//! What comes out depends on the images, the epoch and where they are augmented alone, neither on threads nor on where the
//! images lie.

mod collate;
mod epoch;
mod resident;
mod sampler;
mod workers;

use std::rc::Rc;

use anyhow::Result;
use rayon::prelude::*;
use tch::{Device, TchError, Tensor};

use crate::augment::{AugmentParams, AugmentPipeline, DeviceAugmenter, DeviceNormalizer};
use crate::dataset::images::{Images, Labels};
use crate::native;
use collate::{Collator, HostWork, RawBatch};
use workers::Workers;

pub use epoch::Epoch;
pub use resident::Resident;
pub use sampler::{order, sampled_prevalence, shuffled};

/// Threads that make batches for a GPU, at most.
const MOST_THREADS: usize = 8;

/// Threads that make batches for a device where the settings leave their number open.
pub fn default_threads(device: Device) -> usize {
    match device {
        // The CPU computes too.
        Device::Cpu => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS),
    }
}

/// Where batches are put together.
#[derive(Clone)]
pub enum Placement {
    /// On the calling thread, one after another: for a few batches.
    Inline,
    /// By so many worker threads, ahead of the step.
    Workers(usize),
    /// The images lie on the device.
    Resident(Rc<Resident>),
}

/// What happens to images.
#[derive(Clone)]
pub enum Augmentation {
    /// Nothing but normalisation.
    None,
    /// On the host, image by image.
    OnHost(AugmentPipeline),
    /// On the network's device, batch by batch.
    OnDevice(AugmentPipeline),
}

/// The batches of one pass over images.
pub struct DataLoader {
    source: Source,
    epoch: Epoch,
    next: usize,
    device: Device,
    normalizer: DeviceNormalizer,
    augmenter: Option<DeviceAugmenter>,
}

enum Source {
    Workers(Workers),
    Inline(Box<HostWork>),
    /// With the order of the epoch (`int64 N`).
    Resident(Rc<Resident>, Tensor),
}

impl DataLoader {
    /// The batches of `epoch` from batch `first` on. Without `labels` targets have no columns.
    ///
    /// # Errors
    /// When the system refuses a thread, or the numbers of the augmentation don't fit into the device's memory.
    pub fn start(
        images: &Images,
        labels: Option<&Labels>,
        epoch: Epoch,
        first: usize,
        augmentation: &Augmentation,
        placement: &Placement,
        device: Device,
    ) -> Result<Self> {
        let augmenter = match augmentation {
            Augmentation::OnDevice(plan) if !plan.is_identity() => {
                Some(augmenter(plan, &epoch, (images.height(), images.width()), device)?)
            }
            _ => None,
        };
        let work = HostWork {
            images: images.clone(),
            labels: labels.cloned(),
            augment: match augmentation {
                Augmentation::OnHost(plan) => Some(plan.clone()),
                Augmentation::None | Augmentation::OnDevice(_) => None,
            },
            normalise: device == Device::Cpu && !matches!(augmentation, Augmentation::OnDevice(_)),
            pinned: device.is_cuda(),
        };
        let source = match placement {
            Placement::Inline => Source::Inline(Box::new(work)),
            Placement::Workers(threads) => {
                Source::Workers(Workers::start(&work, &epoch, first, (*threads).max(1))?)
            }
            Placement::Resident(resident) => {
                let order: Vec<i64> = epoch.order().iter().map(|image| *image as i64).collect();
                let order = Tensor::f_from_slice(&order)?.f_to_device(device)?;
                Source::Resident(Rc::clone(resident), order)
            }
        };
        Ok(Self { source, epoch, next: first, device, normalizer: DeviceNormalizer::new(device)?, augmenter })
    }

    /// All images as they are, in their order, made by worker threads.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn in_order(
        images: &Images,
        labels: Option<&Labels>,
        batch_size: usize,
        device: Device,
    ) -> Result<Self> {
        let epoch = Epoch::in_order(images.len(), batch_size);
        // A thread more is no use to a single batch.
        let placement = match epoch.batches() {
            0 | 1 => Placement::Inline,
            _ => Placement::Workers(default_threads(device)),
        };
        Self::start(images, labels, epoch, 0, &Augmentation::None, &placement, device)
    }

    /// The images of the pass in order.
    pub fn order(&self) -> &[usize] {
        self.epoch.order()
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.epoch.batches()
    }

    /// The next batch on the device: images `float32 B,1,H,W` in -1..=1, targets `float32 B,C`; `None` after the last.
    ///
    /// # Errors
    /// When an image can't be read, a worker thread failed, or the batch doesn't fit into the device's memory.
    pub fn next_batch(&mut self) -> Result<Option<(Tensor, Tensor)>> {
        let number = self.next;
        if number >= self.batches() {
            return Ok(None);
        }
        self.next += 1;
        let range = self.epoch.range(number);
        let RawBatch { mut images, targets } = match &mut self.source {
            Source::Workers(workers) => workers.next_batch()?.on(self.device)?,
            Source::Inline(work) => {
                let mut collator = Collator::new(work);
                // Images on disk are read side by side then, not one after another.
                collator.announce(&self.epoch, number);
                collator.make(&self.epoch, number)?.on(self.device)?
            }
            Source::Resident(resident, order) => {
                let rows = order.f_narrow(0, range.start as i64, range.len() as i64)?;
                let chosen = |all: &Tensor| all.f_index_select(0, &rows);
                RawBatch { images: chosen(&resident.images)?, targets: chosen(&resident.targets)? }
            }
        };
        if let Some(augmenter) = &self.augmenter {
            images = augmenter.apply(&images, &range)?;
        } else if images.kind() == tch::Kind::Float {
            // Normalised by the workers.
            return Ok(Some((images, targets)));
        }
        Ok(Some((self.normalizer.apply(&images)?, targets)))
    }
}

impl RawBatch {
    fn on(self, device: Device) -> Result<Self, TchError> {
        Ok(Self {
            images: native::upload(&self.images, device)?,
            targets: native::upload(&self.targets, device)?,
        })
    }
}

/// The images `indices` as one batch on a device, with their labels: `float32 B,1,H,W` in -1..=1 and `float32 B,C`, without
/// columns where there are no labels.
///
/// # Errors
/// When an image can't be read, or the batch doesn't fit into the device's memory.
pub fn batch_of(
    images: &Images,
    labels: Option<&Labels>,
    indices: &[usize],
    device: Device,
) -> Result<(Tensor, Tensor)> {
    let epoch = Epoch::new(indices.to_vec(), indices.len().max(1), 0, 0);
    let mut loader =
        DataLoader::start(images, labels, epoch, 0, &Augmentation::None, &Placement::Inline, device)?;
    match loader.next_batch()? {
        Some(batch) => Ok(batch),
        None => anyhow::bail!("a batch of no images"),
    }
}

/// Draws the numbers of all images of an epoch and uploads them.
fn augmenter(
    plan: &AugmentPipeline,
    epoch: &Epoch,
    size: (usize, usize),
    device: Device,
) -> Result<DeviceAugmenter, TchError> {
    let draws: Vec<AugmentParams> = (0..epoch.order().len())
        .into_par_iter()
        .map(|place| {
            let (image, time) = epoch.at(place);
            plan.draw(epoch.seed(), epoch.number(), image, time, size)
        })
        .collect();
    DeviceAugmenter::new(&draws, plan.border(), size, device)
}

#[cfg(test)]
mod tests;
