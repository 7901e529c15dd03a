//! A running mean of the weights.

use tch::{TchError, Tensor};

use crate::native;

/// Exponential moving average of the parameters, as `torch.optim.swa_utils.AveragedModel` with
/// `get_ema_multi_avg_fn(decay)`: the first step is copied, later ones count `1 - decay`. Running statistics
/// of batch norm are the network's own. While [`Ema::swap`]ped, the network computes with the mean.
pub struct Ema {
    decay: f64,
    names: Vec<String>,
    parameters: Vec<Tensor>,
    means: Vec<Tensor>,
    swapped: bool,
}

impl Ema {
    /// A mean of these parameters as they are.
    ///
    /// # Errors
    /// When the copies, as large as the parameters, don't fit into the device's memory.
    pub fn new(parameters: Vec<(String, Tensor)>, decay: f64) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let (names, parameters): (Vec<_>, Vec<_>) = parameters.into_iter().unzip();
        let means = parameters.iter().map(copy).collect::<Result<_, _>>()?;
        Ok(Self { decay, names, parameters, means, swapped: false })
    }

    /// Takes the parameters after optimizer step `step` (from 1) into the mean.
    ///
    /// # Errors
    /// When a parameter changed its shape or device since the copy was made.
    pub fn update(&mut self, step: u64) -> Result<(), TchError> {
        native::lerp(&self.means, &self.parameters, if step <= 1 { 1.0 } else { 1.0 - self.decay })
    }

    /// Swaps the EMA weights and the raw weights of the network.
    ///
    /// # Errors
    /// When a parameter changed its shape since the copy was made, or memory runs out.
    pub fn swap(&mut self) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for (parameter, mean) in self.parameters.iter_mut().zip(&mut self.means) {
            // Only the storage changes hands: nothing is copied.
            let (learning, averaged) = (parameter.detach(), mean.detach());
            parameter.f_set_data(&averaged)?;
            mean.f_set_data(&learning)?;
        }
        self.swapped = !self.swapped;
        Ok(())
    }

    /// Whether the network has the EMA weights.
    pub fn is_swapped(&self) -> bool {
        self.swapped
    }

    /// What a checkpoint keeps, by name. Not while swapped.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        debug_assert!(!self.swapped);
        let named = self.names.iter().zip(&self.means);
        named.map(|(name, mean)| (format!("ema.{name}"), mean.shallow_clone())).collect()
    }
}

fn copy(tensor: &Tensor) -> Result<Tensor, TchError> {
    let plain = tensor.detach();
    let mut copy = plain.f_empty_like()?;
    copy.f_copy_(&plain)?;
    Ok(copy)
}
