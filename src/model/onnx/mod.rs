//! A network as an ONNX file, from grey images to probabilities, for programs that don't know us. An architecture writes
//! down its nodes in its own file (`Layers::graph`); here the pixels' arithmetic goes in front, what turns logits into
//! probabilities behind, and the weights beside.

mod graph;
mod proto;

use prost::Message;
use tch::{Device, Kind, TchError, Tensor};

use super::Network;
use proto::{
    DimensionProto, FLOAT, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

pub use graph::{Graph, Value};

/// What goes in: `float32 batch,1,H,W`, grey values from 0 (black) to 255 (white).
pub const INPUT: &str = "input";
/// What comes out: `float32 batch,C`, each in 0..=1.
pub const OUTPUT: &str = "probabilities";

/// Every runtime of the last years reads these.
const OPERATORS: i64 = 17;
const FORMAT: i64 = 8;
/// No protocol buffer can be larger.
const LARGEST: usize = i32::MAX as usize;

/// Why there is no ONNX file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum OnnxError {
    #[error("{}", crate::sentence::of_torch(.0))]
    Torch(#[from] TchError),
    #[error(
        "an ONNX file holds at most {}, and this network's would have {}; export safetensors instead, or train on \
         smaller images",
        crate::text::bytes(LARGEST as u64),
        crate::text::bytes(*.0 as u64)
    )]
    TooLarge(usize),
    #[error("the network's graph reads `{0}`, which is none of its tensors: a fault of this program")]
    NoTensor(String),
}

/// What is written of a network besides its computation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// A word for the graph.
    pub name: String,
    /// For readers of the file.
    pub text: String,
    /// For programs: keys and values.
    pub metadata: Vec<(String, String)>,
}

impl Network {
    /// The network as an ONNX file: images as [`INPUT`], [`OUTPUT`] after `shift` (C numbers, or none) is taken from
    /// the logits. Tensors have PyTorch's names, nothing is folded.
    ///
    /// # Errors
    /// When the file would be larger than the format allows, or a tensor can't be copied to the CPU.
    pub fn onnx(&self, shift: &[f32], about: &About) -> Result<Vec<u8>, OnnxError> {
        let mut graph = Graph::default();
        let images = graph.input(INPUT);
        // The operations of `augment::normalised` in its order, so that the network sees the same bits.
        let images = graph.arithmetic("images.unit", "Div", &images, ("images.white", &[], &[255.0]));
        let images = graph.arithmetic("images.centred", "Sub", &images, ("images.half", &[], &[0.5]));
        let images = graph.arithmetic("images.scaled", "Div", &images, ("images.half", &[], &[0.5]));
        let mut logits = self.layers.graph(&mut graph, images);
        if !shift.is_empty() {
            let numbers = ("logit_correction", &[shift.len() as i64][..], shift);
            logits = graph.arithmetic("logits", "Sub", &logits, numbers);
        }
        graph.sigmoid(OUTPUT, &logits);

        let mut parts = graph.finish();
        let mut initializer = parts.constants;
        for (name, tensor) in self.state.iter() {
            if parts.weights.remove(name) {
                initializer.push(plain(name, tensor)?);
            }
        }
        if let Some(name) = parts.weights.pop_first() {
            return Err(OnnxError::NoTensor(name));
        }
        let [batch, height, width] = [None, Some(self.shape.height), Some(self.shape.width)];
        let graph = GraphProto {
            node: parts.nodes,
            name: Some(about.name.clone()),
            initializer,
            input: vec![value(INPUT, &[batch, Some(1), height, width])],
            output: vec![value(OUTPUT, &[batch, Some(self.shape.classes)])],
        };
        let entry = |(key, value): &(String, String)| StringStringEntryProto {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        let model = ModelProto {
            ir_version: Some(FORMAT),
            producer_name: Some(env!("CARGO_PKG_NAME").to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            doc_string: Some(about.text.clone()),
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPERATORS) }],
            metadata_props: about.metadata.iter().map(entry).collect(),
        };
        match model.encoded_len() {
            length if length > LARGEST => Err(OnnxError::TooLarge(length)),
            _ => Ok(model.encode_to_vec()),
        }
    }
}

/// A tensor of the state dict, row by row however it is stored.
fn plain(name: &str, tensor: &Tensor) -> Result<TensorProto, TchError> {
    let rows = tensor.detach().f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let values = Vec::<f32>::try_from(rows.f_view(-1)?)?;
    Ok(TensorProto {
        dims: tensor.size(),
        data_type: Some(FLOAT),
        name: Some(name.to_owned()),
        raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    })
}

/// A tensor that goes in or comes out; a side that isn't given is as long as the batch.
fn value(name: &str, sides: &[Option<usize>]) -> ValueInfoProto {
    let side = |side: &Option<usize>| DimensionProto {
        dim_value: side.map(|side| side as i64),
        dim_param: side.is_none().then(|| "batch".to_owned()),
    };
    let shape = TensorShapeProto { dim: sides.iter().map(side).collect() };
    let tensor = TensorTypeProto { elem_type: Some(FLOAT), shape: Some(shape) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}
