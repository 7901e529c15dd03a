//! `evaluate`: what it writes, what its numbers rest on, and how it refuses.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{chestxr, json, only_run, stderr, stdout};
use chestxr_tui::dataset::npz::Writer;

/// A run on a few phantoms.
fn trained(runs: &Path) -> PathBuf {
    let output = chestxr(runs)
        .args(["--no-ui", "--data", "phantom:300", "--set", "data.size=32", "--set", "optimizer.epochs=1"])
        .args(["--device", "cpu"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    only_run(runs)
}

/// Width and height of a PNG file.
fn size(path: &Path) -> (u32, u32) {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG");
    let info = reader.info();
    (info.width, info.height)
}

#[test]
fn a_run_is_evaluated_at_its_end_and_again_on_request() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let run = trained(runs.path());
    let before = fs::read(run.join("evaluation.json")).expect("written at the end");
    let figure = run.join("artifacts/roc_curves.png");
    let drawn = fs::read(&figure).expect("drawn at the end");
    fs::remove_file(&figure).expect("removed");
    fs::remove_file(run.join("predictions_test.npz")).expect("removed");

    let output = chestxr(runs.path()).args(["evaluate", "last"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = stdout(&output);
    assert!(
        table.contains("macro AUROC")
            && table.lines().all(|line| line.chars().count() <= 100 || line.contains('/')),
        "{table}"
    );
    // Phantoms have no patients, and few of them a hernia.
    assert!(table.contains("resamples by images (patients unknown: they are too narrow)"), "{table}");
    let hernia = table.lines().find(|line| line.starts_with("Hernia")).expect("a line");
    assert!(hernia.contains('†') && table.contains("† under 10 positive images"), "{table}");
    let after = fs::read(run.join("evaluation.json")).expect("written again");
    assert_eq!(before, after, "images, weights and seed are the same, so the numbers are");
    assert_eq!(drawn, fs::read(&figure).expect("drawn again"), "and the figures");
    for file in fs::read_dir(run.join("artifacts")).expect("artifacts") {
        let path = file.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "png") {
            let (width, height) = size(&path);
            assert!(width >= 800 && height >= 600, "{}: {width} x {height}", path.display());
        }
    }
    let report = fs::read_to_string(run.join("artifacts/report.md")).expect("a report");
    for words in
        ["## Summary", "## Read with care", "bootstrap resamples", "Not a medical device", "roc_curves.png"]
    {
        assert!(report.contains(words), "{words} is missing:\n{report}");
    }
}

#[test]
fn thresholds_asked_for_are_kept_with_the_weights_and_used() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let run = trained(runs.path());
    let output = chestxr(runs.path())
        .args(["--json", "evaluate", "last", "--thresholds", "youden,effusion=.25", "--bootstrap", "0"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("one JSON object");
    assert_eq!(told["thresholds"]["effusion"], 0.25);
    assert_eq!((&told["threshold_rule"], &told["threshold_split"]), (&"youden".into(), &"val".into()));
    assert!(told["bootstrap"].is_null() && told["macro"]["auroc_ci"].is_null());
    let kept = json(&run.join("checkpoints/thresholds.json"));
    assert_eq!(kept["conditions"]["effusion"]["by"], "hand");

    // They hold for another split too, which gets files of its own.
    let output = chestxr(runs.path()).args(["evaluate", "last", "--split", "val"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let val = json(&run.join("evaluation_val.json"));
    assert_eq!((&val["split"], &val["thresholds"]["effusion"]), (&"val".into(), &0.25.into()));
    assert!(run.join("artifacts/val/report.md").is_file());
    let report = fs::read_to_string(run.join("artifacts/val/report.md")).expect("a report");
    assert!(report.contains("chosen on the same images"), "{report}");
}

#[test]
fn predictions_of_other_models_are_evaluated_by_patient_where_patients_are_known() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("theirs.npz");
    let images = 60;
    let labels: Vec<u8> = (0..images * 2).map(|at| u8::from(at % 5 == 0)).collect();
    let probs: Vec<f32> =
        labels.iter().enumerate().map(|(at, l)| f32::from(*l) * 0.3 + (at % 7) as f32 / 10.0).collect();
    let patients: Vec<i64> = (0..images as i64).map(|image| 1000 + image / 3).collect();
    let write = |probs: &[f32]| {
        Writer::create(&file)
            .and_then(|writer| writer.array_f32("probs", &[images, 2], probs))
            .and_then(|writer| writer.array_u8("labels", &[images, 2], &labels))
            .and_then(|writer| writer.array_i64("patient", &[images], &patients))
            .and_then(Writer::finish)
            .expect("written");
    };
    write(&probs);
    let out = folder.path().join("report");
    let evaluate = || {
        chestxr(folder.path())
            .arg("evaluate")
            .args(["--json", "--predictions"])
            .arg(&file)
            .arg("--out")
            .arg(&out)
            .output()
            .expect("it runs")
    };
    let output = evaluate();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = json(&out.join("evaluation.json"));
    assert_eq!((&told["bootstrap"]["unit"], &told["bootstrap"]["units"]), (&"patients".into(), &20.into()));
    assert_eq!(told["conditions"], serde_json::json!(["class_1", "class_2"]));
    assert!(out.join("confusion_matrix_class_2.png").is_file());

    let mut wrong = probs;
    wrong[3] = 1.5;
    write(&wrong);
    let output = evaluate();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("`probs` holds 1.5 in row 1"), "{}", stderr(&output));

    // A diverged network's file: which images it says nothing of.
    (wrong[3], wrong[40], wrong[41]) = (f32::NAN, f32::NAN, f32::NAN);
    write(&wrong);
    let output = evaluate();
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("`probs` holds NaN for 2 of 60 images, in rows 1, 20;"), "{said}");
}

#[test]
fn what_cannot_be_evaluated_is_named_in_a_sentence() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let said = |args: &[&str], code: i32| {
        let output = chestxr(runs.path()).args(args).output().expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        stderr(&output)
    };
    assert!(said(&["evaluate", "last"], 1).contains("there are no runs"));
    assert!(said(&["evaluate", "last", "--thresholds", "often"], 2).contains("is no rule for thresholds"));
    assert!(said(&["evaluate", "last", "--split", "all"], 2).contains("train, val and test"));
    assert!(said(&["evaluate", "--predictions", "x.npz"], 2).contains("--out"));
    assert!(said(&["evaluate"], 2).contains("RUN"));
}
