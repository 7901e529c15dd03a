//! How often each condition occurs in a split: pure counts over label rows.
//!
//! The normal class ("no finding") is derived here, as the rows whose labels are all 0. It is never a column
//! and never an output of a network.

use serde::{Deserialize, Serialize};

use super::images::Labels;

/// Counts over the label rows of one split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitStats {
    /// Images in the split, N.
    pub images: usize,
    /// Images without any condition.
    pub normal: usize,
    /// Images with each condition, in column order (C counts). An image with two conditions counts in both.
    pub positives: Vec<usize>,
    /// Labels set to 1 over all images: the sum of `positives`.
    pub labels_total: usize,
}

/// `part` in per cent of `whole`; `None` when `whole` is 0, since there is no share of nothing.
pub fn percent(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

/// Counts images, normal images and images with each condition.
pub fn split_stats(labels: &Labels) -> SplitStats {
    let mut positives = vec![0; labels.classes()];
    let mut normal = 0;
    for row in labels.rows() {
        let mut any = 0;
        for (count, &label) in positives.iter_mut().zip(row) {
            *count += usize::from(label);
            any |= label;
        }
        normal += usize::from(any == 0);
    }
    let labels_total = positives.iter().sum();
    SplitStats { images: labels.len(), normal, positives, labels_total }
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
        assert_eq!(stats, SplitStats { images: 4, normal: 1, positives: vec![3, 2, 0], labels_total: 5 });
        assert_eq!(percent(stats.normal, stats.images), Some(25.0));
        assert_eq!(percent(stats.positives[0], stats.images), Some(75.0));
        assert_eq!(percent(stats.positives[2], stats.images), Some(0.0));
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
