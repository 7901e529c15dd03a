//! Networks and their weights. Parameter names are PyTorch's, so that a checkpoint loads on either side.
//! An architecture is one file here, a name in `config::Arch` and a line in [`Network::build`].

mod chestnet;
mod densenet;
mod device;
mod init;
mod layers;
pub mod onnx;
mod pretrained;
pub mod pth;
mod resnet;
mod state;
mod summary;
mod tensor_file;

use densenet::DenseNet;
use onnx::{Graph, Value};
use resnet::ResNet;
use summary::Trace;
use tch::{Device, Kind, TchError, Tensor};

use crate::config::{Arch, ModelSection, Stem};
use crate::native::FullPrecision;

pub use device::{device_name, prediction_device, resolve_device};
pub use layers::Mode;
pub use pretrained::{PretrainedError, Taken, take as take_pretrained};
pub use state::{Snapshot, StateDict, WeightsError};
pub use summary::{Details, Join, Module, Window, table};
pub use tensor_file::read as read_tensors;

/// A network's layers, from images to logits.
trait Layers: Send {
    /// `float32 N,1,H,W` to the activations (`N,C,h,w`) that the head reads.
    fn features(&self, images: &Tensor, mode: Mode) -> Result<Tensor, TchError>;

    /// PyTorch's class of the network, for its summary.
    fn class(&self) -> &'static str;

    /// Writes down the modules an image goes through.
    fn walk(&self, trace: &mut Trace);

    /// Records the operations of the evaluation of `images` (`N,1,H,W`), up to the logits.
    fn graph(&self, graph: &mut Graph, images: Value) -> Value;

    /// The first convolution and the batch norm behind it.
    fn stem_names(&self) -> (&'static str, &'static str);

    /// The module whose tensors are the last layer's.
    fn head_name(&self) -> &'static str;

    /// The block that a parameter of this name lies in, counted from 0 at the input; the last layer's is the highest.
    fn block_of(&self, name: &str) -> usize;

    /// The layers whose activations maps are made of, from the first to the last, by PyTorch's names of the modules
    /// that their activation functions follow.
    fn map_layers(&self) -> Vec<String>;

    /// `float32 N,1,H,W` to the activations (`N,K,h,w`) of map layer number `layer`, after its ReLU, in evaluation mode.
    fn to_layer(&self, images: &Tensor, layer: usize) -> Result<Tensor, TchError>;

    /// Those activations on to what the head reads.
    fn onward(&self, activations: &Tensor, layer: usize) -> Result<Tensor, TchError>;

    /// Those activations to logits `N,C`.
    fn head(&self, features: &Tensor, mode: Mode) -> Result<Tensor, TchError>;
}

/// A network with its weights.
pub struct Network {
    layers: Box<dyn Layers>,
    state: StateDict,
    shape: Shape,
    /// All but the last layer are kept as they are.
    frozen: bool,
}

/// What the images and labels require of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
    /// Conditions, the width of a row of logits.
    pub classes: usize,
}

/// Images smaller than this keep more of their little resolution with the small stem.
const SMALL_BELOW: usize = 128;

/// Whether images of this shape begin with one 3x3 convolution of stride 1. Weights of ImageNet belong to the
/// other stem.
fn has_small_stem(section: &ModelSection, shape: Shape) -> bool {
    match section.stem {
        Stem::Auto => section.pretrained != "imagenet" && shape.height.min(shape.width) < SMALL_BELOW,
        Stem::Small => true,
        Stem::ImageNet => false,
    }
}

impl Network {
    /// A network with PyTorch's own initialisation, drawn from libtorch's CPU generator (so the same seed
    /// gives the same weights on any device), then moved to `device`.
    ///
    /// # Errors
    /// When the parameters don't fit into the device's memory, or the device doesn't exist.
    pub fn build(section: &ModelSection, shape: Shape, device: Device) -> Result<Self, TchError> {
        let mut state = StateDict::new();
        let small = has_small_stem(section, shape);
        let layers: Box<dyn Layers> = match section.arch {
            Arch::ChestNetS => Box::new(chestnet::ChestNetS::new(&mut state, shape, section.dropout)?),
            Arch::ResNet18 => Box::new(ResNet::new(&mut state, &resnet::RESNET18, small, shape)?),
            Arch::ResNet34 => Box::new(ResNet::new(&mut state, &resnet::RESNET34, small, shape)?),
            Arch::ResNet50 => Box::new(ResNet::new(&mut state, &resnet::RESNET50, small, shape)?),
            Arch::DenseNet121 => Box::new(DenseNet::new(&mut state, small, shape)?),
        };
        // On CUDA the tensor cores read channels last; on a CPU ChestNetS and DenseNet-121 were measured to be faster with
        // it, and ResNet-18 no different. The images follow: with one channel both orders are the same.
        let channels_last = device.is_cuda() || matches!(section.arch, Arch::ChestNetS | Arch::DenseNet121);
        state.place(device, channels_last)?;
        Ok(Self { layers, state, shape, frozen: false })
    }

