//! What in a data set would spoil results: images twice, patients in two splits, odd images, odd labels.
//!
//! One file for each kind of check; each is a function from a data set to findings, and a line in [`CHECKS`].

mod cache;
mod labels;
mod pixels;
mod same;
mod similar;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::{Dataset, Split};
use crate::text::counted;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Results on these images can't be believed.
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

/// An image of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The split of the image.
    pub split: Split,
    /// Its row in the split, from 0.
    pub index: u32,
}

/// Something that a person should know of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The kind of check, e.g. `same image`.
    pub kind: &'static str,
    /// How much it spoils results.
    pub severity: Severity,
    /// What it is and what to do.
    pub sentence: String,
    /// Images that show it, at most 20 groups.
    pub examples: Vec<Vec<Place>>,
}

/// Groups of images that a finding names.
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
const CHECKS: [Check; 6] = [
    Check { what: "the image cache against its checksums", lacks: not_cached, run: cache::images },
    Check { what: "images that come twice", lacks: no_images, run: same::images },
    Check { what: "images that look all but the same in two splits", lacks: no_images, run: similar::images },
    Check { what: "patients in two splits", lacks: no_patients, run: same::patients },
    Check { what: "constant, inverted and empty images", lacks: no_images, run: pixels::images },
    Check { what: "labels", lacks: |_| None, run: labels::all },
];

fn not_cached(dataset: &Dataset) -> Option<&'static str> {
    (!dataset.is_mapped()).then_some("the image cache: the images of this source are held in memory")
}

fn no_images(dataset: &Dataset) -> Option<&'static str> {
    dataset.image_size().is_none().then_some("images: the source has labels alone")
}

fn no_patients(dataset: &Dataset) -> Option<&'static str> {
    let known = Split::ALL.iter().all(|split| {
        let part = dataset.part(*split);
        part.about.patients.len() == part.labels.len()
    });
    (!known).then_some("patients in two splits: the source doesn't name patients across splits")
}

/// Does all checks that the data set allows; `keep_going` is called before each and ends them by `false`.
pub fn check(dataset: &Dataset, keep_going: &mut dyn FnMut(&'static str) -> bool) -> Report {
    let mut report = Report::default();
    for check in &CHECKS {
        if !keep_going(check.what) {
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

/// All images of a data set in order.
fn places(dataset: &Dataset) -> impl Iterator<Item = Place> + '_ {
    Split::ALL.into_iter().flat_map(|split| {
        (0..dataset.part(split).labels.len() as u32).map(move |index| Place { split, index })
    })
}

/// `1 image`, `3 images`.
fn images(count: usize) -> String {
    counted(count, "image", "images")
}
