//! A network and everything that changes it in one training step, shared by the training loop, the learning-rate finder
//! and the benchmark.

use anyhow::Result;
use tch::{Device, Tensor};

use super::checkpoint::Restored;
use super::ema::Ema;
use super::loss::Loss;
use super::optimizer::Optimizer;
use super::scaler::LossScaler;
use super::step_guard::StepGuard;
use crate::config::{Precision, RunConfig};
use crate::dataset::stats::SplitStats;
use crate::model::{Mode, Network};
use crate::native::{self, Autocast, CudaMode};

/// Network, loss, optimizer, running mean and precision.
pub struct Learner {
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    guard: StepGuard,
    ema: Option<Ema>,
    precision: Precision,
    device: Device,
    /// On CUDA.
    _mode: Option<CudaMode>,
}

impl Learner {
    /// Before the first step; `train` counts the labels of the training images, and `masked` says that some labels of the
    /// data set are unknown.
    ///
    /// # Errors
    /// When optimizer state or EMA weights don't fit into the device's memory.
    pub fn new(
        network: Network,
        config: &RunConfig,
        train: &SplitStats,
        masked: bool,
        device: Device,
    ) -> Result<Self> {
        let mode = device.is_cuda().then(|| CudaMode::set(config.run.deterministic)).transpose()?;
        let optimizer = Optimizer::new(&network, &config.optimizer)?;
        let ema = match config.optimizer.ema {
            0.0 => None,
            decay => Some(Ema::new(network.state().floating(), decay)?),
        };
        let scaler = match config.run.precision {
            Precision::Fp16 => Some(LossScaler::new(device)?),
            Precision::Auto | Precision::Fp32 | Precision::Bf16 => None,
        };
        let guard = StepGuard::new(scaler, device)?;
        let loss = Loss::new(&config.loss, train, masked, device)?;
        Ok(Self {
            network,
            loss,
            optimizer,
            guard,
            ema,
            precision: config.run.precision,
            device,
            _mode: mode,
        })
    }

    /// The network as it is.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The same, to load weights into.
    pub fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// What keeps steps that are not finite away from the weights.
    pub fn guard(&self) -> &StepGuard {
        &self.guard
    }

    /// The trained loss.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// Trains only the last layer, or all.
    ///
    /// # Errors
    /// As [`Network::freeze_backbone`].
    pub fn freeze_backbone(&mut self, frozen: bool) -> Result<()> {
        self.network.freeze_backbone(frozen)?;
        self.optimizer.freeze_backbone(frozen);
        Ok(())
    }

    /// Begins a step: no gradients.
    ///
    /// # Errors
    /// As [`Optimizer::clear_gradients`].
    pub fn zero_grad(&self) -> Result<()> {
        Ok(self.optimizer.clear_gradients()?)
    }

    /// Adds `share` of a batch's gradients: images `float32 N,1,H,W`, targets `float32 N,C`. Gives the mean
    /// loss and the logits, neither with gradients nor waited for.
    ///
    /// # Errors
    /// When shapes or devices of images and targets don't fit the network, or memory runs out.
    pub fn forward_backward(
        &mut self,
        images: &Tensor,
        targets: &Tensor,
        share: f64,
    ) -> Result<(Tensor, Tensor)> {
        let (logits, loss) = {
            let _cast = self.cast()?;
            let logits = self.network.forward(images, Mode::Train)?;
            let loss = self.loss.of(&logits, targets)?;
            (logits, loss)
        };
        let mut downhill = loss.shallow_clone();
        if share != 1.0 {
            downhill = downhill.f_mul_scalar(share)?;
        }
        if let Some(scaler) = self.guard.scaler() {
            downhill = scaler.scaled(&downhill)?;
        }
        downhill.f_backward()?;
        Ok((loss.detach(), logits.detach()))
    }

    /// Ends optimizer step `number` (from 1) at learning rate `lr`. `loss` (scalar) is finite as long as the losses of the
    /// step are; see [`StepGuard`] for what happens when it isn't.
    ///
    /// # Errors
    /// When a gradient is missing, or memory runs out.
    pub fn end_step(&mut self, lr: f64, number: u64, loss: &Tensor) -> Result<()> {
        self.optimizer.set_lr(lr);
        self.optimizer.step(&mut self.guard, loss, number)?;
        if let Some(ema) = &mut self.ema {
            ema.update(number)?;
        }
        Ok(())
    }