    /// The same to load weights into: all are 0 and nothing is drawn, so that a run on another thread draws what it
    /// would draw alone.
    ///
    /// # Errors
    /// As [`Network::build`].
    pub fn build_blank(section: &ModelSection, shape: Shape, device: Device) -> Result<Self, TchError> {
        init::without_drawing(|| Self::build(section, shape, device))
    }

    /// What the network is made of, in PyTorch's order.
    pub fn modules(&self) -> Vec<Module> {
        let size = [self.shape.height, self.shape.width];
        Trace::of(self.layers.class(), size, |trace| self.layers.walk(trace))
    }

    /// The same as a whole; `outputs` are the names of the conditions, `frozen` whether only the last layer
    /// learns at first.
    pub fn details(&self, arch: Arch, outputs: Vec<String>, frozen: bool) -> Details {
        let modules = self.modules();
        let count = |tensors: Vec<(String, Tensor)>| {
            tensors.iter().map(|(_, tensor)| tensor.numel()).sum::<usize>() as u64
        };
        let parameters = self.state.parameter_count() as u64;
        Details {
            architecture: arch.name(),
            class: self.layers.class(),
            input: [1, self.shape.height, self.shape.width],
            outputs,
            parameters,
            trainable_at_first: if frozen { count(self.head_parameters()) } else { parameters },
            megabytes: 4.0 * parameters as f64 / 1e6,
            multiply_adds: modules.first().map_or(0, |network| network.multiply_adds),
            modules,
        }
    }

