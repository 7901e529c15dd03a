//! `csv:FILE`: a table of any shape that names pictures and their labels.
//!
//! Its columns are given (`data.columns`) or guessed by name, which is reported. Labels come in one of two forms:
//! a column of 0 and 1 for each condition, or one column of findings with a mark between them.

mod labels;

use std::collections::HashMap;
use std::path::Path;

use super::demographics::{UnreadableAges, sex};
use super::labels::{LabelSet, key_of};
use super::listing::Listing;
use super::row::{Given, Row};
use super::sheet::{Sheet, said};
use super::table_error::TableError;
use super::{DataError, Split};
use crate::text::{one_line, thousands};

/// What a column can be for, with the names that are taken for it.
const ROLES: [(&str, &[&str]); 8] = [
    (
        "path",
        &["path", "file", "filename", "image", "image path", "image index", "file path", "img", "dicom"],
    ),
    ("findings", &["finding labels", "findings", "finding", "labels", "label", "diagnosis", "conditions"]),
    ("patient", &["patient", "patient id", "subject id", "subject", "pid"]),
    ("split", &["split", "set", "subset", "fold", "partition"]),
    ("sex", &["sex", "gender", "patient sex", "patient gender"]),
    ("age", &["age", "patient age", "age years"]),
    ("view", &["view", "view position", "projection", "ap pa"]),
    ("boxes", &["boxes", "bbox", "bounding boxes"]),
];
/// The content of `data.columns`.
#[derive(Debug, Default)]
struct ColumnSpec {
    columns: HashMap<String, String>,
    /// Conditions that count, in their order; empty for all.
    labels: Vec<String>,
    separator: Option<String>,
    /// What -1 (uncertain, as CheXpert has it) counts as.
    uncertain: Option<u8>,
}

impl ColumnSpec {
    fn parse(text: &str, table: &Path) -> Result<Self, TableError> {
        let mut spec = Self::default();
        let fail = |word: &str| {
            let roles = ROLES.map(|(role, _)| role).join(", ");
            let what = format!(
                "`data.columns` can't hold `{}`; write ROLE=COLUMN with commas between, where ROLE is {roles}, or \
                 labels=A+B, separator=;, uncertain=0 or 1",
                one_line(word, 60)
            );
            TableError::new(table, what)
        };
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').ok_or_else(|| fail(word))?;
            let (name, value) = (name.trim(), value.trim());
            match name {
                "labels" => spec.labels = value.split('+').map(|name| name.trim().to_owned()).collect(),
                "separator" if !value.is_empty() => spec.separator = Some(value.to_owned()),
                "uncertain" => {
                    spec.uncertain =
                        Some(value.parse().ok().filter(|value| *value <= 1).ok_or_else(|| fail(word))?);
                }
                _ if ROLES.iter().any(|(role, _)| *role == name) && !value.is_empty() => {
                    spec.columns.insert(name.to_owned(), value.to_owned());
                }
                _ => return Err(fail(word)),
            }
        }
        Ok(spec)
    }
}

/// The columns of a table by what they are for.
struct Columns {
    of: HashMap<&'static str, usize>,
}

impl Columns {
    fn find(sheet: &Sheet, spec: &ColumnSpec, table: &Path) -> Result<Self, TableError> {
        let mut of = HashMap::new();
        for (role, names) in ROLES {
            let found = match spec.columns.get(role) {
                Some(name) => Some(sheet.column(&[name]).ok_or_else(|| {
                    let known = one_line(&sheet.heading.join(", "), 300);
                    TableError::new(
                        table,
                        format!("has no column `{name}` for {role}; its columns are {known}"),
                    )
                })?),
                None => sheet.column(names),
            };
            if let Some(found) = found {
                of.insert(role, found);
            }
        }
        if !of.contains_key("path") {
            let known = one_line(&sheet.heading.join(", "), 300);
            let what = format!(
                "no column seems to name the images; set data.columns=path=NAME; the columns are {known}"
            );
            return Err(TableError::new(table, what));
        }
        Ok(Self { of })
    }

    fn cell<'a>(&self, role: &str, record: &'a csv::StringRecord) -> Option<&'a str> {
        record.get(*self.of.get(role)?)
    }
}