    /// Logits (`float32 N,C`) of images (`float32 N,1,H,W`), without gradients, by the weights in the network; in fp32 whatever
    /// the precision of training, so that a score depends neither on the batch it was computed in nor on the device.
    ///
    /// # Errors
    /// When `images` don't fit the network's size or device, or memory runs out.
    pub fn evaluate(&self, images: &Tensor) -> Result<Tensor> {
        let _no_grad = tch::no_grad_guard();
        Ok(self.network.forward(images, Mode::Eval)?)
    }

    /// Loads the EMA weights into the network, if there are any, until [`Learner::use_raw_weights`]: evaluation uses them.
    ///
    /// # Errors
    /// When a tensor can't be copied, as when the device runs out of memory.
    pub fn use_ema_weights(&mut self) -> Result<()> {
        match &mut self.ema {
            Some(ema) if !ema.is_swapped() => Ok(ema.swap()?),
            _ => Ok(()),
        }
    }

    /// Loads the raw weights back into the network.
    ///
    /// # Errors
    /// When a tensor can't be copied, as when the device runs out of memory.
    pub fn use_raw_weights(&mut self) -> Result<()> {
        match &mut self.ema {
            Some(ema) if ema.is_swapped() => Ok(ema.swap()?),
            _ => Ok(()),
        }
    }

    /// Whether the network has the EMA weights.
    pub fn uses_ema_weights(&self) -> bool {
        self.ema.as_ref().is_some_and(Ema::is_swapped)
    }

    /// Whether all weights and running statistics are finite numbers. Waits for the device.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn is_finite(&self) -> Result<bool> {
        let _no_grad = tch::no_grad_guard();
        let mut finite = Tensor::f_ones([0_i64; 0].as_slice(), (tch::Kind::Bool, self.device))?;
        for (_, tensor) in self.network.state().iter().filter(|(_, tensor)| tensor.is_floating_point()) {
            // One number for each tensor: a sum is finite unless a part isn't, or it overflows float64.
            let sum = tensor.f_sum(tch::Kind::Double)?;
            finite = finite.f_logical_and(&sum.f_isfinite()?)?;
        }
        Ok(bool::try_from(finite)?)
    }

    /// Whether EMA weights are evaluated in place of the raw ones.
    pub fn has_ema(&self) -> bool {
        self.ema.is_some()
    }

    /// Everything a step reads and changes, by name: weights, moments, running mean, loss scale. The network
    /// must have its raw weights.
    fn tensors(&self) -> Vec<(String, Tensor)> {
        let weights = self.network.state().iter();
        let mut all: Vec<(String, Tensor)> =
            weights.map(|(name, tensor)| (format!("weight.{name}"), tensor.shallow_clone())).collect();
        all.extend(self.optimizer.state());
        all.extend(self.ema.iter().flat_map(Ema::state));
        all.extend(self.guard.scaler().into_iter().flat_map(LossScaler::state));
        all
    }

    /// The same with the states of the random generators, for a checkpoint.
    ///
    /// # Errors
    /// When the generator's state can't be read or a tensor can't be copied.
    pub fn state(&mut self) -> Result<Vec<(String, Tensor)>> {
        self.use_raw_weights()?;
        let mut all = self.tensors();
        for (name, device) in self.generators() {
            all.push((name.into(), native::generator_state(device)?));
        }
        Ok(all)
    }

    /// Restores everything that [`Learner::state`] returned.
    ///
    /// # Errors
    /// When something is missing or has another shape.
    pub fn restore(&mut self, restored: &mut Restored) -> Result<()> {
        self.use_raw_weights()?;
        // Version 0.1.0 didn't average the running statistics.
        for (name, _) in self.ema.iter().flat_map(Ema::state) {
            if let Some(own) = name.strip_prefix("ema.").filter(|own| own.contains(".running_")) {
                restored.copy_missing(&name, &format!("weight.{own}"));
            }
        }
        restored.fill(self.tensors())?;
        for (name, device) in self.generators() {
            // A run that moved to another device has no state of its generator: it starts from the seed.
            if let Some(state) = restored.take(name, tch::Kind::Uint8, Device::Cpu)? {
                native::set_generator_state(device, &state)?;
            }
        }
        Ok(())
    }

    fn generators(&self) -> impl Iterator<Item = (&'static str, Device)> + use<> {
        let cuda = self.device.is_cuda().then_some(("generator.cuda", self.device));
        [("generator.cpu", Device::Cpu)].into_iter().chain(cuda)
    }

    fn cast(&self) -> Result<Option<Autocast>> {
        Ok(match self.precision {
            Precision::Auto | Precision::Fp32 => None,
            Precision::Bf16 => Some(Autocast::on(self.device, false)?),
            Precision::Fp16 => Some(Autocast::on(self.device, true)?),
        })
    }
}
