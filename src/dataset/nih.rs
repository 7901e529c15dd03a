//! A folder laid out as NIH ships ChestX-ray14: `images*/` with PNGs of 1024 x 1024 px, `Data_Entry_2017*.csv`,
//! `train_val_list.txt` and `test_list.txt`, and `BBox_List_2017.csv`.
//!
//! The lists are NIH's own split by patient. Validation images are carved from the first by patient.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::demographics::{self, UnreadableAges};
use super::labels::{LabelSet, is_no_finding, key_of};
use super::listing::{Listing, counted};
use super::row::{Given, Row};
use super::sheet::{Sheet, said};
use super::table_error::TableError;
use super::{DataError, Split};
use crate::text::thousands;

/// The table of findings in `folder`, if there is one; the newest by its name.
pub fn entry_table(folder: &Path) -> Option<PathBuf> {
    named(folder, "data_entry")
}

/// The file of a folder whose name begins so, in any case, and that is a table; the last by name.
fn named(folder: &Path, beginning: &str) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            name.starts_with(beginning) && name.ends_with(".csv")
        })
        .collect();
    found.sort();
    found.pop()
}

/// Reads the tables and lists of `folder`.
///
/// # Errors
/// When a table is missing or can't be read, or none of its images is there.
pub fn listing(folder: &Path) -> Result<Listing, DataError> {
    if !folder.is_dir() {
        return Err(TableError::new(
            folder,
            "there is no such folder; give the one with images/ and Data_Entry_2017.csv",
        )
        .into());
    }
    let table = entry_table(folder).ok_or_else(|| {
        TableError::new(
            folder,
            "the folder lacks Data_Entry_2017.csv (or _v2020); get it from the same place as the images",
        )
    })?;
    let sheet = Sheet::read(&table)?;
    let need = |names: &[&str]| {
        sheet.column(names).ok_or_else(|| {
            TableError::new(&table, format!("the table lacks the column `{}`; get NIH's own again", names[0]))
        })
    };
    let (file, findings) = (need(&["Image Index"])?, need(&["Finding Labels"])?);
    let patient = need(&["Patient ID"])?;
    let age = sheet.column(&["Patient Age"]);
    let sex = sheet.column(&["Patient Gender", "Patient Sex"]);
    let view = sheet.column(&["View Position"]);

    let mut notes = Vec::new();
    let (mut pictures, twice) = pictures(folder);
    let lists = Lists::read(folder)?;
    if lists.is_none() {
        notes.push(
            "train_val_list.txt and test_list.txt are not there: the images are divided anew, not by NIH's split".into(),
        );
    }
    let set = LabelSet::chest_xray_14();
    let keys = set.keys();
    let mut unknown = BTreeMap::new();
    let (mut absent, mut unlisted) = (0, 0);
    let mut rows: Vec<Row> = Vec::new();
    let mut ages = UnreadableAges::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (line, record) in &sheet.rows {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let name = cell(file);
        let Some(path) = pictures.remove(name) else {
            if places.contains_key(name) {
                let what = format!("line {line} names {name} a second time; remove one of the two rows");
                return Err(TableError::new(&table, what).into());
            }
            absent += 1;
            continue;
        };
        let split = match &lists {
            Some(lists) => match lists.of(name) {
                Some(given) => Some(given),
                None => {
                    unlisted += 1;
                    continue;
                }
            },
            None => None,
        };
        let mut labels = vec![0; keys.len()];
        for finding in cell(findings).split('|').filter(|finding| !is_no_finding(finding)) {
            match keys.iter().position(|key| *key == key_of(finding)) {
                Some(class) => labels[class] = 1,
                None => *unknown.entry(finding.trim().to_owned()).or_insert(0) += 1,
            }
        }
        places.insert(name.to_owned(), rows.len());
        let optional = |column: Option<usize>| said(column.and_then(|column| record.get(column)));
        rows.push(Row {
            path,
            labels,
            patient: said(Some(cell(patient))),
            split,
            sex: optional(sex).and_then(|text| demographics::sex(&text)),
            age: age.and_then(|column| ages.read(*line, cell(column))),
            view: optional(view),
            boxes: Vec::new(),
        });
    }
    if rows.is_empty() {
        let what = format!(
            "none of its {} images is in {}; put NIH's folders images/ or images_001/ … there",
            thousands(sheet.rows.len() as u64),
            folder.display()
        );
        return Err(TableError::new(&table, what).into());
    }
    notes.extend(ages.note());
    let mut tell = |count: usize, what: &str| {
        if count > 0 {
            notes.push(format!("{} {what}", thousands(count as u64)));
        }
    };
    tell(absent, "images of the table are not in the folder and are left out");
    tell(unlisted, "images are in neither list and are left out");
    tell(twice, "pictures have a name that another one has; the first by its path is taken");
    tell(pictures.len(), "pictures in the folder are not in the table and are left out");
    if !unknown.is_empty() {
        notes
            .push(format!("findings that are none of the fourteen count for nothing: {}", counted(&unknown)));
    }
    let has_boxes = match named(folder, "bbox_list") {
        Some(boxes) => {
            let drawn = read_boxes(&boxes, &keys, &places, &mut rows)?;
            notes.push(format!("{} manually drawn boxes on these images", thousands(drawn as u64)));
            true
        }
        None => false,
    };
    Ok(Listing { table, labels: set, rows, has_boxes, notes })
}

