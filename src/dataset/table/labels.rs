//! The conditions of a table and each row's labels: from columns of 0 and 1, or from one column of findings.

use std::collections::{BTreeMap, HashSet};

use super::columns::{ColumnSpec, Columns, CountsAs};
use super::flag::{Flag, flag, number};
use crate::dataset::labels::{LabelSet, is_no_finding, key_of};
use crate::dataset::listing::counted as listed;
use crate::dataset::sheet::Sheet;
use crate::dataset::table_error::TableError;
use crate::label::{ABSENT, PRESENT, UNKNOWN};
use crate::text::{alphanumeric, counted, one_line, thousands};

/// More classes than any label set of images has.
const MOST_CLASSES: usize = 500;
/// One in so many cells of a label column may be something else, which is named.
const OTHERS: usize = 5;
/// Cells that a note names.
const NAMED: usize = 5;

/// Columns of 0 and 1 that are no conditions, letters and digits alone.
const METADATA: [&str; 33] = [
    "",
    "id",
    "index",
    "unnamed0",
    "followup",
    "fold",
    "cv",
    "split",
    "set",
    "train",
    "val",
    "valid",
    "validation",
    "test",
    "istest",
    "male",
    "female",
    "ismale",
    "isfemale",
    "sex",
    "gender",
    "frontal",
    "lateral",
    "isfrontal",
    "islateral",
    "ap",
    "pa",
    "portable",
    "isportable",
    "quality",
    "exclude",
    "excluded",
    "age",
];

/// The conditions that most tables of CheXpert's labeler have, by key; a table with ten of them leaves unmentioned ones
/// blank.
const CHEXPERT: [&str; 13] = [
    "enlarged_cardiomediastinum",
    "cardiomegaly",
    "lung_opacity",
    "lung_lesion",
    "edema",
    "consolidation",
    "pneumonia",
    "atelectasis",
    "pneumothorax",
    "effusion",
    "pleural_other",
    "fracture",
    "support_devices",
];

/// The conditions and each row's labels.
///
/// # Errors
/// When no column holds labels, or two mean the same condition.
pub(super) fn labels(
    sheet: &Sheet,
    columns: &Columns,
    spec: &ColumnSpec,
    notes: &mut Vec<String>,
) -> Result<(LabelSet, Vec<Vec<u8>>), TableError> {
    // A column called `label` may hold findings or 0 and 1; its values decide.
    if let Some(&column) = columns.of.get("findings")
        && Tally::of(sheet, column).is_findings()
    {
        return of_findings(sheet, column, spec, notes);
    }
    let places = if spec.labels.is_empty() {
        found_columns(sheet, columns, notes)
    } else {
        let find = |name: &String| {
            sheet.column(&[name]).ok_or_else(|| {
                let known = one_line(&sheet.heading.join(", "), 300);
                let what = format!("has no column `{name}` for labels; its columns are {known}");
                TableError::new(&sheet.path, what)
            })
        };
        spec.labels.iter().map(find).collect::<Result<_, _>>()?
    };
    // "No finding" is what remains when all others are 0, never a label of its own.
    let normal = places.iter().copied().find(|place| is_no_finding(&sheet.heading[*place]));
    let places = places.into_iter().filter(|place| !is_no_finding(&sheet.heading[*place]));
    let mut keyed: Vec<(String, usize)> =
        places.map(|place| (key_of(&sheet.heading[place]), place)).collect();
    let known = LabelSet::chest_xray_14().keys();
    if keyed.len() == known.len() && keyed.iter().all(|(key, _)| known.contains(key)) {
        keyed.sort_by_key(|(key, _)| known.iter().position(|other| other == key));
    }
    let keys: Vec<String> = keyed.iter().map(|(key, _)| key.clone()).collect();
    check_keys(&keys, sheet)?;
    let values = of_flags(sheet, &keyed, normal, spec, notes)?;
    Ok((LabelSet::of_keys(&keys), values))
}

/// How many cells of a column say what.
#[derive(Default)]
struct Tally {
    labels: usize,
    negatives: usize,
    uncertain: usize,
    others: usize,
    numbers: usize,
    /// The first other cell, with its line.
    first: Option<(u64, String)>,
    /// Whether another text than the words for labels comes more than once: a name, not a slip.
    repeated: bool,
}

