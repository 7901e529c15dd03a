//! What in a data set would spoil results: films twice, patients in two splits, odd films, odd labels.
//!
//! One file for each kind of check; each is a function from a data set to findings, and a line in [`CHECKS`].

mod labels;
mod pixels;
mod same;
mod similar;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::{Dataset, Split};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Results on these films can't be believed.
    Problem,
    /// To be looked at.
    Warning,
    /// To be known.
    Note,
}

impl Severity {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A film of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    pub split: Split,
    pub index: u32,
}

/// Something that a person should know of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The kind of check, e.g. `same film`.
    pub kind: &'static str,
    pub severity: Severity,
    /// What it is and what to do.
    pub sentence: String,
    /// Films that show it, at most 20 groups.
    pub examples: Vec<Vec<Place>>,
}

/// Groups of films that a finding names.
const EXAMPLES: usize = 20;

impl Finding {
    fn new(kind: &'static str, severity: Severity, sentence: String, mut examples: Vec<Vec<Place>>) -> Self {
        examples.truncate(EXAMPLES);
        Self { kind, severity, sentence, examples }
    }
}

/// What was found and what was looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The worst first.
    pub findings: Vec<Finding>,
    /// What was looked at, in words.
    pub looked_at: Vec<&'static str>,
    /// What couldn't be, and why.
    pub not_looked_at: Vec<&'static str>,
}

/// A check: what it looks at, what it needs, and how it is done.
struct Check {
    what: &'static str,
    /// Why it can't be done on a data set; `None` where it can.
    lacks: fn(&Dataset) -> Option<&'static str>,
    run: fn(&Dataset) -> Vec<Finding>,
}

/// All checks in the order they are done.
const CHECKS: [Check; 5] = [
    Check { what: "films that come twice", lacks: no_films, run: same::films },
    Check { what: "films that look all but the same in two splits", lacks: no_films, run: similar::films },
    Check { what: "patients in two splits", lacks: no_patients, run: same::patients },
    Check { what: "constant, inverted and empty films", lacks: no_films, run: pixels::films },
    Check { what: "labels", lacks: |_| None, run: labels::all },
];

fn no_films(dataset: &Dataset) -> Option<&'static str> {
    dataset.film_size().is_none().then_some("films: the source has labels alone")
}

fn no_patients(dataset: &Dataset) -> Option<&'static str> {
    let known = Split::ALL.iter().all(|split| {
        let part = dataset.part(*split);
        part.about.patients.len() == part.labels.len()
    });
    (!known).then_some("patients in two splits: the source doesn't name patients across splits")
}

/// Does all checks that the data set allows; `go_on` is asked before each and ends them by `false`.
pub fn check(dataset: &Dataset, go_on: &mut dyn FnMut(&'static str) -> bool) -> Report {
    let mut report = Report::default();
    for check in &CHECKS {
        if !go_on(check.what) {
            break;
        }
        match (check.lacks)(dataset) {
            Some(reason) => report.not_looked_at.push(reason),
            None => {
                report.looked_at.push(check.what);
                report.findings.extend((check.run)(dataset));
            }
        }
    }
    report.findings.sort_by_key(|finding| finding.severity);
    report
}

/// All films of a data set in order.
fn places(dataset: &Dataset) -> impl Iterator<Item = Place> + '_ {
    Split::ALL.into_iter().flat_map(|split| {
        (0..dataset.part(split).labels.len() as u32).map(move |index| Place { split, index })
    })
}

/// `1 film`, `3 films`.
fn films(count: usize) -> String {
    counted(count, "film", "films")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", crate::text::thousands(count as u64), if count == 1 { one } else { many })
}
