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
    /// Learning rate, above 0.
    pub lr: f64,
    /// Decay of the mean of gradients, 0 to below 1.
    pub beta1: f64,
    /// Decay of the mean of squared gradients, 0 to below 1.
    pub beta2: f64,
    /// Weight decay per unit of learning rate, at least 0.
    pub weight_decay: f64,
    /// Added to the denominator, above 0.
    pub eps: f64,
    /// Weight decay apart from the gradient (AdamW) instead of added to it (Adam).
    pub decoupled: bool,
}

/// The numbers of a step of gradient descent; see [`fused_sgd`].
#[derive(Clone, Copy, Debug)]
pub struct SgdStep {
    /// Learning rate, above 0.
    pub lr: f64,
    /// Momentum, 0 to below 1.
    pub momentum: f64,
    /// L2 penalty added to the gradient, at least 0.
    pub weight_decay: f64,
    /// Whether the momentum is Nesterov's.
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

#[cfg(test)]
mod tests {
    use tch::nn::{self, OptimizerConfig, VarStore};
    use tch::{Device, Kind};

    use super::*;

    const LR: f64 = 0.05;
    const WEIGHT_DECAY: f64 = 0.3;

    /// A loss whose gradients change from step to step.
    fn loss(weights: &Tensor) -> Tensor {
        let slope = Tensor::arange(12, (Kind::Float, Device::Cpu)).view([3, 4]) / 6.0;
        (weights * &slope + 0.3).sin().sum(Kind::Float)
    }

    fn start() -> Tensor {
        Tensor::arange(12, (Kind::Float, Device::Cpu)).view([3, 4]) / 12.0 - 0.4
    }

    /// Weights after ten steps of libtorch's own optimizer.
    fn theirs(config: impl OptimizerConfig) -> Tensor {
        let store = VarStore::new(Device::Cpu);
        let weights = store.root().var_copy("w", &start());
        let mut optimizer = config.build(&store, LR).expect("an optimizer");
        for _ in 0..10 {
            optimizer.backward_step(&loss(&weights));
        }
        weights.detach().copy()
    }

    /// Weights after ten of our steps.
    fn ours(mut step: impl FnMut(&[Tensor])) -> Tensor {
        let weights = start().set_requires_grad(true);
        let list = [weights.shallow_clone()];
        for _ in 0..10 {
            clear_gradients(&list).expect("cleared");
            loss(&weights).backward();
            step(&list);
        }
        weights.detach().copy()
    }

    fn assert_same(ours: &Tensor, theirs: &Tensor, what: &str) {
        assert!(ours.allclose(theirs, 1e-6, 1e-6, false), "{what}: {ours} against {theirs}");
        assert!(!ours.allclose(&start(), 1e-2, 1e-2, false), "{what}: nothing was learned");
    }

    #[test]
    fn adam_and_adamw_step_as_libtorchs_own_whatever_the_weight_decay() {
        for decoupled in [false, true] {
            let step = AdamStep {
                lr: LR,
                beta1: 0.9,
                beta2: 0.999,
                weight_decay: WEIGHT_DECAY,
                eps: 1e-8,
                decoupled,
            };
            let zeros = || [start().zeros_like()];
            let (mean, square) = (zeros(), zeros());
            let count = [Tensor::from(0_f32)];
            let ours = ours(|list| fused_adam(list, &mean, &square, &count, step, None).expect("a step"));
            let theirs = if decoupled {
                theirs(nn::AdamW { wd: WEIGHT_DECAY, ..nn::AdamW::default() })
            } else {
                theirs(nn::Adam { wd: WEIGHT_DECAY, ..nn::Adam::default() })
            };
            assert_same(&ours, &theirs, if decoupled { "AdamW" } else { "Adam" });
        }
    }

    #[test]
    fn sgd_steps_as_libtorchs_own_with_and_without_momentum() {
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            let step = SgdStep { lr: LR, momentum, weight_decay: WEIGHT_DECAY, nesterov };
            let momenta = [start().zeros_like()];
            let momenta = if momentum > 0.0 { &momenta[..] } else { &[] };
            let ours = ours(|list| fused_sgd(list, momenta, step, None).expect("a step"));
            let theirs = theirs(nn::Sgd { momentum, dampening: 0.0, wd: WEIGHT_DECAY, nesterov });
            assert_same(&ours, &theirs, &format!("momentum {momentum}, nesterov {nesterov}"));
        }
    }

    #[test]
    fn a_step_with_an_infinite_gradient_changes_nothing() {
        let found = Tensor::from(1_f32);
        let step = SgdStep { lr: LR, momentum: 0.0, weight_decay: WEIGHT_DECAY, nesterov: false };
        let weights = ours(|list| fused_sgd(list, &[], step, Some(&found)).expect("passed over"));
        assert!(weights.equal(&start()));
    }
}
