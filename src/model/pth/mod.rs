//! Reads the state dicts that PyTorch's `torch.save` writes (`.pth`, `.pt`, Lightning's `.ckpt`), without
//! PyTorch.
//!
//! `archive` knows the zip container, `pickle` carries out the description of the tensors as far as it is
//! harmless, `values` knows what that may describe, and `tensor` fetches the numbers. What the tensors are
//! for (architectures, devices) doesn't live here.
//!
//! Everything in such a file is taken for a claim by a stranger: nothing in it is executed, and memory is
//! allocated only where the file really holds that many bytes.

mod archive;
mod error;
mod legacy;
mod pickle;
mod tensor;
#[cfg(test)]
mod tests;
mod values;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use archive::Archive;
use error::{listed, shown};
use tensor::Placed;
use values::{Heap, Value};

pub use error::{Fault, PthError};

/// Where training scripts put the state dict when they save more beside it; the first that holds tensors
/// counts.
const NESTS: [&str; 8] = [
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "weights",
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
];
/// Largest pickle that is read: a ResNet-152's has 115 kB.
const LARGEST_PICKLE: u64 = 64 << 20;
/// Most bytes of all tensors together …
const MOST_BYTES: u64 = 16 << 30;
/// … and how many times the file's length: tensors may share a storage, so a small file could request much.
const MOST_SHARING: u64 = 16;

/// A tensor of a state dict, independent of how the file laid it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PthTensor {
    /// Its name in the file; strip control characters before showing it.
    pub name: String,
    /// Length of each axis, none of them negative; empty for a single number.
    pub shape: Vec<i64>,
    /// Type of the elements.
    pub dtype: Dtype,
    /// The elements, little-endian and without gaps, the last axis running fastest.
    pub bytes: Vec<u8>,
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Dtype {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Dtype {
    /// Bytes of an element.
    pub fn width(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }
}

impl fmt::Display for Dtype {
    /// PyTorch's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::Bool => "bool",
        })
    }
}

/// Reads the tensors of a state dict in the order of the file.
///
/// The state dict is the whole file or lies under one of the usual keys (`state_dict`, `model`, …). Entries
/// that are no tensors are skipped, and so is everything beside it. Names are those of the file. Both of `torch.save`'s
/// formats are read: the zip archive, and the pickles and storages from before PyTorch 1.6.
///
/// # Errors
/// A file that can't be read or isn't `torch.save`'s, a TorchScript program, a whole pickled module, a file without named tensors, tensors that are quantized,
/// sparse, complex or expanded, and damage of any kind.
pub fn read(path: &Path) -> Result<Vec<PthTensor>, PthError> {
    read_file(path).map_err(|fault| PthError::new(path, fault))
}

fn read_file(path: &Path) -> Result<Vec<PthTensor>, Fault> {
    let mut archive = Archive::open(path)?;
    if archive.is_legacy() {
        let whole = archive::Part { at: 0, size: archive.length.min(LARGEST_PICKLE) };
        let bytes = archive.read(whole)?;
        let (value, heap, parts) = legacy::object(&bytes, &archive)?;
        archive.set_parts(parts);
        return tensors(value, &heap, &archive);
    }
    if archive.is_torchscript() {
        return Err(Fault::TorchScript);
    }
    // Absent before PyTorch 2.0; `little` otherwise.
    if let Some(order) = archive.part("byteorder")?
        && (order.size > 16 || archive.read(order)? != b"little")
    {
        return Err(Fault::BigEndian);
    }
    let list = archive.part("data.pkl")?.ok_or(Fault::NotTorch)?;
    if list.size > LARGEST_PICKLE {
        return Err(Fault::TooLong);
    }
    let bytes = archive.read(list)?;
    let (value, heap) = pickle::run(&bytes)?;
    tensors(value, &heap, &archive)
}

/// The tensors of the object `value` of a file.
fn tensors(value: Value, heap: &Heap, archive: &Archive) -> Result<Vec<PthTensor>, Fault> {
    let named = tensors_of(state_dict(value, heap)?, heap);

    let mut placed = Vec::new();
    let mut needs = 0_u64;
    let limit = archive.length.saturating_mul(MOST_SHARING).min(MOST_BYTES);
    for (name, value) in named {
        let tensor = match value {
            Value::Tensor(tensor) => Placed::find(name, heap.tensors[tensor], heap, archive)?,
            Value::OddTensor(kind) => {
                return Err(Fault::Odd { name: shown(name), kind: shown(kind) });
            }
            _ => continue, // `tensors_of` gives no others
        };
        needs = needs.saturating_add(tensor.bytes());
        placed.push(tensor);
    }
    if needs > limit {
        return Err(Fault::TooBig { needs, limit });
    }
    placed.into_iter().map(|tensor| tensor.read(archive)).collect()
}

/// The dict that holds the network's tensors.
fn state_dict(value: Value, heap: &Heap) -> Result<usize, Fault> {
    let Value::Dict(top) = value else {
        return Err(Fault::NotDict { found: described(value) });
    };
    let nested = || NESTS.iter().filter_map(|key| Some((*key, heap.get(top, key)?)));
    let dicts = nested().filter_map(|(_, value)| match value {
        Value::Dict(dict) => Some(dict),
        _ => None,
    });
    if let Some(found) = dicts.chain([top]).find(|dict| !tensors_of(*dict, heap).is_empty()) {
        return Ok(found);
    }
    if let Some((key, Value::Opaque(class))) = nested().find(|(_, value)| matches!(value, Value::Opaque(_))) {
        return Err(Fault::NotDict { found: format!("a whole `{}` under `{key}`", shown(class)) });
    }
    let keys: Vec<_> = heap.dicts[top].iter().filter_map(|(key, _)| key.text()).collect();
    Err(Fault::NoTensors { found: listed(&keys) })
}

/// A top-level value for a sentence.
fn described(value: Value) -> String {
    match value {
        Value::Opaque(class) => format!("a whole `{}`", shown(class)),
        Value::Tensor(_) | Value::OddTensor(_) => "a single tensor".to_owned(),
        Value::List(_) | Value::Tuple(_) => "a list".to_owned(),
        _ => "a single value".to_owned(),
    }
}

/// The named tensors of a dict, in order; as in Python, a name set twice keeps its place and takes the later
/// value.
fn tensors_of<'a>(dict: usize, heap: &Heap<'a>) -> Vec<(&'a str, Value<'a>)> {
    let mut places = HashMap::new();
    let mut named: Vec<(&str, Value)> = Vec::new();
    for (key, value) in &heap.dicts[dict] {
        let Some(name) = key.text() else { continue };
        match places.get(name) {
            Some(&place) => named[place] = (name, *value),
            None => {
                places.insert(name, named.len());
                named.push((name, *value));
            }
        }
    }
    named.retain(|(_, value)| matches!(value, Value::Tensor(_) | Value::OddTensor(_)));
    named
}