impl Tally {
    fn of(sheet: &Sheet, column: usize) -> Self {
        let mut tally = Self::default();
        let mut words: HashSet<&str> = HashSet::new();
        for (line, record) in &sheet.rows {
            let cell = record.get(column).unwrap_or_default();
            match flag(cell) {
                Flag::Label(label) => {
                    tally.labels += 1;
                    tally.negatives += usize::from(label == ABSENT);
                }
                Flag::Uncertain => tally.uncertain += 1,
                Flag::Blank | Flag::Missing => {}
                Flag::Other => {
                    tally.others += 1;
                    let is_number = number(cell).is_some();
                    tally.numbers += usize::from(is_number);
                    tally.repeated |= !is_number && !words.insert(cell);
                    tally.first.get_or_insert_with(|| (*line, one_line(cell, 30)));
                }
            }
        }
        tally
    }

    /// Whether these are labels of a condition, but for a few cells.
    fn is_labels(&self) -> bool {
        let decided = self.labels + self.uncertain;
        decided > 0 && self.others * OTHERS <= decided + self.others && self.numbers == 0
    }

    /// Whether these are names of findings.
    fn is_findings(&self) -> bool {
        self.repeated
            || !self.is_labels()
                && (self.others > self.numbers || self.labels + self.uncertain + self.others == 0)
    }
}

/// The columns whose cells are labels, in their order. Others that hold some are noted.
fn found_columns(sheet: &Sheet, columns: &Columns, notes: &mut Vec<String>) -> Vec<usize> {
    let taken: Vec<usize> =
        columns.of.iter().filter(|(role, _)| **role != "findings").map(|(_, place)| *place).collect();
    let known = LabelSet::chest_xray_14().keys();
    let (mut found, mut left) = (Vec::new(), Vec::new());
    for place in (0..sheet.heading.len()).filter(|place| !taken.contains(place)) {
        let (name, tally) = (&sheet.heading[place], Tally::of(sheet, place));
        let is_condition = known.contains(&key_of(name)) && tally.labels > 0;
        if METADATA.contains(&alphanumeric(name).as_str()) {
            if tally.is_labels() && !name.is_empty() {
                left.push(one_line(name, 40));
            }
        } else if is_condition || tally.is_labels() {
            found.push(place);
        } else if let Some((line, cell)) = tally.first.filter(|_| tally.labels > tally.others) {
            left.push(format!("{} (line {line} has `{cell}`)", one_line(name, 40)));
        }
    }
    if !left.is_empty() {
        notes.push(format!(
            "columns with 0 and 1 that are not taken for conditions: {}; data.columns=labels=A+B chooses",
            one_line(&left.join(", "), 300)
        ));
    }
    found
}

