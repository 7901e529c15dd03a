//! DenseNet-121 (Huang et al. 2017) in torchvision's layout and names, for one grey channel.

use tch::{TchError, Tensor};

use super::layers::{BatchNorm2d, Conv2d, ConvInit, ConvShape, Linear, Mode, max_pool};
use super::{Graph, Join, Layers, Shape, StateDict, Trace, Value};

/// Layers in each dense block.
const BLOCKS: [usize; 4] = [6, 12, 24, 16];
/// Channels that a layer adds.
const GROWTH: i64 = 32;
/// Channels between a layer's two convolutions, in growths.
const BOTTLENECK: i64 = 4;
const STEM_CHANNELS: i64 = 64;

/// Norm, ReLU, 1x1 convolution, norm, ReLU, 3x3 convolution; what comes out is put behind what came in.
struct DenseLayer {
    norms: [BatchNorm2d; 2],
    convs: [Conv2d; 2],
}

impl DenseLayer {
    fn new(state: &mut StateDict, name: &str, inputs: i64) -> Result<Self, TchError> {
        let middle = BOTTLENECK * GROWTH;
        let one = ConvShape { inputs, outputs: middle, kernel: 1, stride: 1, padding: 0 };
        let three = ConvShape { inputs: middle, outputs: GROWTH, kernel: 3, stride: 1, padding: 1 };
        let norm1 = BatchNorm2d::new(state, &format!("{name}.norm1"), inputs)?;
        let conv1 = Conv2d::new(state, &format!("{name}.conv1"), one, false, ConvInit::FanIn)?;
        let norm2 = BatchNorm2d::new(state, &format!("{name}.norm2"), middle)?;
        let conv2 = Conv2d::new(state, &format!("{name}.conv2"), three, false, ConvInit::FanIn)?;
        Ok(Self { norms: [norm1, norm2], convs: [conv1, conv2] })
    }

    fn walk(&self, trace: &mut Trace) {
        trace.joins(Join::Concat);
        for number in [1, 2] {
            trace.norm(&format!("norm{number}"), &self.norms[number - 1]);
            trace.plain(&format!("relu{number}"), "ReLU");
            trace.conv(&format!("conv{number}"), &self.convs[number - 1]);
        }
    }

    fn graph(&self, graph: &mut Graph, x: &Value) -> Value {
        let mut new = x.clone();
        for number in [1, 2] {
            new = graph.norm(&format!("norm{number}"), &new);
            new = graph.relu(&format!("relu{number}"), &new);
            new = graph.conv(&format!("conv{number}"), &self.convs[number - 1], &new);
        }
        graph.concat("concat", x, &new)
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let inner = self.convs[0].forward(&self.norms[0].forward(x, mode)?.f_relu_()?)?;
        let new = self.convs[1].forward(&self.norms[1].forward(&inner, mode)?.f_relu_()?)?;
        Tensor::f_cat(&[x, &new], 1)
    }
}

/// Norm, ReLU, 1x1 convolution to half the channels, mean over 2x2.
struct Transition {
    norm: BatchNorm2d,
    conv: Conv2d,
}

/// `features.conv0`, `features.norm0`, `features.denseblock1` to `features.norm5`, `classifier`.
pub struct DenseNet {
    stem: (Conv2d, BatchNorm2d),
    pool: bool,
    blocks: Vec<(Vec<DenseLayer>, Option<Transition>)>,
    norm: BatchNorm2d,
    classifier: Linear,
}

impl DenseNet {
    pub fn new(state: &mut StateDict, small: bool, shape: Shape) -> Result<Self, TchError> {
        let (kernel, stride, padding) = if small { (3, 1, 1) } else { (7, 2, 3) };
        let first = ConvShape { inputs: 1, outputs: STEM_CHANNELS, kernel, stride, padding };
        let stem = (
            Conv2d::new(state, "features.conv0", first, false, ConvInit::FanIn)?,
            BatchNorm2d::new(state, "features.norm0", STEM_CHANNELS)?,
        );
        let mut channels = STEM_CHANNELS;
        let mut blocks = Vec::new();
        for (block, count) in BLOCKS.into_iter().enumerate() {
            let number = block + 1;
            let mut layers = Vec::new();
            for layer in 1..=count {
                let name = format!("features.denseblock{number}.denselayer{layer}");
                layers.push(DenseLayer::new(state, &name, channels)?);
                channels += GROWTH;
            }
            let transition = if number < BLOCKS.len() {
                let name = format!("features.transition{number}");
                let halve =
                    ConvShape { inputs: channels, outputs: channels / 2, kernel: 1, stride: 1, padding: 0 };
                let norm = BatchNorm2d::new(state, &format!("{name}.norm"), channels)?;
                let conv = Conv2d::new(state, &format!("{name}.conv"), halve, false, ConvInit::FanIn)?;
                channels /= 2;
                Some(Transition { norm, conv })
            } else {
                None
            };
            blocks.push((layers, transition));
        }
        let norm = BatchNorm2d::new(state, "features.norm5", channels)?;
        let classifier = Linear::without_bias_at_first(state, "classifier", channels, shape.classes as i64)?;
        Ok(Self { stem, pool: !small, blocks, norm, classifier })
    }
}

impl DenseNet {
    fn stem(&self, images: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let (conv, norm) = &self.stem;
        let x = norm.forward(&conv.forward(images)?, mode)?.f_relu_()?;
        if self.pool { max_pool(&x, 3, 2, 1) } else { Ok(x) }
    }

