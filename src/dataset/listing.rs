//! Images that a table lists: picture files with labels and what else is known of them, on their way to a data set.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

use super::image_file::{self, Doubts, ImageFileError, Limits, Preprocess};
use super::image_hash::hash_of;
use super::images::{Images, Labels};
use super::keep::Keep;
use super::labels::LabelSet;
use super::part::{About, Part};
use super::phantom::Bounds;
use super::progress::Watch;
use super::row::{Given, Row};
use super::sheet::{Skipped, skipped_note};
use super::split::{self, Shares};
use super::store::{self, ImportRequest, Made, StoreError};
use super::table_error::TableError;
use super::{DataError, Split};
use crate::config::{AppPaths, DataSection, OnError};
use crate::text::{counted as text_counted, one_line, thousands};

/// All images of a table.
#[derive(Debug)]
pub struct Listing {
    /// The table itself, for sentences.
    pub table: PathBuf,
    /// The conditions of each row's labels, in column order.
    pub labels: LabelSet,
    /// The images, in the order of the table.
    pub rows: Vec<Row>,
    /// Whether it has boxes of findings.
    pub has_boxes: bool,
    /// What a person should know of how it was read.
    pub notes: Vec<String>,
    /// Rows that were not taken.
    pub skipped: Vec<Skipped>,
}

impl Listing {
    /// Reads the pictures, made into images of `data.size`, and divides them into splits.
    ///
    /// # Errors
    /// When pictures can't be read or kept, or too little is left after `data.where`.
    pub fn load(self, section: &DataSection, budget: u64, watch: &Watch) -> Result<Loaded, DataError> {
        let Self { table, labels, mut rows, has_boxes, mut notes, mut skipped } = self;
        if section.on_error == OnError::Fail
            && let Some(first) = skipped.first()
        {
            let what = format!(
                "line {} {}; mend it, or set data.on_error=skip to leave such rows out",
                first.line, first.why
            );
            return Err(TableError::new(&table, what).into());
        }
        let keep: Keep = section.keep.parse()?;
        let preprocess = Preprocess::of_size(section.size, section.size);
        let (all, offer) = (rows.len(), Keep::offer(&rows));
        // What is left out isn't decoded either.
        rows.retain(|row| keep.takes(row));
        if rows.is_empty() {
            let what = format!("no image is left with data.where = {}; it has {offer}", section.keep);
            return Err(TableError::new(&table, what).into());
        }
        if rows.len() < all {
            let (kept, all) = (thousands(rows.len() as u64), thousands(all as u64));
            notes.push(format!("data.where = {} takes {kept} of {all} images", section.keep));
        }
        let store = import(&table, &rows, &preprocess, section.on_error, budget, watch)?;
        let failures = store.failures();
        let bad: HashSet<usize> = failures.iter().map(|failure| failure.image).collect();
        let unreadable = failures.iter().map(|failure| Skipped {
            line: rows[failure.image].line,
            why: format!("names an image that can't be read: {}", failure.why),
        });
        let unreadable: Vec<Skipped> = unreadable.collect();
        notes.extend(flat_note(&rows, &store, &bad));
        notes.extend(doubt_notes(&rows, &store));
        let kept: Vec<usize> = (0..rows.len()).filter(|row| !bad.contains(row)).collect();
        notes.extend(skipped_note(&table, kept.len(), &unreadable));
        skipped.extend(unreadable);
        skipped.sort_by_key(|row| row.line);
        let splits = divide(&kept, &rows, &labels, section, &mut notes);
        let parts = Split::ALL.map(|split| {
            let members =
                || kept.iter().zip(&splits).filter(move |(_, its)| **its == split).map(|(row, _)| *row);
            part(members().collect(), &rows, &labels, &store, &preprocess, has_boxes)
        });
        let [Some(train), Some(val), Some(test)] = parts else {
            return Err(
                TableError::new(&table, "its rows and images don't fit each other; start again").into()
            );
        };
        Ok(Loaded { labels, parts: [train, val, test], notes, skipped })
    }
}

