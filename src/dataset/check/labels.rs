//! Labels that can't be, or that measure nothing.

use super::{Finding, Place, Severity, images as many};
use crate::dataset::{Dataset, Split};
use crate::metrics::two_sided_p;
use crate::text::counted;

/// Shares that differ with less than this probability by chance, over all conditions and splits together (Bonferroni).
const CHANCE: f64 = 0.001;
/// Older than anybody was.
const OLDEST: u16 = 120;

/// All checks of labels and ages.
pub fn all(dataset: &Dataset) -> Vec<Finding> {
    let mut findings = Vec::new();
    unmeasurable(dataset, &mut findings);
    twins(dataset, &mut findings);
    crowded(dataset, &mut findings);
    shares(dataset, &mut findings);
    ages(dataset, &mut findings);
    findings
}

fn add(findings: &mut Vec<Finding>, severity: Severity, sentence: String, examples: Vec<Vec<Place>>) {
    findings.push(Finding::new("label", severity, sentence, examples));
}

fn names(dataset: &Dataset, columns: &[usize]) -> String {
    let names: Vec<&str> = columns
        .iter()
        .filter_map(|column| dataset.labels().get(*column))
        .map(|label| label.name.as_str())
        .collect();
    crate::text::one_line(&names.join(", "), 300)
}

/// Conditions that are on no image of a split, or on all.
fn unmeasurable(dataset: &Dataset, findings: &mut Vec<Finding>) {
    for split in Split::ALL {
        let stats = dataset.stats(split);
        if stats.images == 0 {
            add(
                findings,
                Severity::Warning,
                format!("the {split} split is empty; training needs all three"),
                vec![],
            );
            continue;
        }
        let columns = |is: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..stats.positives.len()).filter(|column| is(*column)).collect()
        };
        let never = columns(&|column| stats.positives[column] == 0);
        let always = columns(&|column| stats.known(column) > 0 && stats.negatives(column) == 0);
        if !never.is_empty() {
            let names = names(dataset, &never);
            let what = match split {
                Split::Train => "can't be learned",
                _ => "can't be measured there: its AUROC is undefined and left out of the mean",
            };
            add(findings, Severity::Warning, format!("no {split} image has {names}, which {what}"), vec![]);
        }
        if !always.is_empty() {
            let names = names(dataset, &always);
            let sentence = format!("every {split} image has {names}; check what the label means");
            add(findings, Severity::Warning, sentence, vec![]);
        }
    }
}

/// Conditions whose labels are the same on every image.
fn twins(dataset: &Dataset, findings: &mut Vec<Finding>) {
    let classes = dataset.labels().len();
    let used = |column: usize| Split::ALL.iter().any(|split| dataset.stats(*split).positives[column] > 0);
    for first in (0..classes).filter(|column| used(*column)) {
        for second in (first + 1..classes).filter(|column| used(*column)) {
            let equal = Split::ALL
                .iter()
                .all(|split| dataset.part(*split).labels.rows().all(|row| row[first] == row[second]));
            if equal {
                let names = names(dataset, &[first, second]);
                let sentence = format!("{names} have the same label on every image; leave one out");
                add(findings, Severity::Warning, sentence, vec![]);
            }
        }
    }
}

/// Images with more than half of all conditions.
fn crowded(dataset: &Dataset, findings: &mut Vec<Finding>) {
    let classes = dataset.labels().len();
    if classes < 4 {
        return;
    }
    let images: Vec<Vec<Place>> = super::places(dataset)
        .filter(|place| {
            let row = dataset.part(place.split).labels.row(place.index as usize);
            2 * row.iter().filter(|label| **label == 1).count() > classes
        })
        .map(|place| vec![place])
        .collect();
    if !images.is_empty() {
        let sentence =
            format!("{} with more than half of the conditions; look at the labels", many(images.len()));
        add(findings, Severity::Note, sentence, images);
    }
}

/// Conditions whose share differs between training and another split by more than chance: two-proportion z-test.
fn shares(dataset: &Dataset, findings: &mut Vec<Finding>) {
    let classes = dataset.labels().len();
    let train = dataset.stats(Split::Train);
    for split in [Split::Val, Split::Test] {
        let other = dataset.stats(split);
        let differs = |column: &usize| {
            let (a, b) = (train.positives[*column] as f64, other.positives[*column] as f64);
            let (n, m) = (train.known(*column) as f64, other.known(*column) as f64);
            let pooled = (a + b) / (n + m);
            let deviation = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
            deviation > 0.0 && two_sided_p((a / n - b / m) / deviation) < CHANCE / (2 * classes) as f64
        };
        let columns: Vec<usize> = (0..classes).filter(differs).collect();
        if !columns.is_empty() {
            let names = names(dataset, &columns);
            let sentence = format!(
                "the share of {names} differs between train and {split} by more than chance: thresholds and calibration \
                 of one may not hold for the other"
            );
            add(findings, Severity::Note, sentence, vec![]);
        }
    }
}

/// Ages that nobody has reached.
fn ages(dataset: &Dataset, findings: &mut Vec<Finding>) {
    let images: Vec<Vec<Place>> = Split::ALL
        .into_iter()
        .flat_map(|split| {
            let ages = dataset.part(split).about.age.iter().enumerate();
            ages.filter(|(_, age)| age.is_some_and(|age| age > OLDEST))
                .map(move |(index, _)| vec![Place { split, index: index as u32 }])
        })
        .collect();
    if !images.is_empty() {
        let sentence = format!(
            "{} of patients older than {OLDEST} years; data.where = age=0-{OLDEST} leaves them out",
            counted(images.len(), "image", "images")
        );
        findings.push(Finding::new("age", Severity::Note, sentence, images));
    }
}
