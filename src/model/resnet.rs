//! Residual networks (He et al. 2016) in torchvision's layout and names, for one grey channel.

use tch::{TchError, Tensor};

use super::layers::{BatchNorm2d, Conv2d, ConvInit, ConvShape, Linear, Mode, max_pool};
use super::{Graph, Join, Layers, Shape, StateDict, Trace, Value};

/// Depth, block type and stem of a residual network.
pub struct Plan {
    /// Blocks in each of the four stages of 64, 128, 256 and 512 channels.
    blocks: [usize; 4],
    /// Blocks of three convolutions, the last with four times the channels.
    bottleneck: bool,
}

pub const RESNET18: Plan = Plan { blocks: [2, 2, 2, 2], bottleneck: false };
pub const RESNET34: Plan = Plan { blocks: [3, 4, 6, 3], bottleneck: false };
pub const RESNET50: Plan = Plan { blocks: [3, 4, 6, 3], bottleneck: true };

const CHANNELS: [i64; 4] = [64, 128, 256, 512];
/// What the last convolution of a bottleneck multiplies its channels by.
const EXPANSION: i64 = 4;

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

/// Two 3x3 convolutions, or 1x1, 3x3 and 1x1, and a way around them.
struct Block {
    /// ReLU after each but the last.
    convs: Vec<ConvNorm>,
    downsample: Option<ConvNorm>,
}

impl Block {
    /// `channels` of the stage; the stride is that of the 3x3 convolution, as in torchvision.
    fn new(
        state: &mut StateDict,
        name: &str,
        inputs: i64,
        channels: i64,
        stride: i64,
        bottleneck: bool,
    ) -> Result<Self, TchError> {
        let three = |inputs, outputs, stride| ConvShape { inputs, outputs, kernel: 3, stride, padding: 1 };
        let one = |inputs, outputs, stride| ConvShape { inputs, outputs, kernel: 1, stride, padding: 0 };
        let (shapes, outputs) = if bottleneck {
            let wide = EXPANSION * channels;
            (vec![one(inputs, channels, 1), three(channels, channels, stride), one(channels, wide, 1)], wide)
        } else {
            (vec![three(inputs, channels, stride), three(channels, channels, 1)], channels)
        };
        let convs = shapes
            .into_iter()
            .enumerate()
            .map(|(index, shape)| {
                let number = index + 1;
                ConvNorm::new(state, &format!("{name}.conv{number}"), &format!("{name}.bn{number}"), shape)
            })
            .collect::<Result<_, _>>()?;
        let downsample = if stride != 1 || inputs != outputs {
            let [conv, norm] = [0, 1].map(|index| format!("{name}.downsample.{index}"));
            Some(ConvNorm::new(state, &conv, &norm, one(inputs, outputs, stride))?)
        } else {
            None
        };
        Ok(Self { convs, downsample })
    }

    fn walk(&self, trace: &mut Trace) {
        trace.joins(Join::Add);
        let before = trace.shape();
        let bottleneck = self.convs.len() == 3;
        for (index, ConvNorm(conv, norm)) in self.convs.iter().enumerate() {
            let number = index + 1;
            trace.conv(&format!("conv{number}"), conv);
            trace.norm(&format!("bn{number}"), norm);
            // Where torchvision's blocks keep the one ReLU they use after each.
            if number == if bottleneck { 3 } else { 1 } {
                trace.plain("relu", "ReLU");
            }
        }
        if let Some(ConvNorm(conv, norm)) = &self.downsample {
            trace.around(before, |trace| {
                trace.nest("downsample", "Sequential", |trace| {
                    trace.conv("0", conv);
                    trace.norm("1", norm);
                });
            });
        }
    }

