//! Dividing images by patient so that every split has its share of every condition.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Split;
use super::labels::LabelSet;
use crate::label::{PRESENT, UNKNOWN};
use crate::text::thousands;

/// Shares of the images, 0 to .8; training gets the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Share of validation images, 0 to below 1.
    pub val: f64,
    /// Share of test images, 0 to below 1.
    pub test: f64,
}

/// A split for each image; images of one patient get the same one.
///
/// Iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011) over patients instead of images: again
/// and again the condition with the fewest images left is taken, and each of its patients goes to the split that lacks
/// most of it, then to the one that lacks most images. Images without a condition count as one more. Equal arguments give an equal
/// division.
pub fn by_patient(patients: &[u32], labels: &[&[u8]], shares: Shares, seed: u64) -> Vec<Split> {
    let classes = labels.first().map_or(0, |row| row.len());
    let groups = patients.iter().max().map_or(0, |most| *most as usize + 1);
    let mut members = vec![Vec::new(); groups];
    for (image, patient) in patients.iter().enumerate() {
        members[*patient as usize].push(image);
    }
    // For each patient how many images have each condition; the last column counts images without any.
    let counts: Vec<Vec<u32>> = members
        .iter()
        .map(|images| {
            let mut counts = vec![0; classes + 1];
            for image in images {
                for (count, label) in counts.iter_mut().zip(labels[*image]) {
                    *count += u32::from(*label == PRESENT);
                }
                counts[classes] += u32::from(!labels[*image].contains(&PRESENT));
            }
            counts
        })
        .collect();
    let wanted = [1.0 - shares.val - shares.test, shares.val, shares.test];
    let total = |class: usize| counts.iter().map(|counts| f64::from(counts[class])).sum::<f64>();
    let mut lacks: Vec<[f64; 3]> =
        (0..=classes).map(|class| wanted.map(|share| share * total(class))).collect();
    let mut lacks_images = wanted.map(|share| share * patients.len() as f64);
    let mut left: Vec<u32> =
        (0..=classes).map(|class| counts.iter().map(|counts| counts[class]).sum()).collect();

    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..groups).filter(|patient| !members[*patient].is_empty()).collect();
    order.shuffle(&mut random);
    let mut assigned: Vec<Option<Split>> = vec![None; groups];
    while let Some(class) = (0..=classes).filter(|class| left[*class] > 0).min_by_key(|class| left[*class]) {
        for &patient in order.iter().filter(|patient| counts[**patient][class] > 0) {
            if assigned[patient].is_some() {
                continue;
            }
            let tie = random.random_range(0..3_usize);
            let mut best = None;
            for step in 0..3 {
                let split = (tie + step) % 3;
                if wanted[split] <= 0.0 {
                    continue;
                }
                let need = (lacks[class][split], lacks_images[split]);
                if best.is_none_or(|(_, most)| need > most) {
                    best = Some((split, need));
                }
            }
            let split = best.map_or(0, |(split, _)| split);
            assigned[patient] = Some(Split::ALL[split]);
            for (column, count) in counts[patient].iter().enumerate() {
                lacks[column][split] -= f64::from(*count);
                left[column] -= count;
            }
            lacks_images[split] -= members[patient].len() as f64;
        }
        // All of its patients are assigned now.
        left[class] = 0;
    }
    // So few patients that a share is less than one: a split that is wanted gets one all the same.
    for (split, wanted) in Split::ALL.into_iter().zip(wanted) {
        let many = |split| assigned.iter().filter(|its| **its == Some(split)).count();
        let spare = || order.iter().copied().find(|patient| assigned[*patient] == Some(Split::Train));
        if wanted > 0.0
            && many(split) == 0
            && many(Split::Train) > 1
            && let Some(patient) = spare()
        {
            assigned[patient] = Some(split);
        }
    }
    patients.iter().map(|patient| assigned[*patient as usize].unwrap_or(Split::Train)).collect()
}

