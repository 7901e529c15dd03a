//! What can be typed of runs, of the queue and of tracking.

use std::path::PathBuf;

use chestxr_tui::dataset::Split;
use chestxr_tui::runs::{RunState, SortBy};
use clap::{Args, Subcommand, ValueEnum};

use super::{resamples, whole_path};

#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, the newest first
    List(ListArgs),
    /// Show one run
    Show {
        /// A run's id or the beginning of one, its last four digits, last, best, or its folder
        run: String,
        /// Tell what the run did, then what it does, until it ends
        #[arg(long)]
        follow: bool,
    },
    /// Set runs side by side: differences with intervals and p-values, settings that differ, curves
    Compare(CompareArgs),
    /// Write runs as files that MLflow reads, for machines that reach no server
    Export(ExportRunsArgs),
    /// Add tags to a run and remove them: +paper -draft; without any, tell them
    Tag {
        /// A run's id or the beginning of one, its last four digits, last, best, or its folder
        run: String,
        /// `+TAG` or `TAG` adds one, `-TAG` removes it
        #[arg(value_name = "+TAG|-TAG", allow_hyphen_values = true)]
        tags: Vec<String>,
    },
    /// Write a note about a run, an empty one for none; without a text, tell it
    Note {
        /// A run's id or the beginning of one, its last four digits, last, best, or its folder
        run: String,
        /// The note
        text: Option<String>,
    },
    /// Give a run another name; an empty one gives it back that of its settings
    Rename {
        /// A run's id or the beginning of one, its last four digits, last, best, or its folder
        run: String,
        /// The name
        name: String,
    },
    /// Delete runs for good, and tell how many bytes that frees; asks first
    Rm {
        /// Runs, named as for show
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
        /// Delete without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Clear away what kills and deletions left: runs that never began, files not finished, surplus weights
    Gc {
        /// Only tell what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Tell which runs wait for their turn, or change what waits; `train --queue` works them
    Queue {
        #[command(subcommand)]
        change: Option<QueueCommand>,
    },
}

/// What `runs queue` changes.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Put a run at the end, with settings given as for train: --config, --set, --data
    Add,
    /// Take runs out
    Rm {
        /// Numbers as `runs queue` tells them
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<u32>,
    },
    /// Move a run one place
    Move {
        /// Its number as `runs queue` tells it
        number: u32,
        /// Towards the beginning or the end
        #[arg(value_enum)]
        to: Direction,
    },
}

/// Which way a run of the queue is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    Earlier,
    Later,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only runs with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only runs in this state: running, paused, stopped, finished, failed, interrupted
    #[arg(long, value_name = "STATE", value_parser = RunState::parse)]
    pub state: Option<RunState>,
    /// Only runs for which this holds, for example "resnet18 lr>1e-4 auroc>.7"; as / on the Runs screen
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// started, best (macro AUROC), state, name, id, network, data, epochs, time, tags, tracked, or a setting such as lr
    #[arg(long, value_name = "COLUMN", default_value = "started", value_parser = SortBy::parse)]
    pub sort: SortBy,
    /// The other way round
    #[arg(long)]
    pub reverse: bool,
}

#[derive(Debug, Subcommand)]
pub enum TrackCommand {
    /// Send what MLflow servers still lack of runs: metrics, settings, files, models
    Sync(SyncArgs),
}

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Runs, named as for runs show; left out: all that name a server, or all with --to
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// Send to this server, for example http://host:5000; a run whose settings name none is sent there from now on
    #[arg(long, value_name = "URI")]
    pub to: Option<String>,
}

#[derive(Debug, Args)]
pub struct ExportRunsArgs {
    /// Runs, named as for runs show; left out: all
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// Write into this folder in MLflow's layout, which `mlflow migrate-filestore` reads
    #[arg(long, value_name = "DIR")]
    pub mlflow: PathBuf,
    /// Where that folder will lie when MLflow reads it, a whole path, if it is carried to another machine
    #[arg(long, value_name = "DIR", value_parser = whole_path)]
    pub at: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Two runs or more, named as for show; the others are set against the first
    #[arg(num_args = 2.., required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    /// The images they are compared on
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// Draw so many bootstrap resamples for the means' intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = chestxr_tui::evaluation::RESAMPLES, value_parser = resamples)]
    pub bootstrap: usize,
    /// Write comparison.md, comparison.json and the figures here
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
