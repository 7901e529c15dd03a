//! What a run needs to resume exactly: `checkpoints/last.state`.
//!
//! The file is a safetensors file of its own: weights, optimizer, running mean, generators, what the epoch in
//! work has seen so far, and [`Position`] as JSON in a tensor of bytes. It holds the weights although
//! `last.safetensors` does too, since a kill between two files must not leave a pair that doesn't match.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::early_stopping::EarlyStopping;
use super::schedule::LearningRate;
use crate::model::{Snapshot, read_tensors};
use crate::runs::Best;

/// Changes when an old file can't be read any more.
const VERSION: u32 = 1;
const POSITION: &str = "position.json";

/// Position of a run: everything but tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    pub version: u32,
    /// Epochs completed.
    pub epochs_done: usize,
    /// Batches done of the epoch in work.
    pub batches_done: usize,
    /// Images seen in the epoch in work.
    #[serde(alias = "films_seen")]
    pub images_seen: usize,
    /// Optimizer steps done.
    pub step: u64,
    pub rate: LearningRate,
    pub stopping: EarlyStopping,
    pub best: Option<Best>,
    /// Epochs whose weights are kept with their values, the best first.
    pub kept: Vec<Kept>,
    /// Why training has ended, if it has; the test remains.
    pub over: Option<String>,
}

/// An epoch whose weights are among the best and saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub epoch: usize,
    pub value: f64,
}

impl Position {
    /// The beginning of a run.
    pub fn start(rate: LearningRate, stopping: EarlyStopping) -> Self {
        Self {
            version: VERSION,
            epochs_done: 0,
            batches_done: 0,
            images_seen: 0,
            step: 0,
            rate,
            stopping,
            best: None,
            kept: Vec::new(),
            over: None,
        }
    }
}

/// A state as one file's content: copies of `tensors`, and `position`.
///
/// # Errors
/// When a tensor can't be copied to main memory.
pub fn pack(position: &Position, tensors: Vec<(String, Tensor)>) -> Result<Snapshot> {
    let json = serde_json::to_vec(position)?;
    let mut snapshot = Snapshot::of(tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)))?;
    snapshot.push(POSITION, Tensor::f_from_slice(&json)?);
    Ok(snapshot)
}

/// A state read back.
pub struct Restored {
    /// Epoch and step that the state belongs to.
    pub position: Position,
    tensors: HashMap<String, Tensor>,
}

impl Restored {
    /// Reads `last.state`.
    ///
    /// # Errors
    /// When the file is missing, damaged or of another version of the program.
    pub fn read(path: &Path) -> Result<Self> {
        let config = path.ancestors().nth(2).unwrap_or(path).join("run.toml");
        ensure!(
            path.is_file(),
            "the run has no {}, so it can't be resumed; start a new one from its settings with --config {}",
            path.display(),
            config.display()
        );
        let damaged = || {
            format!(
                "{} is damaged, so the run can't be resumed from it; copy it again from where it came, or start a new run \
                 with --config {}",
                path.display(),
                config.display()
            )
        };
        let mut tensors = read_tensors(path).with_context(damaged)?;
        let json = tensors.remove(POSITION).with_context(damaged)?;
        let json = Vec::<u8>::try_from(json).with_context(damaged)?;
        let position: Position = serde_json::from_slice(&json).with_context(damaged)?;
        if position.version != VERSION {
            bail!(
                "{} was written by another version of this program (layout {}, this one reads {VERSION})",
                path.display(),
                position.version
            );
        }
        Ok(Self { position, tensors })
    }

    /// Takes the values of `from` for `name` where the checkpoint has none for it.
    pub fn copy_missing(&mut self, name: &str, from: &str) {
        if !self.tensors.contains_key(name)
            && let Some(tensor) = self.tensors.get(from)
        {
            self.tensors.insert(name.to_owned(), tensor.shallow_clone());
        }
    }

    /// Copies the values kept for `live` into it: every name must be there in its shape.
    ///
    /// # Errors
    /// Names the first tensor that is missing or differs.
    pub fn fill(&mut self, live: Vec<(String, Tensor)>) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        for (name, mut tensor) in live {
            let Some(kept) = self.tensors.remove(&name) else {
                bail!("the checkpoint has no `{name}`; was the run made with other settings?");
            };
            ensure!(
                kept.size() == tensor.size() && kept.kind() == tensor.kind(),
                "the checkpoint's `{name}` is {:?} and this run's {:?}; was it made with other settings?",
                kept.size(),
                tensor.size()
            );
            tensor.f_copy_(&kept)?;
        }
        Ok(())
    }

    /// Takes a tensor whose shape only the file knows; `None` where the checkpoint has no such tensor.
    pub fn take(&mut self, name: &str, kind: Kind, device: Device) -> Result<Option<Tensor>> {
        let Some(tensor) = self.tensors.remove(name) else { return Ok(None) };
        // Version 0.1.0 kept logits in the 16 bits of the run.
        let is_float = |kind| matches!(kind, Kind::Float | Kind::BFloat16 | Kind::Half);
        ensure!(
            tensor.kind() == kind || (is_float(tensor.kind()) && kind == Kind::Float),
            "the checkpoint's `{name}` is {:?}, not {kind:?}",
            tensor.kind()
        );
        Ok(Some(tensor.f_to_kind(kind)?.f_to_device(device)?))
    }
}
