//! How damage of a DICOM file is reported.

use super::super::error::Fault;

/// The format's name in messages.
pub(super) const DICOM: &str = "DICOM file";
/// Longest message of a decoder that an error repeats, in characters.
pub(super) const LONGEST_REASON: usize = 100;

/// The fault of a damaged DICOM file; `what` is wrong with it.
pub(super) fn damaged(what: &str) -> Fault {
    Fault::Damaged { format: DICOM, what: what.to_owned() }
}
