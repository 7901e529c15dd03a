//! The program without its screen: runs, their files, exit codes, signals, messages.

mod damage;
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;
mod usage;
mod weights;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::{chestxr, json, only_run, real_images, stderr, stdout};

/// A few images and steps: the tests check the program, not the model.
const SMALL: [&str; 8] = [
    "--no-ui",
    "--data",
    "phantom:120",
    "--set",
    "optimizer.batch_size=16",
    "--set",
    "optimizer.epochs=2",
    "--device",
];

fn small(runs: &Path) -> Command {
    let mut command = chestxr(runs);
    command.args(SMALL).arg("cpu");
    command
}

#[test]
fn a_run_on_real_images_writes_every_file_and_learns() {
    let Some(images) = real_images() else { return };
    let runs = tempfile::tempdir().expect("a temporary directory");
    let source = format!("npz:{}", images.join("nih_sample_64_strat.npz").display());
    let output = chestxr(runs.path())
        .args(["--no-ui", "--json", "--data", &source, "--set", "optimizer.epochs=3", "--set", "run.seed=0"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let events: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"loading"), Some(&"ended")));
    assert_eq!(names.iter().filter(|name| **name == "epoch").count(), 3);

    let run = only_run(runs.path());
    for file in [
        "run.toml",
        "status.json",
        "metrics.jsonl",
        "events.jsonl",
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "checkpoints/last.state",
        "predictions_val.npz",
        "predictions_test.npz",
        "evaluation.json",
        "checkpoints/thresholds.json",
        "artifacts/report.md",
        "artifacts/auc_by_condition.png",
        "artifacts/confusion_matrix_hernia.png",
        "artifacts/normal_detection_metrics.json",
        "artifacts/overall_metrics.json",
        "artifacts/model_summary.txt",
        "artifacts/model_details.json",
        "artifacts/model_architecture.png",
    ] {
        assert!(run.join(file).metadata().expect(file).len() > 0, "{file} is empty");
    }
    let left_over: Vec<_> = walk(&run).into_iter().filter(|path| path.ends_with(".part")).collect();
    assert!(left_over.is_empty(), "{left_over:?}");

    let metrics = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    let keys: BTreeSet<String> = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(
        metrics.lines().next().expect("a line"),
    )
    .expect("an object")
    .into_iter()
    .map(|(key, _)| key)
    .collect();
    let promised = "epoch step train_loss train_loss_unweighted train_accuracy train_precision train_f1_score val_loss \
        val_loss_unweighted val_accuracy val_precision val_f1_score val_auroc_macro val_auprc_macro val_auroc lr wait_count \
        epoch_seconds images_per_second";
    assert_eq!(keys, promised.split_whitespace().map(str::to_owned).collect());

    let status = json(&run.join("status.json"));
    assert_eq!(status["state"], "finished");
    assert_eq!(status["epoch"], 3);
    assert!(status["best"]["value"].as_f64().expect("a best value") > 0.5);

    let evaluation = json(&run.join("evaluation.json"));
    assert_eq!(evaluation["split"], "test");
    assert_eq!(evaluation["n"], 170);
    let effusion = &evaluation["per_condition"]["effusion"];
    let cells: u64 =
        ["tn", "fp", "fn", "tp"].iter().map(|cell| effusion[cell].as_u64().expect("a count")).sum();
    assert_eq!(cells, 170);
    assert_eq!(evaluation["per_condition"].as_object().expect("conditions").len(), 14);
}

#[test]
fn the_same_command_twice_gives_the_same_bytes() {
    let bytes = || {
        let runs = tempfile::tempdir().expect("a temporary directory");
        let output = small(runs.path()).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let run = only_run(runs.path());
        ["predictions_test.npz", "predictions_val.npz", "checkpoints/best.safetensors"]
            .map(|file| fs::read(run.join(file)).expect(file))
    };
    assert!(bytes() == bytes(), "two runs of one configuration differ");
}

