#![no_main]

use chestxr_fuzz::feed;
use chestxr_fuzz::model::tensor_file::{TensorFileError, parse};

// Each tensor's bytes are touched: their places come from the header.
fn sum(path: &std::path::Path) -> Result<u64, TensorFileError> {
    let bytes = std::fs::read(path)?;
    let file = parse(&bytes)?;
    Ok(file.tensors().iter().flat_map(|(_, view)| view.data()).map(|byte| u64::from(*byte)).sum())
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| feed(bytes, sum));
