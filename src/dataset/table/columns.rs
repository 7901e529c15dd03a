//! Which column of a table is for what: as `data.columns` says, else by its name.

use std::collections::HashMap;
use std::path::Path;

use crate::dataset::sheet::{Record, Sheet};
use crate::dataset::table_error::TableError;
use crate::text::one_line;

/// What a column can be for, with the names that are taken for it.
pub(super) const ROLES: [(&str, &[&str]); 8] = [
    (
        "path",
        &[
            "path",
            "file",
            "filename",
            "file name",
            "image",
            "image path",
            "image index",
            "image id",
            "image name",
            "file path",
            "img",
            "dicom",
            "dicom id",
        ],
    ),
    (
        "findings",
        &[
            "finding labels",
            "findings",
            "finding",
            "labels",
            "label",
            "diagnosis",
            "conditions",
            "class name",
            "class",
        ],
    ),
    ("patient", &["patient", "patient id", "subject id", "subject", "pid"]),
    ("split", &["split", "set", "subset", "fold", "partition"]),
    ("sex", &["sex", "gender", "patient sex", "patient gender", "patient sex dicom"]),
    ("age", &["age", "patient age", "age years"]),
    ("view", &["view", "view position", "projection", "ap pa"]),
    ("boxes", &["boxes", "bbox", "bounding boxes"]),
];

/// What a label that nobody decided counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CountsAs {
    /// Absent (0) or present (1).
    Label(u8),
    /// Unknown: it is left out everywhere.
    Ignored,
}

/// The content of `data.columns`.
#[derive(Debug, Default)]
pub(super) struct ColumnSpec {
    pub columns: HashMap<String, String>,
    /// Conditions that count, in their order; empty for all.
    pub labels: Vec<String>,
    pub separator: Option<String>,
    /// What -1 (uncertain, as CheXpert has it) counts as.
    pub uncertain: Option<CountsAs>,
    /// What an empty cell counts as.
    pub blank: Option<CountsAs>,
    /// Values of the split column that mean validation and test, e.g. folds; all others are then for training.
    pub val: Option<String>,
    pub test: Option<String>,
}

impl ColumnSpec {
    /// Parses `text`; `table` is for the error.
    pub fn parse(text: &str, table: &Path) -> Result<Self, TableError> {
        let mut spec = Self::default();
        let fail = |word: &str| {
            let roles = ROLES.map(|(role, _)| role).join(", ");
            let what = format!(
                "`data.columns` can't hold `{}`; write ROLE=COLUMN with commas between, where ROLE is {roles}, or \
                 labels=A+B, separator=;, uncertain=0|1|ignore, blank=0|ignore, val=VALUE, test=VALUE",
                one_line(word, 60)
            );
            TableError::new(table, what)
        };
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').ok_or_else(|| fail(word))?;
            let (name, value) = (name.trim(), value.trim());
            let counts_as = || match value {
                "0" => Ok(CountsAs::Label(0)),
                "1" if name == "uncertain" => Ok(CountsAs::Label(1)),
                "ignore" => Ok(CountsAs::Ignored),
                _ => Err(fail(word)),
            };
            match name {
                "labels" => spec.labels = value.split('+').map(|name| name.trim().to_owned()).collect(),
                "separator" if !value.is_empty() => spec.separator = Some(value.to_owned()),
                "uncertain" => spec.uncertain = Some(counts_as()?),
                "blank" => spec.blank = Some(counts_as()?),
                "val" if !value.is_empty() => spec.val = Some(value.to_owned()),
                "test" if !value.is_empty() => spec.test = Some(value.to_owned()),
                _ if ROLES.iter().any(|(role, _)| *role == name) && !value.is_empty() => {
                    spec.columns.insert(name.to_owned(), value.to_owned());
                }
                _ => return Err(fail(word)),
            }
        }
        Ok(spec)
    }

    /// Whether images and labels are left to be found.
    pub fn is_open(&self) -> bool {
        self.labels.is_empty() && !self.columns.contains_key("path") && !self.columns.contains_key("findings")
    }
}

/// The columns of a table by what they are for.
pub(super) struct Columns {
    pub of: HashMap<&'static str, usize>,
}

impl Columns {
    /// Finds them in `sheet`.
    pub fn find(sheet: &Sheet, spec: &ColumnSpec) -> Result<Self, TableError> {
        let known = || one_line(&sheet.heading.join(", "), 300);
        let mut of = HashMap::new();
        for (role, names) in ROLES {
            let found = match spec.columns.get(role) {
                Some(name) => Some(sheet.column(&[name]).ok_or_else(|| {
                    let what = format!("has no column `{name}` for {role}; its columns are {}", known());
                    TableError::new(&sheet.path, what)
                })?),
                None => sheet.column(names),
            };
            if let Some(found) = found {
                of.insert(role, found);
            }
        }
        if !of.contains_key("path") {
            let what = format!(
                "no column seems to name the images; set data.columns=path=NAME; the columns are {}",
                known()
            );
            return Err(TableError::new(&sheet.path, what));
        }
        // Labels that were named win over a column of findings that was only found.
        let all_named = || spec.labels.iter().all(|name| sheet.column(&[name]).is_some());
        if !spec.labels.is_empty() && !spec.columns.contains_key("findings") && all_named() {
            of.remove("findings");
        }
        Ok(Self { of })
    }

    /// The cell of a role in a row.
    pub fn cell<'a>(&self, role: &str, record: &'a Record) -> Option<&'a str> {
        record.get(*self.of.get(role)?)
    }

    /// How they were understood, for a note.
    pub fn described(&self, sheet: &Sheet) -> String {
        let roles = ROLES.iter().filter_map(|(role, _)| {
            let column = sheet.heading.get(*self.of.get(role)?)?;
            Some(format!("{role} = {column}"))
        });
        one_line(&roles.collect::<Vec<_>>().join(", "), 300)
    }
}
