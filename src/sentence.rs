//! What went wrong, as one sentence with a remedy.

use std::io;

use tch::TchError;

use crate::text::one_line;

/// Longest sentence, in columns.
const LONGEST: usize = 2000;

/// An error and its causes: libtorch's in one sentence, the system's about threads and memory with advice.
pub fn of_error(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = match (cause.downcast_ref::<TchError>(), cause.downcast_ref::<io::Error>()) {
            (Some(error), _) => of_torch(error),
            (_, Some(error)) => of_io(error),
            _ => cause.to_string(),
        };
        // Some errors name their cause already, in its words or in ours.
        let own = cause.to_string();
        match parts.last_mut() {
            Some(before) if before.ends_with(&text) => {}
            Some(before) if before.ends_with(&own) => {
                before.truncate(before.len() - own.len());
                before.push_str(&text);
            }
            _ => parts.push(text),
        }
        if cause.is::<TchError>() {
            break;
        }
    }
    one_line(&parts.join(": "), LONGEST)
}

/// What libtorch says when the CPU, or a GPU, has no memory left.
const NO_MEMORY: [&str; 2] =
    ["can't allocate memory: you tried to allocate ", "out of memory. Tried to allocate "];

/// Whether libtorch had no memory left, here or on a GPU.
pub fn is_out_of_memory(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<TchError>())
        .any(|error| NO_MEMORY.iter().any(|mark| error.to_string().contains(mark)))
}

/// libtorch's message, without its C++ trace.
pub fn of_torch(error: &TchError) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let after = |mark: &str| first.split_once(mark).map(|(_, rest)| rest);
    if let Some(rest) = after(NO_MEMORY[0]) {
        let wanted = rest.split(' ').next().and_then(|bytes| bytes.parse().ok()).map(crate::text::bytes);
        return format!(
            "there is too little memory{}; lower optimizer.batch_size or data.size, or end other programs",
            wanted.map_or(String::new(), |bytes| format!(": libtorch can't have {bytes} more"))
        );
    }
    if let Some(rest) = after(NO_MEMORY[1]) {
        let wanted = rest.split(". ").next().unwrap_or_default();
        return format!(
            "the GPU has too little free memory: libtorch can't have {} more; lower optimizer.batch_size or data.size, or \
             end other programs there",
            one_line(wanted, 20)
        );
    }
    format!("libtorch: {}", one_line(first, 300))
}

fn of_io(error: &io::Error) -> String {
    match error.raw_os_error() {
        // Starting a thread returns this; time limits of connections are errors of their own.
        Some(libc::EAGAIN) => {
            "the system starts no more threads; raise the limit (`ulimit -u`, or that of the container), or end other programs"
                .to_owned()
        }
        Some(libc::ENOMEM) => "the system has no memory left; end other programs".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn libtorch_speaks_in_one_sentence_whatever_is_around_it() {
        let product = || {
            let [a, b] = [3, 4].map(|n| Tensor::zeros([2, n], (Kind::Float, Device::Cpu)));
            a.f_matmul(&b).map(|_| ()).context("can't predict")
        };
        let said = of_error(&product().expect_err("2x3 by 2x4 is no product"));
        assert!(said.starts_with("can't predict: libtorch: ") && said.contains("shapes"), "{said}");
        assert!(!said.contains("frame #") && !said.contains('\n'), "{said}");
        // An error that names its cause itself doesn't name it twice.
        let named = crate::model::WeightsError::Torch(TchError::Torch("so it is\nframe #0".into()));
        assert_eq!(of_error(&anyhow!(named)), "libtorch: Internal torch error: so it is");
    }

    #[test]
    fn missing_memory_and_threads_come_with_advice() {
        // More than any machine has.
        let asked = Tensor::f_zeros([1 << 50], (Kind::Uint8, Device::Cpu)).expect_err("too much");
        let said = of_torch(&asked);
        assert!(
            said.starts_with("there is too little memory: libtorch can't have 1125.9 TB more; lower"),
            "{said}"
        );
        let cuda = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB";
        let said = of_torch(&TchError::Torch(cuda.into()));
        assert!(said.contains("libtorch can't have 2.00 GiB more; lower"), "{said}");
        let threads = io::Error::from_raw_os_error(libc::EAGAIN);
        let said = of_error(&anyhow!(threads).context("can't start the trainer's thread"));
        let twice = anyhow!(io::Error::from_raw_os_error(libc::ENOMEM))
            .context("no memory: Cannot allocate memory (os error 12)");
        assert_eq!(of_error(&twice), "no memory: the system has no memory left; end other programs");
        assert!(
            said.starts_with("can't start the trainer's thread: the system starts no more threads; raise"),
            "{said}"
        );
    }
}