    fn graph(&self, graph: &mut Graph, x: &Value) -> Value {
        let mut inner = x.clone();
        for (index, ConvNorm(conv, _)) in self.convs.iter().enumerate() {
            let number = index + 1;
            inner = graph.conv(&format!("conv{number}"), conv, &inner);
            inner = graph.norm(&format!("bn{number}"), &inner);
            if number < self.convs.len() {
                inner = graph.relu("relu", &inner);
            }
        }
        let around = match &self.downsample {
            Some(ConvNorm(conv, _)) => graph.within("downsample", |graph| {
                let x = graph.conv("0", conv, x);
                graph.norm("1", &x)
            }),
            None => x.clone(),
        };
        let sum = graph.add("add", &inner, &around);
        graph.relu("relu", &sum)
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut inner = x.shallow_clone();
        for (index, conv) in self.convs.iter().enumerate() {
            inner = conv.forward(&inner, mode)?;
            if index + 1 < self.convs.len() {
                inner = inner.f_relu_()?;
            }
        }
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
    stages: Vec<Vec<Block>>,
    fc: Linear,
}

impl ResNet {
    pub fn new(state: &mut StateDict, plan: &Plan, small: bool, shape: Shape) -> Result<Self, TchError> {
        let (kernel, stride, padding) = if small { (3, 1, 1) } else { (7, 2, 3) };
        let first = ConvShape { inputs: 1, outputs: 64, kernel, stride, padding };
        let stem = ConvNorm::new(state, "conv1", "bn1", first)?;
        let mut stages = Vec::new();
        let mut inputs = 64;
        for (stage, (&count, channels)) in plan.blocks.iter().zip(CHANNELS).enumerate() {
            let mut blocks = Vec::new();
            for index in 0..count {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                let name = format!("layer{}.{index}", stage + 1);
                blocks.push(Block::new(state, &name, inputs, channels, stride, plan.bottleneck)?);
                inputs = if plan.bottleneck { EXPANSION * channels } else { channels };
            }
            stages.push(blocks);
        }
        let fc = Linear::new(state, "fc", inputs, shape.classes as i64)?;
        Ok(Self { stem, pool: !small, stages, fc })
    }
}

/// Through whole stages.
fn through(stages: &[Vec<Block>], x: Tensor, mode: Mode) -> Result<Tensor, TchError> {
    stages.iter().flatten().try_fold(x, |x, block| block.forward(&x, mode))
}

impl ResNet {
    fn stem(&self, images: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let x = self.stem.forward(images, mode)?.f_relu_()?;
        if self.pool { max_pool(&x, 3, 2, 1) } else { Ok(x) }
    }
}

impl Layers for ResNet {
    fn features(&self, images: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        through(&self.stages, self.stem(images, mode)?, mode)
    }

    fn map_layers(&self) -> Vec<String> {
        (1..=self.stages.len()).map(|stage| format!("layer{stage}")).collect()
    }

    fn to_layer(&self, images: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        through(&self.stages[..=layer], self.stem(images, Mode::Eval)?, Mode::Eval)
    }

    fn onward(&self, activations: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        through(&self.stages[layer + 1..], activations.shallow_clone(), Mode::Eval)
    }

    fn class(&self) -> &'static str {
        "ResNet"
    }

    fn walk(&self, trace: &mut Trace) {
        trace.conv("conv1", &self.stem.0);
        trace.norm("bn1", &self.stem.1);
        trace.plain("relu", "ReLU");
        match self.pool {
            true => trace.pool("maxpool", "MaxPool2d", 3, 2, 1),
            false => trace.plain("maxpool", "Identity"),
        }
        for (index, blocks) in self.stages.iter().enumerate() {
            trace.nest(&format!("layer{}", index + 1), "Sequential", |trace| {
                for (index, block) in blocks.iter().enumerate() {
                    let kind = if block.convs.len() == 3 { "Bottleneck" } else { "BasicBlock" };
                    trace.nest(&index.to_string(), kind, |trace| block.walk(trace));
                }
            });
        }
        trace.global_pool("avgpool");
        trace.flatten();
        trace.linear("fc", &self.fc);
    }

    fn graph(&self, graph: &mut Graph, images: Value) -> Value {
        let x = graph.conv("conv1", &self.stem.0, &images);
        let x = graph.norm("bn1", &x);
        let mut x = graph.relu("relu", &x);
        if self.pool {
            x = graph.max_pool("maxpool", [3, 2, 1], &x);
        }
        for (index, blocks) in self.stages.iter().enumerate() {
            x = graph.within(&format!("layer{}", index + 1), |graph| {
                blocks.iter().enumerate().fold(x, |x, (index, block)| {
                    graph.within(&index.to_string(), |graph| block.graph(graph, &x))
                })
            });
        }
        let x = graph.global_mean("avgpool", &x);
        let x = graph.flatten("flatten", &x);
        graph.linear("fc", &x)
    }

    fn stem_names(&self) -> (&'static str, &'static str) {
        ("conv1", "bn1")
    }

    fn head_name(&self) -> &'static str {
        "fc"
    }

    fn block_of(&self, name: &str) -> usize {
        let stage = name.strip_prefix("layer").and_then(|rest| rest.split('.').next()?.parse().ok());
        match stage {
            Some(stage) => stage,
            None if name.starts_with(self.head_name()) => self.stages.len() + 1,
            None => 0,
        }
    }

    fn head(&self, features: &Tensor, _mode: Mode) -> Result<Tensor, TchError> {
        self.fc.forward(&features.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}
