//! The conditions of a table and each row's labels: from columns of 0 and 1, or from one column of findings.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ColumnSpec, Columns};
use crate::dataset::labels::{LabelSet, is_no_finding, key_of};
use crate::dataset::listing::counted;
use crate::dataset::sheet::Sheet;
use crate::dataset::table_error::TableError;
use crate::text::{one_line, thousands};

/// More classes than any label set of images has.
const MOST_CLASSES: usize = 500;

/// The conditions and each row's labels.
pub(super) fn labels(
    sheet: &Sheet,
    columns: &Columns,
    spec: &ColumnSpec,
    table: &Path,
    notes: &mut Vec<String>,
) -> Result<(LabelSet, Vec<Vec<u8>>), TableError> {
    // A column called `label` may hold findings or 0 and 1; its values decide.
    let flag = |cell: &str| flag(cell, spec.uncertain);
    let is_flags = |column: usize| {
        let mut cells =
            sheet.rows.iter().filter_map(|(_, record)| record.get(column)).filter(|cell| !cell.is_empty());
        let mut any = false;
        cells.all(|cell| {
            any = true;
            flag(cell).is_some() || number(cell) == Some(-1.0)
        }) && any
    };
    if let Some(&column) = columns.of.get("findings")
        && !is_flags(column)
    {
        return Ok(of_findings(sheet, column, spec, notes));
    }
    let taken: Vec<usize> =
        columns.of.iter().filter(|(role, _)| **role != "findings").map(|(_, place)| *place).collect();
    let places: Vec<usize> = if spec.labels.is_empty() {
        (0..sheet.heading.len()).filter(|place| !taken.contains(place) && is_flags(*place)).collect()
    } else {
        let find = |name: &String| {
            sheet.column(&[name]).ok_or_else(|| {
                let known = one_line(&sheet.heading.join(", "), 300);
                TableError::new(table, format!("has no column `{name}` for labels; its columns are {known}"))
            })
        };
        spec.labels.iter().map(find).collect::<Result<_, _>>()?
    };
    // "No finding" is what remains when all others are 0, never a label of its own.
    let places: Vec<usize> =
        places.into_iter().filter(|place| !is_no_finding(&sheet.heading[*place])).collect();
    let mut keyed: Vec<(String, usize)> =
        places.iter().map(|place| (key_of(&sheet.heading[*place]), *place)).collect();
    let known = LabelSet::chest_xray_14().keys();
    if keyed.len() == known.len() && keyed.iter().all(|(key, _)| known.contains(key)) {
        keyed.sort_by_key(|(key, _)| known.iter().position(|other| other == key));
    }
    check_keys(&keyed.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), table)?;
    let mut blank = 0;
    let mut values = Vec::with_capacity(sheet.rows.len());
    for (line, record) in &sheet.rows {
        let mut row = Vec::with_capacity(keyed.len());
        for (key, place) in &keyed {
            let cell = record.get(*place).unwrap_or_default();
            blank += usize::from(cell.is_empty());
            row.push(flag(cell).ok_or_else(|| {
                let cell = one_line(cell, 30);
                let cure = match cell.starts_with('-') {
                    true => "add uncertain=0 or uncertain=1 to data.columns to count -1 as that",
                    false => "a label is 0 or 1",
                };
                TableError::new(table, format!("line {line} has `{cell}` for {key}; {cure}"))
            })?);
        }
        values.push(row);
    }
    if blank > 0 {
        notes.push(format!("{} empty labels count as 0", thousands(blank as u64)));
    }
    Ok((LabelSet::of_keys(&keyed.into_iter().map(|(key, _)| key).collect::<Vec<_>>()), values))
}

fn check_keys(keys: &[String], table: &Path) -> Result<(), TableError> {
    if keys.is_empty() {
        let what = "no column holds labels (0 and 1 for each condition, or findings); name them with \
                    data.columns=labels=A+B or findings=NAME";
        return Err(TableError::new(table, what));
    }
    if keys.len() > MOST_CLASSES {
        let what = format!(
            "{} columns look like labels, more than {MOST_CLASSES}; name those that are with data.columns=labels=A+B",
            keys.len()
        );
        return Err(TableError::new(table, what));
    }
    for (place, key) in keys.iter().enumerate() {
        if key.is_empty() || keys[..place].contains(key) {
            let what =
                format!("two label columns mean `{key}`; rename one, or choose with data.columns=labels=A+B");
            return Err(TableError::new(table, what));
        }
    }
    Ok(())
}

fn number(cell: &str) -> Option<f64> {
    cell.parse().ok()
}

/// 0 or 1; an empty cell is 0, -1 by `uncertain` of the column specification.
fn flag(cell: &str, uncertain: Option<u8>) -> Option<u8> {
    match cell.to_lowercase().as_str() {
        "" | "false" | "no" => return Some(0),
        "true" | "yes" => return Some(1),
        _ => {}
    }
    match number(cell)? {
        0.0 => Some(0),
        1.0 => Some(1),
        -1.0 => uncertain,
        _ => None,
    }
}

/// Labels from one column of findings.
fn of_findings(
    sheet: &Sheet,
    column: usize,
    spec: &ColumnSpec,
    notes: &mut Vec<String>,
) -> (LabelSet, Vec<Vec<u8>>) {
    let cells = || sheet.rows.iter().map(|(_, record)| record.get(column).unwrap_or_default());
    let separator = spec.separator.clone().unwrap_or_else(|| {
        let marks = ["|", ";", ","];
        let used = |mark: &&str| cells().filter(|cell| cell.contains(*mark)).count();
        let found = marks
            .into_iter()
            .max_by_key(|mark| (used(mark), std::cmp::Reverse(marks.iter().position(|m| m == mark))));
        found.unwrap_or("|").to_owned()
    });
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for finding in
        cells().flat_map(|cell| cell.split(separator.as_str())).filter(|finding| !is_no_finding(finding))
    {
        *counts.entry(key_of(finding)).or_insert(0) += 1;
    }
    let fourteen = LabelSet::chest_xray_14().keys();
    let keys: Vec<String> = if !spec.labels.is_empty() {
        spec.labels.iter().map(|name| key_of(name)).collect()
    } else if counts.keys().all(|key| fourteen.contains(key)) {
        fourteen
    } else {
        counts.keys().take(MOST_CLASSES).cloned().collect()
    };
    let left: BTreeMap<String, usize> = counts.into_iter().filter(|(key, _)| !keys.contains(key)).collect();
    if !left.is_empty() {
        notes.push(format!("findings that are none of the labels count for nothing: {}", counted(&left)));
    }
    let row = |cell: &str| {
        let found: Vec<String> = cell.split(separator.as_str()).map(key_of).collect();
        keys.iter().map(|key| u8::from(found.contains(key))).collect()
    };
    let values = cells().map(row).collect();
    (LabelSet::of_keys(&keys), values)
}
