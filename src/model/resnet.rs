//! Residual networks (He et al. 2016) in torchvision's layout and names, for one grey channel.

use tch::{TchError, Tensor};

use super::layers::{BatchNorm2d, Conv2d, ConvInit, ConvShape, Linear, Mode, max_pool};
use super::{Layers, Shape, StateDict};
use crate::config::Stem;

/// What tells one residual network from another.
pub struct Plan {
    /// Basic blocks in each of the four stages of 64, 128, 256 and 512 channels.
    blocks: [usize; 4],
}

/// ResNet-18.
pub const RESNET18: Plan = Plan { blocks: [2, 2, 2, 2] };

const CHANNELS: [i64; 4] = [64, 128, 256, 512];

/// Films smaller than this keep more of their little resolution with the small stem.
const SMALL_BELOW: usize = 128;

/// A convolution without bias and the batch norm behind it.
struct ConvNorm(Conv2d, BatchNorm2d);

impl ConvNorm {
    fn new(state: &mut StateDict, conv: &str, norm: &str, shape: ConvShape) -> Result<Self, TchError> {
        Ok(Self(
            Conv2d::new(state, conv, shape, false, ConvInit::FanOut)?,
            BatchNorm2d::new(state, norm, shape.outputs)?,
        ))
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.1.forward(&self.0.forward(x)?, mode)
    }
}

/// Two 3x3 convolutions and a way around them.
struct BasicBlock {
    first: ConvNorm,
    second: ConvNorm,
    downsample: Option<ConvNorm>,
}

impl BasicBlock {
    fn new(
        state: &mut StateDict,
        name: &str,
        inputs: i64,
        outputs: i64,
        stride: i64,
    ) -> Result<Self, TchError> {
        let three = |inputs, stride| ConvShape { inputs, outputs, kernel: 3, stride, padding: 1 };
        let first =
            ConvNorm::new(state, &format!("{name}.conv1"), &format!("{name}.bn1"), three(inputs, stride))?;
        let second =
            ConvNorm::new(state, &format!("{name}.conv2"), &format!("{name}.bn2"), three(outputs, 1))?;
        let downsample = if stride != 1 || inputs != outputs {
            let one = ConvShape { inputs, outputs, kernel: 1, stride, padding: 0 };
            Some(ConvNorm::new(state, &format!("{name}.downsample.0"), &format!("{name}.downsample.1"), one)?)
        } else {
            None
        };
        Ok(Self { first, second, downsample })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let inner = self.second.forward(&self.first.forward(x, mode)?.f_relu_()?, mode)?;
        let around = match &self.downsample {
            Some(downsample) => downsample.forward(x, mode)?,
            None => x.shallow_clone(),
        };
        inner.f_add(&around)?.f_relu_()
    }
}

/// `conv1`, `bn1`, `layer1` to `layer4`, `fc`.
pub struct ResNet {
    stem: ConvNorm,
    pool: bool,
    blocks: Vec<BasicBlock>,
    fc: Linear,
}

impl ResNet {
    pub fn new(state: &mut StateDict, plan: &Plan, stem: Stem, shape: Shape) -> Result<Self, TchError> {
        let small = match stem {
            Stem::Auto => shape.height.min(shape.width) < SMALL_BELOW,
            Stem::Small => true,
            Stem::ImageNet => false,
        };
        let (kernel, stride, padding) = if small { (3, 1, 1) } else { (7, 2, 3) };
        let first = ConvShape { inputs: 1, outputs: 64, kernel, stride, padding };
        let stem = ConvNorm::new(state, "conv1", "bn1", first)?;
        let mut blocks = Vec::new();
        let mut inputs = 64;
        for (stage, (&count, outputs)) in plan.blocks.iter().zip(CHANNELS).enumerate() {
            for index in 0..count {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("layer{}.{index}", stage + 1);
                blocks.push(BasicBlock::new(state, &name, inputs, outputs, stride)?);
                inputs = outputs;
            }
        }
        let fc = Linear::new(state, "fc", inputs, shape.classes as i64)?;
        Ok(Self { stem, pool: !small, blocks, fc })
    }
}

impl Layers for ResNet {
    fn features(&self, films: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = self.stem.forward(films, mode)?.f_relu_()?;
        if self.pool {
            x = max_pool(&x, 3, 2, 1)?;
        }
        for block in &self.blocks {
            x = block.forward(&x, mode)?;
        }
        Ok(x)
    }

    fn head(&self, features: &Tensor, _mode: Mode) -> Result<Tensor, TchError> {
        self.fc.forward(&features.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}
