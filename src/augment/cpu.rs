//! Images augmented one by one on the CPU, from grey levels straight into the batch.

use std::io;
use std::time::{Duration, Instant};

use super::{Affine, AugmentParams, AugmentPipeline, Step};
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
    /// The image with one more pixel on every side.
    padded: Vec<u8>,
    greys: Vec<u8>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl CpuAugmenter {
    /// A painter for images of a plan with this border.
    pub fn new(border: Border) -> Self {
        let [first, second] = [Vec::new(), Vec::new()];
        Self { border, normal: normalised(), padded: Vec::new(), greys: Vec::new(), first, second }
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
        let (height, width) = draw.size;
        assert!(image.len() == height * width && out.len() == image.len(), "an image of another size");
        let back = draw.map().inverse();
        if let Some(pixels) = back.on_pixels() {
            return pick(image, draw.size, pixels, table, out);
        }
        self.pad(image, draw.size);
        match self.border {
            // Beyond the ring of black pixels all is as black as in it.
            Border::Constant => {
                sample(&self.padded, draw.size, back, table, out, |s, side| s.clamp(-1.0, side) + 1.0)
            }
            Border::Reflect => {
                sample(&self.padded, draw.size, back, table, out, |s, side| mirrored(s, side) + 1.0)
            }
        }
    }

    fn pad(&mut self, image: &[u8], (height, width): (usize, usize)) {
        let stride = width + 2;
        self.padded.clear();
        self.padded.resize((height + 2) * stride, 0);
        for (row, pixels) in image.chunks_exact(width).enumerate() {
            let start = (row + 1) * stride + 1;
            self.padded[start..start + width].copy_from_slice(pixels);
        }
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

/// Pixels onto pixels: no two are mixed. What comes from outside is grey level 0 of the image.
fn pick<T: Copy>(
    image: &[u8],
    (height, width): (usize, usize),
    map: [i64; 6],
    table: &[T; 256],
    out: &mut [T],
) {
    let [a, b, c, d, e, f] = map;
    let black = table[0];
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        let (start_x, start_y) = (b * y as i64 + c, e * y as i64 + f);
        for (x, value) in row.iter_mut().enumerate() {
            let (from_x, from_y) = (a * x as i64 + start_x, d * x as i64 + start_y);
            let inside = (0..width as i64).contains(&from_x) && (0..height as i64).contains(&from_y);
            *value = match inside {
                true => table[usize::from(image[from_y as usize * width + from_x as usize])],
                false => black,
            };
        }
    }
}

/// Bilinear samples of a padded image. `onto` brings a coordinate into the padded image, given the image's side
/// in pixels.
#[inline(always)]
fn sample<T: Copy>(
    padded: &[u8],
    (_, width): (usize, usize),
    back: Affine,
    table: &[T; 256],
    out: &mut [T],
    onto: impl Fn(f32, f32) -> f32,
) {
    let stride = width + 2;
    let height = padded.len() / stride - 2;
    let (wide, tall) = (width as f32, height as f32);
    let (a, d) = (back.a as f32, back.d as f32);
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        let (start_x, start_y) = back.apply(0.0, y as f64);
        let (start_x, start_y) = (start_x as f32, start_y as f32);
        for (x, value) in row.iter_mut().enumerate() {
            let (from_x, from_y) = (onto(start_x + a * x as f32, wide), onto(start_y + d * x as f32, tall));
            // Both are at least 0, and the last pixel has no right neighbour of its own.
            let (column, line) = ((from_x as usize).min(width), (from_y as usize).min(height));
            let (right, down) = (from_x - column as f32, from_y - line as f32);
            let upper = &padded[line * stride + column..][..stride + 2];
            let [one, two] = [f32::from(upper[0]), f32::from(upper[1])];
            let [three, four] = [f32::from(upper[stride]), f32::from(upper[stride + 1])];
            let above = one + right * (two - one);
            let below = three + right * (four - three);
            let grey = above + down * (below - above);
            *value = table[usize::from((grey + 0.5) as u8)];
        }
    }
}

/// A coordinate mirrored at the centres of the border pixels, as often as needed.
fn mirrored(s: f32, side: f32) -> f32 {
    let last = side - 1.0;
    if last <= 0.0 {
        return 0.0;
    }
    let s = s.abs() % (2.0 * last);
    if s > last { 2.0 * last - s } else { s }
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
