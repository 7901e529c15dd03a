//! Training images that lie on the network's device.

use tch::{Device, Kind, Tensor};

use super::Epoch;
use super::collate::{Collator, HostWork, RawBatch};
use crate::dataset::images::{Images, Labels};
use crate::native;

/// Bytes uploaded at once: the images have no second copy in main memory while they go up.
const CHUNK: usize = 64 << 20;

/// Images and labels of a split on a device.
pub struct Resident {
    /// `uint8 N,1,H,W`.
    pub(super) images: Tensor,
    /// `float32 N,C`: 0, 1, or -1 where a label is unknown.
    pub(super) targets: Tensor,
}

impl Resident {
    /// Uploads images and their labels.
    ///
    /// # Errors
    /// When an image can't be read, or the device's memory doesn't hold them.
    pub fn upload(images: &Images, labels: &Labels, device: Device) -> anyhow::Result<Self> {
        let shape = [images.len(), 1, images.height(), images.width()].map(|n| n as i64);
        let pixels = Tensor::f_empty(shape, (Kind::Uint8, device))?;
        let targets = Tensor::f_empty([shape[0], labels.classes() as i64], (Kind::Float, device))?;
        let work = HostWork {
            images: images.clone(),
            labels: Some(labels.clone()),
            augment: None,
            normalise: false,
            pinned: device.is_cuda(),
        };
        let mut collator = Collator::new(&work);
        let epoch = Epoch::in_order(images.len(), (CHUNK / images.area()).max(1));
        for number in 0..epoch.batches() {
            collator.announce(&epoch, number + 1);
            let range = epoch.range(number);
            let part = |tensor: &Tensor| tensor.f_narrow(0, range.start as i64, range.len() as i64);
            let RawBatch { images, targets: rows } = collator.make(&epoch, number)?;
            part(&pixels)?.f_copy_(&native::upload(&images, device)?)?;
            part(&targets)?.f_copy_(&native::upload(&rows, device)?)?;
        }
        Ok(Self { images: pixels, targets })
    }
}
