//! Everything a person can type, nothing else.

mod evaluation;
mod images;
mod measuring;
mod runs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use evaluation::{EvaluateArgs, ExplainArgs, ExportArgs, ExportFormat, PredictArgs, PredictFormat};
pub use images::{AugmentArgs, DataCommand, FetchArgs, ShowArgs};
pub use measuring::{BenchArgs, BenchPart};
pub use runs::{
    CompareArgs, Direction, ExportRunsArgs, ListArgs, QueueCommand, RunsCommand, SyncArgs, TrackCommand,
};

/// Trains and judges multi-label chest X-ray classifiers in the terminal. Not a medical device.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, subcommand_help_heading = "Commands")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub global: Global,
}

/// Options that every command understands.
#[derive(Debug, Args)]
pub struct Global {
    /// Work without the screen; without a command, train
    #[arg(long, global = true)]
    pub no_ui: bool,
    /// Read settings from a TOML file, for example a run's run.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting, for example optimizer.lr=1e-3; may be repeated
    #[arg(long = "set", global = true, value_name = "SECTION.KEY=VALUE")]
    pub sets: Vec<String>,
    /// Where images come from: phantom[:N], chestmnist, npz:FILE, nih:DIR, csv:FILE, dicom:DIR, or a bare path
    #[arg(long, global = true, value_name = "SOURCE")]
    pub data: Option<String>,
    /// Keep runs in this folder
    #[arg(long, global = true, value_name = "DIR", env = "CHESTXR_RUNS_DIR")]
    pub runs_dir: Option<PathBuf>,
    /// Keep at most so much of the images in memory, for example 800MB; the rest is read as it is needed
    #[arg(long, global = true, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Train on auto, cpu, cuda or cuda:N
    #[arg(long, global = true, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Colours of the workbench: a shipped theme or one of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Show pictures by auto (what the terminal has), kitty, iterm2, sixel, half (blocks), ascii or off
    #[arg(long, global = true, value_name = "HOW", default_value = "auto", env = "CHESTXR_GRAPHICS")]
    pub graphics: chestxr_tui::tui::graphics::GraphicsChoice,
    /// Write JSON to stdout, one object a line
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a run, in the workbench or with --no-ui to its end
    Train {
        /// Go on with a run from its last checkpoint; its own settings hold, and --set may change how long it
        /// runs and where
        #[arg(long, value_name = "RUN", conflicts_with = "find_lr")]
        resume: Option<String>,
        /// Try learning rates on a few steps and suggest one, instead of training
        #[arg(long)]
        find_lr: bool,
        /// Without the screen, work the runs that wait in the queue, one after another, to the last
        #[arg(long, conflicts_with_all = ["resume", "find_lr"])]
        queue: bool,
    },
    /// Judge a run's best weights, or any model's predictions: numbers, intervals, figures, a report
    Evaluate(EvaluateArgs),
    /// Say what a run's best weights find on images: PNG, JPEG, DICOM, folders of them, npz files
    Predict(PredictArgs),
    /// Show why a run's network said what it said: maps over images, and how good the maps are
    Explain(ExplainArgs),
    /// Draw a contact sheet of augmented images
    Augment(AugmentArgs),
    /// Write a run's network for other programs: ONNX, safetensors for PyTorch, a folder that MLflow serves
    Export(ExportArgs),
    /// Look at images and labels
    #[command(subcommand)]
    Data(DataCommand),
    /// Look at runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Tell an MLflow server of runs
    #[command(subcommand)]
    Track(TrackCommand),
    /// Measure this machine: training against bare steps, augmentation, loading, the screen
    Bench(BenchArgs),
    /// Say what this machine offers, what is missing and how to get it
    Doctor,
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// A number of resamples that this machine survives.
fn resamples(text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse() {
        Ok(count) if count <= 100_000 && count != 1 => Ok(count),
        _ => Err("takes 0 or a whole number from 2 to 100000".to_owned()),
    }
}

/// A path that means the same wherever it is read.
fn whole_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err("takes a whole path, from / on".to_owned()) }
}
