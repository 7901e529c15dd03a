//! The values that a pickle builds, and the few names that are known among them.
//!
//! Values live in flat tables and refer to each other by place: nesting costs no recursion, neither here nor
//! when they are freed, and texts stay where they are in the pickle.

use super::Dtype;

/// What an instruction left behind. The numbers are places in the tables of [`Heap`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// None, a truth value, a float, raw bytes: values without tensors.
    Plain,
    Int(i64),
    Text(&'a str),
    Function(Function<'a>),
    /// A class of storages, which gives the type of their elements.
    StorageClass(Dtype),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Storage(usize),
    Tensor(usize),
    /// A tensor of a kind we can't read, and the kind's name.
    OddTensor(&'a str),
    /// Anything else, by its class's or function's name.
    Opaque(&'a str),
}

impl<'a> Value<'a> {
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The functions and classes whose call means something to us.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function<'a> {
    OrderedDict,
    Tensor,
    Parameter,
    Size,
    OddTensor(&'a str),
}

/// A storage as the pickle describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Storage<'a> {
    pub(super) dtype: Dtype,
    /// Its values lie in the part `data/<key>`.
    pub(super) key: &'a str,
    /// Number of elements.
    pub(super) count: i64,
}

/// A tensor as the pickle describes it, nothing of it believed yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawTensor {
    /// Place among the storages.
    pub(super) storage: usize,
    /// Elements before the first one.
    pub(super) offset: i64,
    /// Place among the sequences.
    pub(super) size: usize,
    /// Place among the sequences; steps in elements.
    pub(super) stride: usize,
}

/// What the values refer to.
#[derive(Debug, Default)]
pub(super) struct Heap<'a> {
    pub(super) sequences: Vec<Vec<Value<'a>>>,
    /// Keys and values in the order they were set; of equal keys the last one counts.
    pub(super) dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<RawTensor>,
}

impl<'a> Heap<'a> {
    pub(super) fn tuple(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        self.sequences.push(items);
        Value::Tuple(self.sequences.len() - 1)
    }

    pub(super) fn list(&mut self) -> Value<'a> {
        self.sequences.push(Vec::new());
        Value::List(self.sequences.len() - 1)
    }

    pub(super) fn dict(&mut self) -> Value<'a> {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }

    /// What a dict has under the text `wanted`.
    pub(super) fn get(&self, dict: usize, wanted: &str) -> Option<Value<'a>> {
        let pair = self.dicts[dict].iter().rev().find(|(key, _)| key.text() == Some(wanted));
        pair.map(|(_, value)| *value)
    }

    /// What calling `callee` gives.
    pub(super) fn call(
        &mut self,
        callee: Value<'a>,
        arguments: Value<'a>,
    ) -> Result<Value<'a>, &'static str> {
        let Value::Tuple(tuple) = arguments else { return Err("arguments are not a tuple") };
        let function = match callee {
            Value::Function(function) => function,
            Value::StorageClass(_) => return Ok(Value::Opaque("storage")),
            Value::Opaque(name) => return Ok(Value::Opaque(name)),
            _ => return Err("something is called that can't be"),
        };
        let arguments = &self.sequences[tuple];
        Ok(match (function, &arguments[..]) {
            (Function::OrderedDict, []) => self.dict(),
            (Function::OrderedDict, _) => Value::Opaque("OrderedDict"),
            (Function::Size, &[Value::Tuple(sizes)]) => Value::Tuple(sizes),
            (Function::Size, _) => Value::Opaque("Size"),
            (Function::Parameter, &[data, ..]) => data,
            // The dtype comes last where storages are untyped.
            (Function::OddTensor(_), &[.., Value::Opaque(dtype)]) => Value::OddTensor(dtype),
            (Function::OddTensor(name), _) => Value::OddTensor(name),
            (Function::Tensor, &[Value::Opaque(storage), ..]) => Value::OddTensor(storage),
            // The arguments between are requires_grad and hooks, which a file has no use for.
            (Function::Tensor, &[_, _, _, _, _, _, Value::Dict(bits), ..])
                if !self.dicts[bits].is_empty() =>
            {
                Value::OddTensor("conjugated or negated in place")
            }
            (
                Function::Tensor,
                &[Value::Storage(storage), Value::Int(offset), Value::Tuple(size), Value::Tuple(stride), ..],
            ) => {
                self.tensors.push(RawTensor { storage, offset, size, stride });
                Value::Tensor(self.tensors.len() - 1)
            }
            (Function::Tensor | Function::Parameter, _) => {
                return Err("a tensor's description is not one");
            }
        })
    }

    /// What a reference to something outside the pickle means: a storage, or nothing we know.
    pub(super) fn persistent(&mut self, id: Value<'a>) -> Value<'a> {
        let Value::Tuple(tuple) = id else { return Value::Opaque("reference") };
        match self.sequences[tuple][..] {
            [
                Value::Text("storage"),
                Value::StorageClass(dtype),
                Value::Text(key),
                _device,
                Value::Int(count),
                ..,
            ] => {
                self.storages.push(Storage { dtype, key, count });
                Value::Storage(self.storages.len() - 1)
            }
            [Value::Text("storage"), Value::Opaque(class), ..] => Value::Opaque(class),
            _ => Value::Opaque("reference"),
        }
    }
}

/// What a name from the file stands for.
pub(super) fn global<'a>(module: &'a str, name: &'a str) -> Value<'a> {
    match (module, name) {
        ("collections", "OrderedDict") => Value::Function(Function::OrderedDict),
        ("torch", "Size") => Value::Function(Function::Size),
        ("torch._utils", "_rebuild_tensor_v2") => Value::Function(Function::Tensor),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Value::Function(Function::Parameter)
        }
        ("torch._utils" | "torch._tensor", _) if name.starts_with("_rebuild") => {
            Value::Function(Function::OddTensor(name))
        }
        ("torch", _) => match name.strip_suffix("Storage").and_then(storage_dtype) {
            Some(dtype) => Value::StorageClass(dtype),
            None => Value::Opaque(name),
        },
        _ => Value::Opaque(name),
    }
}

/// The type of the elements of `torch.<class>Storage`.
fn storage_dtype(class: &str) -> Option<Dtype> {
    Some(match class {
        "Double" => Dtype::F64,
        "Float" => Dtype::F32,
        "Half" => Dtype::F16,
        "BFloat16" => Dtype::BF16,
        "Long" => Dtype::I64,
        "Int" => Dtype::I32,
        "Short" => Dtype::I16,
        "Char" => Dtype::I8,
        "Byte" => Dtype::U8,
        "Bool" => Dtype::Bool,
        _ => return None,
    })
}
