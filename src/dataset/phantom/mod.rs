//! The phantom source: chest images drawn from nothing but a seed, for trying everything without a download.
//!
//! Each image is one invented patient: body, lungs, heart, ribs, vessels and exposure vary from image to image,
//! and the fourteen conditions of ChestX-ray14 are drawn as they look, as often and as often together as in
//! ChestMNIST. An image depends on (seed, index) only; its size changes the sampling, not the patient.
//!
//! Labels are as imperfect as text-mined ones: 4% of the positive labels have nothing drawn on the image, and
//! about 2% of the images show a finding that their labels omit. Findings, with boxes and masks, are what is
//! drawn, and explanations are evaluated against them. They differ in how conspicuous they are, down to hardly
//! visible. Images are for exercising the program, not for learning anything about patients.
//!
//! `label_model` samples which conditions an image has, `patient` and `anatomy` what the chest looks like,
//! and the rng. Reading files lives elsewhere.

mod anatomy;
mod canvas;
mod draw;
mod exposure;
mod findings;
mod label_model;
mod patient;

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::images::{Images, Labels};
use anatomy::Anatomy;
use canvas::Plane;
use draw::{Draw, Topic};
use exposure::Exposure;
use findings::{Lesion, Stage};
use label_model::CONDITIONS;
use patient::Patient;

/// Image sizes that can be drawn, in pixels.
pub const SIZES: RangeInclusive<usize> = 28..=512;

/// Share of positive labels whose finding is not on the image.
const OVERSTATED: f32 = 0.04;

/// Share of images that get a second, unlabelled set of conditions; 54% of these sets are empty.
const UNMENTIONED: f32 = 0.045;

/// A finding covers the pixels where it shows at least this share of its strongest pixel.
const VISIBLE_SHARE: f32 = 0.35;

/// An image with what is drawn on it.
#[derive(Clone, Debug, PartialEq)]
pub struct PhantomImage {
    /// Grey values, `size*size`, row by row, 0 black to 255 white.
    pub pixels: Vec<u8>,
    /// Fourteen values of 0 or 1 in ChestX-ray14's order.
    pub labels: Vec<u8>,
    /// What is drawn, one entry for each lesion; a label may have several or, by label noise, none.
    pub findings: Vec<Finding>,
}

/// One lesion on an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Label column, 0 to 13.
    pub condition: usize,
    /// The smallest box around the mask.
    pub bounds: Bounds,
    /// `size*size` values, 1 where the lesion is.
    pub mask: Vec<u8>,
}

/// A box in pixels of the image; `x` and `y` are its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Left border, 0 to the image's width.
    pub x: f32,
    /// Upper border, 0 to the image's height.
    pub y: f32,
    /// At least 1.
    pub width: f32,
    /// At least 1.
    pub height: f32,
}

/// An image size outside [`SIZES`] was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("phantom images can be 28 to 512 pixels wide, not {size}; choose a size in that range")]
pub struct SizeOutOfRange {
    /// The requested size.
    pub size: usize,
}

/// Draws image `index` of the collection `seed` at `size` pixels (28 to 512).
///
/// The same arguments give the same image, bit for bit, on every machine; another size gives the same patient.
pub fn image(seed: u64, index: u64, size: usize) -> Result<PhantomImage, SizeOutOfRange> {
    check(size)?;
    let (labels, pixels, found) = render(seed, index, size);
    let findings = found.into_iter().filter_map(|(condition, region)| finding(condition, &region)).collect();
    Ok(PhantomImage { pixels, labels: labels.to_vec(), findings })
}

/// Draws `count` images of the collection `seed` starting at `first`, on all of rayon's threads.
///
/// Their findings are not kept; [`image`] draws any of them again.
///
/// # Errors
/// When `size` is out of range.
pub fn images(seed: u64, first: u64, count: usize, size: usize) -> Result<(Images, Labels), SizeOutOfRange> {
    // Never cancelled, so there is always a result.
    images_watched(seed, first, count, size, &|| true).map(|drawn| drawn.expect("not cancelled"))
}

