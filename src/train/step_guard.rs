//! Keeps steps that are not finite away from the weights.

use tch::{Device, Kind, TchError, Tensor};

use super::scaler::LossScaler;
use crate::native;

/// Looks at each step before it changes the weights. The first whose loss, or a gradient that no loss scale explains, is not
/// finite is remembered, and neither it nor any step after it is taken: what a checkpoint holds is from before. In half
/// precision a scaled gradient may overflow; such a step alone is left out, and the scale halves. All of it happens on the
/// device; nobody waits for it until progress is read.
pub struct StepGuard {
    scaler: Option<LossScaler>,
    /// 1 when a gradient of this step isn't finite, `float32` scalar.
    overflow: Tensor,
    /// The first step that was not finite, 0 while there was none; `int64` scalar.
    first_bad: Tensor,
    /// 1 when this step must not be taken, `float32` scalar.
    blocked: Tensor,
    /// 1, `float32` scalar.
    one: Tensor,
}

impl StepGuard {
    /// A guard on the network's device; `scaler` in half precision.
    ///
    /// # Errors
    /// When the device doesn't exist or has no memory left.
    pub fn new(scaler: Option<LossScaler>, device: Device) -> Result<Self, TchError> {
        let scalar = |value: f64, kind| Tensor::f_full([0_i64; 0], value, (kind, device));
        Ok(Self {
            scaler,
            overflow: scalar(0.0, Kind::Float)?,
            first_bad: scalar(0.0, Kind::Int64)?,
            blocked: scalar(0.0, Kind::Float)?,
            one: scalar(1.0, Kind::Float)?,
        })
    }

    /// The scale of the loss, in half precision.
    pub fn scaler(&self) -> Option<&LossScaler> {
        self.scaler.as_ref()
    }

    /// Divides the gradients of `parameters` by the loss scale, if there is one, and decides whether step `number` (from 1)
    /// with this `loss` (scalar) may be taken.
    ///
    /// # Errors
    /// When a parameter has no gradient.
    pub(super) fn inspect(
        &mut self,
        parameters: &[Tensor],
        loss: &Tensor,
        number: u64,
    ) -> Result<(), TchError> {
        let _no_grad = tch::no_grad_guard();
        let _ = self.overflow.f_zero_()?;
        let inverse = match &self.scaler {
            Some(scaler) => scaler.inverse()?,
            None => self.one.shallow_clone(),
        };
        native::unscale_gradients(parameters, &self.overflow, &inverse)?;
        let mut bad = loss.f_isfinite()?.f_logical_not()?;
        if self.scaler.is_none() {
            bad = bad.f_logical_or(&self.overflow.f_not_equal(0.0)?)?;
        }
        let candidate = bad.f_to_kind(Kind::Int64)?.f_mul_scalar(number as i64)?;
        self.first_bad = self.first_bad.f_where_self(&self.first_bad.f_not_equal(0)?, &candidate)?;
        // Exactly 0 or 1: the fused optimizers take a parameter's count of steps back by it.
        self.blocked = self.first_bad.f_not_equal(0)?.f_to_kind(Kind::Float)?.f_maximum(&self.overflow)?;
        Ok(())
    }

    /// 1 when the step must not be taken (`float32` scalar).
    pub(super) fn blocked(&self) -> &Tensor {
        &self.blocked
    }

    /// Brings the loss scale up to date.
    pub(super) fn end_step(&mut self) -> Result<(), TchError> {
        self.scaler.as_mut().map_or(Ok(()), |scaler| scaler.end_step(&self.overflow))
    }

    /// The first step that was not finite. Waits for the device.
    ///
    /// # Errors
    /// When the device fails.
    pub fn first_bad_step(&self) -> Result<Option<u64>, TchError> {
        let step = i64::try_from(&self.first_bad)?;
        Ok(u64::try_from(step).ok().filter(|step| *step > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(gradient: f64) -> Tensor {
        let parameter = Tensor::from_slice(&[1.0_f32, 2.0]).set_requires_grad(true);
        (&parameter * Tensor::from_slice(&[1.0_f32, gradient as f32])).sum(Kind::Float).backward();
        parameter
    }

    fn blocked(guard: &StepGuard) -> f64 {
        f64::try_from(guard.blocked()).expect("a number")
    }

    #[test]
    fn the_first_step_that_is_not_finite_is_kept_and_blocks_all_after_it() {
        let good = Tensor::from(0.7_f32);
        for (gradient, loss) in
            [(f64::NAN, 0.7_f32), (f64::INFINITY, 0.7), (3.0, f32::NAN), (3.0, f32::INFINITY)]
        {
            let mut guard = StepGuard::new(None, Device::Cpu).expect("a guard");
            guard.inspect(&[parameter(3.0)], &good, 1).expect("looked at");
            assert_eq!((blocked(&guard), guard.first_bad_step().expect("a step")), (0.0, None));
            guard.inspect(&[parameter(1.0), parameter(gradient)], &Tensor::from(loss), 2).expect("looked at");
            assert_eq!(
                (blocked(&guard), guard.first_bad_step().expect("a step")),
                (1.0, Some(2)),
                "{gradient} {loss}"
            );
            guard.inspect(&[parameter(3.0)], &good, 3).expect("looked at");
            assert_eq!(
                (blocked(&guard), guard.first_bad_step().expect("a step")),
                (1.0, Some(2)),
                "{gradient} {loss}"
            );
        }
    }

    #[test]
    fn gradients_stay_as_they_are_without_a_scale() {
        let mut guard = StepGuard::new(None, Device::Cpu).expect("a guard");
        let parameter = parameter(0.1);
        let before = parameter.grad().copy();
        guard.inspect(std::slice::from_ref(&parameter), &Tensor::from(0.7_f32), 1).expect("looked at");
        assert!(parameter.grad().equal(&before));
    }

    #[test]
    fn an_overflow_of_scaled_gradients_leaves_out_one_step_and_is_counted() {
        let scaler = LossScaler::new(Device::Cpu).expect("a scaler");
        let mut guard = StepGuard::new(Some(scaler), Device::Cpu).expect("a guard");
        let loss = Tensor::from(0.7_f32);
        let report = |guard: &StepGuard| guard.scaler().expect("a scaler").report().expect("numbers");
        for number in 1..=2 {
            guard.inspect(&[parameter(f64::INFINITY)], &loss, number).expect("looked at");
            assert_eq!(blocked(&guard), 1.0);
            guard.end_step().expect("ended");
        }
        assert_eq!((report(&guard).scale, report(&guard).skipped, report(&guard).in_a_row), (16_384.0, 2, 2));
        let parameter = parameter(32_768.0);
        guard.inspect(std::slice::from_ref(&parameter), &loss, 3).expect("looked at");
        assert_eq!(blocked(&guard), 0.0);
        guard.end_step().expect("ended");
        assert_eq!((report(&guard).scale, report(&guard).skipped, report(&guard).in_a_row), (16_384.0, 2, 0));
        assert_eq!(f64::try_from(parameter.grad().get(1)).expect("a number"), 2.0);
        assert_eq!(guard.first_bad_step().expect("a step"), None);
        // A loss that is not finite is no matter of the scale.
        guard.inspect(&[parameter], &Tensor::from(f32::NAN), 4).expect("looked at");
        assert_eq!((blocked(&guard), guard.first_bad_step().expect("a step")), (1.0, Some(4)));
    }
}
