//! `runs compare`: runs on the same images set side by side, and how it refuses others.

use std::path::Path;

use crate::support::{chestxr, json, stderr, stdout};

/// A run on a few phantoms, with settings of its own.
fn train(runs: &Path, name: &str, settings: &[&str]) {
    let mut command = chestxr(runs);
    command.args([
        "--no-ui",
        "--data",
        "phantom:300",
        "--device",
        "cpu",
        "--set",
        &format!("run.name={name}"),
    ]);
    command.args(["--set", "data.size=32", "--set", "augment.preset=none", "--set", "model.arch=chestnet-s"]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    let output = command.output().expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// Ids of the runs, the oldest first.
fn ids(runs: &Path) -> Vec<String> {
    let mut ids: Vec<String> = std::fs::read_dir(runs)
        .expect("runs")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("an id"))
        .collect();
    ids.sort_by_key(|id| {
        std::fs::metadata(runs.join(id).join("run.toml")).and_then(|meta| meta.modified()).expect("a time")
    });
    ids
}

#[test]
fn runs_on_the_same_images_are_compared_and_others_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runs = folder.path().join("runs");
    train(&runs, "barely", &["optimizer.epochs=1", "optimizer.lr=1e-6"]);
    train(&runs, "longer", &["optimizer.epochs=4"]);
    let [a, b] = <[String; 2]>::try_from(ids(&runs)).expect("two runs");
    let compare = |arguments: &[&str]| {
        chestxr(&runs).args(["runs", "compare"]).args(arguments).output().expect("it runs")
    };

    let out = folder.path().join("beside");
    let output = compare(&["--bootstrap", "50", "--out", &out.display().to_string(), &a, &b]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    for words in ["macro AUROC", "Hernia", "DeLong", "50 resamples by images", "optimizer.lr", "0.000001"] {
        assert!(told.contains(words), "{words} is missing:\n{told}");
    }
    assert!(!told.contains("optimizer.batch_size"), "settings that are the same aren't told:\n{told}");
    for figure in ["differences.png", "roc_curves.png", "learning_curves.png"] {
        let file = std::fs::File::open(out.join(figure)).expect("a figure");
        let reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG");
        assert!(reader.info().width >= 800, "{figure}: {}", reader.info().width);
    }
    let report = std::fs::read_to_string(out.join("comparison.md")).expect("a report");
    assert!(report.contains("## Settings that differ") && report.contains("learning_curves.png"));

    // The numbers are those of the runs' own evaluations, and the difference is theirs.
    let kept = json(&out.join("comparison.json"));
    let differences = &kept["comparisons"][0]["differences"];
    let own =
        |id: &str| json(&runs.join(id).join("evaluation.json"))["macro"]["auroc"].as_f64().expect("AUROC");
    let (mean_a, mean_b) = (own(&a), own(&b));
    assert!((differences["macro_auroc"]["a"].as_f64().expect("a number") - mean_a).abs() < 1e-12);
    let gain = differences["macro_auroc"]["difference"].as_f64().expect("a number");
    assert!((gain - (mean_b - mean_a)).abs() < 1e-12);
    let back = compare(&["--bootstrap", "0", &b, &a]);
    assert_eq!(back.status.code(), Some(0), "{}", stderr(&back));
    let json_of = |arguments: &[&str]| -> serde_json::Value {
        let output =
            chestxr(&runs).args(["--json", "runs", "compare"]).args(arguments).output().expect("it runs");
        serde_json::from_str(&stdout(&output)).expect("one JSON object")
    };
    let turned = json_of(&["--bootstrap", "50", &b, &a]);
    let turned =
        turned["comparisons"][0]["differences"]["macro_auroc"]["difference"].as_f64().expect("a number");
    assert!(
        (turned + gain).abs() < 1e-12,
        "the other way round it is the same difference with the other sign"
    );

    // What stands in the way is said, with the way out.
    let same = compare(&[&a, &a]);
    assert_eq!(same.status.code(), Some(2));
    assert!(stderr(&same).contains("given twice"), "{}", stderr(&same));
    let one = compare(&[&a]);
    assert_eq!(one.status.code(), Some(2), "{}", stderr(&one));
    let val = compare(&["--split", "train", &a, &b]);
    assert_eq!(val.status.code(), Some(1));
    assert!(stderr(&val).contains(&format!("evaluate {a} --split train")), "{}", stderr(&val));
    let output = chestxr(&runs)
        .args(["--no-ui", "--data", "phantom:240", "--device", "cpu", "--set", "data.size=32"])
        .args(["--set", "optimizer.epochs=1"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let fewer = ids(&runs).pop().expect("a run");
    let output = compare(&[&a, &b, &fewer]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("different numbers of images"), "{}", stderr(&output));
}
