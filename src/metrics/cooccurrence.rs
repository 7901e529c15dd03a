//! Co-occurrence of conditions, in labels and in predictions.

use super::Predictions;

/// How many images have both conditions of a pair; on the diagonal, the condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooccurrence {
    /// C x C, by label.
    pub labelled: Vec<Vec<u64>>,
    /// C x C, by call.
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
        let labelled =
            pairs(classes, predictions.labels().chunks_exact(classes), |labels, class| labels[class] != 0);
        let called = pairs(classes, predictions.scores().chunks_exact(classes), |scores, class| {
            scores[class] > thresholds[class]
        });
        Self { labelled, called }
    }
}

fn pairs<'a, T: 'a>(
    classes: usize,
    images: impl Iterator<Item = &'a [T]>,
    has: impl Fn(&[T], usize) -> bool,
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