/// As [`images`]; `keep_going` is called before each image, and `None` is returned once it gives `false`.
///
/// # Errors
/// When `size` is out of range.
pub fn images_watched(
    seed: u64,
    first: u64,
    count: usize,
    size: usize,
    keep_going: &(dyn Fn() -> bool + Sync),
) -> Result<Option<(Images, Labels)>, SizeOutOfRange> {
    check(size)?;
    let mut pixels = vec![0; count * size * size];
    let mut labels = vec![0; count * CONDITIONS];
    let drawn = pixels
        .par_chunks_exact_mut(size * size)
        .zip(labels.par_chunks_exact_mut(CONDITIONS))
        .enumerate()
        .try_for_each(|(offset, (image, row))| {
            if !keep_going() {
                return None;
            }
            let (labels, pixels, _) = render(seed, first.wrapping_add(offset as u64), size);
            image.copy_from_slice(&pixels);
            row.copy_from_slice(&labels);
            Some(())
        });
    if drawn.is_none() {
        return Ok(None);
    }
    // Whole images and rows of 0 and 1 by construction.
    let images = Images::new(pixels, size, size).expect("whole images of a size above 0");
    let labels = Labels::new(labels, CONDITIONS).expect("whole rows of 0 and 1");
    Ok(Some((images, labels)))
}

fn check(size: usize) -> Result<(), SizeOutOfRange> {
    if SIZES.contains(&size) { Ok(()) } else { Err(SizeOutOfRange { size }) }
}

/// Where each finding shows, with its label column.
type Found = Vec<(usize, Plane)>;

/// Labels, pixels and findings of one image; `size` has been checked.
fn render(seed: u64, index: u64, size: usize) -> ([u8; CONDITIONS], Vec<u8>, Found) {
    let draw = &mut Draw::new(seed, index, Topic::Labels);
    let labels = label_model::labels(draw);
    let lesions: Vec<Lesion> = drawn_conditions(&labels, draw)
        .into_iter()
        .map(|condition| Lesion::new(seed, index, condition))
        .collect();
    let mut patient = Patient::new(&mut Draw::new(seed, index, Topic::Patient));
    for lesion in &lesions {
        lesion.reshape(&mut patient);
    }
    let view = patient.view(size);
    let anatomy = Anatomy::new(&patient, &view, &mut Draw::new(seed, index, Topic::Markings));
    let mut stage = Stage::new(&patient, &view, &anatomy);
    for lesion in lesions {
        lesion.draw(&mut stage);
    }
    let (effects, found) = (stage.effects, stage.found);
    let pixels = Exposure::new(seed, index).develop(&patient, &view, &anatomy, &effects);
    (labels, pixels, found)
}

/// Numbers of training and validation images among `count`: 70 % and 10 %, as in ChestMNIST; the rest are test images.
pub fn split_counts(count: usize) -> (usize, usize) {
    (count * 7 / 10, count / 10)
}

/// The conditions on the image: those labelled, but for the label noise.
fn drawn_conditions(labels: &[u8; CONDITIONS], draw: &mut Draw) -> Vec<usize> {
    let mut shown = labels.map(|label| label == 1 && !draw.chance(OVERSTATED));
    if draw.chance(UNMENTIONED) {
        for (shown, more) in shown.iter_mut().zip(label_model::labels(draw)) {
            *shown |= more == 1;
        }
    }
    (0..CONDITIONS).filter(|condition| shown[*condition]).collect()
}

/// The mask and box of a region; `None` where it lies outside the image altogether.
fn finding(condition: usize, region: &Plane) -> Option<Finding> {
    let (side, threshold) = (region.side, VISIBLE_SHARE * region.peak());
    let visible = |value: f32| value > 1e-4 && value >= threshold;
    let mask: Vec<u8> = region.values.iter().map(|value| u8::from(visible(*value))).collect();
    let (mut left, mut right, mut top, mut bottom) = (side, 0, side, 0);
    for i in mask.iter().enumerate().filter_map(|(i, inside)| (*inside == 1).then_some(i)) {
        let (x, y) = (i % side, i / side);
        (left, right) = (left.min(x), right.max(x + 1));
        (top, bottom) = (top.min(y), bottom.max(y + 1));
    }
    let bounds = Bounds {
        x: left as f32,
        y: top as f32,
        width: right.saturating_sub(left) as f32,
        height: bottom.saturating_sub(top) as f32,
    };
    (left < right).then_some(Finding { condition, bounds, mask })
}

#[cfg(test)]
mod tests;
