//! What is said to a trainer and what it says: plain types that another process could speak as well.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::dataset::labels::LabelSet;
use crate::runs::{Best, EpochRecord, RunId, RunState};

/// A wish, answered between two steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Starts a run; refused with a [`Event::Note`] while one is on.
    Start {
        config: Box<RunConfig>,
    },
    Pause,
    Resume,
    /// Ends the run after this step, with a checkpoint; its state is `stopped`.
    Stop,
    /// As `Stop`, for a signal; the state is `interrupted`.
    Interrupt,
    /// Writes `last.safetensors` now.
    Checkpoint,
    /// Takes effect at the next step.
    SetLearningRate {
        lr: f64,
    },
    /// Ends the run as `Stop` does, and the trainer.
    Shutdown,
}

/// What happened, in order and without gaps; `events.jsonl` keeps all of it that belongs to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run was asked for; its data are being read or made.
    Loading {
        source: String,
    },
    Started(RunInfo),
    Paused {
        step: u64,
    },
    Resumed {
        step: u64,
    },
    Epoch(EpochReport),
    LearningRate {
        from: f64,
        to: f64,
        reason: String,
    },
    Checkpoint {
        file: String,
        epoch: usize,
        step: u64,
    },
    /// Something a person should read.
    Note {
        level: Level,
        text: String,
    },
    /// The best weights were tried on a split.
    Evaluated {
        split: String,
        auroc_macro: Option<f64>,
        auprc_macro: Option<f64>,
        n_conditions: usize,
    },
    /// The run is over; `reason` says why in words. Comes also, with no id, when a run couldn't start.
    Ended {
        id: Option<RunId>,
        state: RunState,
        reason: String,
        best: Option<Best>,
    },
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// What a run is, told once at its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    pub id: RunId,
    pub path: PathBuf,
    /// Resolved: what `auto` became.
    pub config: RunConfig,
    pub labels: LabelSet,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// CPU threads of libtorch.
    pub threads: usize,
    /// Films of the train, val and test split.
    pub films: [usize; 3],
    /// Height and width of a film in pixels.
    pub film_size: [usize; 2],
    /// Trainable parameters.
    pub parameters: usize,
    pub steps_per_epoch: usize,
}

/// An epoch's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    pub record: EpochRecord,
    /// Validation AUROC of each condition in label order; `None` where undefined.
    pub val_auroc: Vec<Option<f64>>,
    /// Whether the monitored value improved.
    pub improved: bool,
    /// The best epoch so far.
    pub best: Option<Best>,
}

/// What the trainer is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Idle,
    Loading,
    Training,
    Paused,
    Validating,
    Testing,
}

/// Where the trainer is now: a latest value, of which a slow reader misses some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub phase: Phase,
    /// The epoch in work, from 1; 0 before the first.
    pub epoch: usize,
    /// At most so many epochs.
    pub epochs: usize,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Steps done of this pass, and how many it has; validation and test count batches.
    pub done: usize,
    pub total: usize,
    /// Mean training loss of this epoch so far.
    pub loss: Option<f64>,
    pub lr: f64,
    /// Training films a second, smoothed over the last seconds.
    pub images_per_second: f64,
    /// Share of the step's time, 0..=1: films gathered and moved, network and optimizer, the rest.
    pub data_share: f64,
    pub compute_share: f64,
    /// Seconds since the run began.
    pub elapsed: f64,
    /// Estimated seconds to the end of the epoch and of the run, when they can be told.
    pub epoch_eta: Option<f64>,
    pub run_eta: Option<f64>,
    /// Resident memory of the process in bytes; 0 where the system doesn't say.
    pub memory: u64,
}
