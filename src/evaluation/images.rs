//! The images a run was trained on.

use std::sync::Arc;

use anyhow::{Result, bail};

use crate::dataset::progress::Watch;
use crate::dataset::{Cache, Dataset};
use crate::runs::RunFolder;

/// Loads a run's own images, or finds them loaded.
///
/// # Errors
/// When they can't be read, or are others by now: numbers and maps would be of images that the run never met.
pub fn own_images(folder: &RunFolder, cache: &Cache) -> Result<Arc<Dataset>> {
    own_images_watched(folder, cache, &|_| true)
}

/// As [`own_images`]; `watch` receives the progress and cancels the reading by `false`.
///
/// # Errors
/// As [`own_images`], and when `watch` cancels.
pub fn own_images_watched(folder: &RunFolder, cache: &Cache, watch: &Watch) -> Result<Arc<Dataset>> {
    let dataset = cache.load_watched(&folder.read_config()?.data, watch)?;
    if dataset.digest() != folder.read_provenance()?.data_digest {
        bail!(
            "the images of {} are not those that run {} was trained on; name others by --data SOURCE",
            dataset.source(),
            folder.id()
        );
    }
    Ok(dataset)
}
