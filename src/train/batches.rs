//! Films and labels on their way into the network as they are: normalisation, upload.

use tch::{Device, TchError, Tensor};

use crate::augment::normalised;
use crate::dataset::films::{Films, Labels};

/// Gathers films into batches on a network's device.
pub struct FilmBatches<'a> {
    films: &'a Films,
    device: Device,
    table: [f32; 256],
    pixels: Vec<f32>,
    scratch: Vec<u8>,
}

impl<'a> FilmBatches<'a> {
    /// Batches of these films.
    pub fn new(films: &'a Films, device: Device) -> Self {
        Self { films, device, table: normalised(), pixels: Vec::new(), scratch: Vec::new() }
    }

    /// The films of `indices` (`float32 N,1,H,W` in -1..=1).
    ///
    /// # Errors
    /// What libtorch says, e.g. that the device has no memory left, or that a film can't be read from its file.
    pub fn gather(&mut self, indices: &[usize]) -> Result<Tensor, TchError> {
        // Films on disk are read side by side then, not one after another.
        self.films.will_need(indices.iter().copied());
        self.pixels.clear();
        for &index in indices {
            let film = self.films.read(index, &mut self.scratch)?;
            self.pixels.extend(film.iter().map(|&grey| self.table[usize::from(grey)]));
        }
        let shape = [indices.len(), 1, self.films.height(), self.films.width()].map(|n| n as i64);
        Tensor::f_from_slice(&self.pixels)?.f_view(shape)?.f_to_device(self.device)
    }
}

/// The same with the films' labels.
pub struct Batches<'a> {
    films: FilmBatches<'a>,
    labels: &'a Labels,
    targets: Vec<f32>,
}

impl<'a> Batches<'a> {
    /// Batches of these films and their labels.
    pub fn new(films: &'a Films, labels: &'a Labels, device: Device) -> Self {
        Self { films: FilmBatches::new(films, device), labels, targets: Vec::new() }
    }

    /// The films of `indices` (`float32 N,1,H,W` in -1..=1) and their labels (`float32 N,C`).
    ///
    /// # Errors
    /// What libtorch says, e.g. that the device has no memory left, or that a film can't be read from its file.
    pub fn gather(&mut self, indices: &[usize]) -> Result<(Tensor, Tensor), TchError> {
        self.targets.clear();
        for &index in indices {
            self.targets.extend(self.labels.row(index).iter().map(|&label| f32::from(label)));
        }
        let shape = [indices.len(), self.labels.classes()].map(|n| n as i64);
        let targets = Tensor::f_from_slice(&self.targets)?.f_view(shape)?;
        Ok((self.films.gather(indices)?, targets.f_to_device(self.films.device)?))
    }

    /// How many films there are.
    pub fn film_count(&self) -> usize {
        self.films.films.len()
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
    fn a_batch_holds_normalised_films_and_their_labels() {
        let films = Films::new(vec![0, 255, 51, 204, 255, 255, 0, 0], 2, 2).expect("two films");
        let labels = Labels::new(vec![0, 1, 1, 0], 2).expect("two rows");
        let mut batches = Batches::new(&films, &labels, Device::Cpu);
        let (x, y) = batches.gather(&[1, 0]).expect("a batch");
        assert_eq!(x.size(), [2, 1, 2, 2]);
        let values: Vec<f32> = Vec::try_from(x.flatten(0, -1)).expect("floats");
        let expected = [1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -0.6, 0.6];
        assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?}");
        assert_eq!(Vec::<f32>::try_from(y.flatten(0, -1)).expect("floats"), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(batches.labels_of(&[1, 0]), [1, 0, 0, 1]);
    }
}
