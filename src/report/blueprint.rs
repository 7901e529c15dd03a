//! A network, as stored in `model_details.json`, brought into the stages and cards that it is drawn as: layers together
//! that work together, blocks that repeat one card.

use serde::Deserialize;

use super::ReportError;
use super::figures::{Around, Card, Range, Row, Stage, architecture};
use crate::text::thousands;

/// What is read of `model_details.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Blueprint {
    /// The name in the configuration.
    pub architecture: String,
    /// One image: channels, height, width.
    pub input: Vec<i64>,
    /// Names of the conditions.
    pub outputs: Vec<String>,
    /// Number of parameters of the network.
    pub parameters: u64,
    /// For one image.
    pub multiply_adds: u64,
    /// A module before those nested in it, the network itself first.
    pub modules: Vec<Part>,
}

/// A module.
#[derive(Clone, Debug, Deserialize)]
pub struct Part {
    /// Dotted; empty for the network.
    pub name: String,
    /// PyTorch's name of its class.
    #[serde(rename = "type")]
    pub kind: String,
    pub parameters: u64,
    pub output: Vec<i64>,
    /// Of a convolution or a pooling.
    #[serde(default)]
    pub window: Option<Look>,
    /// `add` or `concat`, where there is a way around it; older files have none.
    #[serde(default)]
    pub joins: Option<String>,
}

/// What a convolution or pooling looks at, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Look {
    pub kernel: i64,
    pub stride: i64,
}

impl Blueprint {
    /// `model_architecture.png`: the network drawn; `run` is named in its title.
    ///
    /// # Errors
    /// When the picture can't be drawn.
    pub fn draw(&self, run: &str) -> Result<Vec<u8>, ReportError> {
        let title = format!("{}, run {run}", self.architecture);
        let subtitle = format!(
            "{} outputs, {} parameters, {} multiply-adds for an image of {}",
            self.outputs.len(),
            thousands(self.parameters),
            thousands(self.multiply_adds),
            sides(&self.input)
        );
        Ok(architecture(&self.stages(), &title, &subtitle)?)
    }

    /// From the image to the logits.
    pub fn stages(&self) -> Vec<Stage> {
        let image = Card { title: "image".to_owned(), output: sides(&self.input), ..Card::default() };
        let mut drawing = Drawing { stages: Vec::new(), shape: self.input.clone() };
        let Some(network) = tree(&self.modules) else { return Vec::new() };
        drawing.lay(&network);
        if let Some(first) = drawing.stages.first_mut() {
            first.cards.insert(0, image);
        }
        drawing.stages
    }
}

const MEAN: &str = "mean of each channel";

/// A module with those nested in it.
struct Node<'a> {
    part: &'a Part,
    children: Vec<Node<'a>>,
}

/// The first of these modules, with those of the others that are nested in it.
fn tree(parts: &[Part]) -> Option<Node<'_>> {
    let (part, rest) = parts.split_first()?;
    let prefix = if part.name.is_empty() { String::new() } else { format!("{}.", part.name) };
    let inside = rest.iter().take_while(|other| other.name.starts_with(&prefix)).count();
    let mut rest = &rest[..inside];
    let mut children = Vec::new();
    while let Some(child) = tree(rest) {
        rest = &rest[child.size()..];
        children.push(child);
    }
    Some(Node { part, children })
}

impl Node<'_> {
    /// Modules in it, itself among them.
    fn size(&self) -> usize {
        1 + self.children.iter().map(Self::size).sum::<usize>()
    }

    fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    fn is_block(&self) -> bool {
        self.part.joins.is_some()
    }

    /// The last part of its name.
    fn short(&self) -> &str {
        self.part.name.rsplit('.').next().unwrap_or_default()
    }

    /// What two blocks must share to be drawn as one: all but the numbers of channels.
    fn likeness(&self) -> Vec<(&str, Option<Look>)> {
        let own = (self.part.kind.as_str(), self.part.window);
        std::iter::once(own).chain(self.children.iter().flat_map(Self::likeness)).collect()
    }
}

/// The stages so far, and the shape of what came out last.
struct Drawing {
    stages: Vec<Stage>,
    shape: Vec<i64>,
}

