//! PyTorch's default initialisations. tch's own defaults differ (a convolution's bound is sqrt(6/fan_in)
//! there and 1/sqrt(fan_in) here), which shows in the first loss already.

use tch::{Kind, TchError, Tensor};

const ON_CPU: (Kind, tch::Device) = (Kind::Float, tch::Device::Cpu);

/// Uniform in ±1/sqrt(`fan_in`): `nn.Conv2d` and `nn.Linear` as constructed, weights and biases alike
/// (`kaiming_uniform_` with a = sqrt 5).
pub fn uniform_fan_in(shape: &[i64], fan_in: i64) -> Result<Tensor, TchError> {
    let bound = 1.0 / (fan_in as f64).sqrt();
    Tensor::f_empty(shape, ON_CPU)?.f_uniform_(-bound, bound)
}

/// Normal with variance 2/`fan`, for a convolution `O,I,h,w` followed by ReLU (`kaiming_normal_`, He et al.
/// 2015): torchvision takes the fan out for ResNets and the fan in for DenseNets.
pub fn normal_fan(shape: &[i64; 4], fan: i64) -> Result<Tensor, TchError> {
    Tensor::f_empty(shape.as_slice(), ON_CPU)?.f_normal_(0.0, (2.0 / fan as f64).sqrt())
}

/// All the same value.
pub fn constant(shape: &[i64], value: f64) -> Result<Tensor, TchError> {
    Tensor::f_full(shape, value, ON_CPU)
}
