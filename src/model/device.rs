//! The compute device by its name.

use anyhow::{Result, bail};
use tch::{Cuda, Device};

/// The device of a setting: `auto` takes CUDA when there is one.
///
/// # Errors
/// When CUDA is asked for and this machine or this build has none, or not so many.
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
    }
}
