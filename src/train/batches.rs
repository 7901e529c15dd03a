//! The training images of a run on their way into the network.

use std::rc::Rc;

use anyhow::Result;

use super::setup::Setup;
use crate::augment::AugmentPipeline;
use crate::config::{AugmentOn, OnGpu};
use crate::data_loader::{Augmentation, DataLoader, Epoch, Placement, Resident, default_threads, order};
use crate::dataset::Split;
use crate::native;

/// Share of a device's free memory that images may take; the rest is for the network.
const IMAGE_SHARE: f64 = 0.5;

impl Setup {
    /// Where the batches of this run's training are put together. Uploads the training images once where a GPU augments them
    /// and, unless the settings decide, half of its free memory holds them.
    ///
    /// # Errors
    /// When the images can't be read, or don't fit into the device's memory after all.
    pub fn placement(&self) -> Result<Placement> {
        let (images, labels) = self.dataset.trainable(Split::Train)?;
        let bytes = (images.bytes() + 4 * labels.values().len()) as f64;
        let fits = || {
            native::device_memory(self.device).is_some_and(|memory| bytes < IMAGE_SHARE * memory.free as f64)
        };
        let resident = self.device.is_cuda()
            && self.config.augment.on == AugmentOn::Device
            && match self.config.data.on_gpu {
                OnGpu::Auto => fits(),
                OnGpu::Resident => true,
                OnGpu::Streamed => false,
            };
        Ok(match (resident, self.config.augment.workers) {
            (true, _) => Placement::Resident(Rc::new(Resident::upload(images, labels, self.device)?)),
            (false, 0) => Placement::Workers(default_threads(self.device)),
            (false, workers) => Placement::Workers(workers),
        })
    }

    /// The training images of an epoch (from 1), augmented, from batch `first` on.
    ///
    /// # Errors
    /// When the system refuses a thread, or the device has no memory left.
    pub fn training_batches(&self, placement: &Placement, epoch: usize, first: usize) -> Result<DataLoader> {
        let config = &self.config;
        let (images, labels) = self.dataset.trainable(Split::Train)?;
        let (seed, batch_size) = (config.run.seed, config.optimizer.batch_size);
        let order = order(config.data.sampling, labels, seed, epoch);
        let plan = AugmentPipeline::new(&config.augment);
        let augmentation = match config.augment.on {
            AugmentOn::Device => Augmentation::OnDevice(plan),
            AugmentOn::Cpu | AugmentOn::Auto => Augmentation::OnHost(plan),
        };
        let epoch = Epoch::new(order, batch_size, seed, epoch);
        DataLoader::start(images, Some(labels), epoch, first, &augmentation, placement, self.device)
    }
}
