//! Normal noise that the reference scripts can draw as well: a counter, SplitMix64 and Box-Muller.

use crate::random::SplitMix64;

/// Above 0, at most 1.
fn unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// Number `n` of the uniform sequence `seed`, above 0 and at most 1.
pub fn uniform(seed: u64, n: u64) -> f64 {
    unit(SplitMix64::nth(seed, n))
}

/// `count` numbers of mean 0 and deviation 1, of image `key`: the cosine branch of Box and Muller (1958) on numbers
/// 2n and 2n + 1.
pub fn normal(seed: u64, key: u64, count: usize) -> Vec<f32> {
    let seed = SplitMix64::nth(seed, key);
    (0..count as u64)
        .map(|n| {
            let (u, v) = (uniform(seed, 2 * n), uniform(seed, 2 * n + 1));
            ((-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_and_depends_on_seed_and_image() {
        let noise = normal(1, 2, 20_000);
        let mean = noise.iter().sum::<f32>() / 20_000.0;
        let variance = noise.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
        assert!(noise[..10] != normal(1, 3, 10)[..] && noise[..10] != normal(2, 2, 10)[..]);
        assert_eq!(noise[..10], normal(1, 2, 10)[..]);
    }
}
