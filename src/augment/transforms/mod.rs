//! The transforms, one file each.

mod affine;
mod blur;
mod brightness_contrast;
mod crop;
mod cutout;
mod gamma;
mod hflip;
mod noise;
mod rotate90;
mod vflip;

#[cfg(test)]
pub(super) use affine::matrix as affine_matrix;
#[cfg(test)]
pub(super) use brightness_contrast::table as tone_table;
#[cfg(test)]
pub(super) use crop::enlarged;

use super::keyed_rng::KeyedRng;
use super::{AugmentParams, AugmentPipeline};
use crate::config::AugmentSection;

/// One thing that can happen to an image.
#[derive(Clone, Copy)]
pub struct Transform {
    /// As in the settings.
    pub name: &'static str,
    /// The name shown.
    pub label: &'static str,
    /// Its settings: the probability first, then the ranges.
    pub settings: &'static [&'static str],
    /// Its chance, 0..=1.
    pub probability: fn(&AugmentSection) -> f64,
    /// Draws its numbers and adds what it does.
    pub draw: fn(&AugmentPipeline, &mut KeyedRng, &mut AugmentParams),
}

/// All transforms. Geometric ones are joined in this order, then pointwise ones, then the others act in it.
pub const TRANSFORMS: &[Transform] = &[
    rotate90::TRANSFORM,
    vflip::TRANSFORM,
    hflip::TRANSFORM,
    affine::TRANSFORM,
    brightness_contrast::TRANSFORM,
    gamma::TRANSFORM,
    blur::TRANSFORM,
    noise::TRANSFORM,
    cutout::TRANSFORM,
    // Behind the others, since each draws from a generator of its number: runs of before stay what they were.
    crop::TRANSFORM,
];
