//! From a logit to its probability and its cross-entropy. Natural logarithms throughout.

use crate::label::known_pairs;

/// The probability of a logit, 0 to 1: 1 / (1 + exp(-z)) in f32, the form of `torch.sigmoid` (equal to it within
/// an ulp or two, as the two libraries' `exp` differ). Saturates to exactly 0 and 1; NaN stays NaN.
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Mean binary cross-entropy of N x C `logits` against `labels` (0, 1 or unknown, which is left out), unweighted: the journal's
/// `val_loss_unweighted`, equal to `torch.nn.functional.binary_cross_entropy_with_logits` in double precision.
///
/// Each element costs max(z, 0) - z y + ln(1 + exp(-|z|)), which overflows for no z. `None` when there is nothing
/// to average; a NaN logit makes the mean NaN and an infinitely wrong one makes it infinite, as they should show.
///
/// # Panics
/// When the slices differ in length, which is a mistake in the calling code.
pub fn bce_with_logits(logits: &[f32], labels: &[u8]) -> Option<f64> {
    mean_cost(logits, labels, 1.0)
}

/// The mean cost of logits divided by `temperature`, rounded nowhere to f32 on the way.
pub(super) fn mean_cost(logits: &[f32], labels: &[u8], temperature: f64) -> Option<f64> {
    assert_eq!(logits.len(), labels.len(), "cross-entropy needs one label a logit");
    let (total, count) =
        known_pairs(logits, labels).fold((0.0, 0_usize), |(total, count), (logit, positive)| {
            (total + cost(f64::from(logit) / temperature, positive), count + 1)
        });
    (count > 0).then(|| total / count as f64)
}

/// The cost of one logit. max(z, 0) - z y is how far z lies on the wrong side, written so that an infinite logit
/// on the right side costs 0 (inf - inf would be NaN).
fn cost(z: f64, positive: bool) -> f64 {
    let wrong = if positive { -z } else { z };
    if wrong.is_nan() { wrong } else { wrong.max(0.0) + (-wrong.abs()).exp().ln_1p() }
}
