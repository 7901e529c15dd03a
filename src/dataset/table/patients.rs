//! Whose images they are, where the table has no column for it: from the files' paths, then from DICOM headers.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::dataset::image_file::{self, dicom};
use crate::dataset::row::Row;
use crate::text::counted;

/// Fills in what rows lack, and says from where. Patients become hashes of their ids, so that those of a table and of a
/// header are the same.
pub(in crate::dataset) fn fill_in(rows: &mut [Row], notes: &mut Vec<String>) {
    if rows.iter().all(|row| row.patient.is_none()) {
        let found: Vec<Option<String>> = rows.iter().map(|row| of_path(&row.path)).collect();
        if found.iter().all(Option::is_some) {
            rows.iter_mut().zip(found).for_each(|(row, patient)| row.patient = patient);
            notes.push("patients are known from the files' paths".to_owned());
        }
    }
    for row in rows.iter_mut() {
        row.patient = row.patient.as_deref().map(dicom::hashed);
    }
    of_headers(rows, notes);
}

/// The patient in a path such as `train/patient00001/study1/view1.jpg` (CheXpert), `files/p10/p10000032/s1/x.jpg`
/// (MIMIC-CXR) or `person12_bacteria_47.jpeg` (the pneumonia set of Kaggle).
fn of_path(path: &std::path::Path) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = path.iter().filter_map(|part| part.to_str());
    parts.rev().find_map(|part| {
        let lower = part.to_lowercase();
        let number = |rest: &str| {
            rest.split(['_', '-', '.']).next().filter(|number| digits(number)).map(str::to_owned)
        };
        for mark in ["patient", "person", "subject"] {
            if let Some(found) = lower.strip_prefix(mark).and_then(number) {
                return Some(format!("{mark}{found}"));
            }
        }
        let of_mimic = lower.strip_prefix('p').filter(|rest| rest.len() == 8 && digits(rest));
        of_mimic.map(|_| lower.clone())
    })
}

/// Patient, sex, age and view from DICOM headers, where the table has none.
fn of_headers(rows: &mut [Row], notes: &mut Vec<String>) {
    let headers: Vec<Option<dicom::Listed>> = rows
        .par_iter()
        .map(|row| {
            // Other pictures are not even opened for this: a table may have a hundred thousand of them.
            let ending = row.path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            let is_other = matches!(ending.as_str(), "png" | "jpg" | "jpeg");
            let is_dicom = !is_other && image_file::sniff(&row.path) == image_file::Kind::Dicom;
            // A file that can't be read is named when its pixels are.
            is_dicom.then(|| dicom::read_about(&row.path).ok()).flatten()
        })
        .collect();
    let ids: HashSet<&String> =
        headers.iter().flatten().filter_map(|header| header.patient.as_ref()).collect();
    let with_id = headers.iter().flatten().filter(|header| header.patient.is_some()).count();
    let lacking = rows.iter().filter(|row| row.patient.is_none()).count();
    // One id on everything was written by who took the names away.
    let anonymous = ids.len() == 1 && with_id > 1 && with_id == rows.len();
    if anonymous && lacking > 0 {
        notes.push(format!(
            "all {with_id} DICOM files have the same PatientID, which identifies nobody: data.columns=patient=NAME names a \
             column that does"
        ));
    }
    let mut filled = 0;
    for (row, header) in rows.iter_mut().zip(headers) {
        let Some(header) = header else { continue };
        if row.patient.is_none() && !anonymous {
            row.patient = header.patient;
            filled += usize::from(row.patient.is_some());
        }
        row.sex = row.sex.take().or(header.about.sex.map(String::from));
        row.age = row.age.or(header.about.age);
        row.view = row.view.take().or(header.about.view);
    }
    if filled > 0 {
        notes.push(format!(
            "patients of {} are known by the PatientID in their headers",
            counted(filled, "DICOM file", "DICOM files")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_stand_in_paths_of_the_known_sets() {
        let cases = [
            ("CheXpert/train/patient00001/study2/view1_frontal.jpg", Some("patient00001")),
            ("files/p10/p10000032/s50414267/02aa804e.jpg", Some("p10000032")),
            ("train/PNEUMONIA/person12_bacteria_47.jpeg", Some("person12")),
            ("images/patients.png", None),
            ("images/p10.png", None),
        ];
        for (path, patient) in cases {
            assert_eq!(of_path(std::path::Path::new(path)).as_deref(), patient, "{path}");
        }
    }
}
