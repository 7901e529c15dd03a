//! Images augmented one by one on the CPU, from grey levels straight into the batch.

use std::io;
use std::time::{Duration, Instant};

use super::warp::Warp;
use super::{AugmentParams, AugmentPipeline, Step};
use crate::config::Border;
use crate::dataset::images::Images;
use crate::random::split_mix64;

/// Grey values 0..=255 are brought to -1..=1: mean .5 and deviation .5 of the unit interval.
pub fn normalised() -> [f32; 256] {
    std::array::from_fn(|grey| (grey as f32 / 255.0 - 0.5) / 0.5)
}

/// Carries out draws; keeps the memory it works in.
pub struct CpuAugmenter {
    border: Border,
    normal: [f32; 256],
    warp: Warp,
    greys: Vec<u8>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl CpuAugmenter {
    /// A painter for images of a plan with this border.
    pub fn new(border: Border) -> Self {
        let [first, second] = [Vec::new(), Vec::new()];
        Self { border, normal: normalised(), warp: Warp::default(), greys: Vec::new(), first, second }
    }

    /// Paints `image` (`H*W` grey levels) by the numbers of `draw` into `out` (`H*W`), normalised to -1..=1.
    ///
    /// # Panics
    /// When the lengths don't fit the draw's size, which is a mistake in the calling code.
    pub fn paint(&mut self, image: &[u8], draw: &AugmentParams, out: &mut [f32]) {
        let normal = self.normal;
        let table = match draw.tone() {
            Some(tone) => tone.map(|grey| normal[usize::from(grey)]),
            None => normal,
        };
        if draw.spatial().next().is_none() {
            return self.warp(image, draw, &table, out);
        }
        let mut greys = std::mem::take(&mut self.greys);
        greys.resize(image.len(), 0);
        self.paint_greys(image, draw, &mut greys);
        for (value, grey) in out.iter_mut().zip(&greys) {
            *value = normal[usize::from(*grey)];
        }
        self.greys = greys;
    }

    /// The same in grey levels, to look at.
    ///
    /// # Panics
    /// As [`CpuAugmenter::paint`].
    pub fn paint_greys(&mut self, image: &[u8], draw: &AugmentParams, out: &mut [u8]) {
        let tone = draw.tone().unwrap_or_else(|| std::array::from_fn(|grey| grey as u8));
        self.warp(image, draw, &tone, out);
        for step in draw.spatial() {
            match step {
                Step::Blur { sigma } => self.blur(out, draw.size, *sigma),
                Step::Noise { sigma, seed } => {
                    for (place, grey) in out.iter_mut().enumerate() {
                        // A float becomes a byte by clipping.
                        *grey = (f32::from(*grey) + noise(*seed, place, *sigma)).round() as u8;
                    }
                }
                Step::CutOut(rect) => {
                    for row in out.chunks_exact_mut(draw.size.1).take(rect.bottom).skip(rect.top) {
                        row[rect.left..rect.right].fill(0);
                    }
                }
                Step::Move(_) | Step::Tone(_) => {}
            }
        }
    }

    /// Moves the image and looks every grey level up in `table`.
    fn warp<T: Copy>(&mut self, image: &[u8], draw: &AugmentParams, table: &[T; 256], out: &mut [T]) {
        self.warp.run(image, draw.size, draw.map().inverse(), self.border, table, out);
    }

    /// Two passes with a normalised Gaussian of radius 3 sigma, mirrored at the border.
    fn blur(&mut self, greys: &mut [u8], (height, width): (usize, usize), sigma: f64) {
        let kernel = gaussian(sigma);
        if kernel.len() == 1 {
            return;
        }
        self.first.clear();
        self.first.extend(greys.iter().map(|grey| f32::from(*grey)));
        self.second.resize(greys.len(), 0.0);
        let reach = (kernel.len() / 2) as isize;
        let along =
            |from: &[f32], to: &mut [f32], step: usize, count: usize, place: &dyn Fn(usize) -> usize| {
                for (index, value) in to.iter_mut().enumerate() {
                    let at = place(index);
                    let start = index - at * step;
                    *value = (-reach..=reach)
                        .zip(&kernel)
                        .map(|(offset, weight)| {
                            weight * from[start + fold(at as isize + offset, count) * step]
                        })
                        .sum();
                }
            };
        along(&self.first, &mut self.second, 1, width, &|index| index % width);
        along(&self.second, &mut self.first, width, height, &|index| index / width);
        for (grey, value) in greys.iter_mut().zip(&self.first) {
            *grey = value.round() as u8;
        }
    }
}

/// A pixel's place mirrored into `0..count` in the same way.
fn fold(place: isize, count: usize) -> usize {
    let last = count as isize - 1;
    if last == 0 {
        return 0;
    }
    let place = place.unsigned_abs() as isize % (2 * last);
    (if place > last { 2 * last - place } else { place }) as usize
}

/// Weights of a Gaussian of this deviation in pixels, cut at three deviations; one weight for none.
pub(super) fn gaussian(sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as i32;
    if reach == 0 {
        return vec![1.0];
    }
    let weight = |offset: i32| (-0.5 * (f64::from(offset) / sigma).powi(2)).exp();
    let total: f64 = (-reach..=reach).map(weight).sum();
    (-reach..=reach).map(|offset| (weight(offset) / total) as f32).collect()
}

/// Noise of this deviation at a pixel: the sum of four even 16-bit numbers (variance 1/3 of their range
/// squared), which is close to Gaussian and ends at 3.46 deviations.
pub(super) fn noise(seed: u64, place: usize, sigma: f64) -> f32 {
    let bits = split_mix64(seed ^ split_mix64(place as u64));
    let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xFFFF).sum();
    ((sum as f64 / 65_535.0 - 2.0) * 3.0_f64.sqrt() * sigma) as f32
}

/// Images a second that one thread augments by this plan, over about `duration`.
///
/// # Errors
/// When an image can't be read from its file.
pub fn throughput(plan: &AugmentPipeline, images: &Images, duration: Duration) -> io::Result<f64> {
    let mut scratch = Vec::new();
    let size = (images.height(), images.width());
    let mut painter = CpuAugmenter::new(plan.border());
    let mut out = vec![0.0; images.area()];
    let started = Instant::now();
    let mut done = 0_usize;
    while started.elapsed() < duration {
        // The clock is read now and then: it would cost as much as an image.
        for _ in 0..64 {
            let image = done % images.len();
            painter.paint(
                images.read(image, &mut scratch)?,
                &plan.draw(0, done / images.len(), image, 0, size),
                &mut out,
            );
            done += 1;
        }
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}
