//! The model that a run leaves for other programs.

use std::path::PathBuf;

use anyhow::Result;

use crate::runs::RunFolder;

/// The run's model folder, for whoever sends it away; `None` for a run without one.
///
/// # Errors
/// When it can't be made.
pub fn model_to_send(folder: &RunFolder) -> Result<Option<PathBuf>> {
    Ok(Some(folder.path().join("model")).filter(|model| model.is_dir()))
}
