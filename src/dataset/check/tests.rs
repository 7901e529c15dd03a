use super::*;
use crate::config::DataSection;
use crate::dataset::images::{Images, Labels};
use crate::dataset::npz::Writer;

/// Phantoms with one thing changed in each split, read back from an archive.
fn changed(change: impl Fn(Split, &mut Vec<u8>, &mut Vec<u8>, &mut Vec<String>)) -> Dataset {
    let section = DataSection { source: "phantom:200".into(), size: 32, ..DataSection::default() };
    let phantoms = Dataset::load(&section).expect("phantoms");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("images.npz");
    let mut writer = Writer::create(&path).expect("a file");
    for split in Split::ALL {
        let part = phantoms.part(split);
        let mut pixels = part.images.as_ref().expect("images").gathered().expect("pixels").into_owned();
        let mut labels = part.labels.values().to_vec();
        let mut patients = (0..part.labels.len()).map(|image| format!("{split}{image}")).collect();
        change(split, &mut pixels, &mut labels, &mut patients);
        let labels = Labels::new(labels, 14).expect("labels");
        let images = Images::new(pixels, 32, 32).expect("images");
        writer = writer.images(&format!("{split}_images"), &images).expect("images");
        writer = writer
            .array_u8(&format!("{split}_labels"), &[labels.len(), 14], labels.values())
            .expect("labels");
        writer = writer.array_text(&format!("{split}_patient"), &patients).expect("patients");
    }
    writer.finish().expect("written");
    let section = DataSection { source: path.display().to_string(), ..DataSection::default() };
    Dataset::load(&section).expect("it reads")
}

fn report(change: impl Fn(Split, &mut Vec<u8>, &mut Vec<u8>, &mut Vec<String>)) -> Report {
    check(&changed(change), &mut |_| true)
}

/// The finding of this kind whose sentence has these words.
fn finding<'a>(report: &'a Report, kind: &str, words: &str) -> Option<&'a Finding> {
    report.findings.iter().find(|finding| finding.kind == kind && finding.sentence.contains(words))
}

const IMAGE: usize = 32 * 32;

#[test]
fn phantoms_as_they_are_have_nothing_but_rare_labels() {
    let report = report(|_, _, _, _| {});
    assert!(report.findings.iter().all(|finding| finding.kind == "label"), "{:?}", report.findings);
    assert_eq!(report.looked_at.len(), 5);
}

#[test]
fn an_image_of_training_in_the_test_split_is_a_problem_and_so_are_its_other_labels() {
    let first = changed(|_, _, _, _| {})
        .part(Split::Train)
        .images
        .as_ref()
        .expect("images")
        .image(3)
        .expect("pixels")
        .to_vec();
    let report = report(|split, pixels, labels, _| {
        if split == Split::Test {
            pixels[5 * IMAGE..6 * IMAGE].copy_from_slice(&first);
            labels[5 * 14..6 * 14].fill(1);
        }
    });
    let copied = finding(&report, "same image", "in two splits").expect("found");
    assert_eq!(copied.severity, Severity::Problem);
    let places = [Place { split: Split::Train, index: 3 }, Place { split: Split::Test, index: 5 }];
    assert_eq!(copied.examples, [places]);
    assert!(finding(&report, "same image", "different labels").is_some());
    assert!(finding(&report, "label", "more than half").is_some());
    assert_eq!(report.findings[0].severity, Severity::Problem, "the worst comes first");
}

#[test]
fn a_brightened_noisy_copy_is_found_and_its_neighbour_is_not() {
    let images = changed(|_, _, _, _| {})
        .part(Split::Train)
        .images
        .as_ref()
        .expect("images")
        .gathered()
        .expect("pixels")
        .into_owned();
    let report = report(|split, pixels, _, _| {
        if split == Split::Val {
            for (place, pixel) in pixels[..IMAGE].iter_mut().enumerate() {
                let grey = f64::from(images[7 * IMAGE + place]) * 1.04 + 3.0 + (place % 5) as f64 - 2.0;
                *pixel = grey.clamp(0.0, 255.0) as u8;
            }
        }
    });
    let similar = finding(&report, "similar images", "1 pair").expect("found");
    let pair = [Place { split: Split::Train, index: 7 }, Place { split: Split::Val, index: 0 }];
    assert_eq!(similar.examples, [pair]);
    assert!(finding(&report, "same image", "").is_none());
}

#[test]
fn inverted_and_flat_images_are_named() {
    let report = report(|split, pixels, _, _| {
        if split == Split::Train {
            pixels[..IMAGE].iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
            pixels[IMAGE..2 * IMAGE].fill(90);
        }
    });
    let inverted = finding(&report, "odd image", "look inverted").expect("found");
    assert_eq!(inverted.examples, [[Place { split: Split::Train, index: 0 }]]);
    let flat = finding(&report, "odd image", "of one grey").expect("found");
    assert_eq!(flat.examples, [[Place { split: Split::Train, index: 1 }]]);
}

#[test]
fn labels_that_measure_nothing_are_named() {
    let report = report(|split, _, labels, _| {
        for row in labels.chunks_exact_mut(14) {
            row[1] = row[0];
            row[2] = u8::from(split != Split::Train);
        }
    });
    assert!(finding(&report, "label", "Atelectasis, Cardiomegaly have the same label").is_some());
    assert!(finding(&report, "label", "every test image has Effusion").is_some());
    assert!(
        finding(&report, "label", "no train image has")
            .is_some_and(|found| found.sentence.contains("Effusion"))
    );
    let shares = finding(&report, "label", "between train and test by more than chance").expect("found");
    assert!(shares.sentence.contains("Effusion") && !shares.sentence.contains("Mass"), "{}", shares.sentence);
}

#[test]
fn a_patient_in_two_splits_is_a_problem_where_patients_are_named() {
    let torn = report(|_, _, _, patients| patients[0] = "the same".into());
    let found = finding(&torn, "patient", "1 patient with 3 images").expect("found");
    assert_eq!((found.severity, found.examples[0].len()), (Severity::Problem, 3));
}
