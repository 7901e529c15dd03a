//! Arguments of `evaluate`, `predict`, `explain` and `export`.

use std::path::PathBuf;

use chestxr_tui::dataset::Split;
use chestxr_tui::dataset::part::GroupBy;
use chestxr_tui::evaluation::Weights;
use clap::{Args, ValueEnum};

use super::{RUN_HELP, resamples};

#[derive(Debug, Args)]
pub struct EvaluateArgs {
    #[arg(help = RUN_HELP, required_unless_present = "predictions", conflicts_with = "predictions")]
    pub run: Option<String>,
    /// Split to evaluate: train, val or test
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// Threshold rules, separated by commas: max-f1, youden, sensitivity=0.95 or a number for all conditions;
    /// condition=RULE for one. Chosen on the validation split. Default: the thresholds saved with the weights, else max-f1
    #[arg(long, value_name = "RULES")]
    pub thresholds: Option<String>,
    /// Number of bootstrap resamples for intervals; 0 disables them
    #[arg(long, value_name = "N", default_value_t = chestxr_tui::evaluation::RESAMPLES, value_parser = resamples)]
    pub bootstrap: usize,
    /// Also evaluate subgroups: view, sex or age, where the source has them
    #[arg(long, value_name = "GROUP", value_parser = group_by, conflicts_with = "predictions")]
    pub by: Option<GroupBy>,
    /// Evaluate an npz file: `probs` (float N,C), `labels` (N,C); optional `patient` (N), `conditions` (C names),
    /// `val_probs`, `val_labels`
    #[arg(long, value_name = "FILE", requires = "out")]
    pub predictions: Option<PathBuf>,
    /// Name of the labels array in FILE; default: labels
    #[arg(long, value_name = "NAME", requires = "predictions")]
    pub labels: Option<String>,
    /// Directory of the report, for --predictions or for a run on other images (--data SOURCE)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    #[arg(help = RUN_HELP)]
    pub run: String,
    /// PNG, JPEG or DICOM files, directories of them, or npz files with `images` or `test_images`
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Output format; --json is --format json
    #[arg(long, value_enum, default_value_t = PredictFormat::Table)]
    pub format: PredictFormat,
    /// Write to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace an existing output file
    #[arg(long)]
    pub force: bool,
}

/// Output format of `predict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PredictFormat {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[arg(help = RUN_HELP)]
    pub run: String,
    /// Indices of images in the split, from 0, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "N", conflicts_with = "score")]
    pub index: Vec<usize>,
    /// PNG, JPEG or DICOM files instead, preprocessed as the run's images were
    #[arg(long, value_delimiter = ',', value_name = "FILE", conflicts_with_all = ["index", "score"])]
    pub image: Vec<PathBuf>,
    /// Split of the images: train, val or test
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// Conditions, separated by commas, or all; default: the one furthest above its threshold
    #[arg(long, value_delimiter = ',', value_name = "CONDITION")]
    pub class: Vec<String>,
    /// grad-cam, grad-cam++, integrated-gradients, smoothgrad or occlusion, separated by commas, or all; default:
    /// the one that suits the network; with --montage grad-cam and integrated-gradients; with --score all
    #[arg(long, value_delimiter = ',', value_name = "METHOD")]
    pub method: Vec<String>,
    /// Target layer of grad-cam and grad-cam++; default: the last
    #[arg(long, value_name = "LAYER")]
    pub layer: Option<String>,
    /// Baseline of integrated gradients and occlusion: black, blurred or mean
    #[arg(long, value_name = "BASELINE", default_value = "black")]
    pub baseline: chestxr_tui::explain::Baseline,
    /// Quadrature points of integrated gradients
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub steps: usize,
    /// Weights of the best epoch or of the last checkpoint
    #[arg(long, value_enum, default_value_t = WhichWeights::Best)]
    pub weights: WhichWeights,
    /// Write one sheet: a row per image with one map per method
    #[arg(long, conflicts_with = "score")]
    pub montage: bool,
    /// Score the maps against boxes of findings, with a random map and the image center as controls
    #[arg(long)]
    pub score: bool,
    /// Maximum number of findings to score, evenly spaced over the split
    #[arg(long, value_name = "N", default_value_t = 200, requires = "score")]
    pub findings: usize,
    /// Output directory; default: artifacts/explanations of the run
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[arg(help = RUN_HELP)]
    pub run: String,
    /// onnx: network from images of 0-255 to probabilities; safetensors: weights with PyTorch's names; mlflow: a
    /// directory with the ONNX model
    #[arg(value_enum)]
    pub format: ExportFormat,
    /// Weights of the best epoch or of the last checkpoint
    #[arg(long, value_enum, default_value_t = WhichWeights::Best)]
    pub weights: WhichWeights,
    /// Output file or directory; default: the current directory, with the run's id as name
    #[arg(long, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
    /// Replace an existing output
    #[arg(long)]
    pub force: bool,
}

/// Format of an exported network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Onnx,
    Safetensors,
    Mlflow,
}

/// Weights of a run to explain or export.
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

/// Parses the attribute that subgroups are formed by.
fn group_by(text: &str) -> Result<GroupBy, String> {
    let all = [GroupBy::View, GroupBy::Sex, GroupBy::Age];
    all.into_iter().find(|by| by.name() == text).ok_or_else(|| "takes view, sex or age".to_owned())
}
