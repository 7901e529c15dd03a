//! What can be typed to measure the machine.

use clap::{Args, ValueEnum};

/// What `bench` can measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// How long the images take to load, and the memory of it
    Loading,
    /// Augmentation on one thread
    Augmentation,
    /// The real loop against bare steps
    Training,
    /// Images read from disk as needed against images in memory; needs a --memory that they don't fit into
    Streaming,
    /// All metrics with intervals
    Evaluation,
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
    /// Phantom images to draw, when --data names no other source
    #[arg(long, default_value_t = 4000)]
    pub images: usize,
}