/// Images without anything to see: all black or all white, which a wrong window or table makes of a good file.
fn flat_note(rows: &[Row], store: &store::Mapped, bad: &HashSet<usize>) -> Option<String> {
    let area = store.height() * store.width();
    let flat = [0, u8::MAX].map(|grey| hash_of(&vec![grey; area]));
    let found = (0..rows.len()).filter(|row| !bad.contains(row) && flat.contains(&store.hash(*row)));
    let found: Vec<usize> = found.collect();
    (!found.is_empty()).then(|| {
        let count = text_counted(found.len(), "image is", "images are");
        let names: Vec<String> = found.iter().map(|row| image_file::file_name(&rows[*row].path)).collect();
        format!("{count} all black or all white: {}", image_file::first_names(&names))
    })
}

/// What the files' headers say that is doubtful and how it was taken, a sentence for each kind.
fn doubt_notes(rows: &[Row], store: &store::Mapped) -> Vec<String> {
    let mut doubts = Doubts::default();
    for (how, images) in store.doubts() {
        images.iter().for_each(|image| doubts.add(how, &rows[*image].path));
    }
    doubts.sentences().collect()
}

/// A listing with its images.
pub struct Loaded {
    /// The conditions of the label columns.
    pub labels: LabelSet,
    /// Train, val and test.
    pub parts: [Part; 3],
    /// What a person should know of how the images were read, a sentence each.
    pub notes: Vec<String>,
    /// Rows of the table that were not taken, by line.
    pub skipped: Vec<Skipped>,
}

/// The images of all rows, in their order.
fn import(
    table: &Path,
    rows: &[Row],
    preprocess: &Preprocess,
    on_error: OnError,
    budget: u64,
    watch: &Watch,
) -> Result<std::sync::Arc<store::Mapped>, StoreError<ImageFileError>> {
    let limits = Limits::default();
    let make = |number: usize| -> Result<Made, ImageFileError> {
        let picture = image_file::read(&rows[number].path, limits)?;
        let pixels = preprocess.image(&picture);
        let size = (picture.width(), picture.height());
        Ok(Made { pixels, labels: Vec::new(), picture: size, doubts: picture.doubts().to_vec() })
    };
    let request = ImportRequest {
        cache: &AppPaths::new(None).images,
        fingerprint: &fingerprint(rows, preprocess),
        of: &table.display().to_string(),
        doing: "importing",
        count: rows.len(),
        image: (preprocess.height, preprocess.width),
        labels: 0,
        budget,
        skip: on_error == OnError::Skip,
    };
    store::build(&request, &mut |numbers| numbers.into_par_iter().map(make).collect(), watch)
        .map(|(store, _)| store)
}

/// What the files look like, see [`file_print`]. Changes with any of them.
fn fingerprint(rows: &[Row], preprocess: &Preprocess) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(format!("pictures 3 {preprocess:?}\n").as_bytes());
    rows.iter().for_each(|row| {
        hash.update(file_print(&row.path).as_bytes());
    });
    hash.finalize().to_hex().to_string()
}

