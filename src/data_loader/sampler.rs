//! The sampler: which images an epoch has, in which order. It depends on the seed and the epoch alone.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::config::Sampling;
use crate::dataset::images::Labels;
use crate::label::{PRESENT, UNKNOWN};

/// The order of the images in an epoch: depends on the run's seed and the epoch alone.
pub fn order(sampling: Sampling, labels: &Labels, seed: u64, epoch: usize) -> Vec<usize> {
    match sampling {
        Sampling::Shuffle => shuffled(labels.len(), seed, epoch),
        Sampling::Balanced => drawn(&image_weights(labels), seed, epoch),
    }
}

/// The generator of an epoch. Seed and epoch are mixed by an odd constant (2^64 divided by the golden ratio),
/// so that neighbouring seeds and epochs share no order.
fn generator(seed: u64, epoch: usize) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed ^ (epoch as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Each image once.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut rng = generator(seed, epoch);
    let mut order: Vec<usize> = (0..count).collect();
    // Fisher-Yates, from the end.
    for last in (1..count).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    order
}

/// As many images as there are, with replacement, each with a probability proportional to its weight.
fn drawn(weights: &[f64], seed: u64, epoch: usize) -> Vec<usize> {
    let mut rng = generator(seed, epoch);
    let mut total = 0.0;
    let bounds: Vec<f64> = weights
        .iter()
        .map(|weight| {
            total += weight;
            total
        })
        .collect();
    (0..weights.len())
        .map(|_| {
            let at = rng.random::<f64>() * total;
            bounds.partition_point(|bound| *bound <= at).min(weights.len() - 1)
        })
        .collect()
}

/// How often balanced sampling draws each image: one over the number of images of its rarest condition, the images
/// without any being a class of their own. A class alone would then be drawn as often as any other.
fn image_weights(labels: &Labels) -> Vec<f64> {
    let stats = crate::dataset::stats::split_stats(labels);
    let without = labels.rows().filter(|row| !row.contains(&PRESENT)).count();
    let weight = |row: &[u8]| {
        let present = row.iter().zip(&stats.positives).filter(|(label, _)| **label == PRESENT);
        let rarest = present.map(|(_, count)| *count).min();
        1.0 / rarest.unwrap_or(without).max(1) as f64
    };
    labels.rows().map(weight).collect()
}

/// The share of drawn images that have each condition among those whose label is known, when sampling is balanced.
pub fn sampled_prevalence(labels: &Labels) -> Vec<f64> {
    let weights = image_weights(labels);
    let mut known = vec![0.0; labels.classes()];
    for (row, weight) in labels.rows().zip(&weights) {
        for (sum, _) in known.iter_mut().zip(row).filter(|(_, label)| **label != UNKNOWN) {
            *sum += weight;
        }
    }
    let mut shares = vec![0.0; labels.classes()];
    for (row, weight) in labels.rows().zip(&weights) {
        for ((share, known), _) in
            shares.iter_mut().zip(&known).zip(row).filter(|(_, label)| **label == PRESENT)
        {
            *share += weight / known;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_sees_every_image_once_in_an_order_of_its_own() {
        let first = shuffled(1000, 7, 1);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1000));
        assert_eq!(first, shuffled(1000, 7, 1));
        assert_ne!(first, shuffled(1000, 7, 2));
        assert_ne!(first, shuffled(1000, 8, 1));
        assert_eq!(shuffled(1, 0, 0), [0]);
    }

    #[test]
    fn balanced_sampling_draws_a_rare_condition_as_often_as_a_common_one() {
        // 900 normal images, 90 with the first condition alone, 10 with the second.
        let rows = (0..1000).flat_map(|image| [u8::from(image < 90), u8::from((90..100).contains(&image))]);
        let labels = Labels::new(rows.collect(), 2).expect("0 or 1");
        let expected = sampled_prevalence(&labels);
        assert!(expected.iter().all(|share| (share - 1.0 / 3.0).abs() < 1e-9), "{expected:?}");
        let images: Vec<usize> =
            (1..=20).flat_map(|epoch| order(Sampling::Balanced, &labels, 0, epoch)).collect();
        for condition in 0..2 {
            let hits = images.iter().filter(|image| labels.row(**image)[condition] == 1).count();
            // 20,000 draws: the deviation of a third is .0033.
            let share = hits as f64 / images.len() as f64;
            assert!((share - 1.0 / 3.0).abs() < 0.012, "{share}");
        }
    }
}
