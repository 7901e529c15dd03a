//! Co-occurrence of conditions, in labels and in predictions.

use super::Predictions;
use crate::label::{PRESENT, UNKNOWN};

/// How many images have both conditions of a pair; on the diagonal, the condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooccurrence {
    /// C x C, by label.
    pub labelled: Vec<Vec<u64>>,
    /// C x C, by call, among images whose labels of both are known.
    pub called: Vec<Vec<u64>>,
}

impl Cooccurrence {
    /// Counts pairs; called is what scores above its condition's threshold.
    ///
    /// # Panics
    /// When there are not as many thresholds as conditions.
    pub fn new(predictions: &Predictions, thresholds: &[f32]) -> Self {
        assert_eq!(thresholds.len(), predictions.classes(), "a condition needs a threshold");
        let classes = predictions.classes();
        let images =
            || predictions.scores().chunks_exact(classes).zip(predictions.labels().chunks_exact(classes));
        let labelled = pairs(classes, images(), |(_, labels), class| labels[class] == PRESENT);
        let called = pairs(classes, images(), |(scores, labels), class| {
            labels[class] != UNKNOWN && scores[class] > thresholds[class]
        });
        Self { labelled, called }
    }
}

fn pairs<T: Copy>(
    classes: usize,
    images: impl Iterator<Item = T>,
    has: impl Fn(T, usize) -> bool,
) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; classes]; classes];
    for image in images {
        let there: Vec<usize> = (0..classes).filter(|class| has(image, *class)).collect();
        for a in &there {
            for b in &there {
                counts[*a][*b] += 1;
            }
        }
    }
    counts
}
