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
/// `torch.optim` with the same settings; the last layer and each block may learn at a rate of their own.
pub struct Optimizer {
    kind: OptimizerKind,
    groups: [Group; 2],
    lr: f64,
    momentum: f64,
    nesterov: bool,
    clip_norm: f64,
}

/// Parameters that are frozen together: the backbone, or the last layer.
struct Group {
    name: &'static str,
    all: Parameters,
    /// The same, by the settings that hold for them.
    parts: Vec<Part>,
    frozen: bool,
}

/// Parameters that learn alike.
struct Part {
    parameters: Parameters,
    /// Times the learning rate.
    factor: f64,
    weight_decay: f64,
}

/// Parameters with what the optimizer keeps for each.
#[derive(Default)]
struct Parameters {
    values: Vec<Tensor>,
    /// First moments or momenta; none for plain gradient descent.
    first: Vec<Tensor>,
    /// Second moments, for Adam.
    second: Vec<Tensor>,
    /// Steps done (`float32` scalars), for Adam.
    steps: Vec<Tensor>,
}

impl Parameters {
    fn new(values: Vec<Tensor>, section: &OptimizerSection) -> Result<Self, TchError> {
        let adam = section.kind != OptimizerKind::Sgd;
        let zeros = |wanted: bool| -> Result<Vec<Tensor>, TchError> {
            values.iter().filter(|_| wanted).map(Tensor::f_zeros_like).collect()
        };
        let first = zeros(adam || section.momentum > 0.0)?;
        let second = zeros(adam)?;
        let steps = values
            .iter()
            .filter(|_| adam)
            .map(|parameter| Tensor::f_zeros([0_i64; 0].as_slice(), (Kind::Float, parameter.device())))
            .collect::<Result<_, _>>()?;
        Ok(Self { values, first, second, steps })
    }

    /// Adds handles to what `of` has at `index`.
    fn share(&mut self, of: &Self, index: usize) {
        let lists = [
            (&mut self.values, &of.values),
            (&mut self.first, &of.first),
            (&mut self.second, &of.second),
            (&mut self.steps, &of.steps),
        ];
        for (own, others) in lists {
            own.extend(others.get(index).map(Tensor::shallow_clone));
        }
    }
}

impl Group {
    fn new(
        name: &'static str,
        network: &Network,
        parameters: Vec<(String, Tensor)>,
        section: &OptimizerSection,
    ) -> Result<Self, TchError> {
        let (names, values): (Vec<String>, Vec<Tensor>) = parameters.into_iter().unzip();
        let all = Parameters::new(values, section)?;
        let mut parts: Vec<Part> = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let blocks = network.blocks_before_head(name) as f64;
            let head = if network.is_head(name) { section.head_lr_factor } else { 1.0 };
            let factor = head * section.layer_decay.powf(blocks);
            // Biases and the weights of batch norms have one dimension; kernels and matrices have more.
            let decays = section.decay_norms || all.values[index].dim() > 1;
            let weight_decay = if decays { section.weight_decay } else { 0.0 };
            let alike = |part: &Part| (part.factor, part.weight_decay) == (factor, weight_decay);
            let place = parts.iter().position(alike).unwrap_or_else(|| {
                parts.push(Part { parameters: Parameters::default(), factor, weight_decay });
                parts.len() - 1
            });
            parts[place].parameters.share(&all, index);
        }
        Ok(Self { name, all, parts, frozen: false })
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
                Group::new("backbone", network, backbone, section)?,
                Group::new("head", network, head, section)?,
            ],
            lr: section.lr,
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
        self.groups.iter().try_for_each(|group| native::clear_gradients(&group.all.values))
    }

    /// Changes the parameters by their gradients, clipped if the settings require it, unless the `guard` finds that step
    /// `number` (from 1) or its `loss` (scalar) is not finite: then no parameter and no moment changes.
    ///
    /// # Errors
    /// When a parameter that is not frozen has no gradient, or memory runs out.
    pub fn step(&mut self, guard: &mut StepGuard, loss: &Tensor, number: u64) -> Result<(), TchError> {
        let learning = || self.groups.iter().filter(|group| !group.frozen);
        let all: Vec<Tensor> =
            learning().flat_map(|group| &group.all.values).map(Tensor::shallow_clone).collect();
        guard.inspect(&all, loss, number)?;
        if self.clip_norm > 0.0 {
            native::clip_gradients(&all, self.clip_norm)?;
        }
        let blocked = Some(guard.blocked());
        for Part { parameters, factor, weight_decay } in learning().flat_map(|group| &group.parts) {
            let (lr, weight_decay) = (self.lr * factor, *weight_decay);
            let Parameters { values, first, second, steps } = parameters;
            match self.kind {
                OptimizerKind::Sgd => {
                    let (momentum, nesterov) = (self.momentum, self.nesterov);
                    let step = SgdStep { lr, momentum, weight_decay, nesterov };
                    native::fused_sgd(values, first, step, blocked)?;
                }
                OptimizerKind::Adam | OptimizerKind::AdamW => {
                    let (beta1, beta2) = BETAS;
                    let decoupled = self.kind == OptimizerKind::AdamW;
                    let step = AdamStep { lr, beta1, beta2, weight_decay, eps: EPSILON, decoupled };
                    native::fused_adam(values, first, second, steps, step, blocked)?;
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
                let Parameters { first, second, steps, .. } = &group.all;
                let lists = [("first", first), ("second", second), ("steps", steps)];
                lists.into_iter().flat_map(move |(what, tensors)| {
                    tensors.iter().enumerate().map(move |(index, tensor)| {
                        (format!("optimizer.{}.{what}.{index}", group.name), tensor.shallow_clone())
                    })
                })
            })
            .collect()
    }
}
