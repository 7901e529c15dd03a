//! ChestNetS, the predecessor's own network: three convolution blocks and two linear layers.

use tch::{TchError, Tensor};

use super::layers::{BatchNorm2d, Conv2d, ConvInit, ConvShape, Linear, Mode, max_pool};
use super::{Graph, Layers, Shape, StateDict, Trace, Value};

/// Three blocks conv3x3 - batch norm - ReLU - max pool 2 of 32, 64 and 128 channels (`features.*`), then
/// dropout, linear 512, ReLU, dropout, linear C (`classifier.1` and `classifier.4`).
pub struct ChestNetS {
    blocks: [(Conv2d, BatchNorm2d); 3],
    hidden: Linear,
    output: Linear,
    dropout: f64,
}

const CHANNELS: [i64; 4] = [1, 32, 64, 128];

impl ChestNetS {
    pub fn new(state: &mut StateDict, shape: Shape, dropout: f64) -> Result<Self, TchError> {
        let mut block = |index: usize| -> Result<(Conv2d, BatchNorm2d), TchError> {
            let conv = ConvShape {
                inputs: CHANNELS[index],
                outputs: CHANNELS[index + 1],
                kernel: 3,
                stride: 1,
                padding: 1,
            };
            // A block is four modules of PyTorch's Sequential, so the names count by fours.
            let first = 4 * index;
            Ok((
                Conv2d::new(state, &format!("features.{first}"), conv, true, ConvInit::Default)?,
                BatchNorm2d::new(state, &format!("features.{}", first + 1), conv.outputs)?,
            ))
        };
        let blocks = [block(0)?, block(1)?, block(2)?];
        let flat = CHANNELS[3] * (shape.height as i64 / 8) * (shape.width as i64 / 8);
        Ok(Self {
            blocks,
            hidden: Linear::new(state, "classifier.1", flat, 512)?,
            output: Linear::new(state, "classifier.4", 512, shape.classes as i64)?,
            dropout,
        })
    }
}

impl Layers for ChestNetS {
    fn features(&self, images: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let mut x = images.shallow_clone();
        for (conv, norm) in &self.blocks {
            x = norm.forward_pooled(&conv.forward(&x)?, mode)?;
        }
        Ok(x)
    }

    fn map_layers(&self) -> Vec<String> {
        (0..self.blocks.len()).map(|block| format!("features.{}", 4 * block + 2)).collect()
    }

    fn to_layer(&self, images: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        let mut x = images.shallow_clone();
        for (conv, norm) in &self.blocks[..layer] {
            x = norm.forward_pooled(&conv.forward(&x)?, Mode::Eval)?;
        }
        let (conv, norm) = &self.blocks[layer];
        norm.forward(&conv.forward(&x)?, Mode::Eval)?.f_relu_()
    }

    fn onward(&self, activations: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        let mut x = max_pool(activations, 2, 2, 0)?;
        for (conv, norm) in &self.blocks[layer + 1..] {
            x = norm.forward_pooled(&conv.forward(&x)?, Mode::Eval)?;
        }
        Ok(x)
    }

    fn class(&self) -> &'static str {
        "ChestNetS"
    }

    fn walk(&self, trace: &mut Trace) {
        trace.nest("features", "Sequential", |trace| {
            for (index, (conv, norm)) in self.blocks.iter().enumerate() {
                let name = |place: usize| (4 * index + place).to_string();
                trace.conv(&name(0), conv);
                trace.norm(&name(1), norm);
                trace.plain(&name(2), "ReLU");
                trace.pool(&name(3), "MaxPool2d", 2, 2, 0);
            }
        });
        trace.flatten();
        trace.nest("classifier", "Sequential", |trace| {
            trace.plain("0", "Dropout");
            trace.linear("1", &self.hidden);
            trace.plain("2", "ReLU");
            trace.plain("3", "Dropout");
            trace.linear("4", &self.output);
        });
    }

    fn graph(&self, graph: &mut Graph, images: Value) -> Value {
        let x = graph.within("features", |graph| {
            self.blocks.iter().enumerate().fold(images, |x, (index, (conv, _))| {
                let name = |place: usize| (4 * index + place).to_string();
                let x = graph.conv(&name(0), conv, &x);
                let x = graph.norm(&name(1), &x);
                let x = graph.relu(&name(2), &x);
                graph.max_pool(&name(3), [2, 2, 0], &x)
            })
        });
        let x = graph.flatten("flatten", &x);
        graph.within("classifier", |graph| {
            let x = graph.linear("1", &x);
            let x = graph.relu("2", &x);
            graph.linear("4", &x)
        })
    }

    fn stem_names(&self) -> (&'static str, &'static str) {
        ("features.0", "features.1")
    }

    fn head_name(&self) -> &'static str {
        "classifier.4"
    }

    fn block_of(&self, name: &str) -> usize {
        // Four modules a block, `features.0` to `features.11`, then the hidden layer `classifier.1` and the last.
        let mut parts = name.split('.');
        let (part, number) = (parts.next(), parts.next().and_then(|number| number.parse::<usize>().ok()));
        let before = if part == Some("features") { 0 } else { self.blocks.len() };
        before + number.unwrap_or(0) / 4
    }

    fn head(&self, features: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let train = mode == Mode::Train;
        // The order of a flattened image is channel, row, column, however it is stored.
        let x = features.f_contiguous()?.f_flatten(1, -1)?.f_dropout(self.dropout, train)?;
        let x = self.hidden.forward(&x)?.f_relu_()?.f_dropout(self.dropout, train)?;
        self.output.forward(&x)
    }
}