impl Drawing {
    /// The modules of a container one after the other.
    fn lay(&mut self, container: &Node) {
        let mut leaves: Vec<&Node> = Vec::new();
        for child in &container.children {
            if child.is_leaf() {
                leaves.push(child);
                continue;
            }
            self.layers(container, &std::mem::take(&mut leaves));
            if child.children.iter().all(Node::is_block) {
                let title = child.part.name.clone();
                self.stages.push(Stage { title, cards: Vec::new() });
                self.blocks(&child.children);
            } else if child.is_block() {
                self.blocks(std::slice::from_ref(child));
            } else {
                self.lay(child);
            }
        }
        self.layers(container, &leaves);
    }

    /// Layers that stand on their own, a card for what works together.
    fn layers(&mut self, container: &Node, leaves: &[&Node]) {
        let whole = leaves.len() == container.children.len() && !container.part.name.is_empty();
        let groups = groups(leaves);
        for group in &groups {
            let title = match group.as_slice() {
                _ if whole && groups.len() == 1 => container.part.name.clone(),
                [only] => only.part.name.clone(),
                [first, .., last] => format!("{}–{}", first.part.name, last.short()),
                [] => continue,
            };
            let weighted = group.iter().any(|node| matches!(node.part.kind.as_str(), "Conv2d" | "Linear"));
            let mut rows = rows(group);
            if self.takes_mean(group[0].part) {
                rows.insert(0, Row { text: MEAN.to_owned(), ..Row::default() });
            }
            self.shape.clone_from(&group[group.len() - 1].part.output);
            let card = Card {
                title,
                times: 1,
                rows,
                around: None,
                output: sides(&self.shape),
                parameters: group.iter().map(|node| node.part.parameters).sum(),
            };
            // What leads from stage to stage belongs to the one before it; the rest stands beside.
            let behind_blocks = self.stages.last().is_some_and(|stage| !stage.title.is_empty());
            let head = group.iter().any(|node| node.part.kind == "Linear");
            match self.stages.last_mut() {
                Some(stage) if behind_blocks && !head || !weighted => stage.cards.push(card),
                _ => self.stages.push(Stage { title: String::new(), cards: vec![card] }),
            }
        }
    }

    /// Whether a linear layer reads one number a channel where there are more: torchvision's DenseNet takes the mean
    /// of each in no module.
    fn takes_mean(&self, part: &Part) -> bool {
        let (&[channels, _, _], &[outputs]) = (self.shape.as_slice(), part.output.as_slice()) else {
            return false;
        };
        part.kind == "Linear" && i64::try_from(part.parameters) == Ok(outputs * (channels + 1))
    }

    /// Blocks in a row; those that are alike become one card.
    fn blocks(&mut self, blocks: &[Node]) {
        for alike in blocks.chunk_by(|a, b| a.likeness() == b.likeness()) {
            let (Some(first), Some(last)) = (alike.first(), alike.last()) else { continue };
            let is_concat = first.part.joins.as_deref() == Some("concat");
            for block in alike {
                let before = self.shape.first().copied().unwrap_or(0);
                self.shape.clone_from(&block.part.output);
                if let (true, Some(channels)) = (is_concat, self.shape.first_mut()) {
                    *channels += before;
                }
            }
            let inside = |block: &Node| -> Vec<Row> {
                rows(&block.children.iter().filter(|n| n.is_leaf()).collect::<Vec<_>>())
            };
            let mut rows = inside(first);
            let relus = first.children.iter().filter(|child| child.part.kind == "ReLU").count();
            let sign = match (is_concat, relus) {
                (true, _) => "concat",
                (false, 1) => {
                    repeat_relu(&mut rows);
                    "+ ReLU"
                }
                (false, _) => "+",
            };
            for other in &alike[1..] {
                for (row, other) in rows.iter_mut().zip(inside(other)) {
                    row.parameters = row.parameters.with(other.parameters);
                }
            }
            let projection = first.children.iter().find(|child| !child.is_leaf());
            let projection =
                projection.and_then(|way| self::rows(&way.children.iter().collect::<Vec<_>>()).pop());
            let card = Card {
                title: title(first, last),
                times: alike.len(),
                rows,
                around: Some(Around { sign, projection }),
                output: sides(&self.shape),
                parameters: alike.iter().map(|block| block.part.parameters).sum(),
            };
            match self.stages.last_mut() {
                Some(stage) => stage.cards.push(card),
                None => self.stages.push(Stage { title: String::new(), cards: vec![card] }),
            }
        }
    }
}

/// The name of one block, or of several that are alike.
fn title(first: &Node, last: &Node) -> String {
    let kind = first.part.kind.trim_start_matches('_');
    let number = |node: &Node| {
        let name = node.short();
        name[name.trim_end_matches(|c: char| c.is_ascii_digit()).len()..].to_owned()
    };
    match (number(first), number(last)) {
        (one, other) if one == other => format!("{kind} {one}"),
        (one, other) => format!("{kind} {one}–{other}"),
    }
}

