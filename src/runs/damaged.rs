//! Runs that can't be read: listed with the reason, and found for deletion.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::RunFolder;
use super::id::RunId;
use super::list::find;
use super::summary::{LookupError, RunSummary, readable};

/// The runs in a folder that aren't `listed` because they can't be read, in the order of their names.
pub fn damaged(runs: &Path, listed: &[Arc<RunSummary>]) -> Vec<LookupError> {
    let listed: HashSet<_> = listed.iter().filter_map(|run| run.path.file_name()).collect();
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let mut others: Vec<_> =
        entries.filter(|entry| !listed.contains(&*entry.file_name())).map(|entry| entry.path()).collect();
    others.sort();
    others.into_iter().filter_map(|path| readable(&RunFolder::open(&path).ok()?).err()).collect()
}

/// Finds a run as [`find`] does, but one that can't be read as well, by the name of its folder.
///
/// # Errors
/// When no run or more than one is meant.
pub fn find_even_damaged(runs: &Path, wanted: &str) -> Result<RunFolder, LookupError> {
    find(runs, wanted).or_else(|error| match &error {
        // Nothing is taken for a run that neither has a status nor is named as one.
        LookupError::Damaged { path, .. } if path.join("status.json").exists() || RunId::is_name_of(path) => {
            RunFolder::at(path).map_err(|_| error)
        }
        _ => Err(error),
    })
}
