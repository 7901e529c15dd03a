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
}

fn all_zero(counts: &[usize]) -> bool {
    counts.iter().all(|count| *count == 0)
}

impl SplitStats {
    /// Images whose label of condition `column` is known.
    pub fn known(&self, column: usize) -> usize {
        self.images - self.unknown.get(column).copied().unwrap_or(0)
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
    let mut normal = 0;
    for row in labels.rows() {
        for ((positive, unknown), &label) in positives.iter_mut().zip(&mut unknown).zip(row) {
            *positive += usize::from(label == PRESENT);
            *unknown += usize::from(label == UNKNOWN);
        }
        normal += usize::from(is_normal(row) == Some(true));
    }
    let labels_total = positives.iter().sum();
    SplitStats { images: labels.len(), normal, positives, labels_total, unknown }
}

/// How many images have both conditions of each pair: a symmetric C x C table whose diagonal is the support.
pub fn cooccurrence(labels: &Labels) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; labels.classes()]; labels.classes()];
    let mut present = Vec::with_capacity(labels.classes());
    for row in labels.rows() {
        // Rows are nearly empty (0.7 labels an image in ChestX-ray14), so pairs of what is there are few.
        present.clear();
        present.extend(row.iter().enumerate().filter(|(_, label)| **label == 1).map(|(column, _)| column));
        for &first in &present {
            for &second in &present {
                counts[first][second] += 1;
            }
        }
    }
    counts
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
        assert_eq!(cooccurrence(&labels()), [[3, 2, 0], [2, 2, 0], [0, 0, 0]]);
    }

    #[test]
    fn an_empty_split_has_counts_but_no_shares() {
        let stats = split_stats(&Labels::new(vec![], 3).expect("no rows"));
        assert_eq!((stats.images, stats.normal, stats.labels_total), (0, 0, 0));
        assert_eq!(stats.positives, [0, 0, 0]);
        assert_eq!(percent(stats.normal, stats.images), None);
    }
}
