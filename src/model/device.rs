//! The compute device by its name.

use anyhow::{Result, bail};
use tch::{Cuda, Device};

use crate::native;

/// The device of a setting: `auto` takes CUDA when there is one.
///
/// # Errors
/// When CUDA is requested and this machine or this build has none, or not so many.
pub fn resolve_device(wanted: &str) -> Result<Device> {
    let cuda = |index: usize| -> Result<Device> {
        let count = Cuda::device_count();
        if !Cuda::is_available() || index as i64 >= count {
            bail!(
                "there is no CUDA device {index} here (libtorch sees {}); set run.device=cpu, or see `chestxr-tui doctor`",
                count.max(0)
            );
        }
        Ok(Device::Cuda(index))
    };
    match wanted {
        "auto" => Ok(Device::cuda_if_available()),
        "cpu" => Ok(Device::Cpu),
        "cuda" => cuda(0),
        other => match other.strip_prefix("cuda:").and_then(|index| index.parse().ok()) {
            Some(index) => cuda(index),
            None => bail!("`run.device` can't be `{other}`: it takes auto, cpu, cuda or cuda:N"),
        },
    }
}

/// The device to predict and explain on. `auto` takes that of the run's setting `of_run` where this machine has it, and the
/// CPU where less than `needed` bytes are free on the GPU: a run that trains there must not run out of memory for it.
///
/// # Errors
/// As [`resolve_device`], of a device that was requested by name.
pub fn prediction_device(wanted: &str, of_run: &str, needed: u64) -> Result<Device> {
    if wanted != "auto" {
        return resolve_device(wanted);
    }
    let device = resolve_device(of_run).or_else(|_| resolve_device("auto"))?;
    match native::device_memory(device) {
        Some(memory) if memory.free < needed => {
            tracing::info!(
                "{} has {} free and prediction needs {needed} bytes, so the CPU predicts",
                device_name(device),
                memory.free
            );
            Ok(Device::Cpu)
        }
        _ => Ok(device),
    }
}

/// `cpu` or `cuda:N`.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Cpu => "cpu".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_named() {
        assert!(matches!(resolve_device("cpu"), Ok(Device::Cpu)));
        let count = Cuda::device_count();
        let message = resolve_device(&format!("cuda:{count}")).expect_err("one too many").to_string();
        assert!(message.contains(&format!("there is no CUDA device {count} here")), "{message}");
        // A run that was made on another machine is predicted on what this one has.
        let elsewhere = format!("cuda:{count}");
        assert!(prediction_device("auto", &elsewhere, 0).is_ok());
        assert!(matches!(prediction_device("auto", "cpu", 0), Ok(Device::Cpu)));
        assert!(prediction_device(&elsewhere, "cpu", 0).is_err());
        // More than any GPU has.
        assert!(matches!(prediction_device("auto", "auto", 1 << 60), Ok(Device::Cpu)));
    }
}
