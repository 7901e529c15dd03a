//! Gradients gathered on the way from a baseline to the image.

use anyhow::{Context, Result};
use tch::Tensor;

use super::super::map::Map;
use super::super::noise;
use super::super::options::Options;
use super::super::quadrature::gauss_legendre;
use super::{PASSES, Scene, with_completeness};

/// `(image - baseline) * integral of the gradient along the straight way`, by Gauss-Legendre quadrature (Captum's
/// `gausslegendre`).
pub fn integrated_gradients(scene: &Scene, options: &Options) -> Result<Vec<Map>> {
    each_image(scene, |row| {
        let (image, baseline) = (scene.images.f_narrow(0, row, 1)?, scene.baseline(row, options.baseline)?);
        let map = attributions(scene, &image, &baseline, row, options.steps)?;
        finish(scene, row, &map, &baseline)
    })
}

/// The mean of those of noisy copies of the image, against the image's own baseline.
pub fn smooth_grad(scene: &Scene, options: &Options) -> Result<Vec<Map>> {
    each_image(scene, |row| {
        let (image, baseline) = (scene.images.f_narrow(0, row, 1)?, scene.baseline(row, options.baseline)?);
        let pixels = image.numel();
        // Images go from -1 to 1.
        let deviation = 2.0 * options.noise;
        let all = noise::normal(options.seed, scene.keys[row as usize], options.samples * pixels);
        let mut sum = image.f_zeros_like()?;
        for noise in all.chunks_exact(pixels) {
            let noise = Tensor::f_from_slice(noise)?.f_to_kind(image.kind())?.f_to_device(image.device())?;
            let noise = noise.f_view_as(&image)?;
            let noisy = image.f_add(&noise.f_mul_scalar(deviation)?)?;
            sum = sum.f_add(&attributions(scene, &noisy, &baseline, row, options.steps)?)?;
        }
        finish(scene, row, &sum.f_div_scalar(options.samples as f64)?, &baseline)
    })
}

fn each_image(scene: &Scene, map: impl Fn(i64) -> Result<Map>) -> Result<Vec<Map>> {
    (0..scene.classes.len() as i64).map(map).collect()
}

fn finish(scene: &Scene, row: i64, map: &Tensor, baseline: &Tensor) -> Result<Map> {
    let class = scene.classes[row as usize];
    let both = Tensor::f_cat(&[&scene.images.f_narrow(0, row, 1)?, baseline], 0)?;
    let logits = scene.logits_of(&both, class)?;
    let (logit, of_baseline) = (logits[0], logits[1]);
    let one = Scene {
        network: scene.network,
        images: scene.images.f_narrow(0, row, 1)?,
        classes: vec![class],
        shift: scene.shift,
        layer: scene.layer,
        keys: vec![scene.keys[row as usize]],
        keep_going: scene.keep_going,
    };
    let mut maps = one.maps(&map.f_squeeze_dim(1)?, one.size(), true, &[logit])?;
    Ok(with_completeness(maps.pop().context("one image gives one map")?, of_baseline))
}

/// Attributions `1,1,H,W` of one image.
fn attributions(scene: &Scene, image: &Tensor, baseline: &Tensor, row: i64, steps: usize) -> Result<Tensor> {
    let class = scene.classes[row as usize];
    let way = image.f_sub(baseline)?;
    let points = gauss_legendre(steps);
    let mut integral = image.f_zeros_like()?;
    for points in points.chunks(PASSES as usize) {
        scene.check()?;
        let column = |values: Vec<f64>| -> Result<Tensor> {
            let values = Tensor::f_from_slice(&values)?.f_to_kind(image.kind())?;
            Ok(values.f_to_device(image.device())?.f_view([-1, 1, 1, 1])?)
        };
        let places = column(points.iter().map(|(x, _)| *x).collect())?;
        let weights = column(points.iter().map(|(_, w)| *w).collect())?;
        let inputs = baseline.f_add(&way.f_mul(&places)?)?.f_detach()?.f_set_requires_grad(true)?;
        let logits = scene.network.forward(&inputs, crate::model::Mode::Eval)?.f_select(1, class)?;
        let gradients = Tensor::f_run_backward(&[logits.f_sum(logits.kind())?], &[&inputs], false, false)?;
        let gradients = gradients.first().context("libtorch gave no gradient")?;
        let weighted = gradients.f_mul(&weights)?;
        integral = integral.f_add(&weighted.f_sum_dim_intlist(0_i64, true, weighted.kind())?)?;
    }
    Ok(way.f_mul(&integral)?)
}
