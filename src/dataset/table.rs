//! `csv:FILE`: a table of any shape that names pictures and their labels.
//!
//! Its columns are given (`data.columns`) or guessed by name, which is reported. Labels come in one of three forms: a column
//! of 0 and 1 for each condition, one column of findings with a mark between them, or a row for each box or reader.

mod boxes;
mod columns;
mod files;
mod flag;
mod labels;
mod layout;
pub(super) mod patients;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::demographics::{UnreadableAges, sex};
use super::labels::LabelSet;
use super::listing::Listing;
use super::row::{Given, Row};
use super::sheet::{Record, Sheet, Skipped, said, skipped_note};
use super::table_error::TableError;
use super::{DataError, Split};
use crate::config::DataSection;
use crate::text::{counted, one_line, thousands};
use columns::{ColumnSpec, Columns};
use files::Files;
use layout::Layout;

/// Reads the table at `path`; pictures are looked for relative to its folder, then below it by their names.
///
/// # Errors
/// When the table can't be read or understood, or none of its pictures is there.
pub fn listing(path: &Path, section: &DataSection) -> Result<Listing, DataError> {
    let spec = ColumnSpec::parse(&section.columns, path)?;
    let sheet = Sheet::read(path)?;
    let mut notes = Vec::new();
    let mut skipped = sheet.skipped.clone();
    let (labels, mut rows) = match Layout::of(&sheet, &spec) {
        Some(layout) => {
            let grouped = layout.images(&sheet);
            notes.push(grouped.note);
            skipped.extend(grouped.skipped);
            (grouped.labels, grouped.rows)
        }
        None => of_images(&sheet, &spec, &mut notes, &mut skipped)?,
    };
    let named = one_line(&labels.keys().join(", "), 300);
    let conditions = counted(labels.len(), "condition", "conditions");
    notes.insert(1.min(notes.len()), format!("{conditions}: {named}"));
    find_files(path, &mut rows, &mut notes, &mut skipped)?;
    skipped.sort_by_key(|row| row.line);
    patients::fill_in(&mut rows, &mut notes);
    let has_boxes = rows.iter().any(|row| !row.boxes.is_empty());
    let known = |row: &&Row| matches!(row.split, Some(Given::Split(_)));
    match rows.iter().filter(known).count() {
        0 => {}
        some if some < rows.len() => notes.push(format!(
            "{} images without a split are divided by patient",
            thousands((rows.len() - some) as u64)
        )),
        _ => {}
    }
    notes.extend(skipped_note(path, rows.len(), &skipped));
    Ok(Listing { table: path.to_owned(), labels, rows, has_boxes, notes, skipped })
}

/// The conditions of a table with a row for each image, and its rows, whose paths are the cells as they are written.
fn of_images(
    sheet: &Sheet,
    spec: &ColumnSpec,
    notes: &mut Vec<String>,
    skipped: &mut Vec<Skipped>,
) -> Result<(LabelSet, Vec<Row>), TableError> {
    let columns = Columns::find(sheet, spec)?;
    notes.push(format!("columns: {}", columns.described(sheet)));
    let (labels, values) = labels::labels(sheet, &columns, spec, notes)?;
    let splits = splits(sheet, &columns, spec, notes, skipped)?;
    let mut ages = UnreadableAges::default();
    // CheXpert leaves the view of lateral images blank and says so in another column.
    let side = sheet.column(&["frontal lateral"]);
    let is_lateral = |record: &Record| {
        side.and_then(|column| record.get(column)).is_some_and(|cell| cell.eq_ignore_ascii_case("lateral"))
    };
    let mut rows = Vec::with_capacity(sheet.rows.len());
    for (place, ((line, record), labels_of)) in sheet.rows.iter().zip(values).enumerate() {
        let cell = |role| columns.cell(role, record);
        let mut skip = |why: String| skipped.push(Skipped { line: *line, why });
        if said(cell("path")).is_none() {
            skip("names no file".to_owned());
            continue;
        }
        let Some(split) = splits[place] else { continue };
        let boxes = match cell("boxes").map(|text| boxes::boxes(text, &labels, &labels_of)) {
            Some(Ok(boxes)) => boxes,
            Some(Err(why)) => {
                skip(why);
                continue;
            }
            None => Vec::new(),
        };
        rows.push(Row {
            line: *line,
            path: cell("path").unwrap_or_default().into(),
            labels: labels_of,
            patient: said(cell("patient")),
            split,
            sex: cell("sex").and_then(sex),
            age: cell("age").and_then(|cell| ages.read(*line, cell)),
            view: said(cell("view")).or_else(|| is_lateral(record).then(|| "LATERAL".to_owned())),
            boxes,
            boxes_on: None,
        });
    }
    notes.extend(ages.note());
    Ok((labels, rows))
}

