//! Normal detection: no finding against any finding, from the outputs of all conditions.

use super::Predictions;

/// The two classes in the order of a confusion matrix's rows and columns: the negative one first.
pub const NORMAL_CLASSES: [&str; 2] = ["any finding", "normal"];

/// Each image's (score, truly normal). An image is normal when no condition is labelled; its score for that is 1 less
/// the greatest probability, 0 to 1, and NaN when one of its probabilities is.
pub fn normal_scores(probabilities: &Predictions) -> Vec<(f32, bool)> {
    let classes = probabilities.classes();
    let images =
        probabilities.scores().chunks_exact(classes).zip(probabilities.labels().chunks_exact(classes));
    images
        .map(|(scores, labels)| {
            let greatest = scores.iter().fold(0.0_f32, |most, score| {
                if score.is_nan() || most.is_nan() { f32::NAN } else { most.max(*score) }
            });
            (1.0 - greatest, labels.iter().all(|label| *label == 0))
        })
        .collect()
}
