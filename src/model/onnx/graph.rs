//! Builder of an ONNX graph: the operators of a network, named as PyTorch's modules.

use std::collections::BTreeSet;

use super::proto::{
    ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, AttributeProto, FLOAT, NodeProto, TensorProto,
};
use crate::model::layers::{Conv2d, EPSILON};

/// What one node gives and others take, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(String);

/// Writes down what is computed. Names are given relative to the module that is open, and weights are meant by the
/// names they have in the state dict.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<NodeProto>,
    /// Numbers that no state dict has.
    constants: Vec<TensorProto>,
    /// Tensors of the state dict that nodes read.
    weights: BTreeSet<String>,
    names: BTreeSet<String>,
    prefix: String,
}

/// What a finished graph consists of.
pub struct Parts {
    pub nodes: Vec<NodeProto>,
    pub constants: Vec<TensorProto>,
    /// Names of the state dict's tensors that nodes read.
    pub weights: BTreeSet<String>,
}

impl Graph {
    /// Nodes of a module, whose name goes before theirs.
    pub fn within(&mut self, name: &str, write: impl FnOnce(&mut Self) -> Value) -> Value {
        let outer = self.prefix.len();
        self.prefix.push_str(name);
        self.prefix.push('.');
        let value = write(self);
        self.prefix.truncate(outer);
        value
    }

    /// `nn.Conv2d`.
    pub fn conv(&mut self, name: &str, conv: &Conv2d, x: &Value) -> Value {
        let shape = conv.shape();
        let mut inputs = vec![x.0.clone(), self.weight(name, "weight")];
        if conv.has_bias() {
            inputs.push(self.weight(name, "bias"));
        }
        let attributes = window(shape.kernel, shape.stride, shape.padding);
        self.node(name, "Conv", inputs, attributes)
    }

    /// `nn.BatchNorm2d` in evaluation mode: by the running statistics.
    pub fn norm(&mut self, name: &str, x: &Value) -> Value {
        let tensors = ["weight", "bias", "running_mean", "running_var"];
        let mut inputs = vec![x.0.clone()];
        inputs.extend(tensors.map(|tensor| self.weight(name, tensor)));
        self.node(name, "BatchNormalization", inputs, vec![float("epsilon", EPSILON as f32)])
    }

    /// `nn.ReLU`.
    pub fn relu(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "Relu", vec![x.0.clone()], Vec::new())
    }

    /// `nn.MaxPool2d` with a square window.
    pub fn max_pool(&mut self, name: &str, [kernel, stride, padding]: [i64; 3], x: &Value) -> Value {
        self.node(name, "MaxPool", vec![x.0.clone()], window(kernel, stride, padding))
    }

    /// `nn.AvgPool2d` with a square window.
    pub fn mean_pool(&mut self, name: &str, [kernel, stride, padding]: [i64; 3], x: &Value) -> Value {
        self.node(name, "AveragePool", vec![x.0.clone()], window(kernel, stride, padding))
    }

    /// The mean of each channel: `N,C,H,W` to `N,C,1,1`.
    pub fn global_mean(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "GlobalAveragePool", vec![x.0.clone()], Vec::new())
    }

    /// One row of numbers an image.
    pub fn flatten(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "Flatten", vec![x.0.clone()], vec![int("axis", 1)])
    }

    /// `nn.Linear`: `N,I` to `N,O`.
    pub fn linear(&mut self, name: &str, x: &Value) -> Value {
        let inputs = vec![x.0.clone(), self.weight(name, "weight"), self.weight(name, "bias")];
        self.node(name, "Gemm", inputs, vec![int("transB", 1)])
    }

    /// The sum of two of one shape.
    pub fn add(&mut self, name: &str, x: &Value, y: &Value) -> Value {
        self.node(name, "Add", vec![x.0.clone(), y.0.clone()], Vec::new())
    }

    /// The channels of both, one behind the other.
    pub fn concat(&mut self, name: &str, x: &Value, y: &Value) -> Value {
        self.node(name, "Concat", vec![x.0.clone(), y.0.clone()], vec![int("axis", 1)])
    }

    /// A value that comes from outside.
    pub(super) fn input(&mut self, name: &str) -> Value {
        self.names.insert(name.to_owned());
        Value(name.to_owned())
    }

    /// Difference or quotient of a value and numbers of this shape, kept under `name`'s own `by`.
    pub(super) fn arithmetic(
        &mut self,
        name: &str,
        operator: &str,
        x: &Value,
        (by, shape, numbers): (&str, &[i64], &[f32]),
    ) -> Value {
        let raw_data = Some(numbers.iter().flat_map(|number| number.to_le_bytes()).collect());
        let constant =
            TensorProto { dims: shape.to_vec(), data_type: Some(FLOAT), name: Some(by.to_owned()), raw_data };
        if !self.constants.contains(&constant) {
            self.constants.push(constant);
        }
        self.node(name, operator, vec![x.0.clone(), by.to_owned()], Vec::new())
    }

    /// Probabilities of logits.
    pub(super) fn sigmoid(&mut self, name: &str, x: &Value) -> Value {
        self.node(name, "Sigmoid", vec![x.0.clone()], Vec::new())
    }

    pub(super) fn finish(self) -> Parts {
        Parts { nodes: self.nodes, constants: self.constants, weights: self.weights }
    }

    /// The full name of a module's tensor, which some node reads.
    fn weight(&mut self, module: &str, tensor: &str) -> String {
        let name = format!("{}{module}.{tensor}", self.prefix);
        self.weights.insert(name.clone());
        name
    }

    /// A node of this name. One that PyTorch goes through twice has a number behind its name the second time.
    fn node(
        &mut self,
        name: &str,
        operator: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> Value {
        let wanted = format!("{}{name}", self.prefix);
        let mut name = wanted.clone();
        let mut count = 1;
        while !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        self.nodes.push(NodeProto {
            input,
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(operator.to_owned()),
            attribute,
        });
        Value(name)
    }
}

/// The attributes of a square window: the same stride and padding on all sides.
fn window(kernel: i64, stride: i64, padding: i64) -> Vec<AttributeProto> {
    vec![ints("kernel_shape", &[kernel; 2]), ints("strides", &[stride; 2]), ints("pads", &[padding; 4])]
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    let (ints, kind) = (values.to_vec(), Some(ATTRIBUTE_INTS));
    AttributeProto { name: Some(name.to_owned()), ints, r#type: kind, ..AttributeProto::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    let (i, kind) = (Some(value), Some(ATTRIBUTE_INT));
    AttributeProto { name: Some(name.to_owned()), i, r#type: kind, ..AttributeProto::default() }
}

fn float(name: &str, value: f32) -> AttributeProto {
    let (f, kind) = (Some(value), Some(ATTRIBUTE_FLOAT));
    AttributeProto { name: Some(name.to_owned()), f, r#type: kind, ..AttributeProto::default() }
}
