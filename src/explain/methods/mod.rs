//! The methods, and what they share.

mod cam;
mod integrated_gradients;
mod occlusion;

use anyhow::Result;
use tch::{Kind, Tensor};

use super::map::{Completeness, Map};
use super::options::{Baseline, Options};
use crate::config::Arch;
use crate::model::{Mode, Network};

/// A way to explain.
pub struct Method {
    /// As typed.
    pub name: &'static str,
    /// As shown.
    pub title: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Whether its maps have negative evidence as well.
    pub signed: bool,
    /// The unit of its values.
    pub unit: &'static str,
    /// Whether it looks at a chosen layer.
    pub has_layer: bool,
    /// Whether an image needs only one forward and one backward pass.
    pub passes_once: bool,
    pub(super) run: fn(&Scene, &Options) -> Result<Vec<Map>>,
}

/// Every method.
pub const METHODS: &[Method] = &[
    Method {
        name: "grad-cam",
        title: "Grad-CAM",
        source: "Selvaraju et al. 2017",
        signed: false,
        unit: "activation",
        has_layer: true,
        passes_once: true,
        run: cam::grad_cam,
    },
    Method {
        name: "grad-cam++",
        title: "Grad-CAM++",
        source: "Chattopadhay et al. 2018",
        signed: false,
        unit: "activation",
        has_layer: true,
        passes_once: true,
        run: cam::grad_cam_plus_plus,
    },
    Method {
        name: "integrated-gradients",
        title: "integrated gradients",
        source: "Sundararajan et al. 2017",
        signed: true,
        unit: "logit per pixel",
        has_layer: false,
        passes_once: false,
        run: integrated_gradients::integrated_gradients,
    },
    Method {
        name: "smoothgrad",
        title: "SmoothGrad of integrated gradients",
        source: "Smilkov et al. 2017",
        signed: true,
        unit: "logit per pixel",
        has_layer: false,
        passes_once: false,
        run: integrated_gradients::smooth_grad,
    },
    Method {
        name: "occlusion",
        title: "occlusion",
        source: "Zeiler & Fergus 2014",
        signed: true,
        unit: "logit",
        has_layer: false,
        passes_once: false,
        run: occlusion::occlusion,
    },
];

/// The place in [`METHODS`] of the method that is shown first for a network: the one that points into known findings most
/// often, by `explain --score` on phantom images (docs/src/explanations.md has the tables), where the network was measured.
/// Grad-CAM's maps of ChestNetS are empty on most images, since its last layer is read through dense weights that differ by
/// position; of ResNet-18 they are empty on a fifth. The larger networks weren't measured: they have Grad-CAM, which takes
/// one pass instead of fifty.
pub fn default_method(arch: Arch) -> usize {
    let name = match arch {
        Arch::ChestNetS | Arch::ResNet18 => "integrated-gradients",
        Arch::ResNet34 | Arch::ResNet50 | Arch::DenseNet121 => "grad-cam",
    };
    METHODS.iter().position(|method| method.name == name).unwrap_or(0)
}

impl Method {
    /// The method of this name.
    ///
    /// # Errors
    /// A sentence that names those there are.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        METHODS.iter().find(|method| method.name == name).ok_or_else(|| {
            let names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
            format!("there are {}", names.join(", "))
        })
    }
}

/// Images on the network's device, each with the condition to explain.
pub struct Scene<'a> {
    pub network: &'a Network,
    /// `float32 N,1,H,W` in -1..=1.
    pub images: Tensor,
    /// N columns of the logits.
    pub classes: Vec<i64>,
    /// What is taken from logits before they become probabilities (`float32 C`).
    pub shift: Option<&'a Tensor>,
    /// Number of the map layer.
    pub layer: usize,
    /// One an image, what noise is drawn from besides the seed.
    pub keys: Vec<u64>,
    /// Called before each batch of passes.
    pub keep_going: &'a dyn Fn() -> bool,
}

/// Nobody wants the map any more.
#[derive(Debug, thiserror::Error)]
#[error("the map is not wanted any more")]
pub struct Ended;

/// Passes that go through the network at once.
const PASSES: i64 = 32;

