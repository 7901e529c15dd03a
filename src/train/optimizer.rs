//! What turns gradients into new weights.

use tch::{Kind, TchError, Tensor};

use crate::config::OptimizerSection;
use crate::model::StateDict;
use crate::native::{self, AdamStep};

/// Adam in one fused kernel over all parameters, equal to `torch.optim.Adam` with its default betas
/// (.9, .999) and epsilon 1e-8.
pub struct Adam {
    parameters: Vec<Tensor>,
    exp_avgs: Vec<Tensor>,
    exp_avg_sqs: Vec<Tensor>,
    steps: Vec<Tensor>,
    lr: f64,
    weight_decay: f64,
}

impl Adam {
    /// Starts with zero moments on the parameters' device, stored as the parameters are.
    ///
    /// # Errors
    /// What libtorch says, e.g. that there is no memory left.
    pub fn new(state: &StateDict, section: &OptimizerSection) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let parameters = state.parameters();
        let zeros = || parameters.iter().map(Tensor::f_zeros_like).collect::<Result<Vec<_>, _>>();
        let steps = parameters
            .iter()
            .map(|parameter| Tensor::f_zeros([0_i64; 0].as_slice(), (Kind::Float, parameter.device())))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            exp_avgs: zeros()?,
            exp_avg_sqs: zeros()?,
            steps,
            lr: section.lr,
            weight_decay: section.weight_decay,
            parameters,
        })
    }

    /// Drops the gradients of the last step.
    ///
    /// # Errors
    /// What libtorch says.
    pub fn clear_gradients(&self) -> Result<(), TchError> {
        native::clear_gradients(&self.parameters)
    }

    /// Changes the parameters by their gradients.
    ///
    /// # Errors
    /// What libtorch says, e.g. when a parameter has no gradient.
    pub fn step(&mut self) -> Result<(), TchError> {
        let step =
            AdamStep { lr: self.lr, beta1: 0.9, beta2: 0.999, weight_decay: self.weight_decay, eps: 1e-8 };
        native::fused_adam(&self.parameters, &self.exp_avgs, &self.exp_avg_sqs, &self.steps, step)
    }

    /// The learning rate of the next step.
    pub fn lr(&self) -> f64 {
        self.lr
    }

    /// Changes the learning rate from the next step on.
    pub fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }
}
