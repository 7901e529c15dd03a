//! The command line: commands, arguments, options and their help. What a command does is in `commands`.

mod bench;
mod data;
mod evaluation;
mod global;
mod runs;

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use bench::{BenchArgs, BenchPart};
pub use data::{AugmentArgs, DataCommand, FetchArgs, ShowArgs};
pub use evaluation::{EvaluateArgs, ExplainArgs, ExportArgs, ExportFormat, PredictArgs, PredictFormat};
pub use global::Global;
pub use runs::{
    CompareArgs, Direction, ExportRunsArgs, ListArgs, QueueCommand, RunsCommand, SyncArgs, TrackCommand,
};

/// Help of an argument that names a run.
const RUN_HELP: &str = "Run: id or its beginning, last four digits, last, best, or its directory";

/// Train, evaluate and explain multi-label chest X-ray classifiers in the terminal. Not a medical device.
#[derive(Debug, Parser)]
#[command(
    version,
    long_version = LONG_VERSION.as_str(),
    propagate_version = true,
    subcommand_help_heading = "Commands",
    after_help = "Examples:\n  chestxr-tui --data phantom:4000\n  chestxr-tui --no-ui --data chestmnist --set \
                  model.arch=resnet18"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    #[command(flatten)]
    pub global: Global,
}

impl Cli {
    /// Parses the process's arguments; prints help, version or a usage error and exits where requested.
    pub fn from_command_line() -> Self {
        let matches = command().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// The clap command, with each global option shown only where it has an effect.
pub fn command() -> clap::Command {
    global::limit_help(Cli::command())
}

/// Program version, git commit of the build, libtorch version and CUDA support: the text of `--version`.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ncommit   {}\nlibtorch {}\nCUDA     {}",
        env!("CARGO_PKG_VERSION"),
        env!("CHESTXR_COMMIT"),
        chestxr_tui::native::libtorch_version(),
        cuda_build()
    )
});

/// `no`, or `yes` with the CUDA version that libtorch was built with, where build.rs could read it.
pub fn cuda_build() -> String {
    match (cfg!(chestxr_cuda), env!("CHESTXR_CUDA_VERSION")) {
        (false, _) => "no".to_owned(),
        (true, "") => "yes".to_owned(),
        (true, version) => format!("yes, {version}"),
    }
}

#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Start a run in the workbench, or with --no-ui without the screen
    #[command(
        after_help = "Examples:\n  chestxr-tui train --data chestmnist --set optimizer.epochs=20\n  chestxr-tui \
                            train --resume last --no-ui"
    )]
    Train {
        /// Resume a run from its last checkpoint, with its own settings; --set may change duration and location
        #[arg(long, value_name = "RUN", conflicts_with = "find_lr")]
        resume: Option<String>,
        /// Run a learning rate range test and suggest a rate, instead of training
        #[arg(long)]
        find_lr: bool,
        /// With --no-ui: train all queued runs, one after another
        #[arg(long, conflicts_with_all = ["resume", "find_lr"])]
        queue: bool,
    },
    /// Evaluate a run's best weights or any model's predictions: metrics, intervals, figures, a report
    #[command(
        after_help = "Examples:\n  chestxr-tui evaluate last\n  chestxr-tui evaluate best --thresholds youden \
                            --by sex --json"
    )]
    Evaluate(EvaluateArgs),
    /// Predict with a run's best weights on PNG, JPEG, DICOM or npz files
    #[command(
        after_help = "Examples:\n  chestxr-tui predict best image.png\n  chestxr-tui predict last images/ \
                            --format csv --out predictions.csv"
    )]
    Predict(PredictArgs),
    /// Explain predictions with attribution maps, or measure how good the maps are
    #[command(
        after_help = "Examples:\n  chestxr-tui explain best --index 0,1 --method all --montage\n  chestxr-tui \
                            explain last --score --findings 100"
    )]
    Explain(ExplainArgs),
    /// Write a contact sheet of augmented images
    #[command(
        after_help = "Examples:\n  chestxr-tui augment --data phantom --index 0,5 --boxes\n  chestxr-tui augment \
                            --set augment.preset=predecessor --out sheet.png"
    )]
    Augment(AugmentArgs),
    /// Export a run's network: ONNX, safetensors for PyTorch, or an MLflow model
    #[command(
        after_help = "Examples:\n  chestxr-tui export best onnx\n  chestxr-tui export last mlflow --out model \
                            --force"
    )]
    Export(ExportArgs),
    /// List, download, check, show and convert data sets
    #[command(
        subcommand,
        after_help = "Examples:\n  chestxr-tui data list\n  chestxr-tui data info phantom:4000"
    )]
    Data(DataCommand),
    /// List, compare, annotate, queue, export and delete runs
    #[command(subcommand, after_help = "Examples:\n  chestxr-tui runs list\n  chestxr-tui runs show last")]
    Runs(RunsCommand),
    /// Sync runs to MLflow
    #[command(subcommand, after_help = "Examples:\n  chestxr-tui track sync --to http://localhost:5000")]
    Track(TrackCommand),
    /// Measure speed and memory on this machine: loading, augmentation, training, evaluation, screen
    #[command(
        after_help = "Examples:\n  chestxr-tui bench --only loading,training\n  chestxr-tui bench --nets \
                            resnet18:64 --json"
    )]
    Bench(BenchArgs),
    /// List every setting with type, default, allowed values and meaning
    #[command(after_help = "Examples:\n  chestxr-tui settings\n  chestxr-tui settings --json-schema")]
    Settings {
        /// Print a JSON Schema of run files, for completion in editors
        #[arg(long)]
        json_schema: bool,
    },
    /// Check this machine: libtorch, CUDA, terminal, directories; with advice for what is missing
    #[command(after_help = "Examples:\n  chestxr-tui doctor\n  chestxr-tui doctor --json")]
    Doctor,
    /// Print a completion script for a shell
    #[command(after_help = "Examples:\n  chestxr-tui completions bash")]
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
}

/// Parses a number of bootstrap resamples: 0, or 2 to 100,000.
fn resamples(text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse() {
        Ok(count) if count <= 100_000 && count != 1 => Ok(count),
        _ => Err("takes 0 or a whole number from 2 to 100000".to_owned()),
    }
}

/// Parses an absolute path.
fn absolute_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err("takes an absolute path, starting with /".to_owned()) }
}

#[cfg(test)]
mod tests;