impl Scene<'_> {
    /// Height and width of the images.
    fn size(&self) -> [i64; 2] {
        let size = self.images.size();
        [size[2], size[3]]
    }

    /// Ends the work where nobody wants it any more.
    fn check(&self) -> Result<(), Ended> {
        if (self.keep_going)() { Ok(()) } else { Err(Ended) }
    }

    /// The logits (`N`) of each row's condition.
    fn chosen(&self, logits: &Tensor) -> Result<Tensor> {
        let classes = Tensor::f_from_slice(&self.classes)?.f_to_device(logits.device())?;
        Ok(logits.f_gather(1, &classes.f_view([-1, 1])?, false)?.f_view(-1)?)
    }

    /// The logits (`M`) of condition `class` for images `M,1,H,W`, in batches, without gradients.
    fn logits_of(&self, images: &Tensor, class: i64) -> Result<Vec<f32>> {
        let _no_grad = tch::no_grad_guard();
        let mut all = Vec::new();
        for part in images.f_split(PASSES, 0)? {
            self.check()?;
            let logits = self.network.forward(&part, Mode::Eval)?.f_select(1, class)?;
            all.extend(floats(&logits)?);
        }
        Ok(all)
    }

    /// The probability of a logit of `class` as it is reported.
    fn probability(&self, logit: f32, class: i64) -> Result<f32> {
        let shift = match self.shift {
            Some(shift) => shift.f_double_value(&[class])? as f32,
            None => 0.0,
        };
        Ok(crate::metrics::sigmoid(logit - shift))
    }

    /// A map for each row of `maps` (`N,H,W`) with the logits it explains.
    fn maps(&self, maps: &Tensor, native: [i64; 2], signed: bool, logits: &[f32]) -> Result<Vec<Map>> {
        let [height, width] = self.size().map(|n| n as usize);
        let values = floats(maps)?;
        values
            .chunks_exact(height * width)
            .zip(logits.iter().zip(&self.classes))
            .map(|(values, (logit, class))| {
                Ok(Map {
                    height,
                    width,
                    values: values.to_vec(),
                    native: native.map(|n| n as usize),
                    signed,
                    logit: *logit,
                    probability: self.probability(*logit, *class)?,
                    completeness: None,
                })
            })
            .collect()
    }

    /// What image number `row` is compared with, `1,1,H,W`.
    fn baseline(&self, row: i64, baseline: Baseline) -> Result<Tensor> {
        let image = self.images.f_narrow(0, row, 1)?;
        Ok(match baseline {
            Baseline::Black => image.f_full_like(-1.0)?,
            Baseline::Mean => image.f_zeros_like()?.f_add(&image.f_mean(image.kind())?)?,
            Baseline::Blurred => blurred(&image)?,
        })
    }
}

/// All values of a tensor in order.
fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(Vec::try_from(tensor.f_to_kind(Kind::Float)?.f_contiguous()?.f_view(-1)?)?)
}

/// An image `1,1,H,W` under a Gaussian of a tenth of its width, cut at three deviations, its edges going on outwards.
pub(super) fn blurred(image: &Tensor) -> Result<Tensor> {
    let size = image.size();
    let deviation = size[3] as f64 / 10.0;
    // Replicated padding can't be wider than the image is.
    let reach = ((3.0 * deviation).ceil() as i64).min(size[2].min(size[3]) - 1);
    let weights: Vec<f32> =
        (-reach..=reach).map(|x| (-0.5 * (x as f64 / deviation).powi(2)).exp() as f32).collect();
    let kernel = Tensor::f_from_slice(&weights)?.f_to_kind(image.kind())?.f_to_device(image.device())?;
    let kernel = kernel.f_div(&kernel.f_sum(image.kind())?)?;
    let padded = image.f_replication_pad2d([reach; 4])?;
    let across = padded.f_conv2d(&kernel.f_view([1, 1, 1, -1])?, None::<&Tensor>, 1, 0, 1, 1)?;
    Ok(across.f_conv2d(&kernel.f_view([1, 1, -1, 1])?, None::<&Tensor>, 1, 0, 1, 1)?)
}

/// Attributions of one image with what they sum up to.
fn with_completeness(mut map: Map, of_baseline: f32) -> Map {
    let sum = map.values.iter().map(|value| f64::from(*value)).sum();
    map.completeness = Some(Completeness { difference: f64::from(map.logit) - f64::from(of_baseline), sum });
    map
}
