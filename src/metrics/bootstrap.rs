//! How far the numbers would move with other images: percentile bootstrap (Efron 1979).
//!
//! A resample draws as many patients (or images, where patients aren't known) as there are, with replacement, and
//! is nothing but how often each image was drawn. The images stay in the order they were sorted in once, so that a
//! resample costs one pass over them and no sort.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use super::Predictions;

/// What is drawn, how often, from which seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling<'a> {
    /// Resamples.
    pub count: usize,
    /// Seed of the resamples.
    pub seed: u64,
    /// Which patient each image is of (any numbers); all images of a drawn patient come together. `None`: each image
    /// is its own.
    pub patients: Option<&'a [u32]>,
}

/// How often an image is in a resample.
pub type Weight = u32;

/// Resamples as weights: the images of each unit that is drawn as a whole.
#[derive(Debug, Clone)]
pub struct Units {
    /// Which unit each image belongs to, 0..count.
    of_image: Vec<u32>,
    count: usize,
}

impl Units {
    /// `images` units of their own, or one a patient. A list of patients of another length is a mistake in the
    /// calling code.
    ///
    /// # Panics
    /// When `patients` isn't as long as `images` are many.
    pub fn new(images: usize, patients: Option<&[u32]>) -> Self {
        let Some(patients) = patients else {
            return Self { of_image: (0..images as u32).collect(), count: images };
        };
        assert_eq!(patients.len(), images, "each image needs its patient");
        let mut known = std::collections::HashMap::new();
        let of_image = patients
            .iter()
            .map(|patient| {
                let next = known.len() as u32;
                *known.entry(*patient).or_insert(next)
            })
            .collect();
        Self { of_image, count: known.len() }
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How often each image is there when `drawn` units are, each as often as it is named.
    pub fn weights(&self, drawn: impl IntoIterator<Item = usize>) -> Vec<Weight> {
        let mut times = vec![0; self.count];
        for unit in drawn {
            times[unit] += 1;
        }
        self.of_image.iter().map(|unit| times[*unit as usize]).collect()
    }

    /// Resample number `index` of a seed: the same on every machine and in whatever order they are made.
    pub fn draw(&self, seed: u64, index: usize) -> Vec<Weight> {
        let mut rng =
            Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add((index as u64).wrapping_mul(0x9e37_79b9)));
        let count = self.count;
        self.weights((0..count).map(|_| rng.random_range(0..count)))
    }
}

/// A condition's images in the order of their scores, with what a threshold makes of them.
#[derive(Debug, Clone)]
pub struct WeightedRanking {
    /// Highest score first: image << 2 | last of its score << 1 | label.
    entries: Vec<u32>,
    /// Images called and truly positive, called only, positive only.
    hits: Vec<u32>,
    false_alarms: Vec<u32>,
    missed: Vec<u32>,
}

/// What a resample comes to for one condition; NaN where it is undefined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampled {
    /// AUROC of the resample, 0 to 1; NaN where it is undefined.
    pub auroc: f64,
    /// Average precision, 0 to 1; NaN where it is undefined.
    pub auprc: f64,
    /// Precision at the threshold, 0 to 1; NaN where it is undefined.
    pub precision: f64,
    /// Recall at the threshold, 0 to 1; NaN where it is undefined.
    pub recall: f64,
    /// Specificity at the threshold, 0 to 1; NaN where it is undefined.
    pub specificity: f64,
    /// F1 at the threshold, 0 to 1; NaN where it is undefined.
    pub f1: f64,
}

impl WeightedRanking {
    /// Sorts (score, truly positive) pairs in the order of the images, leaving out those whose label is unknown; `None`
    /// when a score is NaN.
    pub fn new(pairs: impl IntoIterator<Item = (f32, Option<bool>)>, threshold: f32) -> Option<Self> {
        let images: Vec<(f32, Option<bool>)> =
            pairs.into_iter().map(|(score, label)| (score + 0.0, label)).collect();
        if images.iter().any(|(score, label)| label.is_some() && score.is_nan()) {
            return None;
        }
        let mut order: Vec<u32> =
            (0..images.len() as u32).filter(|image| images[*image as usize].1.is_some()).collect();
        let score = |image: u32| images[image as usize].0;
        order.sort_unstable_by(|a, b| score(*b).total_cmp(&score(*a)));
        let last = |place: usize| order.get(place + 1).is_none_or(|next| score(*next) != score(order[place]));
        let entry = |(place, image): (usize, &u32)| {
            image << 2 | u32::from(last(place)) << 1 | u32::from(images[*image as usize].1 == Some(true))
        };
        let which = |called: bool, positive: bool| -> Vec<u32> {
            let images = images.iter().enumerate();
            let chosen = images
                .filter(|(_, (score, label))| (*score > threshold) == called && *label == Some(positive));
            chosen.map(|(image, _)| image as u32).collect()
        };
        Some(Self {
            entries: order.iter().enumerate().map(entry).collect(),
            hits: which(true, true),
            false_alarms: which(true, false),
            missed: which(false, true),
        })
    }

