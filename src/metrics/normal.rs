//! Normal detection: no finding against any finding, from the outputs of all conditions.

use super::Predictions;
use crate::label::is_normal;

/// The two classes in the order of a confusion matrix's rows and columns: the negative one first.
pub const NORMAL_CLASSES: [&str; 2] = ["any finding", "normal"];

/// The (score, truly normal) pairs of the images of which that is known.
pub fn known_normal_scores(probabilities: &Predictions) -> Vec<(f32, bool)> {
    normal_scores(probabilities).into_iter().filter_map(|(score, normal)| Some((score, normal?))).collect()
}

/// Each image's (score, truly normal where that is known). An image is normal when every condition is absent; its score
/// for that is 1 less the greatest probability, 0 to 1, and NaN when one of its probabilities is.
pub fn normal_scores(probabilities: &Predictions) -> Vec<(f32, Option<bool>)> {
    let classes = probabilities.classes();
    let images =
        probabilities.scores().chunks_exact(classes).zip(probabilities.labels().chunks_exact(classes));
    images
        .map(|(scores, labels)| {
            let greatest = scores.iter().fold(0.0_f32, |most, score| {
                if score.is_nan() || most.is_nan() { f32::NAN } else { most.max(*score) }
            });
            (1.0 - greatest, is_normal(labels))
        })
        .collect()
}
