//! Everything a person can type, nothing else.

use std::path::PathBuf;

use chestxr_tui::dataset::Split;
use chestxr_tui::dataset::part::GroupBy;
use chestxr_tui::evaluation::Weights;
use chestxr_tui::runs::{RunState, SortBy};
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Where films come from: phantom[:N], chestmnist, npz:FILE, nih:DIR, csv:FILE, dicom:DIR, or a bare path
    #[arg(long, global = true, value_name = "SOURCE")]
    pub data: Option<String>,
    /// Keep runs in this folder
    #[arg(long, global = true, value_name = "DIR", env = "CHESTXR_RUNS_DIR")]
    pub runs_dir: Option<PathBuf>,
    /// Keep at most so much of the films in memory, for example 800MB; the rest is read as it is needed
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
    pub graphics: chestxr_tui::tui::graphics::Wish,
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
    /// Say what a run's best weights find on films: PNG, JPEG, DICOM, folders of them, npz files
    Predict(PredictArgs),
    /// Show why a run's network said what it said: maps over films, and how good the maps are
    Explain(ExplainArgs),
    /// Draw a contact sheet of augmented films
    Augment(AugmentArgs),
    /// Write a run's network for other programs: ONNX, safetensors for PyTorch, a folder that MLflow serves
    Export(ExportArgs),
    /// Look at films and labels
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

#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// A run's id or the beginning of one, its last four digits, last, best, or its folder
    #[arg(required_unless_present = "predictions", conflicts_with = "predictions")]
    pub run: Option<String>,
    /// The films to judge on
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// How thresholds are chosen on the validation films: max-f1, youden, sensitivity=.95 or a number, for all;
    /// condition=RULE for single ones; commas between. Left out: those kept with the weights, else max-f1
    #[arg(long, value_name = "RULES")]
    pub thresholds: Option<String>,
    /// Draw so many bootstrap resamples for intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = chestxr_tui::evaluation::RESAMPLES, value_parser = resamples)]
    pub bootstrap: usize,
    /// Judge groups of films as well: by view, sex or age, where the source says
    #[arg(long, value_name = "WHAT", value_parser = group_by, conflicts_with = "predictions")]
    pub by: Option<GroupBy>,
    /// Judge an npz file's `probs` (float N,C) and `labels` (N,C), with `patient` (N), `conditions` (C names),
    /// `val_probs` and `val_labels` where it has them
    #[arg(long, value_name = "FILE", requires = "out")]
    pub predictions: Option<PathBuf>,
    /// The array of labels in FILE, where it has another name
    #[arg(long, value_name = "NAME", requires = "predictions")]
    pub labels: Option<String>,
    /// Write the report here: for --predictions, or for a run on other films (--data SOURCE)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A run's id or the beginning of one, its last four digits, last, best, or its folder
    pub run: String,
    /// PNG, JPEG or DICOM films, folders of them, npz files with `images` or `test_images`
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to write what was found; --json is --format json
    #[arg(long, value_enum, default_value_t = PredictFormat::Table)]
    pub format: PredictFormat,
    /// Write to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PredictFormat {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A run's id or the beginning of one, its last four digits, last, best, or its folder
    pub run: String,
    /// Films by their numbers in the split, 0 for the first; commas between
    #[arg(long, value_delimiter = ',', value_name = "N", conflicts_with = "score")]
    pub index: Vec<usize>,
    /// PNG, JPEG or DICOM films instead, reduced as those of the run were
    #[arg(long, value_delimiter = ',', value_name = "FILE", conflicts_with_all = ["index", "score"])]
    pub image: Vec<PathBuf>,
    /// Where the films are
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// Conditions by name, commas between, or all; left out: the one furthest above its threshold
    #[arg(long, value_delimiter = ',', value_name = "CONDITION")]
    pub class: Vec<String>,
    /// grad-cam, grad-cam++, integrated-gradients, smoothgrad or occlusion, commas between, or all; left out:
    /// grad-cam, with --montage integrated-gradients as well, with --score all
    #[arg(long, value_delimiter = ',', value_name = "METHOD")]
    pub method: Vec<String>,
    /// The layer of grad-cam and grad-cam++; left out: the last
    #[arg(long, value_name = "LAYER")]
    pub layer: Option<String>,
    /// What integrated gradients begin at and occlusion covers with: black, blurred or mean
    #[arg(long, value_name = "BASELINE", default_value = "black")]
    pub baseline: chestxr_tui::explain::Baseline,
    /// Points of integrated gradients' quadrature
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub steps: usize,
    /// The weights of the best epoch, or of the last checkpoint
    #[arg(long, value_enum, default_value_t = WhichWeights::Best)]
    pub weights: WhichWeights,
    /// One sheet with a row a film: the film, then a map of each method
    #[arg(long, conflicts_with = "score")]
    pub montage: bool,
    /// Measure the maps against where the findings are, beside a random map and the film's middle
    #[arg(long)]
    pub score: bool,
    /// Findings to measure on at most, evenly over the split
    #[arg(long, value_name = "N", default_value_t = 200, requires = "score")]
    pub findings: usize,
    /// Write here instead of the run's artifacts/explanations
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A run's id or the beginning of one, its last four digits, last, best, or its folder
    pub run: String,
    /// onnx takes films of 0 to 255 and gives probabilities; safetensors has the weights by PyTorch's names; mlflow is
    /// a folder with the former
    #[arg(value_enum)]
    pub format: ExportFormat,
    /// The weights of the best epoch, or of the last checkpoint
    #[arg(long, value_enum, default_value_t = WhichWeights::Best)]
    pub weights: WhichWeights,
    /// Write here instead of the current folder, where files have the run's name
    #[arg(long, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
}

