//! Records of comma-separated text, strictly: RFC 4180 with any one-byte delimiter and any line ends.
//!
//! The `csv` crate has no strict mode: a quotation mark that is never closed silently swallows all the rows behind it, and
//! rows of another width shift labels. Here such a row is broken, and reading resumes at the next line.

use std::fmt;
use std::ops::Range;

/// A cell with more bytes is taken for a quotation that was never closed.
const LONGEST_QUOTED: usize = 64 << 10;

/// A row's cells, without the blanks around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    text: String,
    ends: Vec<usize>,
}

impl Record {
    /// Cell number `index`, from 0.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Whether every cell is empty.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    fn push(&mut self, cell: &str) {
        self.text.push_str(cell.trim());
        self.ends.push(self.text.len());
    }

    /// Takes the empty cells behind cell number `wanted` away.
    fn cut(&mut self, wanted: usize) {
        while self.len() > wanted && self.get(self.len() - 1) == Some("") {
            self.ends.pop();
        }
    }
}

/// Why a row isn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A quotation mark opens a cell and none closes it.
    Unclosed,
    /// Something stands between the closing quotation mark and the next delimiter.
    BehindQuote,
    /// It has another number of cells than the heading.
    Width {
        /// Cells of the row.
        found: usize,
        /// Columns of the heading.
        wanted: usize,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("opens a quotation mark that is not closed"),
            Self::BehindQuote => f.write_str("has text behind a closing quotation mark"),
            Self::Width { found, wanted } => {
                write!(f, "has {found} cells for the {wanted} columns of the heading")
            }
        }
    }
}

/// Iterates over the records of a text with the line each begins at, counted from 1. Blank lines are passed over.
pub struct Records<'a> {
    text: &'a str,
    delimiter: u8,
    at: usize,
    line: u64,
    /// The least and the usual number of cells; any before the heading is known.
    width: Option<Range<usize>>,
}

impl<'a> Records<'a> {
    /// The records of `text` from its beginning, which is line `line` of the file.
    pub fn new(text: &'a str, delimiter: u8, line: u64) -> Self {
        Self { text, delimiter, at: 0, line, width: None }
    }

    /// From now on a row has the cells of `heading`; those of the empty names at its end may be missing.
    pub fn set_width(&mut self, heading: &Record) {
        let named =
            heading.iter().enumerate().filter(|(_, name)| !name.is_empty()).map(|(place, _)| place + 1);
        self.width = Some(named.last().unwrap_or(0)..heading.len());
    }

    /// The record at the current place, and the place behind it.
    fn parse(&self) -> Result<(Record, usize), Broken> {
        let bytes = self.text.as_bytes();
        let (mut record, mut at) = (Record::default(), self.at);
        let is_end = |at: usize| bytes.get(at).is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
        loop {
            let blanks = |at: &mut usize| {
                while bytes
                    .get(*at)
                    .is_some_and(|byte| *byte == b' ' || (*byte == b'\t' && self.delimiter != b'\t'))
                {
                    *at += 1;
                }
            };
            let start = at;
            blanks(&mut at);
            if bytes.get(at) == Some(&b'"') {
                let mut cell = String::new();
                let opened = at + 1;
                at = opened;
                loop {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let limit = rest.len().min(LONGEST_QUOTED);
                    let close =
                        rest[..limit].iter().position(|byte| *byte == b'"').ok_or(Broken::Unclosed)?;
                    if at + close - opened > LONGEST_QUOTED {
                        return Err(Broken::Unclosed);
                    }
                    cell.push_str(self.text.get(at..at + close).unwrap_or_default());
                    at += close + 1;
                    if bytes.get(at) != Some(&b'"') {
                        break;
                    }
                    cell.push('"');
                    at += 1;
                }
                blanks(&mut at);
                record.push(&cell);
                if !is_end(at) && bytes[at] != self.delimiter {
                    return Err(Broken::BehindQuote);
                }
            } else {
                while !is_end(at) && bytes[at] != self.delimiter {
                    at += 1;
                }
                record.push(self.text.get(start..at).unwrap_or_default());
            }
            if is_end(at) {
                return Ok((record, behind_end(bytes, at)));
            }
            at += 1;
        }
    }
}