/// PNGs of the folder and of those below it, by name; and how many were left out because of a name that was there.
fn pictures(folder: &Path) -> (HashMap<String, PathBuf>, usize) {
    let (mut found, mut twice) = (HashMap::new(), 0);
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if name.to_lowercase().ends_with(".png") {
                match found.entry(name) {
                    Entry::Vacant(place) => drop(place.insert(path)),
                    Entry::Occupied(mut place) => {
                        twice += 1;
                        // Folders are listed in no order.
                        if path < *place.get() {
                            place.insert(path);
                        }
                    }
                }
            } else if depth < 2 && path.is_dir() {
                waiting.push((path, depth + 1));
            }
        }
    }
    (found, twice)
}

/// NIH's split.
struct Lists {
    train_val: HashSet<String>,
    test: HashSet<String>,
}

impl Lists {
    fn read(folder: &Path) -> Result<Option<Self>, TableError> {
        let paths = ["train_val_list.txt", "test_list.txt"].map(|name| folder.join(name));
        match paths.iter().filter(|path| path.is_file()).count() {
            0 => return Ok(None),
            1 => {
                let missing = paths.iter().find(|path| !path.is_file()).unwrap_or(&paths[0]);
                let what =
                    "is not there, but the other list is; get it from the same place, or take the other away";
                return Err(TableError::new(missing, what));
            }
            _ => {}
        }
        let read = |path: &Path| -> Result<HashSet<String>, TableError> {
            let text = fs::read_to_string(path)
                .map_err(|error| TableError::new(path, format!("the list can't be read ({error})")))?;
            Ok(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
        };
        let lists = Self { train_val: read(&paths[0])?, test: read(&paths[1])? };
        if let Some(both) = lists.test.iter().find(|name| lists.train_val.contains(*name)) {
            let what = format!("{both} is in train_val_list.txt as well; get NIH's own lists again");
            return Err(TableError::new(&paths[1], what));
        }
        Ok(Some(lists))
    }

    fn of(&self, name: &str) -> Option<Given> {
        if self.test.contains(name) {
            Some(Given::Split(Split::Test))
        } else {
            self.train_val.contains(name).then_some(Given::TrainVal)
        }
    }
}

/// Gives rows their boxes; returns how many lie on them.
fn read_boxes(
    path: &Path,
    keys: &[String],
    places: &HashMap<String, usize>,
    rows: &mut [Row],
) -> Result<usize, TableError> {
    let mut drawn = 0;
    for (line, record) in Sheet::read(path)?.rows {
        let fail =
            |what: &str| TableError::new(path, format!("line {line} {what}; get NIH's own table again"));
        let name = record.get(0).unwrap_or_default();
        let finding = record.get(1).unwrap_or_default();
        let class = keys.iter().position(|key| *key == key_of(finding));
        let class = class
            .ok_or_else(|| fail(&format!("names the finding `{finding}`, which is none of the fourteen")))?;
        let mut place = [0.0_f32; 4];
        for (value, cell) in place.iter_mut().zip(record.iter().skip(2).chain([""; 4])) {
            let number = cell.trim_matches(['[', ']', ' ']).parse().ok();
            *value = number
                .filter(|value: &f32| value.is_finite())
                .ok_or_else(|| fail("has no box of four numbers"))?;
        }
        if place[2] <= 0.0 || place[3] <= 0.0 {
            return Err(fail("has a box without an inside"));
        }
        if let Some(row) = places.get(name) {
            rows[*row].boxes.push((class, place));
            drawn += 1;
        }
    }
    Ok(drawn)
}
