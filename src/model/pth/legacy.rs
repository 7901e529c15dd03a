//! PyTorch's format from before 1.6: five pickles one after the other (magic number, version, machine, the object, the keys of
//! the storages), then each storage's number of elements and its bytes. See `_legacy_save` in `torch/serialization.py`.

use std::collections::HashMap;

use super::archive::{Archive, Part};
use super::error::Fault;
use super::pickle;
use super::values::{Heap, Value};

/// The object of a file whose beginning is `bytes`, what it refers to, and where its storages lie.
///
/// # Errors
/// When a pickle is damaged, or storages don't follow each other to within the file.
pub(super) fn object<'a>(
    bytes: &'a [u8],
    archive: &Archive,
) -> Result<(Value<'a>, Heap<'a>, HashMap<String, Part>), Fault> {
    let mut at = 0;
    // Magic number, version, machine: a wrong order of bytes shows in the sizes below.
    for _ in 0..3 {
        at = pickle::run_from(bytes, at)?.2;
    }
    let (value, heap, keys_at) = pickle::run_from(bytes, at)?;
    let (keys, of_keys, mut at) = pickle::run_from(bytes, keys_at)?;
    let damaged = |why| Fault::Part { part: "storages".to_owned(), why };
    let Value::List(keys) = keys else { return Err(damaged("have no list")) };
    let widths: HashMap<&str, (u64, i64)> =
        heap.storages.iter().map(|storage| (storage.key, (storage.dtype.width(), storage.count))).collect();
    let mut parts = HashMap::new();
    for key in &of_keys.sequences[keys] {
        let key = key.text().ok_or_else(|| damaged("have no names"))?;
        let mut count = [0; 8];
        archive.fill(at as u64, &mut count).map_err(|_| Fault::CutShort)?;
        let count = u64::from_le_bytes(count);
        // A storage of another kind, whose width nobody knows, ends the list.
        let Some((width, stated)) = widths.get(key) else { break };
        if u64::try_from(*stated) != Ok(count) {
            return Err(damaged("have other sizes than the list of tensors says"));
        }
        let begin = at as u64 + 8;
        let size = count.checked_mul(*width).ok_or_else(|| damaged("are too large"))?;
        let end = begin.checked_add(size).filter(|end| *end <= archive.length).ok_or(Fault::CutShort)?;
        parts.insert(format!("data/{key}"), Part { at: begin, size });
        at = usize::try_from(end).map_err(|_| damaged("are too large"))?;
    }
    Ok((value, heap, parts))
}
