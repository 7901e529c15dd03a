//! Arguments of `runs` and `track`.

use std::path::PathBuf;

use chestxr_tui::dataset::Split;
use chestxr_tui::runs::{RunState, SortBy};
use clap::{Args, Subcommand, ValueEnum};

use super::{RUN_HELP, absolute_path, resamples};

#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs, newest first
    #[command(
        after_help = "Examples:\n  chestxr-tui runs list\n  chestxr-tui runs list --filter \"resnet18 \
                            auroc>0.7\" --sort best"
    )]
    List(ListArgs),
    /// Show a run: state, settings, metrics of every epoch
    #[command(after_help = "Examples:\n  chestxr-tui runs show last\n  chestxr-tui runs show last --follow")]
    Show {
        #[arg(help = RUN_HELP)]
        run: String,
        /// Follow the run's event log until it ends
        #[arg(long)]
        follow: bool,
    },
    /// Compare runs: differences with intervals and p-values, differing settings, curves
    #[command(
        after_help = "Examples:\n  chestxr-tui runs compare best last\n  chestxr-tui runs compare 1f3a 9c02 \
                            --out comparison"
    )]
    Compare(CompareArgs),
    /// Export runs as files that MLflow reads, for machines without a server
    #[command(after_help = "Examples:\n  chestxr-tui runs export --mlflow exported")]
    Export(ExportRunsArgs),
    /// Add or remove tags; without TAG, print them
    #[command(
        after_help = "Examples:\n  chestxr-tui runs tag best +paper -draft\n  chestxr-tui runs tag last"
    )]
    Tag {
        #[arg(help = RUN_HELP)]
        run: String,
        /// `+TAG` or `TAG` adds a tag, `-TAG` removes it
        #[arg(value_name = "+TAG|-TAG", allow_hyphen_values = true)]
        tags: Vec<String>,
    },
    /// Set a run's note; an empty one removes it; without TEXT, print it
    #[command(
        after_help = "Examples:\n  chestxr-tui runs note last \"baseline for the paper\"\n  chestxr-tui runs \
                            note last"
    )]
    Note {
        #[arg(help = RUN_HELP)]
        run: String,
        /// Note
        text: Option<String>,
    },
    /// Rename a run; an empty name restores run.name of its settings
    #[command(after_help = "Examples:\n  chestxr-tui runs rename last baseline")]
    Rename {
        #[arg(help = RUN_HELP)]
        run: String,
        /// New name
        name: String,
    },
    /// Delete runs permanently, after confirmation
    #[command(after_help = "Examples:\n  chestxr-tui runs rm 1f3a\n  chestxr-tui runs rm 1f3a 9c02 --yes")]
    Rm {
        /// Runs, named as for `runs show`
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
        /// Delete without confirmation
        #[arg(long, short)]
        yes: bool,
    },
    /// Remove leftovers: runs that never started, incomplete files, surplus checkpoints
    #[command(after_help = "Examples:\n  chestxr-tui runs gc --dry-run\n  chestxr-tui runs gc")]
    Gc {
        /// Only list what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// List queued runs, or change the queue; `train --queue` trains them
    #[command(
        after_help = "Examples:\n  chestxr-tui runs queue\n  chestxr-tui runs queue add --set optimizer.lr=1e-3"
    )]
    Queue {
        #[command(subcommand)]
        change: Option<QueueCommand>,
    },
}

/// Changes of the queue.
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Append a run; settings as for train: --config, --set, --data
    #[command(after_help = "Examples:\n  chestxr-tui runs queue add --data chestmnist --set run.seed=1")]
    Add,
    /// Remove runs from the queue
    #[command(after_help = "Examples:\n  chestxr-tui runs queue rm 3 4")]
    Rm {
        /// Numbers, as listed by `runs queue`
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<u32>,
    },
    /// Move a run one position
    #[command(after_help = "Examples:\n  chestxr-tui runs queue move 3 earlier")]
    Move {
        /// Number, as listed by `runs queue`
        number: u32,
        /// Direction
        #[arg(value_enum)]
        to: Direction,
    },
}

/// Direction of a move in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    Earlier,
    Later,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only runs with this tag; repeatable
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only runs in this state: running, paused, stopped, finished, failed, interrupted
    #[arg(long, value_name = "STATE", value_parser = RunState::parse)]
    pub state: Option<RunState>,
    /// Only runs that match, for example "resnet18 lr>1e-4 auroc>0.7"; as / on the Runs screen
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Sort by started, best (macro AUROC), state, name, id, network, data, epochs, time, tags, tracked, or a setting
    /// such as lr
    #[arg(long, value_name = "COLUMN", default_value = "started", value_parser = SortBy::parse)]
    pub sort: SortBy,
    /// Reverse the order
    #[arg(long)]
    pub reverse: bool,
}

#[derive(Debug, Subcommand)]
pub enum TrackCommand {
    /// Sync runs to their MLflow servers: metrics, settings, files, models
    #[command(after_help = "Examples:\n  chestxr-tui track sync\n  chestxr-tui track sync last --to \
                            http://localhost:5000")]
    Sync(SyncArgs),
}

#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Runs, named as for `runs show`; default: all that name a server, or all with --to
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// Sync to this server, for example http://host:5000; becomes the server of runs whose settings name none
    #[arg(long, value_name = "URI")]
    pub to: Option<String>,
}

#[derive(Debug, Args)]
pub struct ExportRunsArgs {
    /// Runs, named as for `runs show`; default: all
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// Output directory, in the file layout that `mlflow migrate-filestore` reads
    #[arg(long, value_name = "DIR")]
    pub mlflow: PathBuf,
    /// Absolute path of that directory on the machine where MLflow will read it, if another
    #[arg(long, value_name = "DIR", value_parser = absolute_path)]
    pub at: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Two or more runs, named as for `runs show`; the first is the baseline
    #[arg(num_args = 2.., required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    /// Split to compare on: train, val or test
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// Number of bootstrap resamples for intervals of the means; 0 disables them
    #[arg(long, value_name = "N", default_value_t = chestxr_tui::evaluation::RESAMPLES, value_parser = resamples)]
    pub bootstrap: usize,
    /// Write comparison.md, comparison.json and figures to this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
