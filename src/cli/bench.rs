//! Arguments of `bench`.

use clap::{Args, ValueEnum};

/// A part of `bench`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// Load time of the images, and memory
    Loading,
    /// Augmentation on one thread
    Augmentation,
    /// Training loop against bare training steps
    Training,
    /// Images read from disk against images in memory; needs a --memory below the size of the images
    Streaming,
    /// All metrics with intervals
    Evaluation,
    /// Attribution maps
    Explaining,
    /// Listing a directory of 2,000 runs
    Runs,
    /// The workbench in a pseudo-terminal; needs a build with --features bench-screen
    Screen,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Parts to measure, separated by commas; default: all but streaming
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    pub only: Vec<BenchPart>,
    /// Networks with their batch sizes, separated by commas
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NETWORK:BATCH",
        default_value = "chestnet-s:32,chestnet-s:256,resnet18:32,resnet18:256"
    )]
    pub nets: Vec<String>,
    /// Number of measurements
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub repeats: usize,
    /// Seconds per measurement
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub seconds: f64,
    /// Number of phantom images, where --data names no other source
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub images: usize,
}
