//! How often each condition occurs in a split: pure counts over label rows.
//!
//! The normal class ("no finding") is derived here, as the rows whose labels are all known and 0. It is never a column
//! and never an output of a network.

use serde::{Deserialize, Serialize};

use super::images::Labels;
use crate::label::{PRESENT, UNKNOWN, is_normal};

/// Counts over the label rows of one split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitStats {
    /// Images in the split, N.
    pub images: usize,
    /// Images of which every condition is known to be absent.
    pub normal: usize,
    /// Images with each condition, in column order (C counts). An image with two conditions counts in both.
    pub positives: Vec<usize>,
    /// Labels set to 1 over all images: the sum of `positives`.
    pub labels_total: usize,
    /// Images whose label of each condition is unknown, in column order; left out of files where all are known.
    #[serde(default, skip_serializing_if = "all_zero")]
    pub unknown: Vec<usize>,
    /// Images of which nobody knows whether they are normal: no condition is present and some are unknown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub normal_unknown: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn all_zero(counts: &[usize]) -> bool {
    counts.iter().all(|count| *count == 0)
}

impl SplitStats {
    /// Images whose label of condition `column` is known.
    pub fn known(&self, column: usize) -> usize {
        self.images - self.unknown.get(column).copied().unwrap_or(0)
    }

    /// Images that are known to be normal or not.
    pub fn normal_known(&self) -> usize {
        self.images - self.normal_unknown
    }

    /// Images that are known to be without condition `column`.
    pub fn negatives(&self, column: usize) -> usize {
        self.known(column) - self.positives[column]
    }

    /// Whether a label is unknown.
    pub fn any_unknown(&self) -> bool {
        !all_zero(&self.unknown)
    }
}

/// `part` in per cent of `whole`; `None` when `whole` is 0, since there is no share of nothing.
pub fn percent(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

/// Counts images, normal images and images with each condition.
pub fn split_stats(labels: &Labels) -> SplitStats {
    let mut positives = vec![0; labels.classes()];
    let mut unknown = vec![0; labels.classes()];
    let (mut normal, mut normal_unknown) = (0, 0);
    for row in labels.rows() {
        for ((positive, unknown), &label) in positives.iter_mut().zip(&mut unknown).zip(row) {
            *positive += usize::from(label == PRESENT);
            *unknown += usize::from(label == UNKNOWN);
        }
        match is_normal(row) {
            Some(true) => normal += 1,
            Some(false) => {}
            None => normal_unknown += 1,
        }
    }
    let labels_total = positives.iter().sum();
    SplitStats { images: labels.len(), normal, positives, labels_total, unknown, normal_unknown }
}

/// Pairs of conditions over the images of a split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Images with both conditions: C x C, symmetric, the support on the diagonal.
    pub both: Vec<Vec<usize>>,
    /// Images with the first condition whose label of the second is known: C x C, the support on the diagonal.
    pub known: Vec<Vec<usize>>,
}

impl Pairs {
    /// No images of `classes` conditions.
    pub fn of_none(classes: usize) -> Self {
        let none = vec![vec![0; classes]; classes];
        Self { both: none.clone(), known: none }
    }

    /// The images with the first condition that have the second, in per cent of those of which that is known.
    pub fn share(&self, first: usize, second: usize) -> Option<f64> {
        percent(self.both[first][second], self.known[first][second])
    }

    /// Adds the images of a split.
    pub fn add(&mut self, labels: &Labels) {
        let mut present = Vec::with_capacity(labels.classes());
        for row in labels.rows() {
            // Rows are nearly empty (0.7 labels an image in ChestX-ray14), so pairs of what is there are few.
            present.clear();
            present.extend(
                row.iter().enumerate().filter(|(_, label)| **label == PRESENT).map(|(column, _)| column),
            );
            for &first in &present {
                for &second in &present {
                    self.both[first][second] += 1;
                }
                for (known, label) in self.known[first].iter_mut().zip(row) {
                    *known += usize::from(*label != UNKNOWN);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        Labels::new(vec![1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0], 3).expect("four rows of three")
    }

    #[test]
    fn an_image_without_any_label_is_normal() {
        let stats = split_stats(&labels());
        let expected = SplitStats {
            images: 4,
            normal: 1,
            positives: vec![3, 2, 0],
            labels_total: 5,
            unknown: vec![0; 3],
            normal_unknown: 0,
        };
        assert_eq!(stats, expected);
        assert_eq!(percent(stats.normal, stats.images), Some(25.0));
        assert_eq!(percent(stats.positives[0], stats.images), Some(75.0));
        assert_eq!(percent(stats.positives[2], stats.images), Some(0.0));
    }

    #[test]
    fn an_unknown_label_is_neither_present_nor_absent() {
        let rows = vec![1, UNKNOWN, 0, 0, UNKNOWN, 0, 0, 0, 0];
        let stats = split_stats(&Labels::new(rows, 3).expect("three rows"));
        assert_eq!(
            (stats.normal, stats.positives.clone(), stats.unknown.clone()),
            (1, vec![1, 0, 0], vec![0, 2, 0])
        );
        assert_eq!(
            [0, 1, 2].map(|column| (stats.known(column), stats.negatives(column))),
            [(3, 2), (1, 1), (3, 3)]
        );
        let json = serde_json::to_string(&stats).expect("JSON");
        assert_eq!(serde_json::from_str::<SplitStats>(&json).expect("the same"), stats);
    }

    #[test]
    fn cooccurrence_is_symmetric_with_the_support_on_its_diagonal() {
        let mut pairs = Pairs::of_none(3);
        pairs.add(&labels());
        assert_eq!(pairs.both, [[3, 2, 0], [2, 2, 0], [0, 0, 0]]);
        assert_eq!(pairs.known, [[3, 3, 3], [2, 2, 2], [0, 0, 0]]);
        assert_eq!((pairs.share(0, 1), pairs.share(2, 0)), (Some(200.0 / 3.0), None));
        // An image whose second label is unknown says nothing of the pair.
        pairs.add(&Labels::new(vec![1, UNKNOWN, 0], 3).expect("a row"));
        assert_eq!((pairs.known[0][1], pairs.known[0][2]), (3, 4));
    }

    #[test]
    fn an_empty_split_has_counts_but_no_shares() {
        let stats = split_stats(&Labels::new(vec![], 3).expect("no rows"));
        assert_eq!((stats.images, stats.normal, stats.labels_total), (0, 0, 0));
        assert_eq!(stats.positives, [0, 0, 0]);
        assert_eq!(percent(stats.normal, stats.images), None);
    }
}
