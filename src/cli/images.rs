//! What can be typed of images.

use std::path::PathBuf;

use chestxr_tui::dataset::Split;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct AugmentArgs {
    /// Images by their numbers in the split, 0 for the first; commas between
    #[arg(long, value_delimiter = ',', value_name = "N", default_value = "0")]
    pub index: Vec<usize>,
    /// Where the images are
    #[arg(long, value_name = "SPLIT", default_value = "train", value_parser = Split::parse)]
    pub split: Split,
    /// Versions of each image
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

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets that are known by name, what of them is here, and images kept from other sources
    List,
    /// Free what is left of imports that broke off
    Clean,
    /// Count images and conditions of every split; tell licence, memory and how it was read
    Info {
        /// As for --data; the configured source if left out
        source: Option<String>,
    },
    /// Download a data set, or take it from a file that came another way
    Fetch(FetchArgs),
    /// Look for what spoils results: images twice, patients in two splits, odd images, odd labels
    Check {
        /// As for --data; the configured source if left out
        source: Option<String>,
    },
    /// Show images in the terminal, with their labels
    Show(ShowArgs),
    /// Write a source as an npz file in MedMNIST's layout
    Convert {
        /// As for --data
        source: String,
        /// The file to write
        out: PathBuf,
        /// Side of the images in pixels, where the source has no own
        #[arg(long, value_name = "N")]
        size: Option<usize>,
    },
}

#[derive(Debug, Args)]
pub struct FetchArgs {
    /// chestmnist
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Side of the images in pixels: 28, 64, 128 or 224
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
    /// Where the images are
    #[arg(long, value_name = "SPLIT", default_value = "train", value_parser = Split::parse)]
    pub split: Split,
    /// Images by their numbers in the split, 0 for the first; commas between. Left out: some of all
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub index: Vec<usize>,
    /// Images that have this condition, or normal
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
