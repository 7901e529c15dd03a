//! The images of an epoch, their order, and their way to the network.

use std::sync::Arc;

use anyhow::Result;
use tch::{Device, Kind, Tensor};

use super::sampler::order;
use super::setup::Setup;
use crate::augment::{AugmentPipeline, Collator, Epoch, Loader, augment_batch};
use crate::config::{AugmentOn, Sampling};
use crate::dataset::Split;

/// Threads that augment for a GPU, at most.
const MOST_WORKERS: usize = 8;

/// Training images and labels that lie on the network's device.
pub struct Resident {
    /// `uint8 N,H,W`.
    images: Tensor,
    /// `float32 N,C`: 0, 1, or -1 where a label is unknown.
    targets: Tensor,
}

impl Resident {
    /// Uploads the training images, if they shall be augmented on the device and fit there.
    ///
    /// # Errors
    /// When the images can't be read, or don't fit into the device's memory after all.
    pub fn upload(setup: &Setup) -> Result<Option<Self>> {
        if setup.config.augment.on != AugmentOn::Device {
            return Ok(None);
        }
        let (images, labels) = setup.dataset.trainable(Split::Train)?;
        let [count, height, width] = [images.len(), images.height(), images.width()].map(|n| n as i64);
        let pixels = Tensor::f_from_slice(&images.gathered()?)?.f_view([count, height, width])?;
        let signed: Vec<i8> = labels.values().iter().map(|label| label.cast_signed()).collect();
        let targets = Tensor::f_from_slice(&signed)?.f_view([count, -1])?;
        Ok(Some(Self {
            images: pixels.f_to_device(setup.device)?,
            targets: targets.f_to_device(setup.device)?.f_to_kind(Kind::Float)?,
        }))
    }
}

/// The batches of an epoch on the network's device, augmented.
pub struct DataLoader<'a> {
    way: BatchSource<'a>,
    epoch: Epoch,
    next: usize,
    device: Device,
}

enum BatchSource<'a> {
    /// By worker threads ahead of the step.
    Ahead(Loader),
    /// On the calling thread.
    Inline(Box<Collator<'a>>),
    /// From images that lie on the device.
    OnDevice(&'a Resident, &'a AugmentPipeline),
}

impl<'a> DataLoader<'a> {
    /// The batches of an epoch from batch `first` on.
    ///
    /// # Errors
    /// When the system refuses a thread or the images aren't there.
    pub fn start(
        setup: &'a Setup,
        plan: &'a AugmentPipeline,
        resident: Option<&'a Resident>,
        epoch: usize,
        first: usize,
    ) -> Result<Self> {
        let config = &setup.config;
        let (_, labels) = setup.dataset.trainable(Split::Train)?;
        let order = order(config.data.sampling, labels, config.run.seed, epoch);
        let times = match config.data.sampling {
            Sampling::Shuffle => Vec::new(),
            Sampling::Balanced => times(&order, labels.len()),
        };
        let epoch = Epoch {
            order: Arc::new(order),
            times: Arc::new(times),
            batch_size: config.optimizer.batch_size,
            seed: config.run.seed,
            epoch,
        };
        let cuda = setup.device.is_cuda();
        let workers = match config.augment.workers {
            0 if cuda => std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS),
            0 => 1,
            workers => workers,
        };
        let way = match resident {
            Some(resident) => BatchSource::OnDevice(resident, plan),
            None => {
                let pinned = cuda.then_some(setup.device);
                BatchSource::Ahead(Loader::start(&setup.dataset, plan, &epoch, first, workers, pinned)?)
            }
        };
        Ok(Self { way, epoch, next: first, device: setup.device })
    }

    /// Batches made on the calling thread, one after another: for a few batches.
    ///
    /// # Errors
    /// As [`DataLoader::start`].
    pub fn without_threads(setup: &'a Setup, plan: &'a AugmentPipeline, epoch: usize) -> Result<Self> {
        let config = &setup.config;
        let (_, labels) = setup.dataset.trainable(Split::Train)?;
        let order = order(config.data.sampling, labels, config.run.seed, epoch);
        let epoch = Epoch {
            order: Arc::new(order),
            times: Arc::default(),
            batch_size: config.optimizer.batch_size,
            seed: config.run.seed,
            epoch,
        };
        let way = BatchSource::Inline(Box::new(Collator::new(&setup.dataset, plan)));
        Ok(Self { way, epoch, next: 0, device: setup.device })
    }

    /// The images of the epoch in order.
    pub fn order(&self) -> &[usize] {
        &self.epoch.order
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.epoch.batches()
    }

    /// The next batch: images `float32 N,1,H,W` in -1..=1, targets `float32 N,C`; `None` after the last.
    ///
    /// # Errors
    /// When an image can't be read, a worker thread failed, or the batch doesn't fit into the device's memory.
    pub fn next_batch(&mut self) -> Result<Option<(Tensor, Tensor)>> {
        let number = self.next;
        if number >= self.batches() {
            return Ok(None);
        }
        self.next += 1;
        let batch = match &mut self.way {
            BatchSource::Ahead(loader) => loader.next_batch()?,
            BatchSource::Inline(maker) => maker.make(&self.epoch, number)?,
            BatchSource::OnDevice(resident, plan) => {
                let size = (resident.images.size()[1] as usize, resident.images.size()[2] as usize);
                let (indices, draws): (Vec<usize>, Vec<_>) = self
                    .epoch
                    .batch(number)
                    .map(|(image, time)| {
                        (image, plan.draw(self.epoch.seed, self.epoch.epoch, image, time, size))
                    })
                    .unzip();
                let images = augment_batch(&resident.images, &indices, &draws, plan.border())?;
                let rows: Vec<i64> = indices.iter().map(|index| *index as i64).collect();
                let rows = Tensor::f_from_slice(&rows)?.f_to_device(self.device)?;
                return Ok(Some((images, resident.targets.f_index_select(0, &rows)?)));
            }
        };
        // Non-blocking: from pinned memory the call returns before the copy is done. The copy is queued on the same stream
        // as the training step, so it still runs before that step and does not overlap with it.
        let upload = |tensor: Tensor| tensor.f_to_device_(self.device, Kind::Float, true, false);
        Ok(Some((upload(batch.images)?, upload(batch.targets)?)))
    }
}

/// How often each image of an order has come before.
fn times(order: &[usize], images: usize) -> Vec<u32> {
    let mut seen = vec![0; images];
    order
        .iter()
        .map(|image| {
            seen[*image] += 1;
            seen[*image] - 1
        })
        .collect()
}
