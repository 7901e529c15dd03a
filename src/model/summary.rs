//! What a network is made of: its modules in order, with parameters, output shapes and multiply-adds, as a
//! table as text (`model_summary.txt`) and as JSON (`model_details.json`).

use std::fmt::Write;

use serde::Serialize;

use super::layers::{BatchNorm2d, Conv2d, Linear};

/// A module of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Module {
    /// Dotted, as in PyTorch's `named_modules()`; empty for the network itself.
    pub name: String,
    /// PyTorch's name of its class.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Trainable values, those of nested modules included.
    pub parameters: u64,
    /// What it gives for one image: `C,H,W` or `C`.
    pub output: Vec<i64>,
    /// Multiply-adds of its convolutions and linear layers for one image, those of nested modules included.
    pub multiply_adds: u64,
    /// Of a convolution or a pooling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// What becomes of what went in once more, where there is a way around the layers inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joins: Option<Join>,
}

/// What a convolution or pooling looks at, in pixels; all sides are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Side of the kernel, in pixels of its input.
    pub kernel: i64,
    /// Stride, in pixels of its input.
    pub stride: i64,
    /// Zeros added at each border, in pixels.
    pub padding: i64,
}

/// How a way around layers meets what comes out of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// They are added.
    Add,
    /// What came out is put behind what went in.
    Concat,
}

/// Walks through a network as an image does and writes down its modules. Names are given relative to the module
/// that is open.
pub struct Trace {
    modules: Vec<Module>,
    /// Place of the module that is open.
    open: usize,
    prefix: String,
    /// Of what comes out of the last module, for one image.
    shape: Vec<i64>,
    parameters: u64,
    multiply_adds: u64,
}

impl Trace {
    /// The modules of the network `kind` for grey images of this shape, in PyTorch's order: a module before
    /// those nested in it.
    pub fn of(kind: &'static str, [height, width]: [usize; 2], walk: impl FnOnce(&mut Self)) -> Vec<Module> {
        let shape = vec![1, height as i64, width as i64];
        let mut trace = Self {
            modules: Vec::new(),
            open: 0,
            prefix: String::new(),
            shape,
            parameters: 0,
            multiply_adds: 0,
        };
        trace.nest("", kind, walk);
        trace.modules
    }

    /// A module with the modules inside that `walk` goes through.
    pub fn nest(&mut self, name: &str, kind: &'static str, walk: impl FnOnce(&mut Self)) {
        let at = self.modules.len();
        self.push(name, kind);
        let outside = std::mem::replace(&mut self.open, at);
        let (parameters, multiply_adds, outer) = (self.parameters, self.multiply_adds, self.prefix.len());
        if !name.is_empty() {
            self.prefix.push_str(name);
            self.prefix.push('.');
        }
        walk(self);
        self.prefix.truncate(outer);
        self.open = outside;
        let module = &mut self.modules[at];
        module.parameters = self.parameters - parameters;
        module.multiply_adds = self.multiply_adds - multiply_adds;
        module.output.clone_from(&self.shape);
    }

    /// Says that there is a way around the layers of the module that is open.
    pub fn joins(&mut self, join: Join) {
        self.modules[self.open].joins = Some(join);
    }

    /// A second way through a block: walks it from `shape` and comes back to where it was.
    pub fn around(&mut self, shape: Vec<i64>, walk: impl FnOnce(&mut Self)) {
        let here = std::mem::replace(&mut self.shape, shape);
        walk(self);
        self.shape = here;
    }

    /// The shape of what comes out of the last module.
    pub fn shape(&self) -> Vec<i64> {
        self.shape.clone()
    }

    /// Puts the channels of an earlier shape in front of those that came out last, which takes no module.
    pub fn join(&mut self, earlier: &[i64]) {
        self.shape[0] += earlier[0];
    }

    /// A convolution.
    pub fn conv(&mut self, name: &str, conv: &Conv2d) {
        let shape = conv.shape();
        self.slide(shape.kernel, shape.stride, shape.padding);
        self.shape[0] = shape.outputs;
        let weights = shape.outputs * shape.inputs * shape.kernel * shape.kernel;
        let places: i64 = self.shape[1..].iter().product();
        let biases = if conv.has_bias() { shape.outputs } else { 0 };
        self.leaf(name, "Conv2d", weights + biases, weights * places);
        self.look([shape.kernel, shape.stride, shape.padding]);
    }

    /// A batch norm.
    pub fn norm(&mut self, name: &str, norm: &BatchNorm2d) {
        self.leaf(name, "BatchNorm2d", 2 * norm.channels(), 0);
    }

    /// A linear layer.
    pub fn linear(&mut self, name: &str, linear: &Linear) {
        let [outputs, inputs] = linear.shape();
        self.shape = vec![outputs];
        self.leaf(name, "Linear", outputs * inputs + outputs, outputs * inputs);
    }

    /// A pooling with a square window.
    pub fn pool(&mut self, name: &str, kind: &'static str, kernel: i64, stride: i64, padding: i64) {
        self.slide(kernel, stride, padding);
        self.push(name, kind);
        self.look([kernel, stride, padding]);
    }

    /// The mean of each channel.
    pub fn global_pool(&mut self, name: &str) {
        self.shape[1..].fill(1);
        self.push(name, "AdaptiveAvgPool2d");
    }