/// PyTorch's residual blocks keep one ReLU, which they use after each layer but the last, and after the sum.
fn repeat_relu(rows: &mut [Row]) {
    let last = rows.len().saturating_sub(1);
    for (index, row) in rows.iter_mut().enumerate() {
        let bare = row.beside.trim_end_matches("ReLU").trim_end_matches(", ").to_owned();
        let comma = if bare.is_empty() { "" } else { ", " };
        row.beside = if index < last { format!("{bare}{comma}ReLU") } else { bare };
    }
}

/// Layers that work together: a card ends before a convolution or linear layer when it has one already.
fn groups<'a>(leaves: &[&'a Node<'a>]) -> Vec<Vec<&'a Node<'a>>> {
    let is_weighted = |node: &Node| matches!(node.part.kind.as_str(), "Conv2d" | "Linear");
    let mut groups: Vec<Vec<&Node>> = Vec::new();
    for &leaf in leaves {
        match groups.last_mut() {
            Some(group) if !(is_weighted(leaf) && group.iter().any(|node| is_weighted(node))) => {
                group.push(leaf);
            }
            _ => groups.push(vec![leaf]),
        }
    }
    groups
}

/// Rows of a card: one for each layer that does more than norm, activation and dropout, which stand with it.
fn rows(leaves: &[&Node]) -> Vec<Row> {
    // Where the first layer is a norm, norms belong to the convolution behind them.
    let norm_first = leaves.first().is_some_and(|node| node.part.kind == "BatchNorm2d");
    let mut rows: Vec<Row> = Vec::new();
    let mut before: Vec<&Part> = Vec::new();
    for part in leaves.iter().map(|node| node.part) {
        let side = match part.kind.as_str() {
            "Identity" => continue,
            "BatchNorm2d" => "norm",
            "ReLU" => "ReLU",
            "Dropout" => "dropout",
            _ => {
                let mut row = Row { text: main(part), ..Row::default() };
                row.parameters =
                    Range::of(part.parameters + before.iter().map(|b| b.parameters).sum::<u64>());
                let words: Vec<&str> = before.drain(..).map(word).collect();
                if !words.is_empty() {
                    row.beside = format!("after {}", words.join(", "));
                }
                rows.push(row);
                continue;
            }
        };
        match rows.last_mut() {
            Some(row) if !norm_first => {
                row.beside = match row.beside.as_str() {
                    "" => side.to_owned(),
                    // What stood before the layer, and now what comes behind it.
                    first if first.starts_with("after ") && !first.contains(';') => {
                        format!("{first}; {side}")
                    }
                    first => format!("{first}, {side}"),
                };
                row.parameters = Range::of(row.parameters.low + part.parameters);
            }
            _ => before.push(part),
        }
    }
    // A norm that stands alone.
    rows.extend(before.into_iter().map(|part| Row {
        text: word(part).to_owned(),
        parameters: Range::of(part.parameters),
        ..Row::default()
    }));
    rows
}

/// A layer beside others.
fn word(part: &Part) -> &str {
    match part.kind.as_str() {
        "BatchNorm2d" => "norm",
        "Dropout" => "dropout",
        other => other,
    }
}

/// What a layer does, by its kind; another kind is called by its name.
fn main(part: &Part) -> String {
    let channels = part.output.first().copied().unwrap_or(0);
    let window = |what: &str, usual: fn(Look) -> i64| match part.window {
        Some(look) if look.stride == usual(look) => format!("{what} {0}×{0}", look.kernel),
        Some(look) => format!("{what} {0}×{0}, stride {1}", look.kernel, look.stride),
        None => what.to_owned(),
    };
    match part.kind.as_str() {
        "Conv2d" => format!("{}, {channels} ch.", window("conv", |_| 1)),
        "Linear" => format!("linear, {channels}"),
        "MaxPool2d" => window("max pool", |look| look.kernel),
        "AvgPool2d" => window("mean pool", |look| look.kernel),
        "AdaptiveAvgPool2d" => MEAN.to_owned(),
        other => other.to_owned(),
    }
}

/// `64 × 32 × 32`.
fn sides(shape: &[i64]) -> String {
    shape.iter().map(i64::to_string).collect::<Vec<_>>().join(" × ")
}
