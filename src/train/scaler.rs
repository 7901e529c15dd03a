//! Loss scaling for half precision.

use tch::{Device, Kind, TchError, Tensor};

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
    /// Steps that were left out since the run began or was resumed, `int64` scalar.
    skipped: Tensor,
    /// Those of them since the last step that was taken, `int64` scalar.
    in_a_row: Tensor,
}

/// How loss scaling fares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScalerReport {
    /// What the loss is multiplied by.
    pub scale: f64,
    /// Steps that were left out since the run began or was resumed, because a gradient overflowed.
    pub skipped: u64,
    /// Those of them since the last step that was taken.
    pub in_a_row: u64,
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
            skipped: scalar(0.0, Kind::Int64)?,
            in_a_row: scalar(0.0, Kind::Int64)?,
        })
    }

    /// The loss to go backward from.
    ///
    /// # Errors
    /// When `loss` lies on another device than the scale.
    pub fn scaled(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        loss.f_mul(&self.scale)
    }

    /// What gradients of the scaled loss are multiplied by (`float32` scalar).
    pub(super) fn inverse(&self) -> Result<Tensor, TchError> {
        self.scale.f_reciprocal()
    }

    /// Brings the scale and the counts up to date; `overflow` is 1 when a gradient of the step overflowed, else 0
    /// (`float32` scalar).
    pub(super) fn end_step(&mut self, overflow: &Tensor) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        let one = overflow.f_to_kind(Kind::Int64)?;
        self.skipped = self.skipped.f_add(&one)?;
        self.in_a_row = self.in_a_row.f_add(&one)?.f_mul(&one)?;
        self.scale
            .f_internal_amp_update_scale_(&self.growth, overflow, GROWTH, BACKOFF, GROWTH_INTERVAL)
            .map(|_| ())
    }

    /// The scale and the steps that were left out. Waits for the device.
    ///
    /// # Errors
    /// When the device fails.
    pub fn report(&self) -> Result<ScalerReport, TchError> {
        let double = |tensor: &Tensor| tensor.f_to_kind(Kind::Double);
        let all = [double(&self.scale)?, double(&self.skipped)?, double(&self.in_a_row)?];
        // One copy from the device for all three.
        let numbers = Vec::<f64>::try_from(Tensor::f_stack(&all, 0)?)?;
        let [scale, skipped, in_a_row] = numbers[..] else {
            return Err(TchError::Shape("three numbers".into()));
        };
        Ok(ScalerReport { scale, skipped: skipped as u64, in_a_row: in_a_row as u64 })
    }

    /// What a checkpoint keeps, by name.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        vec![
            ("scaler.scale".into(), self.scale.shallow_clone()),
            ("scaler.growth".into(), self.growth.shallow_clone()),
        ]
    }
}