    /// Logits `N,C`, before the sigmoid and without correction for class weights, of normalised images `float32 N,1,H,W` on
    /// the network's device, `float32`. Under autocast the features are computed in 16 bits and the head in 32: bfloat16
    /// has 8 significant bits, so a head in it gives many images the same logit.
    ///
    /// # Errors
    /// When `images` have another size than the network was built for or lie on another device, or memory runs out.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let backbone_mode = if self.frozen { Mode::Eval } else { mode };
        let features = self.layers.features(images, backbone_mode)?;
        let _full = FullPrecision::on(images.device())?;
        // In double precision, as comparisons with other programs compute, nothing is narrowed.
        match features.kind() {
            Kind::BFloat16 | Kind::Half => self.layers.head(&features.f_to_kind(Kind::Float)?, mode),
            _ => self.layers.head(&features, mode),
        }
    }

    /// The layers that explanations can be taken from, from the first to the last, by PyTorch's names: a ResNet's
    /// stages, a DenseNet's blocks and its last norm, ChestNetS's ReLUs.
    pub fn map_layers(&self) -> Vec<String> {
        self.layers.map_layers()
    }

    /// Activations `float32 N,K,h,w` of map layer number `layer`, after its ReLU, in evaluation mode.
    ///
    /// # Errors
    /// When `images` have another size than the network was built for or lie on another device, or memory runs out.
    pub fn to_layer(&self, images: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        self.layers.to_layer(images, layer)
    }

    /// Logits `float32 N,C` of those activations.
    ///
    /// # Errors
    /// When `activations` don't have the shape of that layer's output, or memory runs out.
    pub fn logits_from_layer(&self, activations: &Tensor, layer: usize) -> Result<Tensor, TchError> {
        self.layers.head(&self.layers.onward(activations, layer)?, Mode::Eval)
    }

    /// Whether a tensor of this name belongs to the last layer, which turns activations into logits.
    pub fn is_head(&self, name: &str) -> bool {
        name.rsplit_once('.').is_some_and(|(module, _)| module == self.layers.head_name())
    }

    /// How many blocks a parameter lies before the last layer, whose own are at 0: the stem of ResNet-18 at 5.
    pub fn blocks_before_head(&self, name: &str) -> usize {
        self.layers.block_of(self.layers.head_name()) - self.layers.block_of(name)
    }

    /// Names of, and handles to the parameters of the last layer, in order.
    pub fn head_parameters(&self) -> Vec<(String, Tensor)> {
        self.parameters(true)
    }

    /// Names of, and handles to all other parameters, in order.
    pub fn backbone_parameters(&self) -> Vec<(String, Tensor)> {
        self.parameters(false)
    }

    fn parameters(&self, head: bool) -> Vec<(String, Tensor)> {
        self.state.trainable().into_iter().filter(|(name, _)| self.is_head(name) == head).collect()
    }

    /// Keeps all but the last layer as they are, or lets them learn again. While they are kept, batch norm
    /// uses its running statistics in training too and leaves them alone.
    ///
    /// # Errors
    /// When libtorch refuses to change `requires_grad` of a parameter, as it does for one that is no leaf.
    pub fn freeze_backbone(&mut self, frozen: bool) -> Result<(), TchError> {
        if self.frozen != frozen {
            for (_, mut parameter) in self.backbone_parameters() {
                let _ = parameter.f_requires_grad_(!frozen)?;
            }
            self.frozen = frozen;
        }
        Ok(())
    }

    /// Parameters and running statistics by name.
    pub fn state(&self) -> &StateDict {
        &self.state
    }

    /// The same, to load weights into.
    pub fn state_mut(&mut self) -> &mut StateDict {
        &mut self.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::native::Autocast;

    #[test]
    fn chestnet_takes_images_of_any_size_as_pytorchs_pooling_does() {
        // 28 px is ChestMNIST's default size: 28, 14, 7, 3.
        for (side, flat) in [(28, 3 * 3), (60, 7 * 7), (64, 8 * 8)] {
            let shape = Shape { height: side, width: side, classes: 14 };
            let network = Network::build(&ModelSection::default(), shape, Device::Cpu).expect("a network");
            let hidden = network.state().get("classifier.1.weight").expect("the hidden layer").size();
            assert_eq!(hidden, [512, 128 * flat], "{side} px");
            let side = side as i64;
            let images = Tensor::f_rand([4, 1, side, side], (Kind::Float, Device::Cpu)).expect("images");
            for mode in [Mode::Train, Mode::Eval] {
                let logits = network.forward(&images, mode).expect("logits");
                assert_eq!(logits.size(), [4, 14], "{side} px");
            }
            for layer in 0..network.map_layers().len() {
                let _no_grad = tch::no_grad_guard();
                let activations = network.to_layer(&images, layer).expect("activations");
                let through = network.logits_from_layer(&activations, layer).expect("logits");
                let direct = network.forward(&images, Mode::Eval).expect("logits");
                let worst = f64::try_from((through - direct).abs().max()).expect("a number");
                assert!(worst < 1e-5, "{side} px, layer {layer}: {worst:.1e}");
            }
        }
    }

    /// The strides of `N,C,H,W` stored channels last.
    fn last(size: &[i64]) -> [i64; 4] {
        let [_, channels, height, width] = size[..] else { panic!("four dimensions: {size:?}") };
        [height * width * channels, 1, width * channels, channels]
    }

    #[test]
    fn channels_last_holds_for_every_weight_and_every_output_of_the_five_networks() {
        let _no_grad = tch::no_grad_guard();
        let shape = Shape { height: 32, width: 32, classes: 3 };
        // One channel: stored so it looks like any other order, and a network has to make the best of it.
        let images = Tensor::f_rand([2, 1, 32, 32], (Kind::Float, Device::Cpu)).expect("images");
        for arch in [Arch::ChestNetS, Arch::ResNet18, Arch::ResNet34, Arch::ResNet50, Arch::DenseNet121] {
            let section = ModelSection { arch, ..ModelSection::default() };
            let mut network = Network::build_blank(&section, shape, Device::Cpu).expect("a network");
            network.state.place(Device::Cpu, true).expect("placed");
            let mut weights = 0;
            for (name, tensor) in network.state.iter().filter(|(_, tensor)| tensor.dim() == 4) {
                assert_eq!(tensor.stride(), last(&tensor.size()), "{arch:?} {name}");
                weights += 1;
            }
            assert!(weights >= 3, "{arch:?}");
            for (layer, name) in network.map_layers().iter().enumerate() {
                let output = network.to_layer(&images, layer).expect("an output");
                assert_eq!(output.stride(), last(&output.size()), "{arch:?} {name}");
            }
        }
    }

    #[test]
    fn logits_under_autocast_are_as_fine_as_float32() {
        tch::manual_seed(7);
        for arch in [Arch::ChestNetS, Arch::ResNet18] {
            let section = ModelSection { arch, ..ModelSection::default() };
            let shape = Shape { height: 32, width: 32, classes: 14 };
            let network = Network::build(&section, shape, Device::Cpu).expect("a network");
            let images = Tensor::f_rand([400, 1, 32, 32], (Kind::Float, Device::Cpu)).expect("images");
            let _no_grad = tch::no_grad_guard();
            let _cast = Autocast::on(Device::Cpu, false).expect("autocast");
            let logits = network.forward(&images, Mode::Eval).expect("logits");
            assert_eq!(logits.kind(), Kind::Float);
            let column = Vec::<f32>::try_from(logits.select(1, 3).contiguous()).expect("numbers");
            let distinct: HashSet<u32> = column.iter().map(|logit| logit.to_bits()).collect();
            // bfloat16 has 8 significant bits: a head in it gives 400 images a few dozen values.
            assert!(distinct.len() > 390, "{arch}: {} distinct logits of 400 images", distinct.len());
        }
    }
}
