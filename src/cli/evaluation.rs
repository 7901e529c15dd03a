//! What can be typed of networks that were trained: judge them, use them, explain them, hand them on.

use std::path::PathBuf;

use chestxr_tui::dataset::Split;
use chestxr_tui::dataset::part::GroupBy;
use chestxr_tui::evaluation::Weights;
use clap::{Args, ValueEnum};

use super::resamples;

#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// A run's id or the beginning of one, its last four digits, last, best, or its folder
    #[arg(required_unless_present = "predictions", conflicts_with = "predictions")]
    pub run: Option<String>,
    /// The images to judge on
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::parse)]
    pub split: Split,
    /// How thresholds are chosen on the validation images: max-f1, youden, sensitivity=.95 or a number, for all;
    /// condition=RULE for single ones; commas between. Left out: those kept with the weights, else max-f1
    #[arg(long, value_name = "RULES")]
    pub thresholds: Option<String>,
    /// Draw so many bootstrap resamples for intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = chestxr_tui::evaluation::RESAMPLES, value_parser = resamples)]
    pub bootstrap: usize,
    /// Judge groups of images as well: by view, sex or age, where the source says
    #[arg(long, value_name = "WHAT", value_parser = group_by, conflicts_with = "predictions")]
    pub by: Option<GroupBy>,
    /// Judge an npz file's `probs` (float N,C) and `labels` (N,C), with `patient` (N), `conditions` (C names),
    /// `val_probs` and `val_labels` where it has them
    #[arg(long, value_name = "FILE", requires = "out")]
    pub predictions: Option<PathBuf>,
    /// The array of labels in FILE, where it has another name
    #[arg(long, value_name = "NAME", requires = "predictions")]
    pub labels: Option<String>,
    /// Write the report here: for --predictions, or for a run on other images (--data SOURCE)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct PredictArgs {
    /// A run's id or the beginning of one, its last four digits, last, best, or its folder
    pub run: String,
    /// PNG, JPEG or DICOM images, folders of them, npz files with `images` or `test_images`
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
    /// Images by their numbers in the split, 0 for the first; commas between
    #[arg(long, value_delimiter = ',', value_name = "N", conflicts_with = "score")]
    pub index: Vec<usize>,
    /// PNG, JPEG or DICOM images instead, reduced as those of the run were
    #[arg(long, value_delimiter = ',', value_name = "FILE", conflicts_with_all = ["index", "score"])]
    pub image: Vec<PathBuf>,
    /// Where the images are
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
    /// One sheet with a row an image: the image, then a map of each method
    #[arg(long, conflicts_with = "score")]
    pub montage: bool,
    /// Measure the maps against where the findings are, beside a random map and the image's middle
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
    /// onnx takes images of 0 to 255 and gives probabilities; safetensors has the weights by PyTorch's names; mlflow is
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

/// What images are told apart by.
fn group_by(text: &str) -> Result<GroupBy, String> {
    let all = [GroupBy::View, GroupBy::Sex, GroupBy::Age];
    all.into_iter().find(|by| by.name() == text).ok_or_else(|| "takes view, sex or age".to_owned())
}
