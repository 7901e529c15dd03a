//! Networks and their weights. Parameter names are PyTorch's, so that a checkpoint loads on either side.
//! An architecture is one file here, a name in `config::Arch` and a line in [`Network::build`].

mod chestnet;
mod init;
mod layers;
mod resnet;
mod state;

use tch::{Device, TchError, Tensor};

use crate::config::{Arch, ModelSection};

pub use layers::Mode;
pub use state::{Snapshot, StateDict, WeightsError, first_line};

/// A network's layers, from films to logits.
trait Layers: Send {
    /// `float32 N,1,H,W` to the activations (`N,C,h,w`) that the head reads.
    fn features(&self, films: &Tensor, mode: Mode) -> Result<Tensor, TchError>;

    /// Those activations to logits `N,C`.
    fn head(&self, features: &Tensor, mode: Mode) -> Result<Tensor, TchError>;
}

/// A network with its weights.
pub struct Network {
    layers: Box<dyn Layers>,
    state: StateDict,
}

/// What the films and labels ask of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
    /// Conditions, the width of a row of logits.
    pub classes: usize,
}

impl Network {
    /// A network with PyTorch's own initialisation, drawn from libtorch's CPU generator (so the same seed
    /// gives the same weights on any device), then moved to `device`.
    ///
    /// # Errors
    /// What libtorch says, e.g. that the device has no memory left.
    pub fn build(section: &ModelSection, shape: Shape, device: Device) -> Result<Self, TchError> {
        let mut state = StateDict::new();
        let layers: Box<dyn Layers> = match section.arch {
            Arch::ChestNetS => Box::new(chestnet::ChestNetS::new(&mut state, shape, section.dropout)?),
            Arch::ResNet18 => {
                Box::new(resnet::ResNet::new(&mut state, &resnet::RESNET18, section.stem, shape)?)
            }
            Arch::ResNet34 | Arch::ResNet50 | Arch::DenseNet121 => {
                return Err(TchError::Torch("not built yet".into()));
            }
        };
        // On CUDA the tensor cores read channels last; on a CPU it was measured to be faster for ChestNetS and
        // slower for ResNet-18. The films follow: with one channel both orders are the same.
        let channels_last = device.is_cuda() || section.arch == Arch::ChestNetS;
        state.place(device, channels_last)?;
        Ok(Self { layers, state })
    }

    /// Logits `float32 N,C` of normalised films `float32 N,1,H,W` on the network's device.
    ///
    /// # Errors
    /// What libtorch says, e.g. when the films have another size than the network.
    pub fn forward(&self, films: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.layers.head(&self.layers.features(films, mode)?, mode)
    }

    /// Handles to the parameters of the last layer, in order.
    pub fn head_parameters(&self) -> Vec<Tensor> {
        self.state
            .trainable()
            .into_iter()
            .filter(|(n, _)| n.starts_with("fc.") || n.starts_with("classifier.4"))
            .map(|(_, t)| t)
            .collect()
    }

    /// Handles to all other parameters, in order.
    pub fn backbone_parameters(&self) -> Vec<Tensor> {
        self.state
            .trainable()
            .into_iter()
            .filter(|(n, _)| !(n.starts_with("fc.") || n.starts_with("classifier.4")))
            .map(|(_, t)| t)
            .collect()
    }

    /// Placeholder until the networks are merged.
    pub fn freeze_backbone(&mut self, _frozen: bool) -> Result<(), TchError> {
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
