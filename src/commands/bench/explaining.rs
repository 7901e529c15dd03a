//! What a map costs beside what a network must do anyway.

use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use tch::{Kind, Tensor};

use chestxr_tui::config::{Arch, ModelSection};
use chestxr_tui::explain::{METHODS, Options, explain_batch};
use chestxr_tui::model::{Mode, Network, Shape};
use chestxr_tui::train::resolve_device;

use super::Figure;

const CLASSES: usize = 14;

/// Of one network, an image at a time, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Explaining {
    pub network: &'static str,
    /// Height and width of the image.
    pub image_size: usize,
    /// Forward, and back to all weights.
    pub forward_backward_ms: Figure,
    pub gradcam_ms: Figure,
    /// Every method's map as a multiple of one forward and back, by name.
    pub ratios: Vec<(&'static str, f64)>,
}

impl Explaining {
    /// The figures as text.
    pub fn line(&self) -> String {
        let ratios: Vec<String> =
            self.ratios.iter().map(|(method, ratio)| format!("{method} {ratio:.1}")).collect();
        format!(
            "{} at {} px: forward and back {:.1} ms, a map of it: {}",
            self.network,
            self.image_size,
            self.forward_backward_ms.median,
            ratios.join(", ")
        )
    }
}

/// Measures one network with fresh weights: what a map costs depends on no weight.
pub fn measure(arch: Arch, size: usize, device: &str, repeats: usize) -> Result<Explaining> {
    let section = ModelSection { arch, ..ModelSection::default() };
    let device = resolve_device(device)?;
    let network = Network::build(&section, Shape { height: size, width: size, classes: CLASSES }, device)?;
    let image = Tensor::f_rand([1, 1, size as i64, size as i64], (Kind::Float, device))?;
    let image = image.f_mul_scalar(2.0)?.f_sub_scalar(1.0)?;
    let both = || -> Result<()> {
        let logits = network.forward(&image, Mode::Eval)?;
        logits.f_sum(Kind::Float)?.f_backward()?;
        Ok(())
    };
    let forward_backward_ms = timed(repeats * 5, both)?;
    let mut gradcam_ms = None;
    let mut ratios = Vec::new();
    // SmoothGrad costs as many integrated gradients as it has samples.
    for method in METHODS.iter().filter(|method| method.name != "smoothgrad") {
        let map = || explain_batch(&network, &image, &[0], method, &Options::default()).map(|_| ());
        // Slow ones are slow enough to be measured once.
        let figure = timed(if method.passes_once { repeats * 5 } else { 1 }, map)?;
        if method.name == "grad-cam" {
            gradcam_ms = Some(figure);
        }
        ratios.push((method.name, figure.median / forward_backward_ms.median));
    }
    let gradcam_ms = gradcam_ms.context("Grad-CAM is among the methods")?;
    Ok(Explaining { network: arch.name(), image_size: size, forward_backward_ms, gradcam_ms, ratios })
}

/// Milliseconds; the first time, which also sets things up, doesn't count.
fn timed(repeats: usize, work: impl Fn() -> Result<()>) -> Result<Figure> {
    work()?;
    let mut values = Vec::with_capacity(repeats);
    for _ in 0..repeats.max(1) {
        let began = Instant::now();
        work()?;
        values.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Figure::of(values)
}