/// What a division achieved: images of each split, and the condition whose share differs most.
pub fn achieved(splits: &[Split], labels: &[&[u8]], set: &LabelSet) -> String {
    let count = |split: Split| splits.iter().filter(|its| **its == split).count();
    let share = |split: Split, class: usize| {
        let of_split = || splits.iter().zip(labels).filter(|(its, _)| **its == split);
        let images = of_split().filter(|(_, row)| row[class] != UNKNOWN).count();
        let has = of_split().filter(|(_, row)| row[class] == PRESENT).count();
        (images > 0).then(|| 100.0 * has as f64 / images as f64)
    };
    let images = Split::ALL.map(|split| {
        let percent = 100.0 * count(split) as f64 / splits.len().max(1) as f64;
        format!("{split} {} ({percent:.1} %)", thousands(count(split) as u64))
    });
    let mut furthest: Option<(f64, String)> = None;
    for (class, condition) in set.iter().enumerate() {
        let Some(train) = share(Split::Train, class) else { continue };
        for split in [Split::Val, Split::Test] {
            let Some(other) = share(split, class) else { continue };
            if furthest.as_ref().is_none_or(|(most, _)| (other - train).abs() > *most) {
                let said = format!("{} {train:.2} % in train, {other:.2} % in {split}", condition.name);
                furthest = Some(((other - train).abs(), said));
            }
        }
    }
    let furthest = furthest.map_or(String::new(), |(_, said)| format!("; furthest apart is {said}"));
    format!("{}{furthest}", images.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3000 images of 1000 patients; condition 0 in a fifth, 1 in a twentieth, 2 in one of 150.
    fn images() -> (Vec<u32>, Vec<Vec<u8>>) {
        let patients = (0..3000).map(|image| image * 7 % 1000).collect();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
        let row = |random: &mut Xoshiro256PlusPlus| {
            [0.2, 0.05, 1.0 / 150.0].map(|p| u8::from(random.random_bool(p)))
        };
        (patients, (0..3000).map(|_| row(&mut random).to_vec()).collect())
    }

    #[test]
    fn no_patient_is_in_two_splits_and_every_condition_has_its_share_everywhere() {
        let (patients, labels) = images();
        let rows: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
        let shares = Shares { val: 0.1, test: 0.2 };
        let splits = by_patient(&patients, &rows, shares, 3);
        let mut of = std::collections::HashMap::new();
        for (patient, split) in patients.iter().zip(&splits) {
            assert_eq!(of.entry(patient).or_insert(split), &split);
        }
        for (split, share) in Split::ALL.into_iter().zip([0.7, 0.1, 0.2]) {
            let inside: Vec<usize> = (0..3000).filter(|image| splits[*image] == split).collect();
            assert!((inside.len() as f64 / 3000.0 - share).abs() < 0.01, "{split}: {}", inside.len());
            for class in 0..3 {
                let all = rows.iter().filter(|row| row[class] == 1).count() as f64;
                let here = inside.iter().filter(|image| rows[**image][class] == 1).count() as f64;
                assert!((here - share * all).abs() <= 0.05 * all + 2.0, "{split} {class}: {here} of {all}");
            }
        }
        assert_eq!(splits, by_patient(&patients, &rows, shares, 3));
        assert_ne!(splits, by_patient(&patients, &rows, shares, 4));
        let said = achieved(&splits, &rows, &LabelSet::of_width(3));
        assert!(said.starts_with("train 2,1") || said.starts_with("train 2,0"), "{said}");
        assert!(said.contains("furthest apart"), "{said}");
    }

    #[test]
    fn a_split_without_a_share_gets_no_image() {
        let (patients, labels) = images();
        let rows: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
        let splits = by_patient(&patients, &rows, Shares { val: 0.25, test: 0.0 }, 0);
        assert!(!splits.contains(&Split::Test) && splits.contains(&Split::Val));
        // A tenth of six patients is less than one.
        let few = by_patient(&[0, 1, 2, 3, 4, 5], &rows[..6], Shares { val: 0.1, test: 0.1 }, 0);
        assert!(Split::ALL.iter().all(|split| few.contains(split)), "{few:?}");
        assert!(by_patient(&[], &[], Shares { val: 0.1, test: 0.1 }, 0).is_empty());
    }
}
