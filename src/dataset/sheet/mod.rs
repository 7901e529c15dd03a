//! A table in a text file: commas, semicolons or tabs between its columns, a heading above them. The one reader of all
//! tables.

mod decode;
mod records;

use std::fs;
use std::path::{Path, PathBuf};

use super::table_error::TableError;
use crate::text::{alphanumeric, bytes, counted};
pub use records::Record;
use records::Records;

/// A larger table is none of ours: NIH's has 8 MB for 112,120 images.
const LARGEST: u64 = 512 << 20;
/// Skipped rows that a note names.
const NAMED: usize = 5;

/// The heading and rows of a table.
#[derive(Debug)]
pub struct Sheet {
    /// The file.
    pub path: PathBuf,
    /// Names of the columns.
    pub heading: Vec<String>,
    /// Rows with the line each begins at, counted from 1. A row may be shorter than the heading where the last columns have
    /// no name.
    pub rows: Vec<(u64, Record)>,
    /// Rows that can't be read.
    pub skipped: Vec<Skipped>,
}

/// A row that isn't taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// The line it begins at, from 1.
    pub line: u64,
    /// Why, a sentence without a subject.
    pub why: String,
}

impl Sheet {
    /// Reads the table at `path`: UTF-8 or UTF-16, plain or packed by gzip. A first line `sep=;` names the delimiter, which
    /// else is the most frequent of comma, semicolon and tab in the heading.
    ///
    /// # Errors
    /// When it can't be read, is no text, is larger than 512 MB, has no rows, or has more broken rows than whole ones.
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
        Self::parse(path, raw)
    }

    /// The table in `raw`, the content of the file at `path`.
    ///
    /// # Errors
    /// As [`Sheet::read`].
    pub fn parse(path: &Path, raw: Vec<u8>) -> Result<Self, TableError> {
        let fail = |what: String| TableError::new(path, what);
        let text = decode::text_of(raw, LARGEST).map_err(fail)?;
        let (text, delimiter, line) = match named_delimiter(&text) {
            Some((rest, delimiter)) => (rest, delimiter, 2),
            None => (text.as_str(), delimiter(&text), 1),
        };
        let mut records = Records::new(text, delimiter, line);
        let empty = || fail("the table has no rows; it needs a heading and a row for each image".into());
        let (line, heading) = records.next().ok_or_else(empty)?;
        let heading =
            heading.map_err(|broken| fail(format!("line {line}, the heading, {broken}; mend it")))?;
        records.set_width(&heading);
        let (mut rows, mut skipped) = (Vec::new(), Vec::new());
        for (line, record) in records {
            match record {
                Ok(record) => rows.push((line, record)),
                Err(broken) => skipped.push(Skipped { line, why: broken.to_string() }),
            }
            // Such a table was read by the wrong rules, whatever those are.
            if skipped.len() > 1000 + rows.len() {
                break;
            }
        }
        if skipped.len() > rows.len() {
            let (broken, first) = (counted(skipped.len(), "row", "rows"), &skipped[0]);
            return Err(fail(format!(
                "{broken} of the table can't be read, more than can; the first, line {}, {}",
                first.line, first.why
            )));
        }
        if rows.is_empty() {
            return Err(empty());
        }
        if rows.len() > u32::MAX as usize {
            return Err(fail("the table has more than 4,294,967,295 rows; divide it".into()));
        }
        let heading = heading.iter().map(str::to_owned).collect();
        Ok(Self { path: path.to_owned(), heading, rows, skipped })
    }

    /// The place of the first column that is called one of `names`, in any case and with any marks between words.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        let place =
            |name: &str| self.heading.iter().position(|column| alphanumeric(column) == alphanumeric(name));
        names.iter().find_map(|name| place(name))
    }
}

/// The lines of a list of names, without blank ones.
///
/// # Errors
/// As [`Sheet::read`], but for rows.
pub fn list(path: &Path) -> Result<Vec<String>, TableError> {
    let fail = |what: String| TableError::new(path, what);
    let raw = fs::read(path).map_err(|error| fail(format!("the list can't be read ({error})")))?;
    let text = decode::text_of(raw, LARGEST).map_err(fail)?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// The rest of a text behind a first line `sep=;`, as Excel writes it, and the delimiter it names.
fn named_delimiter(text: &str) -> Option<(&str, u8)> {
    let (first, rest) = text.split_once('\n')?;
    match first.trim_end_matches('\r').trim_matches('"').to_lowercase().strip_prefix("sep=")?.as_bytes() {
        [delimiter] => Some((rest, *delimiter)),
        _ => None,
    }
}

/// The most frequent delimiter of the heading, outside of quotation marks; a comma where there is none.
fn delimiter(text: &str) -> u8 {
    let heading = text.trim_start().lines().next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in heading.bytes() {
        quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && byte == *delimiter);
        }
    }
    // Of equally frequent ones the first: `max_by_key` would take the last.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

/// How many of a table's rows were taken, and the first of those that were not; `None` where all were.
pub fn skipped_note(table: &Path, taken: usize, skipped: &[Skipped]) -> Option<String> {
    let first = skipped.iter().take(NAMED).map(|skipped| format!("line {} {}", skipped.line, skipped.why));
    let first: Vec<String> = first.collect();
    let more = match skipped.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more (chestxr-tui data info --verbose lists all)"),
    };
    let name = table.file_name().unwrap_or_default().to_string_lossy();
    (!skipped.is_empty()).then(|| {
        format!(
            "{name}: {} taken, {} skipped: {}{more}",
            counted(taken, "row", "rows"),
            skipped.len(),
            first.join("; ")
        )
    })
}

/// A cell that isn't empty.
pub fn said(cell: Option<&str>) -> Option<String> {
    cell.map(str::trim).filter(|cell| !cell.is_empty()).map(|cell| crate::text::one_line(cell, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Sheet {
        Sheet::parse(Path::new("t.csv"), text.as_bytes().to_vec()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn delimiters_are_named_or_found_outside_of_quotation_marks() {
        for text in ["sep=;\r\na;b\r\n1;2\r\n", "a;b\n1;2\n", "\u{feff}a\tb\n1\t2\n", "\"sep=|\"\na|b\n1|2\n"]
        {
            assert_eq!(parsed(text).heading, ["a", "b"], "{text:?}");
            assert_eq!(parsed(text).rows[0].1.get(1), Some("2"), "{text:?}");
        }
        assert_eq!(parsed("\"x, y, z\";b\n1;2\n").heading, ["x, y, z", "b"]);
        assert_eq!(parsed("path\na.png\n").heading, ["path"]);
        // The line of a row counts the line that names the delimiter.
        assert_eq!(parsed("sep=;\na;b\n1;2\n").rows[0].0, 3);
    }

    #[test]
    fn rows_that_cannot_be_read_are_kept_apart_with_their_lines() {
        let sheet = parsed("a,b\n1,2\n1,2,3\n4,5\n6,\"7\n8,9\n");
        assert_eq!(
            (sheet.rows.len(), sheet.skipped.iter().map(|row| row.line).collect::<Vec<_>>()),
            (3, vec![3, 5])
        );
        let note = skipped_note(&sheet.path, sheet.rows.len(), &sheet.skipped).expect("a note");
        assert!(note.starts_with("t.csv: 3 rows taken, 2 skipped: line 3 has 3 cells for the 2"), "{note}");
        let error =
            Sheet::parse(Path::new("t.csv"), b"a,b\n1\n2\n3,4\n".to_vec()).expect_err("mostly broken");
        assert!(error.to_string().contains("2 rows of the table can't be read"), "{error}");
    }
}