/// What a file looks like: path, length, time of the last change that it shows, and that of the last change of its inode,
/// which no program can set: a file that was replaced by one of equal length and time has another.
pub fn file_print(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = std::fs::metadata(&path).ok();
    let changed = found.as_ref().and_then(|file| file.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let inode = found.as_ref().map(|file| (file.ino(), file.ctime(), file.ctime_nsec()));
    format!("{}\n{:?} {changed:?} {inode:?}\n", path.display(), found.map(|file| file.len()))
}

/// The split of each row of `kept`.
fn divide(
    kept: &[usize],
    rows: &[Row],
    labels: &LabelSet,
    section: &DataSection,
    notes: &mut Vec<String>,
) -> Vec<Split> {
    let has = |split: Split| kept.iter().any(|row| rows[*row].split == Some(Given::Split(split)));
    let open = |row: usize| !matches!(rows[row].split, Some(Given::Split(_)));
    let mut splits: Vec<Split> = kept
        .iter()
        .map(|row| match rows[*row].split {
            Some(Given::Split(split)) => split,
            _ => Split::Train,
        })
        .collect();
    // A table may assign only the test images, or none.
    let (own_val, own_test) = (has(Split::Val), has(Split::Test));
    let places: Vec<usize> = (0..kept.len())
        .filter(|place| open(kept[*place]) || (!(own_val && own_test) && splits[*place] == Split::Train))
        .collect();
    let shares = Shares {
        val: if own_val { 0.0 } else { section.val_fraction },
        test: if own_test { 0.0 } else { section.test_fraction },
    };
    if places.is_empty() || (shares.val == 0.0 && shares.test == 0.0) {
        return splits;
    }
    let ids = patients(places.iter().map(|place| rows[kept[*place]].patient.as_deref()));
    let chosen: Vec<&[u8]> = places.iter().map(|place| rows[kept[*place]].labels.as_slice()).collect();
    let assigned = split::by_patient(&ids, &chosen, shares, section.split_seed);
    for (place, split) in places.iter().zip(&assigned) {
        splits[*place] = *split;
    }
    let made = match (own_val, own_test) {
        (false, true) => "validation images were taken from those for training",
        (true, false) => "test images were taken from those for training",
        _ => "the images were divided",
    };
    let by = if rows.iter().any(|row| row.patient.is_some()) {
        "by patient"
    } else {
        "by image, for patients are unknown"
    };
    let all: Vec<&[u8]> = kept.iter().map(|row| rows[*row].labels.as_slice()).collect();
    notes.push(format!(
        "{made} {by} (data.split_seed = {}): {}",
        section.split_seed,
        split::achieved(&splits, &all, labels)
    ));
    splits
}

/// Numbers for patients in the order they come; an image of an unknown one is a patient of its own.
fn patients<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Vec<u32> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut next = 0;
    let mut new = || {
        next += 1;
        next - 1
    };
    names
        .map(|name| match name {
            Some(name) => *known.entry(name).or_insert_with(&mut new),
            None => new(),
        })
        .collect()
}

fn part(
    members: Vec<usize>,
    rows: &[Row],
    labels: &LabelSet,
    store: &std::sync::Arc<store::Mapped>,
    preprocess: &Preprocess,
    has_boxes: bool,
) -> Option<Part> {
    let values = members.iter().flat_map(|row| &rows[*row].labels).copied().collect();
    let mut about = About { has_boxes, ..About::default() };
    for (image, row) in members.iter().enumerate() {
        let row_of = &rows[*row];
        let name = row_of.path.file_name().unwrap_or_default().to_string_lossy();
        about.names.push(one_line(&name, 200));
        about.sex.push(row_of.sex.as_deref());
        about.view.push(row_of.view.as_deref());
        about.age.push(row_of.age);
        let size = store.picture_size(*row);
        for (class, [x, y, width, height]) in &row_of.boxes {
            let (across, down) = row_of.boxes_on.map_or((1.0, 1.0), |drawn_on| {
                (size.0 as f32 / drawn_on.0 as f32, size.1 as f32 / drawn_on.1 as f32)
            });
            let bounds = Bounds { x: x * across, y: y * down, width: width * across, height: height * down };
            if let Some(bounds) = preprocess.placed(size, bounds) {
                about.boxes.push((image as u32, *class, bounds));
            }
        }
    }
    if about.age.iter().all(Option::is_none) {
        about.age.clear();
    }
    for column in [&mut about.sex, &mut about.view] {
        if column.levels.is_empty() {
            column.codes.clear();
        }
    }
    let named = members.iter().all(|row| rows[*row].patient.is_some());
    let numbers = named.then(|| patients(members.iter().map(|row| rows[*row].patient.as_deref())));
    if named {
        about.patients = members.iter().filter_map(|row| rows[*row].patient.clone()).collect();
    }
    let images = Images::mapped(store.clone(), members.iter().map(|row| *row as u32).collect())?;
    Some(Part { images: Some(images), labels: Labels::new(values, labels.len())?, patients: numbers, about })
}

/// How often each of some names came, the most frequent first, as a sentence lists them.
pub fn counted(names: &BTreeMap<String, usize>) -> String {
    const MOST: usize = 8;
    let mut sorted: Vec<_> = names.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let more = sorted.len().saturating_sub(MOST);
    let mut said: Vec<String> = sorted
        .iter()
        .take(MOST)
        .map(|(name, count)| format!("{} ({})", one_line(name, 40), thousands(**count as u64)))
        .collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    said.join(", ")
}