/// What a network is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Onnx,
    Safetensors,
    Mlflow,
}

/// Which weights of a run are explained or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhichWeights {
    Best,
    Last,
}

impl From<WhichWeights> for Weights {
    fn from(which: WhichWeights) -> Self {
        match which {
            WhichWeights::Best => Self::Best,
            WhichWeights::Last => Self::Last,
        }
    }
}

#[derive(Debug, Args)]
pub struct AugmentArgs {
    /// Films by their numbers in the split, 0 for the first; commas between
    #[arg(long, value_delimiter = ',', value_name = "N", default_value = "0")]
    pub index: Vec<usize>,
    /// Where the films are
    #[arg(long, value_name = "SPLIT", default_value = "train", value_parser = Split::parse)]
    pub split: Split,
    /// Versions of each film
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub count: u16,
    /// The epoch that the first version is of; each next one is of the next epoch
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub epoch: usize,
    /// Outline where findings come to lie, where the source knows
    #[arg(long)]
    pub boxes: bool,
    /// Write the sheet here
    #[arg(long, value_name = "FILE", default_value = "augment.png")]
    pub out: PathBuf,
}

/// What films are told apart by.
fn group_by(text: &str) -> Result<GroupBy, String> {
    let all = [GroupBy::View, GroupBy::Sex, GroupBy::Age];
    all.into_iter().find(|by| by.name() == text).ok_or_else(|| "takes view, sex or age".to_owned())
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

/// What `bench` can measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// How long the films take to load, and the memory of it
    Loading,
    /// Augmentation on one thread
    Augmentation,
    /// The real loop against bare steps
    Training,
    /// Films read from disk as needed against films in memory; needs a --memory that they don't fit into
    Streaming,
    /// All metrics with intervals
    Judging,
    /// Maps
    Explaining,
    /// A folder of 2,000 runs, listed
    Runs,
    /// The workbench in a terminal
    Screen,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Measure these alone; left out: all but streaming
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    pub only: Vec<BenchPart>,
    /// Networks with their batch sizes
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NETWORK:BATCH",
        default_value = "chestnet-s:32,chestnet-s:256,resnet18:32,resnet18:256"
    )]
    pub nets: Vec<String>,
    /// Measure so many times
    #[arg(long, default_value_t = 3)]
    pub repeats: usize,
    /// Let a measurement last so many seconds
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Phantom films to draw, when --data names no other source
    #[arg(long, default_value_t = 4000)]
    pub films: usize,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets that are known by name, what of them is here, and films kept from other sources
    List,
    /// Free what is left of imports that broke off
    Clean,
    /// Count films and conditions of every split; tell licence, memory and how it was read
    Info {
        /// As for --data; the configured source if left out
        source: Option<String>,
    },
    /// Download a data set, or take it from a file that came another way
    Fetch(FetchArgs),
    /// Look for what spoils results: films twice, patients in two splits, odd films, odd labels
    Check {
        /// As for --data; the configured source if left out
        source: Option<String>,
    },
    /// Show films in the terminal, with their labels
    Show(ShowArgs),
    /// Write a source as an npz file in MedMNIST's layout
    Convert {
        /// As for --data
        source: String,
        /// The file to write
        out: PathBuf,
        /// Side of the films in pixels, where the source has no own
        #[arg(long, value_name = "N")]
        size: Option<usize>,
    },
}

#[derive(Debug, Args)]
pub struct FetchArgs {
    /// chestmnist
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Side of the films in pixels: 28, 64, 128 or 224
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub size: usize,
    /// Take this file instead of downloading it
    #[arg(long, value_name = "FILE", conflicts_with = "mirror")]
    pub from: Option<PathBuf>,
    /// Download from this folder of another server
    #[arg(long, value_name = "URL", env = chestxr_tui::dataset::registry::MIRROR)]
    pub mirror: Option<String>,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// As for --data; the configured source if left out
    pub source: Option<String>,
    /// Where the films are
    #[arg(long, value_name = "SPLIT", default_value = "train", value_parser = Split::parse)]
    pub split: Split,
    /// Films by their numbers in the split, 0 for the first; commas between. Left out: some of all
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub index: Vec<usize>,
    /// Films that have this condition, or normal
    #[arg(long, value_name = "CONDITION", conflicts_with = "index")]
    pub class: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub count: u16,
    /// Outline where findings are, where the source knows
    #[arg(long)]
    pub boxes: bool,
    /// Write the sheet here as well
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

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
    /// The films they are compared on
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// Draw so many bootstrap resamples for the means' intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = chestxr_tui::evaluation::RESAMPLES, value_parser = resamples)]
    pub bootstrap: usize,
    /// Write comparison.md, comparison.json and the figures here
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
