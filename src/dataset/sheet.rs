//! A table in a text file: commas, semicolons or tabs between its columns, a heading above them.

use std::fs;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::table_error::TableError;
use crate::text::bytes;

/// A larger table is none of ours: NIH's has 8 MB for 112,120 images.
const LARGEST: u64 = 512 << 20;

/// The heading and rows of a table.
#[derive(Debug)]
pub struct Sheet {
    pub heading: Vec<String>,
    /// Rows with the line each begins at, counted from 1. A row may be shorter than the heading.
    pub rows: Vec<(u64, StringRecord)>,
}

impl Sheet {
    /// Reads the table at `path`.
    ///
    /// # Errors
    /// When it can't be read, is no text, is larger than 512 MB, or has no rows.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let fail = |what: String| TableError::new(path, what);
        let found = fs::metadata(path)
            .map_err(|error| fail(format!("the table can't be read ({error}); check its path")))?;
        if !found.is_file() {
            return Err(fail("is no file; give the table itself".into()));
        }
        if found.len() > LARGEST {
            let (long, most) = (bytes(found.len()), bytes(LARGEST));
            return Err(fail(format!(
                "the table is {long} long, more than the {most} allowed; give one of labels"
            )));
        }
        let raw = fs::read(path).map_err(|error| fail(format!("the table can't be read ({error})")))?;
        let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw);
        let first = raw.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = [b',', b'\t', b';'].into_iter().max_by_key(|mark| {
            // The first of equals wins only when there are none, which is a table of one column.
            first.iter().filter(|byte| *byte == mark).count()
        });
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or(b','))
            .flexible(true)
            .trim(Trim::All)
            .from_reader(raw);
        let said = |error: csv::Error| match error.kind() {
            csv::ErrorKind::Utf8 { pos, .. } => {
                let line = pos.as_ref().map_or(1, csv::Position::line);
                fail(format!("line {line} of the table isn't text in UTF-8; save the table as CSV in UTF-8"))
            }
            _ => fail(format!("the table can't be read ({error}); save it as CSV")),
        };
        let heading: Vec<String> = reader.headers().map_err(said)?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.into_records() {
            let record = record.map_err(said)?;
            if record.iter().any(|cell| !cell.is_empty()) {
                rows.push((record.position().map_or(0, csv::Position::line), record));
            }
        }
        if rows.is_empty() {
            return Err(fail("the table has no rows; it needs a heading and a row for each image".into()));
        }
        if rows.len() > u32::MAX as usize {
            return Err(fail("the table has more than 4,294,967,295 rows; divide it".into()));
        }
        Ok(Self { heading, rows })
    }

    /// The place of the first column that is called one of `names`, in any case and with any marks between words.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        let plain = |name: &str| -> String {
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        names.iter().find_map(|name| self.heading.iter().position(|column| plain(column) == plain(name)))
    }
}

/// A cell that isn't empty.
pub fn said(cell: Option<&str>) -> Option<String> {
    cell.map(str::trim).filter(|cell| !cell.is_empty()).map(|cell| crate::text::one_line(cell, 100))
}
