//! Files of runs that version 0.1.0 made still open: a run directory, its image file and its queue, as that version
//! wrote them (commit 90533c4; only the paths in them are replaced by marks).

use std::path::{Path, PathBuf};

use crate::support::{chestxr, json, stderr, stdout};
use serde_json::Value;

/// A copy of the old runs directory with this test's paths in it.
struct OldRuns {
    folder: tempfile::TempDir,
}

impl OldRuns {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&golden(""), folder.path(), folder.path());
        Self { folder }
    }

    fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    fn run(&self) -> PathBuf {
        self.runs().join("20261126-174147-chestnet-s-6c59")
    }

    /// Runs a command on the old runs and returns its stdout; fails with its stderr.
    fn stdout(&self, args: &[&str]) -> String {
        let output = chestxr(&self.runs()).args(args).output().expect("the binary starts");
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        stdout(&output)
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/run_0.1.0").join(name)
}

/// Copies a directory; the marks in its text files become paths below `root`.
fn copy(from: &Path, to: &Path, root: &Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry").path();
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &target, root);
            continue;
        }
        let bytes = std::fs::read(&entry).expect("readable");
        let bytes = match String::from_utf8(bytes) {
            Ok(text) => {
                let source = root.join("images.npz").display().to_string();
                let runs = root.join("runs").display().to_string();
                text.replace("@SOURCE@", &source).replace("@RUNS@", &runs).into_bytes()
            }
            Err(binary) => binary.into_bytes(),
        };
        std::fs::write(&target, bytes).expect("written");
    }
}

#[test]
fn an_old_run_is_listed_and_shown_with_its_values() {
    let old = OldRuns::new();
    let listed: Value =
        serde_json::from_str(old.stdout(&["runs", "list", "--json"]).trim()).expect("one row");
    let status = json(&golden("runs/20261126-174147-chestnet-s-6c59/status.json"));
    assert_eq!(listed["state"], "finished");
    assert_eq!(listed["status"]["best"]["value"], status["best"]["value"], "{listed}");
    assert_eq!(listed["tags"][0], "paper");
    let shown = old.stdout(&["runs", "show", "last"]);
    for part in ["made-by-0.1.0", "a note of the first version", "finished"] {
        assert!(shown.contains(part), "no `{part}` in\n{shown}");
    }
    assert!(old.stdout(&["runs", "queue"]).contains('1'), "the waiting run");
}

#[test]
fn an_old_run_predicts_the_probabilities_it_predicted() {
    let old = OldRuns::new();
    let images = old.folder.path().join("images.npz");
    let images = images.to_str().expect("UTF-8");
    let rows = old.stdout(&["predict", "last", images, "--format", "json"]);
    let expected = std::fs::read_to_string(golden("predict.jsonl")).expect("readable");
    assert_eq!(rows.lines().count(), expected.lines().count());
    for (row, expected) in rows.lines().zip(expected.lines()) {
        let [row, expected] = [row, expected].map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        for (condition, value) in expected["probabilities"].as_object().expect("probabilities") {
            let (now, then) = (row["probabilities"][condition].as_f64(), value.as_f64());
            let (now, then) = (now.expect("a probability"), then.expect("a probability"));
            assert!((now - then).abs() < 1e-5, "{condition}: {now} now, {then} then");
            assert_eq!(row["thresholds"][condition], expected["thresholds"][condition]);
        }
    }
}

#[test]
fn an_old_run_resumes_as_its_own_version_resumed_it() {
    let old = OldRuns::new();
    old.stdout(&["--no-ui", "train", "--resume", "last", "--set", "optimizer.epochs=3"]);
    let journal = std::fs::read_to_string(old.run().join("metrics.jsonl")).expect("a journal");
    assert_eq!(journal.lines().count(), 3);
    let row: Value = serde_json::from_str(journal.lines().last().expect("an epoch")).expect("JSON");
    let expected = json(&golden("epoch_3.json"));
    for key in ["train_loss", "val_loss", "val_auroc_macro", "lr"] {
        let (now, then) = (row[key].as_f64().expect(key), expected[key].as_f64().expect(key));
        assert!((now - then).abs() < 1e-6, "{key}: {now} now, {then} then");
    }
    assert_eq!(row["step"], expected["step"]);
}

#[test]
fn an_old_run_is_evaluated_explained_and_exported() {
    let old = OldRuns::new();
    old.stdout(&["evaluate", "last", "--bootstrap", "10"]);
    let [now, then] = [old.run(), golden("runs/20261126-174147-chestnet-s-6c59")]
        .map(|run| json(&run.join("evaluation.json"))["macro"]["auroc"].clone());
    let [now, then] = [now, then].map(|auroc| auroc.as_f64().expect("an AUROC"));
    assert!((now - then).abs() < 1e-9, "{now} now, {then} then");
    let out = old.folder.path().join("explained");
    old.stdout(&[
        "explain",
        "last",
        "--index",
        "0",
        "--graphics",
        "off",
        "--out",
        out.to_str().expect("UTF-8"),
    ]);
    assert!(std::fs::read_dir(&out).expect("explanations").count() > 0);
    let onnx = old.folder.path().join("old.onnx");
    old.stdout(&["export", "last", "onnx", "--out", onnx.to_str().expect("UTF-8")]);
    assert!(onnx.is_file());
}
