//! What training does to an image: one definition, two paths.
//!
//! A [`AugmentPipeline`] is the list of transforms in the settings; [`AugmentPipeline::draw`] fixes one image's numbers in
//! one epoch, from the run's seed, the image and the epoch alone. A [`AugmentParams`] is then carried out image by image on
//! the CPU (`cpu`) or batch by batch on the network's device (`device`), both by this order:
//!
//! 1. all geometric steps as one affine map, sampled bilinearly and rounded to grey levels;
//! 2. all pointwise steps as one table from grey level to grey level;
//! 3. blur, noise and cutout in the order of [`TRANSFORMS`], each rounded to grey levels;
//! 4. normalisation: 0..=255 to -1..=1.
//!
//! Coordinates are those of OpenCV: pixel centres at whole numbers, the first at (0, 0), y downwards.
//! A transform is one file in `transforms` and one line in [`TRANSFORMS`].

mod affine;
mod cpu;
mod device;
mod keyed_rng;
mod params;
mod transforms;
mod warp;

use crate::config::{AugmentSection, Border, Preset};

pub use affine::Affine;
pub use cpu::{CpuAugmenter, normalised, throughput};
pub use device::{DeviceAugmenter, DeviceNormalizer};
pub use params::{AugmentParams, Rect, Step};
pub use transforms::{TRANSFORMS, Transform};

use keyed_rng::KeyedRng;

/// The transforms of a run with their ranges, presets resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct AugmentPipeline {
    section: AugmentSection,
    /// Whether width and height are scaled alike.
    keep_ratio: bool,
}

impl AugmentPipeline {
    /// The plan of these settings.
    pub fn new(section: &AugmentSection) -> Self {
        let off = AugmentSection {
            rotate90_p: 0.0,
            vflip_p: 0.0,
            hflip_p: 0.0,
            affine_p: 0.0,
            brightness_contrast_p: 0.0,
            gamma_p: 0.0,
            noise_p: 0.0,
            blur_p: 0.0,
            cutout_p: 0.0,
            crop_p: 0.0,
            border: Border::Constant,
            ..section.clone()
        };
        let resolved = match section.preset {
            Preset::None => off,
            Preset::Custom => section.clone(),
            Preset::Chest => {
                let chest = AugmentSection::default();
                AugmentSection { preset: section.preset, on: section.on, workers: section.workers, ..chest }
            }
            // RandomRotate90, VerticalFlip, ShiftScaleRotate and RandomBrightnessContrast of albumentations 2
            // with the predecessor's probabilities and limits.
            Preset::Predecessor => AugmentSection {
                rotate90_p: 0.5,
                vflip_p: 0.5,
                affine_p: 0.5,
                rotate: 15.0,
                shift: 0.1,
                scale: 0.1,
                shear: 0.0,
                brightness_contrast_p: 0.2,
                brightness: 0.2,
                contrast: 0.2,
                ..off
            },
        };
        // albumentations draws the two scales apart; a chest keeps its proportions.
        let keep_ratio = section.preset != Preset::Predecessor;
        Self { section: resolved, keep_ratio }
    }

    /// The resolved settings.
    pub fn section(&self) -> &AugmentSection {
        &self.section
    }

    /// Whether width and height are scaled alike.
    pub fn keep_ratio(&self) -> bool {
        self.keep_ratio
    }

    /// What lies beyond a moved image's edge.
    pub fn border(&self) -> Border {
        self.section.border
    }

    /// Whether images stay as they are.
    pub fn is_identity(&self) -> bool {
        TRANSFORMS.iter().all(|transform| (transform.probability)(&self.section) == 0.0)
    }

    /// The numbers of one image (`height x width` pixels) in one epoch. `time` counts how often the image has
    /// come in this epoch already, 0 as long as each comes once.
    ///
    /// Every transform draws from a generator of its own, so switching one leaves the others as they are.
    pub fn draw(
        &self,
        seed: u64,
        epoch: usize,
        image: usize,
        time: u32,
        size: (usize, usize),
    ) -> AugmentParams {
        let mut draw = AugmentParams::new(size);
        for (topic, transform) in TRANSFORMS.iter().enumerate() {
            let probability = (transform.probability)(&self.section);
            if probability == 0.0 {
                continue;
            }
            let mut rng = KeyedRng::new([seed, epoch as u64, image as u64, u64::from(time), topic as u64]);
            if rng.chance(probability) {
                (transform.draw)(self, &mut rng, &mut draw);
            }
        }
        draw
    }
}

#[cfg(test)]
mod tests;
