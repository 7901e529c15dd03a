//! Commands to a trainer and its events: plain types that another process could exchange as well.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::dataset::labels::LabelSet;
use crate::runs::{Best, EpochRecord, RunId, RunState};

/// A command to the trainer, handled between two steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Starts a run; refused with a [`Event::Note`] while one is on.
    Start {
        /// Settings of the run.
        config: Box<RunConfig>,
        /// The folder of a run to go on with, from its last checkpoint; `config` is then its own, or differs
        /// only in what may change.
        #[serde(default)]
        resume: Option<PathBuf>,
    },
    /// Tries learning rates on a few steps and emits [`Event::LrFound`]; leaves no run.
    FindLr {
        /// Settings of the run.
        config: Box<RunConfig>,
    },
    /// Pause after the current step.
    Pause,
    /// Resume a paused run.
    Resume,
    /// Ends the run after this step, with a checkpoint; its state is `stopped`.
    Stop,
    /// As `Stop`, for a signal; the state is `interrupted`.
    Interrupt,
    /// Writes `last.safetensors` and `last.state` now.
    Checkpoint,
    /// Takes effect at the next step.
    SetLearningRate {
        /// Learning rate from the next step on, above 0.
        lr: f64,
    },
    /// Ends the run as `Stop` does, and the trainer.
    Shutdown,
}

/// What happened, in order and without gaps; `events.jsonl` keeps all of it that belongs to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run was requested; its data are being read or made.
    Loading {
        /// The data source.
        source: String,
    },
    /// A run began.
    Started(Box<RunInfo>),
    /// The run is paused.
    Paused {
        /// Optimizer steps done.
        step: u64,
    },
    /// A paused run goes on.
    Resumed {
        /// Optimizer steps done.
        step: u64,
    },
    /// An epoch is validated.
    Epoch(Box<EpochReport>),
    /// The schedule or a command changed the learning rate.
    LearningRate {
        /// Learning rate before.
        from: f64,
        /// Learning rate from now on.
        to: f64,
        /// Why, in a few words.
        reason: String,
    },
    /// A checkpoint is on the disk.
    Checkpoint {
        /// Name of its file.
        file: String,
        /// Epoch of the weights, from 1.
        epoch: usize,
        /// Optimizer steps done.
        step: u64,
    },
    /// Something a person should read.
    Note {
        /// How much it matters.
        level: Level,
        /// The sentence.
        text: String,
    },
    /// The best weights were evaluated on a split.
    Evaluated {
        /// The split that was evaluated.
        split: String,
        /// Macro AUROC, 0 to 1; `None` where no condition is defined.
        auroc_macro: Option<f64>,
        /// Macro average precision, 0 to 1; `None` where no condition is defined.
        auprc_macro: Option<f64>,
        /// Conditions that the averages speak of.
        n_conditions: usize,
    },
    /// Losses at rising learning rates.
    LrFound(LrCurve),
    /// The run is over; `reason` is why, in words. Comes also, with no id, when a run couldn't start.
    Ended {
        /// Id of the run; `None` where it ended before it had one.
        id: Option<RunId>,
        /// How it ended.
        state: RunState,
        /// Why, one sentence.
        reason: String,
        /// The best epoch whose weights are saved.
        best: Option<Best>,
    },
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For the log.
    Info,
    /// Something a person should look at; the run goes on.
    Warning,
    /// Why the run ended.
    Error,
}

/// What a run is, emitted once at its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Id of the run.
    pub id: RunId,
    /// Its folder.
    pub path: PathBuf,
    /// The configuration of the run. What `run.precision = auto` and
    /// `augment.on = auto` became stands in it; `run.device` is as given.
    pub config: RunConfig,
    /// The conditions of the network's outputs.
    pub labels: LabelSet,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// CPU threads of libtorch.
    pub threads: usize,
    /// Images of the train, val and test split.
    #[serde(alias = "films")]
    pub images: [usize; 3],
    /// Height and width of an image in pixels.
    #[serde(alias = "film_size")]
    pub image_size: [usize; 2],
    /// Trainable parameters.
    pub parameters: usize,
    /// Optimizer steps of an epoch.
    pub steps_per_epoch: usize,
    /// The epoch and step it goes on from, when it is no new run.
    #[serde(default)]
    pub resumed_at: Option<(usize, u64)>,
}

/// An epoch's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The line of the journal.
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
    /// No run.
    #[default]
    Idle,
    /// Reading images or building the network.
    Loading,
    /// Taking optimizer steps.
    Training,
    /// Learning rates are tried.
    Searching,
    /// Waiting for the user to resume.
    Paused,
    /// Evaluating the validation images.
    Validating,
    /// Evaluating the test images with the best weights.
    Testing,
}

/// Where the trainer is now: a latest value, of which a slow reader misses some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What the trainer is doing.
    pub phase: Phase,
    /// The epoch in work, from 1; 0 before the first.
    pub epoch: usize,
    /// At most so many epochs.
    pub epochs: usize,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Steps done of this pass, and how many it has; validation and test count batches.
    pub done: usize,
    /// Batches of the phase in all.
    pub total: usize,
    /// Mean training loss of this epoch so far.
    pub loss: Option<f64>,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Training images a second, smoothed over the last seconds.
    pub images_per_second: f64,
    /// Where the time of the pass went.
    pub shares: Shares,
    /// Seconds since the run began.
    pub elapsed: f64,
    /// Estimated seconds to the end of the epoch and of the run, when they can be estimated.
    pub epoch_eta: Option<f64>,
    /// Seconds until the last epoch that may be trained; early stopping may end the run before.
    pub run_eta: Option<f64>,
    /// Resident memory of the process in bytes; 0 where it is unknown.
    pub memory: u64,
    /// Bytes held on the CUDA device and what it has; `None` on a CPU.
    pub device_memory: Option<[u64; 2]>,
}

/// Shares of a pass's time, 0..=1 each; all 0 before the first step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Waiting for images, and moving them to the device.
    pub data: f64,
    /// Network and optimizer.
    pub compute: f64,
    /// Copying what a checkpoint keeps.
    pub checkpoint: f64,
    /// Metrics, progress, commands.
    pub metrics: f64,
}

impl Shares {
    /// What limits the run, with its share; `None` before the first step.
    pub fn limit(&self) -> Option<(&'static str, f64)> {
        self.named().into_iter().filter(|(_, share)| *share > 0.0).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// All shares with their names.
    pub fn named(&self) -> [(&'static str, f64); 4] {
        [
            ("data", self.data),
            ("compute", self.compute),
            ("checkpoint", self.checkpoint),
            ("metrics", self.metrics),
        ]
    }
}

/// What trying learning rates brought (Smith 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LrCurve {
    /// Learning rates, rising.
    pub rates: Vec<f64>,
    /// The loss at each, smoothed.
    pub losses: Vec<f64>,
    /// Where the loss falls fastest; `None` when it never falls.
    pub suggestion: Option<f64>,
    /// Why the search ended, in words.
    pub reason: String,
}
