//! `folders:DIR`: images in folders named after their class, with or without folders for the splits above them:
//! `train/NORMAL/a.jpeg` as in the pneumonia set of Kaggle, or `COVID/b.png`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::labels::{LabelSet, is_no_finding, key_of};
use super::listing::Listing;
use super::row::{Given, Row};
use super::table::{patients, split_of};
use super::table_error::TableError;
use super::{DataError, Split};
use crate::text::{counted, one_line};

/// Endings of image files.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "dcm", "dicom"];

/// A folder of a class.
struct ClassFolder {
    path: PathBuf,
    name: String,
    split: Option<Split>,
}

/// Whether `folder` is laid out so: two classes at least.
pub fn recognizes(folder: &Path) -> bool {
    let classes = classes(folder);
    let names: BTreeSet<String> = classes.iter().map(|class| class.name.to_lowercase()).collect();
    names.len() > 1 && classes.iter().all(|class| !images(&class.path).is_empty())
}

/// The folders in `folder`, sorted by name.
fn folders(folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<(String, PathBuf)> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, _)| !name.starts_with(['.', '_']))
        .collect();
    found.sort();
    found
}

/// The image files in `folder`, sorted by name.
fn images(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_image = |path: &PathBuf| {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        ENDINGS.contains(&ending.as_str()) && path.is_file()
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_image).collect();
    found.sort();
    found
}

fn classes(folder: &Path) -> Vec<ClassFolder> {
    let mut found = Vec::new();
    for (name, path) in folders(folder) {
        match split_of(&name) {
            Some(split) => found.extend(folders(&path).into_iter().map(|(name, path)| ClassFolder {
                path,
                name,
                split: Some(split),
            })),
            None => found.push(ClassFolder { path, name, split: None }),
        }
    }
    found
}

/// The images of `folder`; a folder called `normal` or `no finding` holds those without any condition.
///
/// # Errors
/// When there is no such folder or it isn't laid out so.
pub fn listing(folder: &Path) -> Result<Listing, DataError> {
    if !recognizes(folder) {
        let what = "isn't a folder of class folders; put the images into one folder for each class, below train, val and \
                    test where they are divided";
        return Err(TableError::new(folder, what).into());
    }
    let classes = classes(folder);
    let mut keys: Vec<String> =
        classes.iter().filter(|class| !is_no_finding(&class.name)).map(|class| key_of(&class.name)).collect();
    keys.sort();
    keys.dedup();
    let mut rows = Vec::new();
    for class in &classes {
        let labels: Vec<u8> = keys
            .iter()
            .map(|key| u8::from(!is_no_finding(&class.name) && *key == key_of(&class.name)))
            .collect();
        for path in images(&class.path) {
            let split = class.split.map(Given::Split);
            rows.push(Row { path, labels: labels.clone(), split, ..Row::default() });
        }
    }
    let names: BTreeSet<&str> = classes.iter().map(|class| class.name.as_str()).collect();
    let names = one_line(&names.into_iter().collect::<Vec<_>>().join(", "), 300);
    let mut notes = vec![format!("{} in folders by class: {names}", counted(rows.len(), "image", "images"))];
    patients::fill_in(&mut rows, &mut notes);
    let labels = LabelSet::of_keys(&keys);
    Ok(Listing { table: folder.to_owned(), labels, rows, has_boxes: false, notes, skipped: Vec::new() })
}
