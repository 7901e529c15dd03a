//! Images and labels on their way into the network as they are: normalisation, upload.

use tch::{Device, TchError, Tensor};

use super::cpu::normalised;
use crate::dataset::images::{Images, Labels};
use crate::label::target;

/// Gathers images into batches on a network's device.
pub struct ImageBatches<'a> {
    images: &'a Images,
    device: Device,
    table: [f32; 256],
    pixels: Vec<f32>,
    scratch: Vec<u8>,
}

impl<'a> ImageBatches<'a> {
    /// Batches of these images.
    pub fn new(images: &'a Images, device: Device) -> Self {
        Self { images, device, table: normalised(), pixels: Vec::new(), scratch: Vec::new() }
    }

    /// The images of `indices` (`float32 N,1,H,W` in -1..=1).
    ///
    /// # Errors
    /// When the batch doesn't fit into the device's memory, or an image can't be read from its file.
    pub fn gather(&mut self, indices: &[usize]) -> Result<Tensor, TchError> {
        // Images on disk are read side by side then, not one after another.
        self.images.will_need(indices.iter().copied());
        self.pixels.clear();
        for &index in indices {
            let image = self.images.read(index, &mut self.scratch)?;
            self.pixels.extend(image.iter().map(|&grey| self.table[usize::from(grey)]));
        }
        let shape = [indices.len(), 1, self.images.height(), self.images.width()].map(|n| n as i64);
        Tensor::f_from_slice(&self.pixels)?.f_view(shape)?.f_to_device(self.device)
    }
}

/// The same with the images' labels.
pub struct Batches<'a> {
    images: ImageBatches<'a>,
    labels: &'a Labels,
    targets: Vec<f32>,
}

impl<'a> Batches<'a> {
    /// Batches of these images and their labels.
    pub fn new(images: &'a Images, labels: &'a Labels, device: Device) -> Self {
        Self { images: ImageBatches::new(images, device), labels, targets: Vec::new() }
    }

    /// The images of `indices` (`float32 N,1,H,W` in -1..=1) and their labels (`float32 N,C`: 0, 1, or -1 where unknown).
    ///
    /// # Errors
    /// When the batch doesn't fit into the device's memory, or an image can't be read from its file.
    pub fn gather(&mut self, indices: &[usize]) -> Result<(Tensor, Tensor), TchError> {
        self.targets.clear();
        for &index in indices {
            self.targets.extend(self.labels.row(index).iter().map(|&label| target(label)));
        }
        let shape = [indices.len(), self.labels.classes()].map(|n| n as i64);
        let targets = Tensor::f_from_slice(&self.targets)?.f_view(shape)?;
        Ok((self.images.gather(indices)?, targets.f_to_device(self.images.device)?))
    }

    /// How many images there are.
    pub fn image_count(&self) -> usize {
        self.images.images.len()
    }

    /// The labels of `order`, row after row (`uint8 N*C`).
    pub fn labels_of(&self, order: &[usize]) -> Vec<u8> {
        order.iter().flat_map(|&index| self.labels.row(index)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_normalised_images_and_their_labels() {
        let images = Images::new(vec![0, 255, 51, 204, 255, 255, 0, 0], 2, 2).expect("two images");
        let labels = Labels::new(vec![0, 1, 1, 0], 2).expect("two rows");
        let mut batches = Batches::new(&images, &labels, Device::Cpu);
        let (x, y) = batches.gather(&[1, 0]).expect("a batch");
        assert_eq!(x.size(), [2, 1, 2, 2]);
        let values: Vec<f32> = Vec::try_from(x.flatten(0, -1)).expect("floats");
        let expected = [1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -0.6, 0.6];
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?}");
        assert_eq!(Vec::<f32>::try_from(y.flatten(0, -1)).expect("floats"), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(batches.labels_of(&[1, 0]), [1, 0, 0, 1]);
    }
}
