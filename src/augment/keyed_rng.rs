//! Random numbers that depend on what they are for, not on when they are drawn.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The rng of one transform for one image in one epoch.
pub struct KeyedRng(Xoshiro256PlusPlus);

impl KeyedRng {
    /// KeyedRng of their own for every key.
    pub fn new(key: [u64; 5]) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(key.into_iter().fold(0, |state, part| mix(state ^ mix(part)))))
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

/// The output function of SplitMix64 (Steele, Lea & Flood 2014) on the next state: neighbouring numbers come
/// far apart.
pub fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
