//! A folder laid out as NIH ships ChestX-ray14: `images*/` with PNGs of 1024 x 1024 px, `Data_Entry_2017*.csv`,
//! `train_val_list.txt` and `test_list.txt`, and `BBox_List_2017.csv`.
//!
//! The lists are NIH's own split by patient. Validation images are carved from the first by patient.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::demographics::{self, UnreadableAges};
use super::image_file::dicom;
use super::labels::{LabelSet, is_no_finding, key_of};
use super::listing::{Listing, counted};
use super::row::{Given, Row};
use super::sheet::{Record, Sheet, Skipped, list, said, skipped_note};
use super::table_error::TableError;
use super::{DataError, Split};
use crate::text::{one_line, thousands};

/// Width and height of NIH's pictures, which its boxes are drawn on.
const DRAWN_ON: (u32, u32) = (1024, 1024);

/// The table of findings in `folder`, if there is one; the newest by its name.
pub fn entry_table(folder: &Path) -> Option<PathBuf> {
    // The second is that of the sample on Kaggle.
    named(folder, "data_entry").or_else(|| named(folder, "sample_labels"))
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
    let (in_folder, mut skipped) = (pictures.len(), sheet.skipped.clone());
    let lists = Lists::read(folder)?;
    if lists.is_none() {
        notes.push(
            "train_val_list.txt and test_list.txt are not there: the images are divided anew, not by NIH's split".into(),
        );
    }
    let set = LabelSet::chest_xray_14();
    let keys = set.keys();
    let mut unknown = BTreeMap::new();
    let (mut absent, mut unlisted, mut resaved) = (0, 0, 0);
    let mut rows: Vec<Row> = Vec::new();
    let mut ages = UnreadableAges::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (line, record) in &sheet.rows {
        let cell = |column: usize| record.get(column).unwrap_or_default();
        let name = cell(file);
        let stem = name.strip_suffix(".png").unwrap_or(name);
        if places.contains_key(name) {
            skipped.push(Skipped { line: *line, why: format!("names {} a second time", one_line(name, 60)) });
            continue;
        }
        let Some((ending, path)) = pictures.remove(stem) else {
            absent += 1;
            continue;
        };
        resaved += usize::from(ending != "png");
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
            line: *line,
            labels,
            patient: said(Some(cell(patient))).map(|id| dicom::hashed(&id)),
            split,
            sex: optional(sex).and_then(|text| demographics::sex(&text)),
            age: age.and_then(|column| ages.read(*line, cell(column))),
            view: optional(view),
            boxes: Vec::new(),
            boxes_on: Some(DRAWN_ON),
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
    tell(resaved, "images were saved again as JPEG; they are taken");
    tell(twice, "pictures have a name that another one has; the first by its path is taken");
    tell(pictures.len(), "pictures in the folder are not in the table and are left out");
    if !unknown.is_empty() {
        notes
            .push(format!("findings that are none of the fourteen count for nothing: {}", counted(&unknown)));
    }
    notes.extend(skipped_note(&table, in_folder - pictures.len(), &skipped));
    let has_boxes = match named(folder, "bbox_list") {
        Some(boxes) => {
            let (drawn, without) = read_boxes(&boxes, &keys, &places, &mut rows)?;
            notes.push(format!("{} manually drawn boxes on these images", thousands(drawn as u64)));
            notes.extend(skipped_note(&boxes, drawn, &without));
            // Lines of another table than the images'.
            let name = boxes.file_name().unwrap_or_default().to_string_lossy();
            skipped.extend(
                without.into_iter().map(|row| Skipped { why: format!("of {name} {}", row.why), ..row }),
            );
            true
        }
        None => false,
    };
    Ok(Listing { table, labels: set, rows, has_boxes, notes, skipped })
}

/// PNG and JPEG files of the folder and of those below it, by name without its ending, which comes with the path; and how
/// many were left out because of a name that was there.
fn pictures(folder: &Path) -> (HashMap<String, (String, PathBuf)>, usize) {
    let (mut found, mut twice) = (HashMap::new(), 0);
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if matches!(ending.as_str(), "png" | "jpg" | "jpeg") {
                let stem = name[..name.len() - ending.len() - 1].to_owned();
                match found.entry(stem) {
                    Entry::Vacant(place) => drop(place.insert((ending, path))),
                    Entry::Occupied(mut place) => {
                        twice += 1;
                        // NIH's own PNG first; folders are listed in no order.
                        let (known, before) = place.get();
                        if (ending != "png", &path) < (known != "png", before) {
                            place.insert((ending, path));
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
        let read =
            |path: &Path| -> Result<HashSet<String>, TableError> { Ok(list(path)?.into_iter().collect()) };
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

/// Gives rows their boxes; returns how many there are, and the rows of the table that hold none.
fn read_boxes(
    path: &Path,
    keys: &[String],
    places: &HashMap<String, usize>,
    rows: &mut [Row],
) -> Result<(usize, Vec<Skipped>), TableError> {
    let mut drawn = 0;
    let sheet = Sheet::read(path)?;
    let mut skipped = sheet.skipped;
    for (line, record) in sheet.rows {
        match bounds_of(&record, keys) {
            Ok((name, class, place)) => {
                if let Some(row) = places.get(name) {
                    rows[*row].boxes.push((class, place));
                    drawn += 1;
                }
            }
            Err(why) => skipped.push(Skipped { line, why }),
        }
    }
    Ok((drawn, skipped))
}

/// The image, the finding and the place of a box, or why the row has none.
fn bounds_of<'a>(record: &'a Record, keys: &[String]) -> Result<(&'a str, usize, [f32; 4]), String> {
    let finding = record.get(1).unwrap_or_default();
    let class = keys.iter().position(|key| *key == key_of(finding));
    let class = class
        .ok_or_else(|| format!("names the finding `{}`, none of the fourteen", one_line(finding, 40)))?;
    let mut place = [0.0_f32; 4];
    for (value, cell) in place.iter_mut().zip(record.iter().skip(2).chain([""; 4])) {
        let number = cell.trim_matches(['[', ']', ' ']).parse().ok();
        *value = number.filter(|value: &f32| value.is_finite()).ok_or("has no box of four numbers")?;
    }
    if place[2] <= 0.0 || place[3] <= 0.0 {
        return Err("has a box without an inside".to_owned());
    }
    Ok((record.get(0).unwrap_or_default(), class, place))
}
