//! Images that come twice, and patients in two splits.

use std::collections::HashMap;

use super::{Finding, Place, Severity, images as many_images};
use crate::dataset::{Dataset, Split};
use crate::text::counted;

/// Images with equal pixels (equal BLAKE3): across splits, within one, and with labels that contradict each other.
pub fn images(dataset: &Dataset) -> Vec<Finding> {
    let mut groups: HashMap<_, Vec<Place>> = HashMap::new();
    for split in Split::ALL {
        let Some(images) = &dataset.part(split).images else { continue };
        for (index, hash) in images.hashes().into_iter().enumerate() {
            groups.entry(hash).or_default().push(Place { split, index: index as u32 });
        }
    }
    let mut groups: Vec<Vec<Place>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort();
    let labels = |place: &Place| dataset.part(place.split).labels.row(place.index as usize);
    let (across, within): (Vec<_>, Vec<_>) =
        groups.iter().cloned().partition(|group| group.iter().any(|place| place.split != group[0].split));
    let contradicting: Vec<Vec<Place>> = groups
        .into_iter()
        .filter(|group| group.iter().any(|place| labels(place) != labels(&group[0])))
        .collect();
    let count = |groups: &[Vec<Place>]| many_images(groups.len());
    let mut findings = Vec::new();
    let mut add = |severity, groups: Vec<Vec<Place>>, what: &str| {
        if !groups.is_empty() {
            findings.push(Finding::new("same image", severity, format!("{} {what}", count(&groups)), groups));
        }
    };
    add(Severity::Problem, across, "in two splits: test images were trained on; remove the copies");
    add(Severity::Problem, contradicting, "more than once with different labels; correct or remove them");
    add(
        Severity::Warning,
        within,
        "more than once in one split, which counts them double; remove the copies",
    );
    findings
}

/// Patients whose images are in two splits.
pub fn patients(dataset: &Dataset) -> Vec<Finding> {
    let mut of: HashMap<&str, Vec<Place>> = HashMap::new();
    for split in Split::ALL {
        for (index, patient) in dataset.part(split).about.patients.iter().enumerate() {
            of.entry(patient).or_default().push(Place { split, index: index as u32 });
        }
    }
    let mut torn: Vec<Vec<Place>> =
        of.into_values().filter(|places| places.iter().any(|place| place.split != places[0].split)).collect();
    if torn.is_empty() {
        return Vec::new();
    }
    torn.sort();
    let sentence = format!(
        "{} with {} in two splits: test patients were trained on; split by patient",
        counted(torn.len(), "patient", "patients"),
        many_images(torn.iter().map(Vec::len).sum()),
    );
    vec![Finding::new("patient", Severity::Problem, sentence, torn)]
}
