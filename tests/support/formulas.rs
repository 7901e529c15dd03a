//! The weights, images and labels that `tests/reference/formulas.py` computes on the other side.

use tch::{Device, Tensor};

use chestxr_tui::config::{Arch, ModelSection, Stem};
use chestxr_tui::dataset::images::{Images, Labels};
use chestxr_tui::model::{Network, Shape};

pub const CLASSES: usize = 14;
const SIDE: usize = 64;
const SHAPE: Shape = Shape { height: SIDE, width: SIDE, classes: CLASSES };

/// What a name stands for in [`mix`]: its FNV-1a hash.
pub fn name_hash(name: &str) -> u32 {
    name.bytes().fold(2_166_136_261, |h, byte| (h ^ u32::from(byte)).wrapping_mul(16_777_619))
}

/// A number in 0..2^32 for place `i` of what `h` stands for.
pub fn mix(i: usize, h: u32) -> u32 {
    let mut x = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(h);
    x ^= x >> 16;
    x = x.wrapping_mul(0x85EB_CA6B);
    x ^= x >> 13;
    x = x.wrapping_mul(0xC2B2_AE35);
    x ^ (x >> 16)
}

/// The value of a tensor of this name and shape: batch norms have statistics as after training.
pub fn parameter(name: &str, shape: &[i64], gain: f64) -> Tensor {
    if name.ends_with("num_batches_tracked") {
        return Tensor::from(0_i64);
    }
    let hash = name_hash(name);
    let fan_in: i64 = shape.iter().skip(1).product();
    let count: i64 = shape.iter().product();
    let values: Vec<f32> = (0..count as usize)
        .map(|i| {
            let u = f64::from(mix(i, hash)) / 2_147_483_648.0 - 1.0;
            let value = match name {
                _ if name.ends_with("running_mean") => 0.05 * u,
                _ if name.ends_with("running_var") => 1.0 + 0.1 * u.abs(),
                _ if shape.len() >= 2 => u * (gain / fan_in as f64).sqrt(),
                _ if name.ends_with("weight") => 1.0 + 0.1 * u,
                _ => 0.1 * u,
            };
            value as f32
        })
        .collect();
    Tensor::from_slice(&values).view(shape)
}

/// Synthetic images of 64 x 64 and their labels.
pub fn images(count: usize) -> (Images, Labels) {
    let (patch, grain, label) = (name_hash("film.patch"), name_hash("film.grain"), name_hash("film.label"));
    let mut pixels = Vec::with_capacity(count * SIDE * SIDE);
    for n in 0..count {
        for y in 0..SIDE {
            for x in 0..SIDE {
                let patch = mix(n * 64 + (y / 8) * 8 + x / 8, patch) >> 24;
                let grain = mix(n * 4096 + y * 64 + x, grain) >> 24;
                pixels.push(((3 * patch + grain) / 4) as u8);
            }
        }
    }
    let labels = (0..count * CLASSES)
        .map(|i| u8::from(mix(i, label) % 100 < 10 + 20 * (i % CLASSES) as u32 / 13))
        .collect();
    (Images::new(pixels, SIDE, SIDE).expect("whole images"), Labels::new(labels, CLASSES).expect("0 or 1"))
}

/// A network by the golden file's name for it, with the formula's weights, read from a safetensors file as
/// any weights are.
pub fn network(name: &str, gain: f64, dropout: f64) -> Network {
    let (arch, stem) = name.split_once('.').unwrap_or((name, "auto"));
    let arch = Arch::from_name(arch).expect("a network");
    let stem = Stem::from_name(stem).expect("a stem");
    let section = ModelSection { arch, stem, dropout, ..ModelSection::default() };
    let mut network = Network::build(&section, SHAPE, Device::Cpu).expect("the network is built");
    let tensors: Vec<(String, Tensor)> = network
        .state()
        .iter()
        .map(|(name, tensor)| (name.to_owned(), parameter(name, &tensor.size(), gain)))
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.safetensors");
    Tensor::write_safetensors(&tensors, &path).expect("written");
    network.state_mut().load(&path).expect("the weights fit");
    network
}
