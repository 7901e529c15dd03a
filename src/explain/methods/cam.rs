//! Class activation maps by gradients: a layer's activations, weighted by what they do to the logit.

use anyhow::{Context, Result};
use tch::Tensor;

use super::super::map::Map;
use super::super::options::Options;
use super::{Scene, floats};

/// Channel weights are the mean gradients; negative sums are cut off (`LayerGradCam(relu_attributions=True)` of Captum).
pub fn grad_cam(scene: &Scene, _options: &Options) -> Result<Vec<Map>> {
    cam(scene, |_, gradients| Ok(gradients.f_mean_dim([2_i64, 3].as_slice(), true, gradients.kind())?))
}

/// Channel weights are sums of positive gradients, each weighted by equation 19 of the paper, with the third
/// derivatives that an exponential of the logit has.
pub fn grad_cam_plus_plus(scene: &Scene, _options: &Options) -> Result<Vec<Map>> {
    cam(scene, |activations, gradients| {
        let squared = gradients.f_square()?;
        let cubed = squared.f_mul(gradients)?;
        let sums = activations.f_sum_dim_intlist([2_i64, 3].as_slice(), true, activations.kind())?;
        let below = squared.f_mul_scalar(2.0)?.f_add(&sums.f_mul(&cubed)?)?.f_add_scalar(1e-6)?;
        let alphas = squared.f_div(&below)?;
        let alphas = alphas.f_where_self(&gradients.f_ne(0.0)?, &alphas.f_zeros_like()?)?;
        let weighted = gradients.f_relu()?.f_mul(&alphas)?;
        Ok(weighted.f_sum_dim_intlist([2_i64, 3].as_slice(), true, weighted.kind())?)
    })
}

/// Activations and gradients at the layer, `weights(activations, gradients)` of the channels (`N,K,1,1`), the
/// weighted sum without its negative part, enlarged bilinearly (corners not aligned, as PyTorch interpolates).
/// Nothing below the layer is differentiated.
fn cam(scene: &Scene, weights: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Vec<Map>> {
    let activations = tch::no_grad(|| scene.network.to_layer(&scene.images, scene.layer))?;
    let activations = activations.f_detach()?.f_set_requires_grad(true)?;
    let chosen = scene.chosen(&scene.network.logits_from_layer(&activations, scene.layer)?)?;
    let total = chosen.f_sum(chosen.kind())?;
    let gradients = Tensor::f_run_backward(&[total], &[&activations], false, false)?;
    let gradients = gradients.first().context("libtorch gave no gradient")?;
    let _no_grad = tch::no_grad_guard();
    let activations = activations.f_detach()?;
    let weights = weights(&activations, gradients)?;
    let weighted = weights.f_mul(&activations)?;
    let map = weighted.f_sum_dim_intlist(1_i64, true, weighted.kind())?.f_relu()?;
    let native = [map.size()[2], map.size()[3]];
    let large = map.f_upsample_bilinear2d(scene.size(), false, None, None)?;
    scene.maps(&large.f_squeeze_dim(1)?, native, false, &floats(&chosen)?)
}