    /// One row of numbers from here on, which takes no module.
    pub fn flatten(&mut self) {
        self.shape = vec![self.shape.iter().product()];
    }

    /// A module without parameters that leaves the shape as it is.
    pub fn plain(&mut self, name: &str, kind: &'static str) {
        self.push(name, kind);
    }

    fn slide(&mut self, kernel: i64, stride: i64, padding: i64) {
        for side in &mut self.shape[1..] {
            *side = (*side + 2 * padding - kernel) / stride + 1;
        }
    }

    fn leaf(&mut self, name: &str, kind: &'static str, parameters: i64, multiply_adds: i64) {
        self.push(name, kind);
        let (parameters, multiply_adds) = (parameters as u64, multiply_adds as u64);
        self.parameters += parameters;
        self.multiply_adds += multiply_adds;
        if let Some(module) = self.modules.last_mut() {
            (module.parameters, module.multiply_adds) = (parameters, multiply_adds);
        }
    }

    /// The window of the module that came last.
    fn look(&mut self, [kernel, stride, padding]: [i64; 3]) {
        if let Some(module) = self.modules.last_mut() {
            module.window = Some(Window { kernel, stride, padding });
        }
    }

    fn push(&mut self, name: &str, kind: &'static str) {
        let name = format!("{}{name}", self.prefix);
        let output = self.shape.clone();
        let module =
            Module { name, kind, parameters: 0, output, multiply_adds: 0, window: None, joins: None };
        self.modules.push(module);
    }
}

/// What stands in front of the names in the table: the network is a part of Lightning's module.
const ROOT: &str = "model";

/// A network as stored in `model_details.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// The name in the configuration.
    pub architecture: &'static str,
    /// PyTorch's class of it.
    pub class: &'static str,
    /// One image: channels, height, width.
    pub input: [usize; 3],
    /// What the outputs mean, in order.
    pub outputs: Vec<String>,
    /// Values that learning may change.
    pub parameters: u64,
    /// Those of them that learn from the first epoch on.
    pub trainable_at_first: u64,
    /// Of the parameters as float32.
    pub megabytes: f64,
    /// For one image.
    pub multiply_adds: u64,
    /// The modules, in the order of the forward pass.
    pub modules: Vec<Module>,
}

/// The modules as Lightning prints them, with output shapes and multiply-adds beside; `trained` of the
/// parameters learn from the first epoch on.
pub fn table(modules: &[Module], trained: u64) -> String {
    let all = modules.first().map_or(0, |network| network.parameters);
    let head = ["", "Name", "Type", "Params", "Mode", "Output", "Mult-adds"].map(str::to_owned);
    let rows = modules.iter().enumerate().map(|(index, module)| {
        let name = match module.name.as_str() {
            "" => ROOT.to_owned(),
            name => format!("{ROOT}.{name}"),
        };
        [
            index.to_string(),
            name,
            module.kind.to_owned(),
            human(module.parameters),
            "train".to_owned(),
            shape(&module.output),
            human(module.multiply_adds),
        ]
    });
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(rows).collect();
    let widths: [usize; 7] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned() + "\n"
    };
    let rule = "-".repeat(widths.iter().sum::<usize>() + 3 * (widths.len() - 1)) + "\n";
    let mut out = line(&rows[0]) + &rule;
    out.extend(rows[1..].iter().map(line));
    out += &rule;
    let total = modules.first().map_or(0, |network| network.multiply_adds);
    let foot = [
        (human(trained), "Trainable params"),
        (human(all - trained), "Non-trainable params"),
        (human(all), "Total params"),
        (format!("{:.3}", 4.0 * all as f64 / 1e6), "Total estimated model params size (MB)"),
        (modules.len().to_string(), "Modules in train mode"),
        (human(total), "Multiply-adds for one image"),
    ];
    for (number, what) in foot {
        let _ = writeln!(out, "{number:<10}{what}");
    }
    out
}

/// A count as Lightning writes it: `7.2 K`, `147 K`, `11.2 M`.
fn human(count: u64) -> String {
    const UNITS: [&str; 4] = ["K", "M", "B", "T"];
    let group = (count.checked_ilog10().unwrap_or(0) / 3).min(UNITS.len() as u32);
    let Some(unit) = group.checked_sub(1).map(|unit| UNITS[unit as usize]) else {
        return count.to_string();
    };
    let scaled = count as f64 / 1000_f64.powi(group as i32);
    // Lightning cuts off what it has no room for, above a hundred; below it rounds.
    if scaled >= 100.0 { format!("{} {unit}", scaled as u64) } else { format!("{scaled:.1} {unit}") }
}

fn shape(sides: &[i64]) -> String {
    sides.iter().map(i64::to_string).collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_look_as_lightning_writes_them() {
        // `lightning.pytorch.utilities.model_summary.get_human_readable_count` of 2.6.
        let written = [0, 999, 1000, 7182, 74_000, 147_968, 999_999, 4_295_000, 11_181_642, 999_950_000];
        let expected = ["0", "999", "1.0 K", "7.2 K", "74.0 K", "147 K", "999 K", "4.3 M", "11.2 M", "999 M"];
        assert_eq!(written.map(human), expected);
    }
}
