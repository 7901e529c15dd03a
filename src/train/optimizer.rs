//! What turns gradients into new weights.

use tch::{Kind, TchError, Tensor};

use super::step_guard::StepGuard;
use crate::config::{OptimizerKind, OptimizerSection};
use crate::model::Network;
use crate::native::{self, AdamStep, SgdStep};

/// Decay of the moments and the constant under the root: PyTorch's defaults for Adam and AdamW.
const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// Adam, AdamW or gradient descent with momentum in one fused kernel over all parameters, equal to
/// `torch.optim` with the same settings; the last layer may learn at a multiple of the rate.
pub struct Optimizer {
    kind: OptimizerKind,
    groups: [Group; 2],
    lr: f64,
    weight_decay: f64,
    momentum: f64,
    nesterov: bool,
    clip_norm: f64,
}

/// Parameters that learn alike: the backbone, or the last layer.
struct Group {
    name: &'static str,
    parameters: Vec<Tensor>,
    /// First moments or momenta; none for plain gradient descent.
    first: Vec<Tensor>,
    /// Second moments, for Adam.
    second: Vec<Tensor>,
    /// Steps done (`float32` scalars), for Adam.
    steps: Vec<Tensor>,
    /// Times the learning rate.
    factor: f64,
    frozen: bool,
}

impl Group {
    fn new(
        name: &'static str,
        parameters: Vec<Tensor>,
        section: &OptimizerSection,
        factor: f64,
    ) -> Result<Self, TchError> {
        let adam = section.kind != OptimizerKind::Sgd;
        let zeros = |wanted: bool| -> Result<Vec<Tensor>, TchError> {
            parameters.iter().filter(|_| wanted).map(Tensor::f_zeros_like).collect()
        };
        let first = zeros(adam || section.momentum > 0.0)?;
        let second = zeros(adam)?;
        let steps = parameters
            .iter()
            .filter(|_| adam)
            .map(|parameter| Tensor::f_zeros([0_i64; 0].as_slice(), (Kind::Float, parameter.device())))
            .collect::<Result<_, _>>()?;
        Ok(Self { name, parameters, first, second, steps, factor, frozen: false })
    }
}

impl Optimizer {
    /// Starts with zero moments on the parameters' device, stored as the parameters are.
    ///
    /// # Errors
    /// When the moments, as large as the parameters once or twice, don't fit into the device's memory.
    pub fn new(network: &Network, section: &OptimizerSection) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let (backbone, head) = (network.backbone_parameters(), network.head_parameters());
        Ok(Self {
            kind: section.kind,
            groups: [
                Group::new("backbone", backbone, section, 1.0)?,
                Group::new("head", head, section, section.head_lr_factor)?,
            ],
            lr: section.lr,
            weight_decay: section.weight_decay,
            momentum: section.momentum,
            nesterov: section.nesterov,
            clip_norm: section.clip_norm,
        })
    }

    /// Leaves the backbone as it is, or lets it learn.
    pub fn freeze_backbone(&mut self, frozen: bool) {
        self.groups[0].frozen = frozen;
    }

    /// Drops the gradients of the last step.
    ///
    /// # Errors
    /// When libtorch can't set a gradient to zero, which no valid parameter causes.
    pub fn clear_gradients(&self) -> Result<(), TchError> {
        self.groups.iter().try_for_each(|group| native::clear_gradients(&group.parameters))
    }

    /// Changes the parameters by their gradients, clipped if the settings require it, unless the `guard` finds that step
    /// `number` (from 1) or its `loss` (scalar) is not finite: then no parameter and no moment changes.
    ///
    /// # Errors
    /// When a parameter that is not frozen has no gradient, or memory runs out.
    pub fn step(&mut self, guard: &mut StepGuard, loss: &Tensor, number: u64) -> Result<(), TchError> {
        let learning = || self.groups.iter().filter(|group| !group.frozen);
        let all: Vec<Tensor> =
            learning().flat_map(|group| &group.parameters).map(Tensor::shallow_clone).collect();
        guard.inspect(&all, loss, number)?;
        if self.clip_norm > 0.0 {
            native::clip_gradients(&all, self.clip_norm)?;
        }
        let blocked = Some(guard.blocked());
        for group in learning() {
            let (lr, weight_decay) = (self.lr * group.factor, self.weight_decay);
            match self.kind {
                OptimizerKind::Sgd => {
                    let (momentum, nesterov) = (self.momentum, self.nesterov);
                    let step = SgdStep { lr, momentum, weight_decay, nesterov };
                    native::fused_sgd(&group.parameters, &group.first, step, blocked)?;
                }
                OptimizerKind::Adam | OptimizerKind::AdamW => {
                    let (beta1, beta2) = BETAS;
                    let decoupled = self.kind == OptimizerKind::AdamW;
                    let step = AdamStep { lr, beta1, beta2, weight_decay, eps: EPSILON, decoupled };
                    let Group { parameters, first, second, steps, .. } = group;
                    native::fused_adam(parameters, first, second, steps, step, blocked)?;
                }
            }
        }
        guard.end_step()
    }

    /// The learning rate of the next step.
    pub fn lr(&self) -> f64 {
        self.lr
    }

    /// Changes the learning rate from the next step on.
    pub fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }

    /// Everything a step changes beside the parameters, by name, in a fixed order.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        self.groups
            .iter()
            .flat_map(|group| {
                let lists = [("first", &group.first), ("second", &group.second), ("steps", &group.steps)];
                lists.into_iter().flat_map(move |(what, tensors)| {
                    tensors.iter().enumerate().map(move |(index, tensor)| {
                        (format!("optimizer.{}.{what}.{index}", group.name), tensor.shallow_clone())
                    })
                })
            })
            .collect()
    }
}