/// Labels from a column for each condition.
fn of_flags(
    sheet: &Sheet,
    keyed: &[(String, usize)],
    normal: Option<usize>,
    spec: &ColumnSpec,
    notes: &mut Vec<String>,
) -> Result<Vec<Vec<u8>>, TableError> {
    let chexpert = keyed.iter().filter(|(key, _)| CHEXPERT.contains(&key.as_str())).count() >= 10;
    // A blank is unknown, except where only what is present was written down.
    let blank: Vec<CountsAs> = keyed
        .iter()
        .map(|(_, place)| match spec.blank {
            Some(given) => given,
            None if chexpert || Tally::of(sheet, *place).negatives == 0 => CountsAs::Label(ABSENT),
            None => CountsAs::Ignored,
        })
        .collect();
    let uncertain = spec.uncertain.unwrap_or(CountsAs::Ignored);
    let of = |counts: CountsAs| match counts {
        CountsAs::Label(label) => label,
        CountsAs::Ignored => UNKNOWN,
    };
    let (mut blanks, mut uncertains, mut missing) = ([0_usize; 2], 0_usize, 0_usize);
    let mut others = Vec::new();
    let mut values = Vec::with_capacity(sheet.rows.len());
    for (line, record) in &sheet.rows {
        // "No finding" decides what the others leave open.
        let healthy = normal.and_then(|place| record.get(place)).map(flag) == Some(Flag::Label(PRESENT));
        let row = keyed.iter().zip(&blank).map(|((key, place), blank)| {
            let cell = record.get(*place).unwrap_or_default();
            match flag(cell) {
                Flag::Label(label) => label,
                Flag::Blank if healthy => ABSENT,
                Flag::Blank => {
                    blanks[usize::from(*blank == CountsAs::Ignored)] += 1;
                    of(*blank)
                }
                Flag::Uncertain => {
                    uncertains += 1;
                    of(uncertain)
                }
                Flag::Missing => {
                    missing += 1;
                    UNKNOWN
                }
                Flag::Other => {
                    others.push(format!("line {line} has `{}` for {key}", one_line(cell, 30)));
                    UNKNOWN
                }
            }
        });
        values.push(row.collect());
    }
    if !spec.labels.is_empty() && !values.iter().flatten().any(|label: &u8| *label != UNKNOWN) {
        let first = others.first().map_or(String::new(), |first| format!("; {first}"));
        let what = format!("the columns of data.columns=labels hold no labels (0 and 1){first}");
        return Err(TableError::new(&sheet.path, what));
    }
    let number = |count: usize| thousands(count as u64);
    let as_what = |counts: CountsAs| match counts {
        CountsAs::Label(label) => format!("as {label}"),
        CountsAs::Ignored => "as unknown".to_owned(),
    };
    if blanks[0] > 0 {
        notes.push(format!(
            "{} empty labels count as 0 (data.columns=blank=ignore: as unknown)",
            number(blanks[0])
        ));
    }
    if blanks[1] > 0 {
        notes.push(format!(
            "{} empty labels count as unknown (data.columns=blank=0: as 0)",
            number(blanks[1])
        ));
    }
    if uncertains > 0 {
        let (count, what) = (number(uncertains), as_what(uncertain));
        notes.push(format!(
            "{count} uncertain labels (-1) count {what} (data.columns=uncertain=0, 1 or ignore)"
        ));
    }
    if missing > 0 {
        let labels =
            counted(missing, "label is NA or the like and counts", "labels are NA or the like and count");
        notes.push(format!("{labels} as unknown"));
    }
    if !others.is_empty() {
        let cells = counted(others.len(), "cell is no label and counts", "cells are no labels and count");
        let more = if others.len() > NAMED { ", …" } else { "" };
        others.truncate(NAMED);
        notes.push(format!("{cells} as unknown: {}{more}", others.join(", ")));
    }
    Ok(values)
}

fn check_keys(keys: &[String], sheet: &Sheet) -> Result<(), TableError> {
    if keys.is_empty() {
        let what = "no column holds labels (0 and 1 for each condition, or findings); name them with \
                    data.columns=labels=A+B or findings=NAME";
        return Err(TableError::new(&sheet.path, what));
    }
    if keys.len() > MOST_CLASSES {
        let what = format!(
            "{} columns look like labels, more than {MOST_CLASSES}; name those that are with data.columns=labels=A+B",
            keys.len()
        );
        return Err(TableError::new(&sheet.path, what));
    }
    for (place, key) in keys.iter().enumerate() {
        if key.is_empty() || keys[..place].contains(key) {
            let what =
                format!("two label columns mean `{key}`; rename one, or choose with data.columns=labels=A+B");
            return Err(TableError::new(&sheet.path, what));
        }
    }
    Ok(())
}

/// The findings of a cell: between the separators, or the items of a Python list.
pub(super) fn findings_of<'a>(cell: &'a str, separators: &'a [char]) -> Vec<&'a str> {
    let cell = cell.trim();
    match cell.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(list) => items(list),
        None => cell.split(separators).map(str::trim).filter(|name| !name.is_empty()).collect(),
    }
}

