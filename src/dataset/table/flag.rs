//! What a cell of a label column says.

/// A cell of a label column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    /// 0 or 1, in figures or words.
    Label(u8),
    /// Nothing.
    Blank,
    /// `NA` and the like: nobody knows.
    Missing,
    /// -1, CheXpert's uncertain.
    Uncertain,
    /// None of these.
    Other,
}

/// Words for absent and present.
const WORDS: [(&str, u8); 12] = [
    ("false", 0),
    ("no", 0),
    ("n", 0),
    ("negative", 0),
    ("neg", 0),
    ("absent", 0),
    ("true", 1),
    ("yes", 1),
    ("y", 1),
    ("positive", 1),
    ("pos", 1),
    ("present", 1),
];

/// Words for a value that is missing, among them those that pandas reads and R, Excel and SQL write.
const MISSING: [&str; 15] = [
    "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "nil", "none", "missing", "unknown", "unk", "?", "-",
    ".",
];

/// What `cell` says.
pub(super) fn flag(cell: &str) -> Flag {
    // Nearly all cells of nearly all tables.
    match cell {
        "" => return Flag::Blank,
        "0" | "0.0" => return Flag::Label(0),
        "1" | "1.0" => return Flag::Label(1),
        _ => {}
    }
    let word = cell.trim().to_lowercase();
    if word.is_empty() {
        return Flag::Blank;
    }
    if MISSING.contains(&word.as_str()) {
        return Flag::Missing;
    }
    if let Some((_, label)) = WORDS.iter().find(|(known, _)| *known == word) {
        return Flag::Label(*label);
    }
    if word == "uncertain" {
        return Flag::Uncertain;
    }
    match number(&word) {
        Some(0.0) => Flag::Label(0),
        Some(1.0) => Flag::Label(1),
        Some(-1.0) => Flag::Uncertain,
        _ => Flag::Other,
    }
}

/// The number in a cell, with a point or a comma.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.trim().replace(',', ".").parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_figures_or_words_and_what_is_missing_has_many_names() {
        for cell in ["0", "0.0", "-0", "FALSE", "No", "n", "negative", "0,0"] {
            assert_eq!(flag(cell), Flag::Label(0), "{cell}");
        }
        for cell in ["1", "1.0", "1e0", "TRUE", "yes", "Y", "Positive", " 1 "] {
            assert_eq!(flag(cell), Flag::Label(1), "{cell}");
        }
        for cell in ["NA", "NaN", "nan", "NULL", "None", "#N/A", "?", "-"] {
            assert_eq!(flag(cell), Flag::Missing, "{cell}");
        }
        let others = ["", "-1", "-1.0", "2", "0.5", "mass", "inf", "1 0"].map(flag);
        let expected = [Flag::Blank, Flag::Uncertain, Flag::Uncertain];
        assert_eq!(others[..3], expected);
        assert!(others[3..].iter().all(|flag| *flag == Flag::Other), "{others:?}");
    }
}
