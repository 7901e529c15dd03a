//! The label of an image for a condition: absent, present, or unknown.

/// The condition is absent.
pub const ABSENT: u8 = 0;
/// The condition is present.
pub const PRESENT: u8 = 1;
/// Nobody says whether it is: a blank cell, `NA`, an uncertain label that is ignored, or a condition that the source
/// doesn't label. The byte is -1 as `int8`, as torchmetrics' `ignore_index=-1` has it.
pub const UNKNOWN: u8 = 255;

/// Whether `value` is a label: 0, 1 or [`UNKNOWN`].
pub fn is_label(value: u8) -> bool {
    matches!(value, ABSENT | PRESENT | UNKNOWN)
}

/// Whether the condition is present; `None` where that is unknown.
pub fn known(label: u8) -> Option<bool> {
    (label != UNKNOWN).then_some(label == PRESENT)
}

/// The pairs (score, condition present) of those `labels` that are known, in order; as many as the shorter slice has.
pub fn known_pairs<'a>(
    scores: &'a [f32],
    labels: &'a [u8],
) -> impl Iterator<Item = (f32, bool)> + Clone + use<'a> {
    scores.iter().zip(labels).filter_map(|(score, label)| Some((*score, known(*label)?)))
}

/// The label as a network's target: 0, 1, or -1 where it is unknown.
pub fn target(label: u8) -> f32 {
    f32::from(label.cast_signed())
}

/// Whether an image with these labels is normal: every condition is absent. `None` where none is present and some are
/// unknown.
pub fn is_normal(labels: &[u8]) -> Option<bool> {
    if labels.contains(&PRESENT) { Some(false) } else { (!labels.contains(&UNKNOWN)).then_some(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_normal_only_where_every_label_is_known() {
        assert_eq!(is_normal(&[ABSENT, ABSENT]), Some(true));
        assert_eq!(is_normal(&[UNKNOWN, PRESENT]), Some(false));
        assert_eq!(is_normal(&[UNKNOWN, ABSENT]), None);
        assert_eq!([ABSENT, PRESENT, UNKNOWN].map(known), [Some(false), Some(true), None]);
        assert_eq!([ABSENT, PRESENT, UNKNOWN].map(target), [0.0, 1.0, -1.0]);
        assert!(!is_label(2) && is_label(UNKNOWN));
    }
}
