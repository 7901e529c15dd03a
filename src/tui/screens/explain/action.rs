//! What can be done on the Explain screen.

use crate::dataset::part::GroupBy;

/// An action of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplainAction {
    /// Why: of the run or image under the cursor.
    Explain,
    NextClass,
    PreviousClass,
    Method,
    PreviousMethod,
    /// The layer that a CAM is made at.
    Layer,
    Opacity,
    Colours,
    RaiseContrast,
    LowerContrast,
    /// Into the image, and out again.
    Magnify,
    /// Which images are listed.
    Outcome,
    SamePatient,
    /// Only images of the next view, sex or group of ages.
    Group(GroupBy),
    /// An image by its number, or a patient.
    Search,
}
