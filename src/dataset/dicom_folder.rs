//! `dicom:DIR`: a folder of DICOM images with a table of labels; patient, sex, age and view come from the images.

use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;
use super::listing::Listing;
use super::table;
use super::table_error::TableError;
use crate::config::DataSection;

/// The table of labels in `folder`: `labels.csv`, or the only table there is.
pub fn label_table(folder: &Path) -> Option<PathBuf> {
    let named = folder.join("labels.csv");
    if named.is_file() {
        return Some(named);
    }
    let mut tables: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "csv" || ending == "tsv"))
        .collect();
    if tables.len() == 1 { tables.pop() } else { None }
}

/// Reads the table and, for what it lacks, the headers of the images it names.
///
/// # Errors
/// As [`table::listing`]; also when there is no table.
pub fn listing(folder: &Path, section: &DataSection) -> Result<Listing, DataError> {
    if !folder.is_dir() {
        return Err(TableError::new(folder, "there is no such folder; give one of DICOM files").into());
    }
    let table = label_table(folder).ok_or_else(|| {
        TableError::new(
            folder,
            "the folder has no labels.csv; write one with a column `path` and the images' labels, or predict images \
             without labels with `chestxr-tui predict RUN DIR`",
        )
    })?;
    table::listing(&table, section)
}
