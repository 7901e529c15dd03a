//! Fused steps over all parameters at once.

use std::ffi::{c_char, c_int, c_void};

use tch::{TchError, Tensor};

use super::{outcome, pointers};

unsafe extern "C" {
    fn chestxr_fused_adam(
        count: usize,
        parameters: *const *mut c_void,
        exp_avgs: *const *mut c_void,
        exp_avg_sqs: *const *mut c_void,
        steps: *const *mut c_void,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
        decoupled: c_int,
        found_inf: *mut c_void,
    ) -> *mut c_char;
    fn chestxr_fused_sgd(
        count: usize,
        parameters: *const *mut c_void,
        momenta: *const *mut c_void,
        lr: f64,
        momentum: f64,
        weight_decay: f64,
        nesterov: c_int,
        found_inf: *mut c_void,
    ) -> *mut c_char;
    fn chestxr_clear_gradients(count: usize, parameters: *const *mut c_void) -> *mut c_char;
    fn chestxr_clip_gradients(count: usize, parameters: *const *mut c_void, most: f64) -> *mut c_char;
    fn chestxr_unscale_gradients(
        count: usize,
        parameters: *const *mut c_void,
        found_inf: *mut c_void,
        inv_scale: *const c_void,
    ) -> *mut c_char;
    fn chestxr_lerp(
        count: usize,
        means: *const *mut c_void,
        values: *const *mut c_void,
        weight: f64,
    ) -> *mut c_char;
}

/// The numbers of an Adam step; see [`fused_adam`].
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub weight_decay: f64,
    pub eps: f64,
    /// Weight decay apart from the gradient (AdamW) instead of added to it (Adam).
    pub decoupled: bool,
}

/// The numbers of a step of gradient descent; see [`fused_sgd`].
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    pub lr: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub nesterov: bool,
}

/// The C side of an optional tensor.
fn optional(tensor: Option<&Tensor>) -> *mut c_void {
    tensor.map_or(std::ptr::null_mut(), |tensor| tensor.as_ptr().cast_mut().cast())
}

/// One Adam step in place over all `parameters`, each with a gradient (Kingma & Ba 2015; weight decay as
/// `torch.optim.Adam` or `AdamW`, Loshchilov & Hutter 2019). `steps` are float32 scalars, one a parameter,
/// counted up here. With `found_inf` (float32 scalar) not 0 nothing changes.
///
/// # Errors
/// Whatever libtorch says, e.g. when shapes or devices differ.
pub fn fused_adam(
    parameters: &[Tensor],
    exp_avgs: &[Tensor],
    exp_avg_sqs: &[Tensor],
    steps: &[Tensor],
    step: AdamStep,
    found_inf: Option<&Tensor>,
) -> Result<(), TchError> {
    let count = parameters.len();
    assert!([exp_avgs, exp_avg_sqs, steps].iter().all(|list| list.len() == count));
    let lists = [parameters, exp_avgs, exp_avg_sqs, steps].map(pointers);
    // SAFETY: each list holds `count` pointers to tensors that outlive the call.
    outcome(unsafe {
        chestxr_fused_adam(
            count,
            lists[0].as_ptr(),
            lists[1].as_ptr(),
            lists[2].as_ptr(),
            lists[3].as_ptr(),
            step.lr,
            step.beta1,
            step.beta2,
            step.weight_decay,
            step.eps,
            step.decoupled.into(),
            optional(found_inf),
        )
    })
}

/// One step of gradient descent in place over all `parameters`, each with a gradient, as `torch.optim.SGD`
/// without dampening. `momenta` are as the parameters, zero at first, or none when `step.momentum` is 0.
///
/// # Errors
/// Whatever libtorch says, e.g. when shapes or devices differ.
pub fn fused_sgd(
    parameters: &[Tensor],
    momenta: &[Tensor],
    step: SgdStep,
    found_inf: Option<&Tensor>,
) -> Result<(), TchError> {
    assert!(step.momentum == 0.0 || momenta.len() == parameters.len());
    let lists = [parameters, momenta].map(pointers);
    // SAFETY: the lists hold pointers to tensors that outlive the call; the second is read only with momentum.
    outcome(unsafe {
        chestxr_fused_sgd(
            parameters.len(),
            lists[0].as_ptr(),
            lists[1].as_ptr(),
            step.lr,
            step.momentum,
            step.weight_decay,
            step.nesterov.into(),
            optional(found_inf),
        )
    })
}

/// Drops the gradients of `parameters`, so that the next backward pass hands its own over instead of adding
/// to zeros.
///
/// # Errors
/// Whatever libtorch says.
pub fn clear_gradients(parameters: &[Tensor]) -> Result<(), TchError> {
    let list = pointers(parameters);
    // SAFETY: the list holds as many pointers to tensors that outlive the call.
    outcome(unsafe { chestxr_clear_gradients(list.len(), list.as_ptr()) })
}

/// Shortens all gradients together to a 2-norm of at most `most`, as `torch.nn.utils.clip_grad_norm_`.
///
/// # Errors
/// Whatever libtorch says, e.g. when a parameter has no gradient.
pub fn clip_gradients(parameters: &[Tensor], most: f64) -> Result<(), TchError> {
    let list = pointers(parameters);
    // SAFETY: as above.
    outcome(unsafe { chestxr_clip_gradients(list.len(), list.as_ptr(), most) })
}

/// Multiplies all gradients by `inv_scale` and sets `found_inf` to 1 if one is not finite (float32 scalars).
///
/// # Errors
/// Whatever libtorch says, e.g. when a parameter has no gradient.
pub fn unscale_gradients(
    parameters: &[Tensor],
    found_inf: &Tensor,
    inv_scale: &Tensor,
) -> Result<(), TchError> {
    let list = pointers(parameters);
    // SAFETY: as above.
    outcome(unsafe {
        chestxr_unscale_gradients(
            list.len(),
            list.as_ptr(),
            found_inf.as_ptr().cast_mut().cast(),
            inv_scale.as_ptr().cast(),
        )
    })
}

/// Moves each of `means` by the share `weight` of the way to its value.
///
/// # Errors
/// Whatever libtorch says, e.g. when shapes differ.
pub fn lerp(means: &[Tensor], values: &[Tensor], weight: f64) -> Result<(), TchError> {
    assert_eq!(means.len(), values.len());
    let lists = [means, values].map(pointers);
    // SAFETY: both lists hold as many pointers to tensors that outlive the call.
    outcome(unsafe { chestxr_lerp(means.len(), lists[0].as_ptr(), lists[1].as_ptr(), weight) })
}
