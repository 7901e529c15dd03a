//! The layers of the networks; tensors have the names that PyTorch's modules give them.

use tch::{Device, Kind, TchError, Tensor};

use super::{StateDict, init};
use crate::native;

/// Whether a forward pass trains (dropout on, batch statistics, statistics updated) or evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch norm uses the batch's statistics and updates the running ones; dropout is on.
    Train,
    /// Batch norm uses the running statistics; dropout is off.
    Eval,
}

/// `nn.Conv2d` with a square kernel.
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    shape: ConvShape,
}

/// How a convolution's weights start.
#[derive(Clone, Copy)]
pub enum ConvInit {
    /// `nn.Conv2d` as constructed.
    Default,
    /// As torchvision's ResNets draw them.
    FanOut,
    /// As torchvision's DenseNets draw them.
    FanIn,
}

/// Channels in, channels out, kernel side, stride, padding.
#[derive(Clone, Copy)]
pub struct ConvShape {
    pub inputs: i64,
    pub outputs: i64,
    pub kernel: i64,
    pub stride: i64,
    pub padding: i64,
}

impl Conv2d {
    /// `name.weight` (`O,I,k,k`) and, if wanted, `name.bias` (`O`).
    pub fn new(
        state: &mut StateDict,
        name: &str,
        shape: ConvShape,
        bias: bool,
        start: ConvInit,
    ) -> Result<Self, TchError> {
        let size = [shape.outputs, shape.inputs, shape.kernel, shape.kernel];
        let fan_in = shape.inputs * shape.kernel * shape.kernel;
        let weight = match start {
            ConvInit::Default => init::uniform_fan_in(&size, fan_in)?,
            ConvInit::FanOut => init::normal_fan(&size, shape.outputs * shape.kernel * shape.kernel)?,
            ConvInit::FanIn => init::normal_fan(&size, fan_in)?,
        };
        let weight = state.parameter(format!("{name}.weight"), weight);
        let bias = match bias {
            true => {
                Some(state.parameter(format!("{name}.bias"), init::uniform_fan_in(&[shape.outputs], fan_in)?))
            }
            false => None,
        };
        Ok(Self { weight, bias, shape })
    }

    /// Channels, kernel, stride and padding.
    pub fn shape(&self) -> ConvShape {
        self.shape
    }

    /// Whether it adds a bias.
    pub fn has_bias(&self) -> bool {
        self.bias.is_some()
    }

    /// `N,I,H,W` to `N,O,h,w`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (stride, padding) = ([self.shape.stride; 2], [self.shape.padding; 2]);
        x.f_conv2d(&self.weight, self.bias.as_ref(), stride, padding, [1, 1], 1)
    }
}

/// The share of a batch in the running statistics, and what is added to a variance: PyTorch's defaults.
const MOMENTUM: f64 = 0.1;
pub const EPSILON: f64 = 1e-5;

/// `nn.BatchNorm2d` with PyTorch's momentum .1 and epsilon 1e-5.
pub struct BatchNorm2d {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    batches: Tensor,
}

impl BatchNorm2d {
    /// `name.weight`, `name.bias`, `name.running_mean`, `name.running_var` (`C` each) and
    /// `name.num_batches_tracked` (int64 scalar).
    pub fn new(state: &mut StateDict, name: &str, channels: i64) -> Result<Self, TchError> {
        let size = [channels];
        let count = Tensor::f_zeros([0_i64; 0].as_slice(), (Kind::Int64, Device::Cpu))?;
        Ok(Self {
            weight: state.parameter(format!("{name}.weight"), init::constant(&size, 1.0)?),
            bias: state.parameter(format!("{name}.bias"), init::constant(&size, 0.0)?),
            running_mean: state.buffer(format!("{name}.running_mean"), init::constant(&size, 0.0)?),
            running_var: state.buffer(format!("{name}.running_var"), init::constant(&size, 1.0)?),
            batches: state.buffer(format!("{name}.num_batches_tracked"), count),
        })
    }

    /// Channels.
    pub fn channels(&self) -> i64 {
        self.weight.numel() as i64
    }

    /// The same, then 2x2 max pooling and ReLU: `N,C,H,W` to `N,C,H/2,W/2`.
    pub fn forward_pooled(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        if mode == Mode::Train && native::can_fuse_batch_norm_max_pool_relu(x) {
            self.count_batch(x)?;
            let tensors = [&self.weight, &self.bias, &self.running_mean, &self.running_var];
            return native::batch_norm_max_pool_relu(x, tensors, MOMENTUM, EPSILON);
        }
        // ReLU and maximum commute, values and gradients alike: pooling first leaves ReLU a quarter of the work.
        max_pool(&self.forward(x, mode)?, 2, 2, 0)?.f_relu_()
    }

    /// `N,C,H,W` to the same, by the batch's statistics in training, else by the running ones.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let train = mode == Mode::Train;
        if train {
            self.count_batch(x)?;
        }
        x.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            MOMENTUM,
            EPSILON,
            true,
        )
    }

    /// Counts a batch of training, after a look at whether it has a variance.
    fn count_batch(&self, x: &Tensor) -> Result<(), TchError> {
        let values_per_channel = x.numel() as i64 / x.size()[1].max(1);
        if values_per_channel <= 1 {
            // The variance of one value is none, and it would poison the running statistics for good.
            return Err(TchError::Torch(
                    "batch normalisation needs more than one value a channel; choose another optimizer.batch_size \
                     (the last batch of an epoch may hold one image), larger images or the small stem"
                        .into(),
                ));
        }
        // The shallow clone is the same number: libtorch's in-place forms want a mutable handle.
        let _ = self.batches.shallow_clone().f_add_scalar_(1)?;
        Ok(())
    }
}

/// `nn.Linear`.
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// `name.weight` (`O,I`) and `name.bias` (`O`).
    pub fn new(state: &mut StateDict, name: &str, inputs: i64, outputs: i64) -> Result<Self, TchError> {
        let weight = init::uniform_fan_in(&[outputs, inputs], inputs)?;
        let weight = state.parameter(format!("{name}.weight"), weight);
        let bias = state.parameter(format!("{name}.bias"), init::uniform_fan_in(&[outputs], inputs)?);
        Ok(Self { weight, bias })
    }

    /// The same with a bias of 0, as torchvision's DenseNets start.
    pub fn without_bias_at_first(
        state: &mut StateDict,
        name: &str,
        inputs: i64,
        outputs: i64,
    ) -> Result<Self, TchError> {
        let mut linear = Self::new(state, name, inputs, outputs)?;
        let _no_grad = tch::no_grad_guard();
        let _ = linear.bias.f_zero_()?;
        Ok(linear)
    }

    /// `O,I`.
    pub fn shape(&self) -> [i64; 2] {
        [self.bias.numel() as i64, (self.weight.numel() / self.bias.numel().max(1)) as i64]
    }

    /// `N,I` to `N,O`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        x.f_linear(&self.weight, Some(&self.bias))
    }
}

/// `nn.MaxPool2d` with a square window.
pub fn max_pool(x: &Tensor, kernel: i64, stride: i64, padding: i64) -> Result<Tensor, TchError> {
    x.f_max_pool2d([kernel; 2], [stride; 2], [padding; 2], [1, 1], false)
}
