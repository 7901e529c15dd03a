//! `dicom:DIR`: a folder of DICOM images with a table of labels; patient, sex, age and view come from the images.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::DataError;
use super::image_file::dicom;
use super::listing::Listing;
use super::table;
use super::table_error::TableError;

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

/// Reads the table and the headers of the images it names. Patients are known by a hash of their id alone.
///
/// # Errors
/// As [`table::listing`]; also when there is no table.
pub fn listing(folder: &Path, columns: &str) -> Result<Listing, DataError> {
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
    let mut listing = table::listing(&table, columns)?;
    let headers: Vec<_> = listing.rows.par_iter().map(|row| dicom::read_about(&row.path).ok()).collect();
    let mut told = 0;
    for (row, header) in listing.rows.iter_mut().zip(headers) {
        // An image that can't be read is named when its pixels are.
        let Some(header) = header else { continue };
        told += 1;
        row.patient = header.patient.or(row.patient.take().map(|name| dicom::hashed("", &name)));
        row.sex = row.sex.take().or(header.about.sex.map(String::from));
        row.age = row.age.or(header.about.age);
        row.view = row.view.take().or(header.about.view);
    }
    listing.notes.push(format!("patients of {told} DICOM files are identified by hashes of their ids"));
    Ok(listing)
}
