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
const NESTS: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "weights"];
/// What wrappers put before every tensor's name: DataParallel, Lightning modules and the like.
const WRAPPERS: [&str; 4] = ["module.", "model.", "network.", "net."];
/// A Lightning module around a DataParallel one, say.
const MOST_WRAPPERS: usize = 2;
/// Largest pickle that is read: a ResNet-152's has 115 kB.
const LARGEST_PICKLE: u64 = 64 << 20;
/// Most bytes of all tensors together …
const MOST_BYTES: u64 = 16 << 30;
/// … and how many times the file's length: tensors may share a storage, so a small file could request much.
const MOST_SHARING: u64 = 16;

/// A tensor of a state dict, independent of how the file laid it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PthTensor {
    /// Its name without the prefixes that wrappers give to all names; strip control characters before
    /// showing it.
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
/// that are no tensors are skipped, and so is everything beside it. What wrappers put before all names
/// (`module.`, `model.`, `network.`, `net.`) is taken away, twice at most.
///
/// # Errors
/// A file that can't be read or isn't `torch.save`'s, one in the format from before PyTorch 1.6, a
/// TorchScript program, a whole pickled module, a file without named tensors, tensors that are quantized,
/// sparse, complex or expanded, and damage of any kind.
pub fn read(path: &Path) -> Result<Vec<PthTensor>, PthError> {
    read_file(path).map_err(|fault| PthError::new(path, fault))
}

fn read_file(path: &Path) -> Result<Vec<PthTensor>, Fault> {
    let archive = Archive::open(path)?;
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
    let named = tensors_of(state_dict(value, &heap)?, &heap);

    let mut placed = Vec::new();
    let mut needs = 0_u64;
    let limit = archive.length.saturating_mul(MOST_SHARING).min(MOST_BYTES);
    for (name, value) in named {
        let tensor = match value {
            Value::Tensor(tensor) => Placed::find(name, heap.tensors[tensor], &heap, &archive)?,
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
    let mut tensors =
        placed.into_iter().map(|tensor| tensor.read(&archive)).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..MOST_WRAPPERS {
        unwrap_names(&mut tensors);
    }
    Ok(tensors)
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

/// Takes a wrapper's prefix away if all names have the same one.
fn unwrap_names(tensors: &mut [PthTensor]) {
    let shared = WRAPPERS.iter().find(|prefix| {
        let inner =
            |tensor: &PthTensor| tensor.name.strip_prefix(**prefix).is_some_and(|name| !name.is_empty());
        tensors.iter().all(inner)
    });
    if let Some(prefix) = shared {
        for tensor in tensors {
            tensor.name.drain(..prefix.len());
        }
    }
}