/// Reads the table at `path`; pictures are looked for relative to its folder.
///
/// # Errors
/// When the table can't be read or understood, names pictures that aren't there, or a label is neither 0 nor 1.
pub fn listing(path: &Path, columns: &str) -> Result<Listing, DataError> {
    let spec = ColumnSpec::parse(columns, path)?;
    let sheet = Sheet::read(path)?;
    let columns = Columns::find(&sheet, &spec, path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut notes = Vec::new();
    let (labels, values) = labels::labels(&sheet, &columns, &spec, path, &mut notes)?;
    notes.insert(0, described(&sheet, &columns, &labels));

    let mut rows = Vec::with_capacity(sheet.rows.len());
    let mut lines: HashMap<std::path::PathBuf, u64> = HashMap::new();
    let mut missing = Vec::new();
    let mut ages = UnreadableAges::default();
    for ((line, record), labels_of) in sheet.rows.iter().zip(values) {
        let cell = |role| columns.cell(role, record);
        let fail = |what: String| TableError::new(path, format!("line {line} {what}"));
        let name = said(cell("path")).ok_or_else(|| fail("names no file; remove it or fill it in".into()))?;
        let image = folder.join(cell("path").unwrap_or_default());
        if !image.is_file() {
            missing.push((*line, name.clone()));
        }
        if let Some(before) = lines.insert(image.clone(), *line) {
            return Err(fail(format!("names {name} as line {before} does; keep one of the two")).into());
        }
        let split = match said(cell("split")) {
            Some(word) => Some(Given::Split(split_of(&word).ok_or_else(|| {
                fail(format!("has the split `{word}`; write train, val or test, or nothing"))
            })?)),
            None => None,
        };
        let boxes = match cell("boxes") {
            Some(text) => boxes(text, &labels, &labels_of).map_err(fail)?,
            None => Vec::new(),
        };
        rows.push(Row {
            path: image,
            labels: labels_of,
            patient: said(cell("patient")),
            split,
            sex: cell("sex").and_then(sex),
            age: cell("age").and_then(|cell| ages.read(*line, cell)),
            view: said(cell("view")),
            boxes,
        });
    }
    if let Some((line, name)) = missing.first() {
        let (count, all) = (thousands(missing.len() as u64), thousands(rows.len() as u64));
        let what = format!(
            "{count} of {all} images are not there, the first is {name} in line {line}; paths are taken from the table's folder"
        );
        return Err(TableError::new(path, what).into());
    }
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
    notes.extend(ages.note());
    Ok(Listing { table: path.to_owned(), labels, rows, has_boxes, notes })
}

/// How the columns were understood.
fn described(sheet: &Sheet, columns: &Columns, labels: &LabelSet) -> String {
    let roles = ROLES.iter().filter_map(|(role, _)| {
        let column = sheet.heading.get(*columns.of.get(role)?)?;
        Some(format!("{role} = {column}"))
    });
    let roles: Vec<String> = roles.collect();
    format!(
        "columns: {}; {} conditions: {}",
        one_line(&roles.join(", "), 300),
        labels.len(),
        one_line(&labels.keys().join(", "), 300)
    )
}

fn split_of(word: &str) -> Option<Split> {
    match word.to_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" | "validate" | "dev" => Some(Split::Val),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

/// Boxes of a cell: `finding: x y width height`, semicolons between them; the finding may be left out where the image
/// has just one.
fn boxes(text: &str, set: &LabelSet, labels: &[u8]) -> Result<Vec<(usize, [f32; 4])>, String> {
    let keys = set.keys();
    let mut found = Vec::new();
    for one in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
        let (name, numbers) = match one.split_once(':') {
            Some((name, numbers)) => (Some(name), numbers),
            None => (None, one),
        };
        let own: Vec<usize> = (0..labels.len()).filter(|class| labels[*class] == 1).collect();
        let class = match (name, own.as_slice()) {
            (Some(name), _) => keys.iter().position(|key| *key == key_of(name)),
            (None, [class]) => Some(*class),
            (None, _) => None,
        };
        let class = class.ok_or("has a box of no known finding; write finding: x y width height")?;
        let mut place = [0.0_f32; 4];
        let mut words = numbers.split([' ', ',', '[', ']']).filter(|word| !word.is_empty());
        for value in &mut place {
            let word = words.next().and_then(|word| word.parse().ok());
            *value = word
                .filter(|value: &f32| value.is_finite())
                .ok_or("has a box without four numbers; write x y width height in pixels")?;
        }
        if place[2] <= 0.0 || place[3] <= 0.0 {
            return Err("has a box without an inside; write x y width height in pixels".into());
        }
        found.push((class, place));
    }
    Ok(found)
}
