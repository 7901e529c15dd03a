//! Which batch a device has memory for, after one was too large.

use anyhow::Result;
use tch::{Kind, Tensor};

use super::setup::Setup;
use crate::native;

/// Adds to the `reason` of a run that ran out of memory the largest batch that would have fitted: the settings' one halved until
/// a step of it can be done. Call it when the run's own tensors are gone.
pub(super) fn with_fitting_batch(reason: String, setup: &Setup) -> String {
    let fits = |batch: &usize| {
        let fits = one_step(setup, *batch).is_ok();
        native::release_cached(setup.device);
        fits
    };
    match largest_fitting(setup.config.optimizer.batch_size, fits) {
        Some(batch) => format!("{reason}; optimizer.batch_size={batch} fits"),
        None => format!("{reason}; not even one image fits"),
    }
}

/// The first of half the batch, a quarter and so on that `fits`.
fn largest_fitting(batch: usize, fits: impl FnMut(&usize) -> bool) -> Option<usize> {
    std::iter::successors(Some(batch / 2), |batch| Some(batch / 2)).take_while(|batch| *batch > 0).find(fits)
}

/// A training step of black images with a network of its own, until the device has done it.
fn one_step(setup: &Setup, batch: usize) -> Result<()> {
    let (config, device) = (&setup.config, setup.device);
    let [height, width, classes] = setup.shape().map(|n| n as i64);
    let mut learner = setup.learner(|_| Ok(()))?;
    let images = Tensor::f_full([batch as i64, 1, height, width], -1.0, (Kind::Float, device))?;
    let targets = Tensor::f_zeros([batch as i64, classes], (Kind::Float, device))?;
    learner.zero_grad()?;
    let (loss, _) = learner.forward_backward(&images, &targets, 1.0)?;
    learner.end_step(config.optimizer.lr, 1, &loss)?;
    Ok(native::synchronize(device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_halved_until_one_fits() {
        assert_eq!(largest_fitting(256, |batch| *batch <= 70), Some(64));
        assert_eq!(largest_fitting(256, |batch| *batch <= 128), Some(128));
        assert_eq!(largest_fitting(100, |batch| *batch <= 1), Some(1));
        assert_eq!(largest_fitting(100, |_| false), None);
        assert_eq!(largest_fitting(1, |_| true), None);
    }
}