#[test]
fn another_seed_gives_another_run() {
    let predictions = |seed: &str| {
        let runs = tempfile::tempdir().expect("a temporary directory");
        let output = small(runs.path()).args(["--set", seed]).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        fs::read(only_run(runs.path()).join("predictions_test.npz")).expect("predictions")
    };
    assert!(predictions("run.seed=1") != predictions("run.seed=2"));
}

#[test]
fn a_runs_configuration_starts_the_same_run_again() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(small(runs.path()).output().expect("the program runs").status.code(), Some(0));
    let first = only_run(runs.path());
    // What `auto` became, which depends on a device's free memory, is in the record.
    let settings = fs::read_to_string(first.join("run.toml")).expect("settings");
    assert!(settings.contains("on = \"cpu\"") && !settings.contains("on = \"auto\""), "{settings}");
    let again = tempfile::tempdir().expect("a temporary directory");
    let output = chestxr(again.path())
        .args(["--no-ui", "--config"])
        .arg(first.join("run.toml"))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let second = only_run(again.path());
    let predictions = |run: &Path| fs::read(run.join("predictions_test.npz")).expect("predictions");
    assert!(predictions(&first) == predictions(&second));
}

#[test]
fn a_batch_with_one_value_for_batch_norm_fails_with_advice() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    // 84 training images in batches of 83: the last batch has one image, and at 28 px this ResNet ends in one pixel.
    let output = small(runs.path())
        .args(["--set", "model.arch=resnet18", "--set", "model.stem=imagenet", "--set", "data.size=28"])
        .args(["--set", "optimizer.batch_size=83"])
        .output()
        .expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("choose another optimizer.batch_size"), "{}", stderr(&output));
    assert_eq!(json(&only_run(runs.path()).join("status.json"))["state"], "failed");
}

#[test]
fn early_stopping_stops_a_run_and_reports_the_reason() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let output = small(runs.path())
        .args(["--set", "optimizer.epochs=50", "--set", "early_stopping.patience=2"])
        .args(["--set", "early_stopping.min_delta=1", "--json"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    let reason = last["reason"].as_str().expect("a reason");
    assert_eq!(reason, "val_auroc_macro gained less than 1 for 2 epochs in a row");
    assert_eq!(json(&only_run(runs.path()).join("status.json"))["epoch"], 3);
}

#[test]
fn data_info_counts_the_conditions_of_chestmnist_exactly() {
    let Some(images) = real_images() else { return };
    let runs = tempfile::tempdir().expect("a temporary directory");
    let labels = images.join("chestmnist_labels.npz");
    let output = chestxr(runs.path()).args(["data", "info"]).arg(&labels).output().expect("it counts");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = stdout(&output);
    let train_count = |name: &str| {
        let line =
            table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {table}"));
        line[20..].split_whitespace().next().expect("a count").replace(',', "")
    };
    for (name, count) in [
        ("Infiltration", "13914"),
        ("Effusion", "9261"),
        ("Atelectasis", "7996"),
        ("Nodule", "4375"),
        ("Mass", "3988"),
        ("Pneumothorax", "3705"),
        ("Consolidation", "3263"),
        ("Pleural thickening", "2279"),
        ("Cardiomegaly", "1950"),
        ("Emphysema", "1799"),
        ("Edema", "1690"),
        ("Fibrosis", "1158"),
        ("Pneumonia", "978"),
        ("Hernia", "144"),
        ("Normal", "42405"),
        ("Images", "78468"),
    ] {
        assert_eq!(train_count(name), count, "{name}");
    }
    assert!(table.contains("54.04"), "{table}");

    let output = chestxr(runs.path()).args(["--no-ui", "--data"]).arg(&labels).output().expect("it exits");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("has labels but no images"), "{}", stderr(&output));
}

#[test]
fn a_converted_phantom_trains_as_the_phantom_does() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let npz = folder.path().join("phantom.npz");
    let output = chestxr(folder.path())
        .args(["data", "convert", "phantom:120"])
        .arg(&npz)
        .output()
        .expect("it writes");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let digest = |source: &str| {
        let output =
            chestxr(folder.path()).args(["data", "info", source, "--json"]).output().expect("it counts");
        let info: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        info["digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(digest("phantom:120"), digest(&npz.display().to_string()));
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}
