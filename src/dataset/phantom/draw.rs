//! Random numbers that never change with a version or a platform: integer arithmetic and exact float operations only.
//!
//! The distributions of a crate may change with its version, and `ln`, `exp` or `sin` with the platform's
//! library; an image drawn today must be the same image in ten years. So only integer operations and the float
//! operations that IEEE 754 defines exactly (`+ - * /`, square root, rounding) take part in an image.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::random::split_mix64;

/// What a stream of random numbers is for. Each image has one stream per topic, so that more draws in one
/// (pixel noise grows with the image's size) leave the others as they were.
#[derive(Clone, Copy, Debug)]
pub(super) enum Topic {
    Labels = 1,
    Patient = 2,
    Markings = 3,
    Exposure = 4,
    Grain = 5,
    /// The findings; condition `c` uses the word `FINDING + c`.
    Findings = 16,
}

/// One stream of random numbers.
pub(super) struct Draw(Xoshiro256PlusPlus);

impl Draw {
    /// The stream of image `index` of the collection `seed` for a topic.
    pub fn new(seed: u64, index: u64, topic: Topic) -> Self {
        Self::sub(seed, index, topic, 0)
    }

    /// Like [`Draw::new`], with a number that separates several streams of one topic.
    pub fn sub(seed: u64, index: u64, topic: Topic, part: usize) -> Self {
        let topic = topic as u64 + part as u64;
        let mixed = split_mix64(split_mix64(split_mix64(seed) ^ index) ^ topic);
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// The next 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..1`, a multiple of 2^-24.
    pub fn unit(&mut self) -> f32 {
        (self.word() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in `low..high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Uniform in `0..n` (`n` at least 1; the bias of 2^-32 does not matter here).
    pub fn pick(&mut self, n: usize) -> usize {
        ((u128::from(self.word()) * n as u128) >> 64) as usize
    }

    /// Normal by the sum of twelve 16-bit uniforms (variance 1, cut at six deviations): no logarithm needed.
    pub fn normal(&mut self, mean: f32, deviation: f32) -> f32 {
        let sum: u32 = (0..3).map(|_| quarters(self.word())).sum();
        mean + deviation * (sum as f32 / 65536.0 - 6.0)
    }

    /// Normal, but never further than two deviations from the mean: for measures of the body.
    pub fn measure(&mut self, mean: f32, deviation: f32) -> f32 {
        mean + deviation * self.normal(0.0, 1.0).clamp(-2.0, 2.0)
    }

    /// Noise of variance 1/3 around 0, from one word: cheap enough for each pixel.
    pub fn grain(&mut self) -> f32 {
        quarters(self.word()) as f32 / 65536.0 - 2.0
    }
}

/// The sum of a word's four 16-bit parts.
fn quarters(word: u64) -> u32 {
    (0..4).map(|part| (word >> (16 * part)) as u32 & 0xffff).sum()
}

/// Cosine and sine of `turns` full turns, by a polynomial (error under 2e-4) so that every machine agrees.
pub(super) fn turn(turns: f32) -> (f32, f32) {
    (wave(turns + 0.25), wave(turns))
}

/// Sine of `turns` full turns.
pub(super) fn wave(turns: f32) -> f32 {
    let t = turns - turns.floor();
    // Fold to a quarter turn, where a polynomial of degree seven is enough.
    let (t, sign) = if t >= 0.5 { (t - 0.5, -1.0) } else { (t, 1.0) };
    let a = if t > 0.25 { 0.5 - t } else { t } * std::f32::consts::TAU;
    let q = a * a;
    sign * a * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_has_mean_0_and_variance_1() {
        let mut draw = Draw::new(1, 2, Topic::Patient);
        let values: Vec<f32> = (0..20_000).map(|_| draw.normal(0.0, 1.0)).collect();
        let mean = values.iter().sum::<f32>() / 20_000.0;
        let variance = values.iter().map(|v| v * v).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }

    #[test]
    fn neighbouring_images_and_topics_have_unrelated_streams() {
        let first = |seed, index, topic| Draw::new(seed, index, topic).word();
        let words = [
            first(0, 0, Topic::Labels),
            first(0, 1, Topic::Labels),
            first(1, 0, Topic::Labels),
            first(0, 0, Topic::Patient),
        ];
        let distinct: std::collections::HashSet<u64> = words.into_iter().collect();
        assert_eq!(distinct.len(), 4);
    }

    #[test]
    fn the_wave_is_a_sine() {
        for step in -20..40 {
            let turns = step as f32 * 0.05 + 0.01;
            assert!((wave(turns) - (turns * std::f32::consts::TAU).sin()).abs() < 2e-4);
        }
    }
}