    /// The numbers of a resample.
    pub fn resample(&self, weights: &[Weight]) -> Resampled {
        let (mut above, mut below) = (0_u64, 0_u64);
        let (mut tied_positives, mut tied_negatives) = (0_u64, 0_u64);
        let (mut twice_won, mut gained) = (0_u64, 0.0_f64);
        for entry in &self.entries {
            let weight = u64::from(weights[(entry >> 2) as usize]);
            let positive = u64::from(entry & 1);
            tied_positives += weight * positive;
            tied_negatives += weight * (1 - positive);
            if entry & 2 != 0 {
                twice_won += tied_negatives * (2 * above + tied_positives);
                above += tied_positives;
                below += tied_negatives;
                if tied_positives > 0 {
                    gained += tied_positives as f64 * (above as f64 / (above + below) as f64);
                }
                (tied_positives, tied_negatives) = (0, 0);
            }
        }
        let sum = |images: &[u32]| {
            images.iter().map(|image| u64::from(weights[*image as usize])).sum::<u64>() as f64
        };
        let (tp, fp, fn_) = (sum(&self.hits), sum(&self.false_alarms), sum(&self.missed));
        let (positives, negatives) = (above as f64, below as f64);
        Resampled {
            auroc: twice_won as f64 / (2.0 * positives * negatives),
            auprc: gained / positives,
            precision: tp / (tp + fp),
            recall: tp / (tp + fn_),
            specificity: (negatives - fp) / negatives,
            f1: 2.0 * tp / (2.0 * tp + fp + fn_),
        }
    }
}

/// What bootstrapping needs of a table: every condition's order, and the normal class's.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// `None` for a condition with a NaN score.
    conditions: Vec<Option<WeightedRanking>>,
    normal: Option<WeightedRanking>,
    units: Units,
}

/// A resample of the whole table.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// One a condition.
    pub conditions: Vec<Resampled>,
    /// Detection of images without any condition.
    pub normal: Resampled,
}

const UNDEFINED: Resampled = Resampled {
    auroc: f64::NAN,
    auprc: f64::NAN,
    precision: f64::NAN,
    recall: f64::NAN,
    specificity: f64::NAN,
    f1: f64::NAN,
};

impl Draw {
    /// The mean of a number over the conditions that define it; NaN when none does.
    pub fn macro_of(&self, number: impl Fn(&Resampled) -> f64) -> f64 {
        let (sum, count) = self
            .conditions
            .iter()
            .map(number)
            .filter(|value| !value.is_nan())
            .fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        sum / count
    }
}

impl Bootstrap {
    /// Sorts every condition once. `normal` holds each image's (score, truly normal where known).
    ///
    /// # Panics
    /// When there are not as many thresholds as conditions, or not as many patients as images.
    pub fn new(
        predictions: &Predictions,
        thresholds: &[f32],
        normal: impl IntoIterator<Item = (f32, Option<bool>)>,
        normal_threshold: f32,
        patients: Option<&[u32]>,
    ) -> Self {
        assert_eq!(thresholds.len(), predictions.classes(), "a condition needs a threshold");
        Self {
            conditions: thresholds
                .par_iter()
                .enumerate()
                .map(|(class, threshold)| WeightedRanking::new(predictions.rows_of(class), *threshold))
                .collect(),
            normal: WeightedRanking::new(normal, normal_threshold),
            units: Units::new(predictions.rows(), patients),
        }
    }

    /// The units that are drawn.
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// The numbers of one resample.
    pub fn resample(&self, weights: &[Weight]) -> Draw {
        let of = |ranking: &Option<WeightedRanking>| {
            ranking.as_ref().map_or(UNDEFINED, |ranking| ranking.resample(weights))
        };
        Draw { conditions: self.conditions.iter().map(of).collect(), normal: of(&self.normal) }
    }

    /// `count` resamples, on all cores; the same for the same seed.
    pub fn run(&self, count: usize, seed: u64) -> Vec<Draw> {
        if self.units.is_empty() {
            return Vec::new();
        }
        (0..count).into_par_iter().map(|index| self.resample(&self.units.draw(seed, index))).collect()
    }
}

/// The 2.5th and 97.5th percentile of the values that are no NaN, interpolated linearly as NumPy does; `None`
/// when fewer than two are.
pub fn interval(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    let mut sorted: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
    if sorted.len() < 2 {
        return None;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (sorted.len() - 1) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        let high = (low + 1).min(sorted.len() - 1);
        sorted[low] + part * (sorted[high] - sorted[low])
    };
    Some([at(0.025), at(0.975)])
}
