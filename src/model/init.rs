//! PyTorch's default initialisations. tch's own defaults differ (a convolution's bound is sqrt(6/fan_in)
//! there and 1/sqrt(fan_in) here), which shows in the first loss already.

use std::cell::Cell;

use tch::{Kind, TchError, Tensor};

const ON_CPU: (Kind, tch::Device) = (Kind::Float, tch::Device::Cpu);

thread_local! {
    /// Whether this thread's networks start from random numbers.
    static DRAWS: Cell<bool> = const { Cell::new(true) };
}

/// Makes what `build` makes without a random number drawn: all weights are 0. A network that gets its weights from a
/// file must not draw from libtorch's generator, which a run on another thread may be drawing from.
pub fn without_drawing<T>(build: impl FnOnce() -> T) -> T {
    struct Again;
    impl Drop for Again {
        fn drop(&mut self) {
            DRAWS.set(true);
        }
    }
    let _again = Again;
    DRAWS.set(false);
    build()
}

/// Uniform in ±1/sqrt(`fan_in`): `nn.Conv2d` and `nn.Linear` as constructed, weights and biases alike
/// (`kaiming_uniform_` with a = sqrt 5).
pub fn uniform_fan_in(shape: &[i64], fan_in: i64) -> Result<Tensor, TchError> {
    if !DRAWS.get() {
        return constant(shape, 0.0);
    }
    let bound = 1.0 / (fan_in as f64).sqrt();
    Tensor::f_empty(shape, ON_CPU)?.f_uniform_(-bound, bound)
}

/// Normal with variance 2/`fan`, for a convolution `O,I,h,w` followed by ReLU (`kaiming_normal_`, He et al.
/// 2015): torchvision takes the fan out for ResNets and the fan in for DenseNets.
pub fn normal_fan(shape: &[i64; 4], fan: i64) -> Result<Tensor, TchError> {
    if !DRAWS.get() {
        return constant(shape, 0.0);
    }
    Tensor::f_empty(shape.as_slice(), ON_CPU)?.f_normal_(0.0, (2.0 / fan as f64).sqrt())
}

/// All the same value.
pub fn constant(shape: &[i64], value: f64) -> Result<Tensor, TchError> {
    Tensor::f_full(shape, value, ON_CPU)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_network_draws_nothing_and_the_next_one_does() {
        let blank = without_drawing(|| uniform_fan_in(&[3, 3], 3)).expect("a tensor");
        assert_eq!(blank.abs().max().double_value(&[]), 0.0);
        assert!(uniform_fan_in(&[3, 3], 3).expect("a tensor").abs().max().double_value(&[]) > 0.0);
    }
}
