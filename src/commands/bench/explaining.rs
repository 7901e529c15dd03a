//! Time of an attribution map, compared with one forward and backward pass.

use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use chestxr_tui::config::{Arch, ModelSection};
use chestxr_tui::explain::{METHODS, Options, explain_batch};
use chestxr_tui::model::resolve_device;
use chestxr_tui::model::{Mode, Network, Shape};
use chestxr_tui::native;

use super::MedianRange;

const CLASSES: usize = 14;

/// Times of one network, one image at a time, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Explaining {
    pub network: &'static str,
    /// Height and width of the image.
    pub image_size: usize,
    /// Forward pass, and backward pass to all weights.
    pub forward_backward_ms: MedianRange,
    pub gradcam_ms: MedianRange,
    /// Time of a map as a multiple of `forward_backward_ms`, by method.
    pub ratios: Vec<(&'static str, f64)>,
}

impl Explaining {
    /// The figures as text.
    pub fn line(&self) -> String {
        let ratios: Vec<String> =
            self.ratios.iter().map(|(method, ratio)| format!("{method} {ratio:.1}")).collect();
        format!(
            "{} at {} px: forward and backward {:.1} ms; maps as multiples of it: {}",
            self.network,
            self.image_size,
            self.forward_backward_ms.median,
            ratios.join(", ")
        )
    }
}

/// Measures one network with random weights: the time of a map doesn't depend on them.
pub fn measure(arch: Arch, size: usize, device: &str, repeats: usize) -> Result<Explaining> {
    let section = ModelSection { arch, ..ModelSection::default() };
    let device = resolve_device(device)?;
    let network = Network::build(&section, Shape { height: size, width: size, classes: CLASSES }, device)?;
    let image = Tensor::f_rand([1, 1, size as i64, size as i64], (Kind::Float, device))?;
    let image = image.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?;
    let forward_backward = || -> Result<()> {
        let logits = network.forward(&image, Mode::Eval)?;
        logits.f_sum(Kind::Float)?.f_backward()?;
        Ok(())
    };
    let forward_backward_ms = timed(repeats * 5, device, forward_backward)?;
    let mut gradcam_ms = None;
    let mut ratios = Vec::new();
    // SmoothGrad takes as long as integrated gradients times its number of samples.
    for method in METHODS.iter().filter(|method| method.name != "smoothgrad") {
        let map = || explain_batch(&network, &image, &[0], method, &Options::default()).map(|_| ());
        // One measurement of a slow method is enough.
        let figure = timed(if method.passes_once { repeats * 5 } else { 1 }, device, map)?;
        if method.name == "grad-cam" {
            gradcam_ms = Some(figure);
        }
        ratios.push((method.name, figure.median / forward_backward_ms.median));
    }
    let gradcam_ms = gradcam_ms.context("Grad-CAM is among the methods")?;
    Ok(Explaining { network: arch.name(), image_size: size, forward_backward_ms, gradcam_ms, ratios })
}

/// Milliseconds per call of `work`; a first call as warm-up is not counted.
fn timed(repeats: usize, device: Device, work: impl Fn() -> Result<()>) -> Result<MedianRange> {
    work()?;
    native::synchronize(device)?;
    let mut values = Vec::with_capacity(repeats);
    for _ in 0..repeats.max(1) {
        let started = Instant::now();
        work()?;
        native::synchronize(device)?;
        values.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    MedianRange::of(values)
}
