//! A running mean of the weights.

use tch::{TchError, Tensor};

use crate::native;

/// Exponential moving average of parameters and of batch norm's running statistics, as
/// `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)` and `use_buffers=True`: the first step is
/// copied, later ones count `1 - decay`. The statistics of the raw network belong to the raw weights: averaged weights
/// give activations of other means and variances. While [`Ema::swap`]ped, the network computes with the mean.
pub struct Ema {
    /// In `0..1`.
    decay: f64,
    names: Vec<String>,
    tensors: Vec<Tensor>,
    means: Vec<Tensor>,
    swapped: bool,
}

impl Ema {
    /// A mean of these floating-point tensors as they are.
    ///
    /// # Errors
    /// When the copies, as large as the tensors, don't fit into the device's memory.
    pub fn new(tensors: Vec<(String, Tensor)>, decay: f64) -> Result<Self, TchError> {
        let _no_grad = tch::no_grad_guard();
        let (names, tensors): (Vec<_>, Vec<_>) = tensors.into_iter().unzip();
        let means = tensors.iter().map(copy).collect::<Result<_, _>>()?;
        Ok(Self { decay, names, tensors, means, swapped: false })
    }

    /// Takes the tensors after optimizer step `step` (from 1) into the mean.
    ///
    /// # Errors
    /// When a tensor changed its shape or device since the copy was made.
    pub fn update(&mut self, step: u64) -> Result<(), TchError> {
        native::lerp(&self.means, &self.tensors, if step <= 1 { 1.0 } else { 1.0 - self.decay })
    }

    /// Swaps the EMA weights and the raw weights of the network.
    ///
    /// # Errors
    /// When a tensor changed its shape since the copy was made, or memory runs out.
    pub fn swap(&mut self) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        for (tensor, mean) in self.tensors.iter_mut().zip(&mut self.means) {
            // Only the storage changes hands: nothing is copied.
            let (raw, averaged) = (tensor.detach(), mean.detach());
            tensor.f_set_data(&averaged)?;
            mean.f_set_data(&raw)?;
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
