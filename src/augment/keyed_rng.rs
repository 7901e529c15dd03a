//! Random numbers that depend on a key (seed, epoch, image, repetition, transform), not on the order of calls.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::random::split_mix64;

/// The random numbers of one transform for one image in one epoch.
pub struct KeyedRng(Xoshiro256PlusPlus);

impl KeyedRng {
    /// The generator of a key: other keys give unrelated sequences.
    pub fn new(key: [u64; 5]) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(
            key.into_iter().fold(0, |state, part| split_mix64(state ^ split_mix64(part))),
        ))
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// Evenly from `from` to `to`.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.0.random::<f64>()
    }

    /// Evenly from -`most` to `most`.
    pub fn around(&mut self, most: f64) -> f64 {
        self.between(-most, most)
    }

    /// A whole number below `count`.
    pub fn below(&mut self, count: u32) -> u32 {
        self.0.random_range(0..count)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.random()
    }
}
