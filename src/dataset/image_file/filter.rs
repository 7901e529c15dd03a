//! Resampling filters, by Pillow's names.

use serde::{Deserialize, Serialize};

/// The filter that a picture is reduced with, as Pillow names and computes them: widened by the reduction, so that
/// every pixel of the picture counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// The mean of the pixels under an image's pixel.
    Box,
    /// A triangle twice as wide.
    Bilinear,
    /// A cubic four times as wide (Catmull-Rom, a = -0.5).
    #[default]
    Bicubic,
    /// A windowed sinc six times as wide.
    Lanczos,
}
