//! Batch norm, max pooling and ReLU as one operator with gradients of its own.

use std::ffi::{c_char, c_void};

use tch::{Device, Kind, TchError, Tensor};

use super::outcome;

unsafe extern "C" {
    fn chestxr_batch_norm_max_pool_relu(
        x: *const c_void,
        weight: *const c_void,
        bias: *const c_void,
        running_mean: *const c_void,
        running_var: *const c_void,
        momentum: f64,
        epsilon: f64,
        out: *mut *mut c_void,
    ) -> *mut c_char;
    fn chestxr_is_channels_last(tensor: *const c_void) -> bool;
}

/// Whether [`batch_norm_max_pool_relu`] can take this: `float32 N,C,H,W` stored channels last on the CPU, with even sides and at
/// least eight channels.
pub fn can_fuse_batch_norm_max_pool_relu(x: &Tensor) -> bool {
    let plain = x.device() == Device::Cpu && matches!(x.kind(), Kind::Float | Kind::Double);
    // SAFETY: the tensor outlives the call.
    plain
        && matches!(x.size()[..], [_, channels, height, width] if channels >= 8 && height % 2 == 0 && width % 2 == 0)
        && unsafe { chestxr_is_channels_last(x.as_ptr().cast()) }
}

/// `relu(max_pool2d(batch_norm(x), 2))` of training, with its gradients: `N,C,H,W` to `N,C,H/2,W/2`. `tensors`
/// are weight, bias, running mean and running variance (`C` each); the last two are updated.
///
/// # Errors
/// When `x` is not what [`can_fuse_batch_norm_max_pool_relu`] asks for, or a tensor has another length or kind.
pub fn batch_norm_max_pool_relu(
    x: &Tensor,
    tensors: [&Tensor; 4],
    momentum: f64,
    epsilon: f64,
) -> Result<Tensor, TchError> {
    let mut out = std::ptr::null_mut();
    let [weight, bias, mean, variance] = tensors.map(|tensor| tensor.as_ptr().cast::<c_void>());
    // SAFETY: all tensors outlive the call; on success `out` is a tensor of its own, which the new `Tensor`
    // owns and frees.
    outcome(unsafe {
        chestxr_batch_norm_max_pool_relu(
            x.as_ptr().cast(),
            weight,
            bias,
            mean,
            variance,
            momentum,
            epsilon,
            &mut out,
        )
    })?;
    Ok(unsafe { Tensor::from_ptr(out.cast()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::channels_last;

    const EPSILON: f64 = 1e-5;

    /// A batch whose channels have their own mean and deviation, and weights of both signs.
    fn batch(kind: Kind, [images, channels, height, width]: [i64; 4]) -> (Tensor, [Tensor; 4]) {
        let on = (kind, Device::Cpu);
        let scale = Tensor::linspace(0.2, 3.0, channels, on).view([1, channels, 1, 1]);
        let x = Tensor::randn([images, channels, height, width], on) * &scale + 5.0 * (&scale - 1.0);
        let weight = Tensor::linspace(-1.5, 2.1, channels, on);
        let bias = Tensor::linspace(0.7, -0.6, channels, on);
        let all = [weight, bias, Tensor::zeros([channels], on), Tensor::ones([channels], on)];
        (channels_last(&x).expect("four dimensions"), all)
    }

    /// The three operators of libtorch.
    fn apart(x: &Tensor, [weight, bias, mean, variance]: [&Tensor; 4]) -> Tensor {
        x.batch_norm(Some(weight), Some(bias), Some(mean), Some(variance), true, 0.1, EPSILON, false)
            .relu()
            .max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
    }

    fn leaf(tensor: &Tensor) -> Tensor {
        tensor.detach().copy().set_requires_grad(true)
    }

    fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
        f64::try_from((a - b).abs().max()).expect("a number")
    }

    /// Output, gradients of input, weight and bias, running statistics.
    fn all_of(
        x: &Tensor,
        tensors: &[Tensor; 4],
        run: impl FnOnce(&Tensor, [&Tensor; 4]) -> Tensor,
    ) -> [Tensor; 6] {
        let x = channels_last(x).expect("four dimensions").set_requires_grad(true);
        let (weight, bias) = (leaf(&tensors[0]), leaf(&tensors[1]));
        let (mean, variance) = (tensors[2].copy(), tensors[3].copy());
        let out = run(&x, [&weight, &bias, &mean, &variance]);
        let slope = Tensor::linspace(-1.0, 2.0, out.numel() as i64, (x.kind(), Device::Cpu)).view_as(&out);
        (&out * slope).sum(x.kind()).backward();
        [out.detach(), x.grad(), weight.grad(), bias.grad(), mean, variance]
    }

    #[test]
    fn values_and_gradients_are_those_of_the_three_operators() {
        tch::manual_seed(5);
        // Also a side of one window, and images and channels that no chunk divides.
        for (kind, most) in [(Kind::Double, 1e-9), (Kind::Float, 2e-4)] {
            for shape in [[4, 9, 8, 6], [1, 8, 2, 2], [3, 33, 18, 2], [2, 32, 64, 64]] {
                let (x, tensors) = batch(kind, shape);
                assert!(can_fuse_batch_norm_max_pool_relu(&x));
                let fused = all_of(&x, &tensors, |x, tensors| {
                    batch_norm_max_pool_relu(x, tensors, 0.1, EPSILON).expect("it fits")
                });
                let apart = all_of(&x, &tensors, apart);
                for (part, (ours, theirs)) in fused.iter().zip(&apart).enumerate() {
                    assert_eq!(ours.size(), theirs.size());
                    let size = f64::try_from(theirs.abs().max()).expect("a number").max(1.0);
                    let worst = largest_difference(ours, theirs) / size;
                    assert!(worst < most, "{kind:?} {shape:?}, part {part}: {worst:.1e}");
                }
            }
        }
    }

    #[test]
    fn gradients_are_what_small_steps_give() {
        tch::manual_seed(6);
        let (x, [weight, bias, mean, variance]) = batch(Kind::Double, [2, 9, 4, 4]);
        let value = |x: &Tensor, weight: &Tensor, bias: &Tensor| {
            let out =
                batch_norm_max_pool_relu(x, [weight, bias, &mean.copy(), &variance.copy()], 0.1, EPSILON)
                    .expect("it fits");
            let slope = Tensor::linspace(-1.0, 2.0, out.numel() as i64, (Kind::Double, Device::Cpu));
            (out.contiguous().view(-1) * slope).sum(Kind::Double)
        };
        let (x, weight, bias) =
            (x.set_requires_grad(true), weight.set_requires_grad(true), bias.set_requires_grad(true));
        value(&x, &weight, &bias).backward();
        let _no_grad = tch::no_grad_guard();
        const STEP: f64 = 1e-6;
        for (which, tensor) in [&x, &weight, &bias].into_iter().enumerate() {
            let gradient = tensor.grad().contiguous().view(-1);
            for place in 0..tensor.numel() as i64 {
                let moved = |by: f64| {
                    let flat = tensor.detach().contiguous().copy().view(-1);
                    let _ = flat.get(place).f_add_scalar_(by);
                    let moved = flat.view_as(tensor);
                    let at =
                        |other: usize, same: &Tensor| if which == other { moved.copy() } else { same.copy() };
                    let x = channels_last(&at(0, &x)).expect("four dimensions");
                    f64::try_from(value(&x, &at(1, &weight), &at(2, &bias))).expect("a number")
                };
                let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let ours = gradient.double_value(&[place]);
                assert!(
                    (slope - ours).abs() < 1e-5 * slope.abs().max(1.0),
                    "{which}, {place}: {ours} for {slope}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_number_stays_none_and_what_does_not_fit_is_refused() {
        let (x, tensors) = batch(Kind::Float, [2, 9, 4, 4]);
        let _ = x.get(0).get(1).get(2).get(3).fill_(f64::NAN);
        let [weight, bias, mean, variance] = &tensors;
        let out =
            batch_norm_max_pool_relu(&x, [weight, bias, mean, variance], 0.1, EPSILON).expect("it fits");
        assert!(bool::try_from(out.isnan().any()).expect("a truth"));
        let (odd, _) = batch(Kind::Float, [2, 9, 5, 4]);
        assert!(!can_fuse_batch_norm_max_pool_relu(&odd));
        assert!(batch_norm_max_pool_relu(&odd, [weight, bias, mean, variance], 0.1, EPSILON).is_err());
        assert!(!can_fuse_batch_norm_max_pool_relu(&x.contiguous()), "rows are not channels last");
        let few = Tensor::ones([2], (Kind::Float, Device::Cpu));
        assert!(batch_norm_max_pool_relu(&x, [&few, bias, mean, variance], 0.1, EPSILON).is_err());
    }
}