/// The place behind the line end at `at`.
fn behind_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..at + 2) {
        Some(b"\r\n") => at + 2,
        _ => (at + 1).min(bytes.len()),
    }
}

impl Iterator for Records<'_> {
    type Item = (u64, Result<Record, Broken>);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        loop {
            if self.at >= bytes.len() {
                return None;
            }
            let line = self.line;
            let of_line = bytes[self.at..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let next_line = of_line.map_or(bytes.len(), |length| behind_end(bytes, self.at + length));
            let mut parsed = self.parse();
            if let (Ok((record, _)), Some(width)) = (&mut parsed, &self.width) {
                record.cut(width.end);
                let found = record.len();
                if !record.is_blank() && !(width.start..=width.end).contains(&found) {
                    parsed = Err(Broken::Width { found, wanted: width.end });
                }
            }
            match parsed {
                Ok((record, behind)) => {
                    self.line += line_ends(&bytes[self.at..behind]);
                    self.at = behind;
                    if !record.is_blank() {
                        return Some((line, Ok(record)));
                    }
                }
                Err(broken) => {
                    self.line += 1;
                    self.at = next_line;
                    return Some((line, Err(broken)));
                }
            }
        }
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().enumerate().filter(|(place, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(place + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Result<Vec<String>, Broken>)> {
        let mut records = Records::new(text, b',', 1);
        let (_, heading) = records.next().expect("a heading");
        records.set_width(&heading.expect("whole"));
        let cells = |record: Record| record.iter().map(str::to_owned).collect();
        records.map(|(line, record)| (line, record.map(cells))).collect()
    }

    fn row(cells: [&str; 2]) -> Result<Vec<String>, Broken> {
        Ok(cells.map(str::to_owned).to_vec())
    }

    #[test]
    fn quoted_cells_hold_delimiters_line_ends_and_quotation_marks() {
        let rows = read("a,b\r\n\"x, y\",\"two\nlines\"\r\n \"say \"\"ah\"\"\" , 5\" \n\n,\nlast,1");
        assert_eq!(
            rows,
            [(2, row(["x, y", "two\nlines"])), (4, row(["say \"ah\"", "5\""])), (7, row(["last", "1"]))]
        );
        assert_eq!(read("a,b\rc,d\re,f"), [(2, row(["c", "d"])), (3, row(["e", "f"]))]);
    }

    #[test]
    fn a_broken_row_costs_itself_and_no_other() {
        let rows = read("a,b\n1,\"open\n2,x\n3,y\n");
        assert_eq!(rows, [(2, Err(Broken::Unclosed)), (3, row(["2", "x"])), (4, row(["3", "y"]))]);
        // Closed by the opening mark of a later row.
        let rows = read("a,b\n1,\"open\n2,x\n3,\"y\"\n");
        assert_eq!(rows, [(2, Err(Broken::BehindQuote)), (3, row(["2", "x"])), (4, row(["3", "y"]))]);
        // Closed at the end of a later row's last cell: a row of another width.
        let rows = read("a,b\n1,\"open\n2,x\"\n3,y\n");
        assert_eq!(rows[0], (2, row(["1", "open\n2,x"])));
        let rows = read("a,b\n\"open,1\nx\",2,3\n3,y\n");
        assert_eq!(rows[0], (2, Err(Broken::Width { found: 3, wanted: 2 })));
        assert_eq!(rows.last(), Some(&(4, row(["3", "y"]))));
        let long = format!("a,b\n\"{}\",1\n", "x".repeat(LONGEST_QUOTED + 1));
        assert_eq!(read(&long)[0], (2, Err(Broken::Unclosed)));
    }

    #[test]
    fn rows_have_the_cells_of_the_heading() {
        let rows = read("a,b\n1\n1,2\n1,2,\n1,2,3\n");
        let width = |found| Err(Broken::Width { found, wanted: 2 });
        assert_eq!(rows, [(2, width(1)), (3, row(["1", "2"])), (4, row(["1", "2"])), (5, width(3))]);
        // Columns without a name may be missing, as in NIH's table of boxes.
        assert_eq!(read("a,b,,\n1,2\n1,2,,\n").len(), 2);
        assert!(read("a,b,,\n1,2\n1,2,,\n").iter().all(|(_, row)| row.is_ok()));
    }
}
