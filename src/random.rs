//! SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"): a mixing function for keys
//! and a small generator. Its numbers are the same on every platform and in the reference scripts in Python.

/// The increment of the state: 2^64 divided by the golden ratio.
pub(crate) const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// The two multipliers of the mixing function.
pub(crate) const FACTORS: [u64; 2] = [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB];

/// 64 bits mixed from `state`, a bijection: neighbouring states give unrelated outputs.
pub fn split_mix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(GAMMA);
    z = (z ^ (z >> 30)).wrapping_mul(FACTORS[0]);
    z = (z ^ (z >> 27)).wrapping_mul(FACTORS[1]);
    z ^ (z >> 31)
}

/// The generator: equal seeds give equal sequences.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A generator that starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let bits = split_mix64(self.0);
        self.0 = self.0.wrapping_add(GAMMA);
        bits
    }

    /// A whole number in `0..end`, `end` at least 1; the modulo bias is below 2^-32 for ends below 2^32.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end
    }

    /// Number `n` of the sequence that starts at `seed`, without the numbers before it.
    pub fn nth(seed: u64, n: u64) -> u64 {
        split_mix64(seed.wrapping_add(n.wrapping_mul(GAMMA)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // The first outputs of the authors' implementation for the seed 1234567.
        let mut generator = SplitMix64::new(1_234_567);
        assert_eq!(generator.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(generator.next_u64(), SplitMix64::nth(1_234_567, 1));
    }
}
