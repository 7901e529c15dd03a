//! Why images can't be had, a sentence each.

use super::image_file::ImageFileError;
use super::source_error::SourceError;
use super::store::StoreError;
use super::table_error::TableError;
use super::{Split, keep, npz, phantom};

/// Why images can't be had.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum DataError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Npz(#[from] npz::NpzError),
    #[error(transparent)]
    Phantom(#[from] phantom::SizeOutOfRange),
    #[error(transparent)]
    Keep(#[from] keep::KeepError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Pictures(#[from] StoreError<ImageFileError>),
    #[error(transparent)]
    Drawn(#[from] StoreError<phantom::SizeOutOfRange>),
    #[error(transparent)]
    Unpacked(#[from] StoreError<npz::NpzError>),
    #[error("reading images was cancelled; the next reading resumes from there")]
    Stopped,
    #[error("there is no {name} of {size} px; set data.size to one of {sizes}")]
    NoSuchSize { name: String, size: usize, sizes: String },
    #[error(
        "{name} of {size} px is not here yet; get it with `chestxr-tui data fetch {source_name} --size {size}`, or \
         put {file} into {folder} yourself"
    )]
    NotFetched { name: String, source_name: String, size: usize, file: String, folder: String },
    #[error(
        "the images of {from} have no labels for {missing}, which the run's network predicts; add such labels"
    )]
    OtherLabels { from: String, missing: String },
    #[error("`data.where` needs images with a table ({known}); {from} has none")]
    NothingToFilter { from: String, known: String },
    #[error(
        "{0} has labels but no images: `data info` can count it, training needs train_images, val_images and test_images"
    )]
    NoImages(String),
    #[error("the {split} split of {from} is empty; training needs images in all three splits")]
    EmptySplit { split: Split, from: String },
}

impl DataError {
    /// Whether the words of the request are wrong rather than what they point to.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Source(_)
                | Self::Phantom(_)
                | Self::Keep(_)
                | Self::NoSuchSize { .. }
                | Self::NothingToFilter { .. }
        )
    }
}
