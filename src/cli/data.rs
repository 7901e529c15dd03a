//! Arguments of `augment` and `data`.

use std::path::PathBuf;

use chestxr_tui::dataset::Split;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct AugmentArgs {
    /// Indices of images in the split, from 0, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "N", default_value = "0")]
    pub index: Vec<usize>,
    /// Split of the images: train, val or test
    #[arg(long, value_name = "SPLIT", default_value = "train", value_parser = Split::parse)]
    pub split: Split,
    /// Augmented versions per image
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub count: u16,
    /// Epoch of the first version; each further version is of the next epoch
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub epoch: usize,
    /// Outline the boxes of findings, where the source has any
    #[arg(long)]
    pub boxes: bool,
    /// Output file
    #[arg(long, value_name = "FILE", default_value = "augment.png")]
    pub out: PathBuf,
    /// Replace an existing output file
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List known data sets, what is downloaded, and cached images
    #[command(after_help = "Examples:\n  chestxr-tui data list")]
    List,
    /// Remove the files of interrupted imports
    #[command(after_help = "Examples:\n  chestxr-tui data clean")]
    Clean,
    /// Count images and conditions per split; show licence, memory and notes
    #[command(
        after_help = "Examples:\n  chestxr-tui data info chestmnist\n  chestxr-tui data info nih:images --json"
    )]
    Info {
        /// Data source, as for --data; default: the configured one
        source: Option<String>,
        /// List every row of a table that was not taken, not only the first five
        #[arg(long)]
        verbose: bool,
    },
    /// Download a data set, or import it from a file
    #[command(
        after_help = "Examples:\n  chestxr-tui data fetch chestmnist --size 64\n  chestxr-tui data fetch \
                            chestmnist --from chestmnist_64.npz"
    )]
    Fetch(FetchArgs),
    /// Check for duplicate images, patients in two splits, odd images and odd labels
    #[command(
        after_help = "Examples:\n  chestxr-tui data check csv:labels.csv\n  chestxr-tui data check phantom --json"
    )]
    Check {
        /// Data source, as for --data; default: the configured one
        source: Option<String>,
    },
    /// Show images with their labels in the terminal
    #[command(
        after_help = "Examples:\n  chestxr-tui data show phantom --boxes\n  chestxr-tui data show chestmnist \
                            --class effusion --count 8"
    )]
    Show(ShowArgs),
    /// Convert a data source to an npz file in MedMNIST's layout
    #[command(
        after_help = "Examples:\n  chestxr-tui data convert phantom:1000 phantom.npz\n  chestxr-tui data convert \
                            dicom:study images.npz --size 128"
    )]
    Convert {
        /// Data source, as for --data
        source: String,
        /// Output file
        out: PathBuf,
        /// Side of the images in pixels, for sources without a size of their own
        #[arg(long, value_name = "N")]
        size: Option<usize>,
        /// Replace an existing output file
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Data set: chestmnist
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Side of the images in pixels: 28, 64, 128 or 224
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub size: usize,
    /// Import this file instead of downloading
    #[arg(long, value_name = "FILE", conflicts_with = "mirror")]
    pub from: Option<PathBuf>,
    /// Download from this directory of another server
    #[arg(long, value_name = "URL", env = chestxr_tui::dataset::registry::MIRROR)]
    pub mirror: Option<String>,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Data source, as for --data; default: the configured one
    pub source: Option<String>,
    /// Split of the images: train, val or test
    #[arg(long, value_name = "SPLIT", default_value = "train", value_parser = Split::parse)]
    pub split: Split,
    /// Indices of images in the split, from 0, separated by commas; default: some, evenly spaced
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub index: Vec<usize>,
    /// Show only images with this condition, or normal ones
    #[arg(long, value_name = "CONDITION", conflicts_with = "index")]
    pub class: Option<String>,
    /// Number of images
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub count: u16,
    /// Outline the boxes of findings, where the source has any
    #[arg(long)]
    pub boxes: bool,
    /// Also write the sheet to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace an existing output file
    #[arg(long)]
    pub force: bool,
}