/// Each row's split, where it has one; the outer `None` is a row that is left out.
fn splits(
    sheet: &Sheet,
    columns: &Columns,
    spec: &ColumnSpec,
    notes: &mut Vec<String>,
    skipped: &mut Vec<Skipped>,
) -> Result<Vec<Option<Option<Given>>>, TableError> {
    let words: Vec<Option<String>> =
        sheet.rows.iter().map(|(_, record)| said(columns.cell("split", record))).collect();
    if spec.val.is_some() || spec.test.is_some() {
        let is = |word: &str, wanted: &Option<String>| wanted.as_ref().is_some_and(|wanted| wanted == word);
        for wanted in [&spec.val, &spec.test].into_iter().flatten() {
            if !words.iter().flatten().any(|word| word == wanted) {
                let what = format!("no row has the split `{}` of data.columns", one_line(wanted, 40));
                return Err(TableError::new(&sheet.path, what));
            }
        }
        let of = |word: &Option<String>| {
            let word = word.as_ref()?;
            Some(Given::Split(match word {
                word if is(word, &spec.test) => Split::Test,
                word if is(word, &spec.val) => Split::Val,
                _ => Split::Train,
            }))
        };
        return Ok(words.iter().map(|word| Some(of(word))).collect());
    }
    let numbers = words.iter().flatten().all(|word| word.parse::<u32>().is_ok());
    if numbers && words.iter().any(Option::is_some) {
        let name = columns.of.get("split").and_then(|place| sheet.heading.get(*place));
        notes.push(format!(
            "column {} holds numbers, so it is taken for folds and not used; data.columns=val=0,test=1 makes splits of \
             two of them",
            name.map_or("split", String::as_str)
        ));
        return Ok(vec![Some(None); sheet.rows.len()]);
    }
    let mut found = Vec::with_capacity(words.len());
    for ((line, _), word) in sheet.rows.iter().zip(words) {
        found.push(match word {
            None => Some(None),
            Some(word) => match split_of(&word) {
                Some(split) => Some(Some(Given::Split(split))),
                None => {
                    let why = format!("has the split `{word}`, which is none of train, val and test");
                    skipped.push(Skipped { line: *line, why });
                    None
                }
            },
        });
    }
    if found.iter().all(Option::is_none) {
        let first = skipped.iter().rev().find(|row| row.why.starts_with("has the split"));
        let first = first.map_or(String::new(), |row| format!("; line {} {}", row.line, row.why));
        let what =
            format!("no row has a split that is known; data.columns=val=A,test=B names the values{first}");
        return Err(TableError::new(&sheet.path, what));
    }
    Ok(found)
}

/// Gives rows the files that their cells name; those whose file isn't there or was named before are skipped.
fn find_files(
    path: &Path,
    rows: &mut Vec<Row>,
    notes: &mut Vec<String>,
    skipped: &mut Vec<Skipped>,
) -> Result<(), TableError> {
    let mut files =
        Files::of(path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")));
    let mut lines: HashMap<PathBuf, u64> = HashMap::new();
    let (all, mut missing) = (rows.len(), None);
    rows.retain_mut(|row| {
        let cell = row.path.to_string_lossy().into_owned();
        let name = one_line(&cell, 100);
        let Some(image) = files.find(&cell) else {
            missing.get_or_insert((row.line, name.clone()));
            skipped.push(Skipped { line: row.line, why: format!("names {name}, which is not there") });
            return false;
        };
        if let Some(before) = lines.insert(image.clone(), row.line) {
            skipped.push(Skipped { line: row.line, why: format!("names {name} as line {before} does") });
            return false;
        }
        row.path = image;
        true
    });
    if rows.is_empty() {
        let all = thousands(all as u64);
        let what = match missing {
            Some((line, name)) => format!(
                "none of its {all} images is there, the first is {name} in line {line}; paths are taken from the \
                 table's folder"
            ),
            None => match skipped.first() {
                Some(first) => format!("no row can be taken; line {} {}", first.line, first.why),
                None => "no row names an image".to_owned(),
            },
        };
        return Err(TableError::new(path, what));
    }
    if files.by_name_alone > 0 {
        let count = thousands(files.by_name_alone as u64);
        notes.push(format!("{count} images were found below the table's folder by their names"));
    }
    Ok(())
}

/// The split that a word means.
pub(super) fn split_of(word: &str) -> Option<Split> {
    match word.to_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" | "validate" | "dev" => Some(Split::Val),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}
