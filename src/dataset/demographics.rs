//! Age and sex of a patient as sources write them: one reader each for tables and DICOM headers.

/// Days in a year, on average over the leap years of four centuries.
const DAYS: f64 = 365.2425;

/// Whole years, rounded down, of an age such as `58`, `58.0`, `058Y`, `018M`, `104W`, `400D` (DICOM's age string, PS3.5
/// 6.2) or `3 months`. A number without a unit is years. `None` for anything else; nobody has to be alive at that age.
pub fn years(text: &str) -> Option<u16> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let per_year = match unit.trim().trim_end_matches('.').to_lowercase().as_str() {
        "" | "y" | "yr" | "yrs" | "year" | "years" => 1.0,
        "m" | "mo" | "month" | "months" => 12.0,
        "w" | "week" | "weeks" => DAYS / 7.0,
        "d" | "day" | "days" => DAYS,
        _ => return None,
    };
    let years = (number / per_year).floor();
    (years <= f64::from(u16::MAX)).then_some(years as u16)
}

/// `M`, `F` or `O` for a sex written as a letter or a word in any case; `None` where it is empty or unknown. Codes that
/// differ between sources, such as `1`, stay as they are.
pub fn sex(text: &str) -> Option<String> {
    let text = text.trim();
    let known = match text.to_lowercase().as_str() {
        "" | "u" | "unknown" | "na" | "n/a" | "nan" => return None,
        "m" | "male" | "man" => "M",
        "f" | "female" | "woman" => "F",
        "o" | "other" => "O",
        _ => return Some(crate::text::one_line(text, 100)),
    };
    Some(known.to_owned())
}

/// Ages of a table that [`years`] can't read, for a note: how many, and the first with its line.
#[derive(Debug, Default)]
pub struct UnreadableAges {
    count: u64,
    first: Option<(u64, String)>,
}

impl UnreadableAges {
    /// The years of a cell in `line`; counted where it has a text without an age.
    pub fn read(&mut self, line: u64, cell: &str) -> Option<u16> {
        let age = years(cell);
        if age.is_none() && !cell.trim().is_empty() {
            self.count += 1;
            self.first.get_or_insert_with(|| (line, crate::text::one_line(cell, 40)));
        }
        age
    }

    /// The note; `None` where all were read.
    pub fn note(&self) -> Option<String> {
        let (line, cell) = self.first.as_ref()?;
        let ages = crate::text::counted(self.count as usize, "age is", "ages are");
        Some(format!(
            "{ages} not readable and count as unknown, the first is `{cell}` in line {line}; write years, or 058Y, 003M, 013D"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_come_in_years() {
        let read = ["061Y", "003M", "018M", "104W", "013D", "400D", "45", "7", "58.0", " 3 months ", "411Y"];
        let expected = [61, 0, 1, 1, 0, 1, 45, 7, 58, 0, 411];
        assert_eq!(read.map(years), expected.map(Some));
        assert_eq!(["", "Y", "1é", "58x", "-3", "1.2.3", "70000"].map(years), [None; 7]);
    }

    #[test]
    fn letters_and_words_of_a_sex_are_one_group() {
        assert_eq!(["M", "Male", " m ", "MALE"].map(|text| sex(text).expect("known")), ["M"; 4]);
        assert_eq!(["f", "Female"].map(|text| sex(text).expect("known")), ["F"; 2]);
        assert_eq!(["", "Unknown", "nan"].map(sex), [const { None }; 3]);
        assert_eq!(sex("1").as_deref(), Some("1"));
    }

    #[test]
    fn ages_without_a_number_are_counted_with_the_first_line() {
        let mut ages = UnreadableAges::default();
        assert_eq!(
            [(2, "058Y"), (3, ""), (4, "old"), (5, "?")].map(|(at, cell)| ages.read(at, cell)),
            [Some(58), None, None, None]
        );
        let note = ages.note().expect("two");
        assert!(note.starts_with("2 ages are not readable") && note.contains("`old` in line 4"), "{note}");
        assert_eq!(UnreadableAges::default().note(), None);
    }
}