/// The items of a Python list of texts, in quotation marks or bare, without its brackets.
fn items(list: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = list.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = matches!(first, '\'' | '"').then(|| {
            let inner = &rest[1..];
            let closing = inner.match_indices(first).map(|(place, _)| place).find(|place| {
                let behind = inner[place + 1..].trim_start();
                behind.is_empty() || behind.starts_with(',')
            });
            closing.map(|place| (&inner[..place], &inner[place + 1..]))
        });
        let (item, behind) = match quoted.flatten() {
            Some(found) => found,
            None => rest.find(',').map_or((rest, ""), |place| rest.split_at(place)),
        };
        if !item.trim().is_empty() {
            found.push(item.trim());
        }
        rest = behind.trim_start().strip_prefix(',').unwrap_or("").trim_start();
    }
    found
}

/// Labels from one column of findings.
fn of_findings(
    sheet: &Sheet,
    column: usize,
    spec: &ColumnSpec,
    notes: &mut Vec<String>,
) -> Result<(LabelSet, Vec<Vec<u8>>), TableError> {
    let cells = || sheet.rows.iter().map(|(_, record)| record.get(column).unwrap_or_default());
    let separators: Vec<char> = match &spec.separator {
        Some(given) => given.chars().collect(),
        None => {
            let used: Vec<char> =
                ['|', ';'].into_iter().filter(|mark| cells().any(|cell| cell.contains(*mark))).collect();
            if used.is_empty() { vec![','] } else { used }
        }
    };
    if separators.len() > 1 && spec.separator.is_none() {
        notes.push(
            "findings are separated by | and ; in this table (data.columns=separator= chooses one)".into(),
        );
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for cell in cells() {
        for finding in findings_of(cell, &separators).into_iter().filter(|name| !is_no_finding(name)) {
            *counts.entry(key_of(finding)).or_insert(0) += 1;
        }
    }
    let fourteen = LabelSet::chest_xray_14().keys();
    let keys: Vec<String> = if !spec.labels.is_empty() {
        spec.labels.iter().map(|name| key_of(name)).collect()
    } else if counts.keys().all(|key| fourteen.contains(key)) {
        fourteen
    } else {
        counts.keys().take(MOST_CLASSES).cloned().collect()
    };
    check_keys(&keys, sheet)?;
    let left: BTreeMap<String, usize> = counts.into_iter().filter(|(key, _)| !keys.contains(key)).collect();
    if !left.is_empty() {
        notes.push(format!("findings that are none of the labels count for nothing: {}", listed(&left)));
    }
    // Where normal images are called so, an empty cell says nothing.
    let says_normal = cells().any(|cell| {
        cell.trim() == "[]" || findings_of(cell, &separators).iter().any(|finding| is_no_finding(finding))
    });
    let blank = spec.blank.unwrap_or(if says_normal { CountsAs::Ignored } else { CountsAs::Label(ABSENT) });
    let mut blanks = 0_usize;
    let row = |cell: &str| {
        if matches!(flag(cell), Flag::Blank | Flag::Missing) && !is_no_finding(cell) || cell.trim().is_empty()
        {
            blanks += 1;
            let label = if blank == CountsAs::Ignored { UNKNOWN } else { ABSENT };
            return vec![label; keys.len()];
        }
        let found: Vec<String> = findings_of(cell, &separators).into_iter().map(key_of).collect();
        keys.iter().map(|key| u8::from(found.contains(key))).collect()
    };
    let values = cells().map(row).collect();
    if blanks > 0 {
        let (count, what) = (
            counted(
                blanks,
                "image without an entry for findings counts",
                "images without an entry for findings count",
            ),
            match blank {
                CountsAs::Ignored => "as unknown (data.columns=blank=0: as normal)",
                CountsAs::Label(_) => "as normal (data.columns=blank=ignore: as unknown)",
            },
        );
        notes.push(format!("{count} {what}"));
    }
    Ok((LabelSet::of_keys(&keys), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_parted_by_separators_or_items_of_a_python_list() {
        assert_eq!(findings_of("Mass| Nodule ;", &['|', ';']), ["Mass", "Nodule"]);
        assert_eq!(findings_of("['a', 'b, c', \"d's\"]", &['|']), ["a", "b, c", "d's"]);
        assert_eq!(findings_of("[a, b]", &['|']), ["a", "b"]);
        assert_eq!(findings_of("['open, b]", &['|']), ["'open", "b"]);
        assert!(findings_of("[]", &['|']).is_empty() && findings_of(" ", &['|']).is_empty());
    }
}
