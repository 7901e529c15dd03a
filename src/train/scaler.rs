//! Loss scaling for half precision.

use tch::{Device, Kind, TchError, Tensor};

use crate::native;

/// As `torch.amp.GradScaler` starts and goes on.
const FIRST_SCALE: f64 = 65_536.0;
const GROWTH: f64 = 2.0;
const BACKOFF: f64 = 0.5;
const GROWTH_INTERVAL: i64 = 2000;

/// Multiplies the loss, so that small gradients survive half precision, and divides the gradients again. The
/// scale halves when a gradient overflows and doubles after 2000 steps without. All of it stays on the
/// device: nobody waits to learn whether a step was taken.
pub struct LossScaler {
    /// `float32` scalar.
    scale: Tensor,
    /// Steps since the scale last changed, `int32` scalar.
    growth: Tensor,
    /// 1 when a gradient of this step isn't finite, `float32` scalar.
    overflow: Tensor,
}

impl LossScaler {
    /// A scaler on the network's device.
    ///
    /// # Errors
    /// When the device doesn't exist or has no memory left.
    pub fn new(device: Device) -> Result<Self, TchError> {
        let scalar = |value: f64, kind| Tensor::f_full([0_i64; 0], value, (kind, device));
        Ok(Self {
            scale: scalar(FIRST_SCALE, Kind::Float)?,
            growth: scalar(0.0, Kind::Int)?,
            overflow: scalar(0.0, Kind::Float)?,
        })
    }

    /// The loss to go backward from.
    ///
    /// # Errors
    /// When `loss` lies on another device than the scale.
    pub fn scaled(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        loss.f_mul(&self.scale)
    }

    /// Forgets the last step's overflow.
    pub(super) fn zero_grad(&self) -> Result<(), TchError> {
        self.overflow.shallow_clone().f_zero_().map(|_| ())
    }

    /// Divides gradients by the scale and notes whether one overflowed.
    pub(super) fn unscale(&self, parameters: &[Tensor]) -> Result<(), TchError> {
        native::unscale_gradients(parameters, &self.overflow, &self.scale.f_reciprocal()?)
    }

    /// 1 when the step must not be taken (`float32` scalar).
    pub(super) fn overflow(&self) -> &Tensor {
        &self.overflow
    }

    /// Brings the scale up to date.
    pub(super) fn end_step(&mut self) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        self.scale
            .f_internal_amp_update_scale_(&self.growth, &self.overflow, GROWTH, BACKOFF, GROWTH_INTERVAL)
            .map(|_| ())
    }

    /// What a checkpoint keeps, by name.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        vec![
            ("scaler.scale".into(), self.scale.shallow_clone()),
            ("scaler.growth".into(), self.growth.shallow_clone()),
        ]
    }
}