    /// Through the layers of block number `block`, the transition behind it left out.
    fn block(&self, block: usize, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.blocks[block].0.iter().try_fold(x.shallow_clone(), |x, layer| layer.forward(&x, mode))
    }

    /// Through the transition behind block number `block`, where there is one.
    fn transition(&self, block: usize, x: Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let Some(Transition { norm, conv }) = &self.blocks[block].1 else { return Ok(x) };
        let halved = conv.forward(&norm.forward(&x, mode)?.f_relu_()?)?;
        halved.f_avg_pool2d([2, 2], [2, 2], [0, 0], false, true, None)
    }

    fn last(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.norm.forward(x, mode)?.f_relu_()
    }
}

impl Layers for DenseNet {
    fn features(&self, images: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = self.stem(images, mode)?;
        for block in 0..self.blocks.len() {
            x = self.transition(block, self.block(block, &x, mode)?, mode)?;
        }
        self.last(&x, mode)
    }

    fn map_layers(&self) -> Vec<String> {
        let blocks = (1..=self.blocks.len()).map(|block| format!("features.denseblock{block}"));
        blocks.chain(["features.norm5".to_owned()]).collect()
    }

    fn to_layer(&self, images: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        let mode = Mode::Eval;
        let mut x = self.stem(images, mode)?;
        for block in 0..self.blocks.len() {
            x = self.block(block, &x, mode)?;
            if block == layer {
                return Ok(x);
            }
            x = self.transition(block, x, mode)?;
        }
        self.last(&x, mode)
    }

    fn onward(&self, activations: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        let mode = Mode::Eval;
        if layer >= self.blocks.len() {
            return Ok(activations.shallow_clone());
        }
        let mut x = self.transition(layer, activations.shallow_clone(), mode)?;
        for block in layer + 1..self.blocks.len() {
            x = self.transition(block, self.block(block, &x, mode)?, mode)?;
        }
        self.last(&x, mode)
    }

    fn class(&self) -> &'static str {
        "DenseNet"
    }

    fn walk(&self, trace: &mut Trace) {
        trace.nest("features", "Sequential", |trace| {
            trace.conv("conv0", &self.stem.0);
            trace.norm("norm0", &self.stem.1);
            trace.plain("relu0", "ReLU");
            match self.pool {
                true => trace.pool("pool0", "MaxPool2d", 3, 2, 1),
                false => trace.plain("pool0", "Identity"),
            }
            for (index, (layers, transition)) in self.blocks.iter().enumerate() {
                let number = index + 1;
                trace.nest(&format!("denseblock{number}"), "_DenseBlock", |trace| {
                    for (index, layer) in layers.iter().enumerate() {
                        let before = trace.shape();
                        let name = format!("denselayer{}", index + 1);
                        trace.nest(&name, "_DenseLayer", |trace| layer.walk(trace));
                        trace.join(&before);
                    }
                });
                if let Some(Transition { norm, conv }) = transition {
                    trace.nest(&format!("transition{number}"), "_Transition", |trace| {
                        trace.norm("norm", norm);
                        trace.plain("relu", "ReLU");
                        trace.conv("conv", conv);
                        trace.pool("pool", "AvgPool2d", 2, 2, 0);
                    });
                }
            }
            trace.norm("norm5", &self.norm);
        });
        // The mean over each channel is no module there; the linear layer shows its output shape.
        trace.linear("classifier", &self.classifier);
    }

    fn graph(&self, graph: &mut Graph, images: Value) -> Value {
        let x = graph.within("features", |graph| {
            let x = graph.conv("conv0", &self.stem.0, &images);
            let x = graph.norm("norm0", &x);
            let mut x = graph.relu("relu0", &x);
            if self.pool {
                x = graph.max_pool("pool0", [3, 2, 1], &x);
            }
            for (index, (layers, transition)) in self.blocks.iter().enumerate() {
                let number = index + 1;
                x = graph.within(&format!("denseblock{number}"), |graph| {
                    layers.iter().enumerate().fold(x, |x, (index, layer)| {
                        let name = format!("denselayer{}", index + 1);
                        graph.within(&name, |graph| layer.graph(graph, &x))
                    })
                });
                if let Some(Transition { conv, .. }) = transition {
                    x = graph.within(&format!("transition{number}"), |graph| {
                        let x = graph.norm("norm", &x);
                        let x = graph.relu("relu", &x);
                        let x = graph.conv("conv", conv, &x);
                        graph.mean_pool("pool", [2, 2, 0], &x)
                    });
                }
            }
            let x = graph.norm("norm5", &x);
            graph.relu("relu5", &x)
        });
        let x = graph.global_mean("avgpool", &x);
        let x = graph.flatten("flatten", &x);
        graph.linear("classifier", &x)
    }

    fn stem_names(&self) -> (&'static str, &'static str) {
        ("features.conv0", "features.norm0")
    }

    fn head_name(&self) -> &'static str {
        "classifier"
    }

    fn block_of(&self, name: &str) -> usize {
        let number = |kind: &str| {
            let rest = name.strip_prefix("features.")?.strip_prefix(kind)?;
            rest.split('.').next()?.parse::<usize>().ok()
        };
        match number("denseblock").or_else(|| number("transition")) {
            Some(block) => block,
            None if name.starts_with(self.head_name()) => self.blocks.len() + 1,
            // The batch norm behind the last block.
            None if name.starts_with("features.norm5") => self.blocks.len(),
            None => 0,
        }
    }

    fn head(&self, features: &Tensor, _mode: Mode) -> Result<Tensor, TchError> {
        self.classifier.forward(&features.f_adaptive_avg_pool2d([1, 1])?.f_flatten(1, -1)?)
    }
}
