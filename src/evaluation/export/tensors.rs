//! Metadata put into a safetensors file. The crate that writes ours keeps them in an order of chance; the same weights
//! shall give the same bytes.

use anyhow::{Context, Result, ensure};
use safetensors::SafeTensors;
use serde_json::{Map, Value};

/// The file with `facts` added to its metadata and its tensors as they are.
///
/// The format: eight bytes little endian are the length of the JSON header, and the tensors' bytes follow it; places in
/// the header count from there. <https://github.com/huggingface/safetensors#format>
pub fn described(file: &[u8], facts: Vec<(String, String)>) -> Result<Vec<u8>> {
    SafeTensors::deserialize(file).context("it is no safetensors file")?;
    let (length, rest) = file.split_at_checked(8).context("it is no safetensors file")?;
    let length = u64::from_le_bytes(length.try_into()?) as usize;
    let (header, data) = rest.split_at_checked(length).context("it is no safetensors file")?;
    let mut header: Map<String, Value> = serde_json::from_slice(header)?;
    // The checksum of the tensors stays: they are the same.
    let metadata = header.entry("__metadata__").or_insert_with(|| Value::Object(Map::new()));
    let metadata = metadata.as_object_mut().context("its metadata are no object")?;
    metadata.extend(facts.into_iter().map(|(key, value)| (key, Value::String(value))));
    let mut header = serde_json::to_vec(&header)?;
    // The data begins at a multiple of eight, as readers that map the file want it.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut described = (header.len() as u64).to_le_bytes().to_vec();
    described.extend([&header, data].concat());
    ensure!(SafeTensors::deserialize(&described).is_ok(), "its metadata find no room");
    Ok(described)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::tensor::{Dtype, TensorView, serialize};

    use super::*;

    #[test]
    fn tensors_stay_and_metadata_come() {
        let values: Vec<u8> = [1.5_f32, -2.0, 3.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = TensorView::new(Dtype::F32, vec![3], &values).expect("a tensor");
        let file = serialize([("w", view)], &None).expect("a file");
        let facts = vec![("notice".to_owned(), "for research".to_owned())];
        let described = described(&file, facts.clone()).expect("a file");
        let (length, read) = SafeTensors::read_metadata(&described).expect("a header");
        assert_eq!(length % 8, 0);
        assert_eq!(*read.metadata(), Some(HashMap::from_iter(facts)));
        let tensors = SafeTensors::deserialize(&described).expect("a file");
        assert_eq!(tensors.tensor("w").expect("the tensor").data(), values);
        assert!(super::described(b"no tensors", Vec::new()).is_err());
    }
}
