//! Options of attribution methods.

use std::str::FromStr;

/// What integrated gradients begin at, and occlusion covers with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Baseline {
    /// A black image.
    #[default]
    Black,
    /// The image, blurred by a Gaussian of a tenth of its width: its parts without their details.
    Blurred,
    /// An image of the mean grey of this one.
    Mean,
}

impl Baseline {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Black, Self::Blurred, Self::Mean];

    /// As typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Blurred => "blurred",
            Self::Mean => "mean",
        }
    }
}

impl FromStr for Baseline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|baseline| baseline.name() == text);
        found.ok_or_else(|| "there are black, blurred and mean".to_owned())
    }
}

/// Settings of all methods; each reads its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The layer of Grad-CAM and Grad-CAM++ by name; the last one where left out.
    pub layer: Option<String>,
    /// Of integrated gradients, SmoothGrad and occlusion.
    pub baseline: Baseline,
    /// Points of Gauss-Legendre quadrature, 1 to 500.
    pub steps: usize,
    /// Noisy copies of SmoothGrad, 1 to 500.
    pub samples: usize,
    /// Their standard deviation as a share of the range from black to white, above 0 and at most 1.
    pub noise: f64,
    /// What noise is drawn from.
    pub seed: u64,
    /// Side of occlusion's square in pixels; 0 for an eighth of the image.
    pub window: usize,
    /// How far it moves in pixels; 0 for a quarter of its side.
    pub stride: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            layer: None,
            baseline: Baseline::default(),
            steps: 50,
            samples: 16,
            noise: 0.1,
            seed: 0,
            window: 0,
            stride: 0,
        }
    }
}

/// A choice that can't be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum OptionsError {
    #[error("steps goes from 1 to 500, not {0}")]
    Steps(usize),
    #[error("samples goes from 1 to 500, not {0}")]
    Samples(usize),
    #[error("noise is a share of the grey range, above 0 and at most 1, not {0}")]
    Noise(f64),
    #[error(
        "the window of occlusion is {window} px wide and the image {image}; choose at most the image's side"
    )]
    Window { window: usize, image: usize },
    #[error("there is no layer `{0}`; this network has {1}")]
    Layer(String, String),
}

impl Options {
    /// Looks at the numbers.
    ///
    /// # Errors
    /// Names the first that can't be.
    pub fn check(&self, image_size: [usize; 2]) -> Result<(), OptionsError> {
        if !(1..=500).contains(&self.steps) {
            return Err(OptionsError::Steps(self.steps));
        }
        if !(1..=500).contains(&self.samples) {
            return Err(OptionsError::Samples(self.samples));
        }
        if !(self.noise > 0.0 && self.noise <= 1.0) {
            return Err(OptionsError::Noise(self.noise));
        }
        let image = image_size[0].min(image_size[1]);
        if self.window > image {
            return Err(OptionsError::Window { window: self.window, image });
        }
        Ok(())
    }

    /// Occlusion's side and stride in pixels.
    pub fn occlusion(&self, image_size: [usize; 2]) -> (usize, usize) {
        let image = image_size[0].min(image_size[1]);
        let window = if self.window == 0 { (image / 8).max(1) } else { self.window };
        let stride = if self.stride == 0 { (window / 4).max(1) } else { self.stride };
        (window, stride)
    }

    /// Which of a network's layers is meant.
    ///
    /// # Errors
    /// When there is none of this name; lists those there are.
    pub fn layer_index(&self, layers: &[String]) -> Result<usize, OptionsError> {
        match &self.layer {
            None => Ok(layers.len().saturating_sub(1)),
            Some(name) => layers
                .iter()
                .position(|layer| layer == name)
                .ok_or_else(|| OptionsError::Layer(crate::text::one_line(name, 60), layers.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_is_named() {
        let says = |options: Options| options.check([64, 64]).expect_err("refused").to_string();
        assert!(says(Options { steps: 0, ..Options::default() }).contains("1 to 500"));
        assert!(says(Options { noise: f64::NAN, ..Options::default() }).contains("share"));
        assert!(says(Options { window: 65, ..Options::default() }).contains("65 px"));
        let layers = ["layer1".to_owned(), "layer2".to_owned()];
        let asked = |layer: Option<&str>| {
            Options { layer: layer.map(str::to_owned), ..Options::default() }.layer_index(&layers)
        };
        assert_eq!((asked(None), asked(Some("layer1"))), (Ok(1), Ok(0)));
        assert!(asked(Some("layer9")).expect_err("none").to_string().contains("layer1, layer2"));
        assert_eq!(Options::default().occlusion([64, 64]), (8, 2));
    }
}
