//! `explain` and `augment` end to end: files, numbers, refusals.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{chestxr, only_run, stderr, stdout};
use chestxr_tui::dataset::npz::{Archive, Limits};

/// A run on phantoms of 32 px.
fn trained(folder: &Path) -> PathBuf {
    let runs = folder.join("runs");
    let output = chestxr(&runs)
        .args(["--no-ui", "--data", "phantom:300", "--device", "cpu", "--set", "data.size=32"])
        .args(["--set", "optimizer.epochs=1"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    only_run(&runs)
}

fn explain(folder: &Path, arguments: &[&str]) -> Output {
    chestxr(&folder.join("runs")).args(["explain", "last"]).args(arguments).output().expect("it runs")
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn image_size(path: &Path) -> (u32, u32) {
    let reader = image::ImageReader::open(path).expect("an image").with_guessed_format().expect("a format");
    reader.into_dimensions().expect("a PNG")
}

#[test]
fn maps_sheets_montage_and_scores_of_a_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = trained(folder.path());
    let explanations = run.join("artifacts/explanations");

    let told = lines(&explain(folder.path(), &["--json", "--index", "0,3", "--class", "effusion,mass"]));
    assert_eq!(told.len(), 4);
    let predictions = Archive::open(&run.join("predictions_test.npz"), Limits::default()).expect("npz");
    let kept = predictions.read_f32("probabilities").expect("probabilities").values;
    for line in &told {
        let (image, class) = match (line["image"].as_str(), line["condition"].as_str()) {
            (Some("test_0"), Some("effusion")) => (0, 2),
            (Some("test_0"), Some("mass")) => (0, 4),
            (Some("test_3"), Some("effusion")) => (3, 2),
            (Some("test_3"), Some("mass")) => (3, 4),
            other => panic!("{other:?}"),
        };
        let probability = line["probability"].as_f64().expect("a number");
        assert!((probability - f64::from(kept[image * 14 + class])).abs() < 1e-6, "{line}");
        let sheet = PathBuf::from(line["file"].as_str().expect("a path"));
        assert!(sheet.starts_with(&explanations));
        assert!(image_size(&sheet).0 > 1000);
    }

    let montage = explain(folder.path(), &["--json", "--index", "0,1,2", "--montage"]);
    let told = lines(&montage);
    assert_eq!(told.len(), 6, "three images, two methods");
    let gap = |line: &serde_json::Value| {
        let completeness = &line["completeness"];
        let (sum, difference) = (completeness["sum"].as_f64()?, completeness["difference"].as_f64()?);
        Some((sum - difference).abs() / difference.abs().max(0.1))
    };
    let gaps: Vec<f64> = told.iter().filter_map(gap).collect();
    assert!(gaps.len() == 3 && gaps.iter().all(|gap| *gap < 0.1), "{gaps:?}");
    assert!(
        image_size(&explanations.join("montage.png")).1 > image_size(&explanations.join("montage.png")).0 / 2
    );

    let scored = lines(&explain(
        folder.path(),
        &["--json", "--score", "--findings", "6", "--method", "grad-cam,occlusion"],
    ));
    let rows = scored[0]["rows"].as_array().expect("rows");
    for method in ["grad-cam", "occlusion", "random", "centre"] {
        let all = rows.iter().find(|row| row["method"] == method && row["condition"] == "all");
        let pointing = &all.expect("a row for all")["pointing"];
        assert_eq!(pointing["n"], 6);
        assert!((0.0..=1.0).contains(&pointing["mean"].as_f64().expect("a mean")), "{method}");
    }
    assert!(explanations.join("score_test.json").is_file());
    assert_eq!(scored[0]["layer"], "features.10");

    // The table for people says the same.
    let table = explain(folder.path(), &["--score", "--findings", "6", "--method", "grad-cam"]);
    let text = stdout(&table);
    assert!(text.contains("features.10 (8 x 8)") && text.contains("random"), "{text}");
}

#[test]
fn an_image_file_is_explained_after_preprocessing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    trained(folder.path());
    let out = folder.path().join("out");
    let own = lines(&explain(folder.path(), &["--json", "--index", "5", "--class", "edema"]));
    let section = chestxr_tui::config::DataSection {
        source: "phantom:300".into(),
        size: 32,
        ..chestxr_tui::config::DataSection::default()
    };
    let dataset = chestxr_tui::dataset::Dataset::load(&section).expect("phantoms");
    let image = dataset
        .trainable(chestxr_tui::dataset::Split::Test)
        .expect("images")
        .0
        .image(5)
        .expect("pixels")
        .to_vec();
    let path = folder.path().join("an image.png");
    image::GrayImage::from_raw(32, 32, image).expect("an image").save(&path).expect("written");
    let (path, shown) = (path.to_string_lossy().into_owned(), out.to_string_lossy().into_owned());
    let theirs =
        lines(&explain(folder.path(), &["--json", "--image", &path, "--class", "Edema", "--out", &shown]));
    assert_eq!(own[0]["logit"], theirs[0]["logit"]);
    assert_eq!(theirs[0]["label"], serde_json::Value::Null);
    assert!(out.join("an_image_edema_integrated-gradients.png").is_file());
}

#[test]
fn what_can_not_be_explained_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    trained(folder.path());
    for (arguments, words) in [
        (&["--index", "9999"][..], "--index 9999: the test split has images 0 to"),
        (&["--index", "0", "--class", "flu"], "--class `flu`: unknown"),
        (&["--index", "0", "--method", "magic"], "--method `magic`: unknown"),
        (&["--index", "0", "--layer", "layer9"], "features.10"),
        (&["--index", "0", "--steps", "0"], "1 to 500"),
        (&[], "--index"),
    ] {
        let output = explain(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_contact_sheet_shows_what_training_sees() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("sheet.png");
    let sheet = |more: &[&str]| {
        chestxr(folder.path())
            .args(["--data", "phantom:60", "--json", "augment", "--boxes", "--force", "--out"])
            .arg(&out)
            .args(more)
            .output()
            .expect("it runs")
    };
    assert_eq!(lines(&sheet(&["--index", "1,2", "--count", "5"]))[0]["tiles"], 12);
    let first = std::fs::read(&out).expect("a sheet");
    assert_eq!(lines(&sheet(&["--index", "1,2", "--count", "5"]))[0]["tiles"], 12);
    assert_eq!(first, std::fs::read(&out).expect("a sheet"), "the same settings give the same sheet");
    let output = sheet(&["--index", "77777"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--index 77777"), "{}", stderr(&output));
}
