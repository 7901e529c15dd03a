//! Which weights a run keeps, and which it starts from.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::small;
use crate::support::{chestxr, json, only_run, stderr};

#[test]
fn the_last_weights_are_those_that_were_evaluated_and_raw_ones_say_so() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let output = small(runs.path())
        .args(["--set", "optimizer.ema=0.9", "--set", "checkpoint.save_top_k=10"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let run = only_run(runs.path());
    let epoch = json(&run.join("status.json"))["epoch"].as_u64().expect("an epoch");
    let weights = |name: &str| std::fs::read(run.join("checkpoints").join(name)).expect(name);
    assert_eq!(weights("last.safetensors"), weights(&format!("epoch-{epoch:04}.safetensors")));
    assert_ne!(weights("last.safetensors"), weights("last_raw.safetensors"));
}

#[test]
fn a_checkpoint_without_averaged_statistics_as_version_0_1_0_wrote_it_resumes() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let output = small(runs.path()).args(["--set", "optimizer.ema=0.9"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let state = only_run(runs.path()).join("checkpoints/last.state");
    let all = tch::Tensor::read_safetensors(&state).expect("a state");
    let before = all.len();
    let old: Vec<(String, tch::Tensor)> = all
        .into_iter()
        .filter(|(name, _)| !(name.starts_with("ema.") && name.contains(".running_")))
        .collect();
    assert!(old.len() < before, "the state has averaged statistics");
    tch::Tensor::write_safetensors(&old, &state).expect("written");
    let output = chestxr(runs.path())
        .args(["--no-ui", "train", "--resume", "last", "--set", "optimizer.epochs=3"])
        .output()
        .expect("it resumes");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(json(&only_run(runs.path()).join("status.json"))["epoch"], 3);
}

/// Runs from the weights of a short run after one of their tensors was multiplied; returns the directory of runs too.
fn run_from_changed_weights(folder: &Path, tensor: &str, factor: f64, more: &[&str]) -> (PathBuf, Output) {
    let before = folder.join("before");
    assert_eq!(small(&before).output().expect("it runs").status.code(), Some(0));
    let best = only_run(&before).join("checkpoints/best.safetensors");
    let changed: Vec<(String, tch::Tensor)> = tch::Tensor::read_safetensors(&best)
        .expect("weights")
        .into_iter()
        .map(|(name, value)| if name == tensor { (name, value * factor) } else { (name, value) })
        .collect();
    let path = folder.join("changed.safetensors");
    tch::Tensor::write_safetensors(&changed, &path).expect("written");
    let runs = folder.join("runs");
    let output = small(&runs)
        .args(["--set", &format!("model.init={}", path.display())])
        .args(more)
        .output()
        .expect("it ends");
    (runs, output)
}

#[test]
fn a_loss_that_overflows_fails_the_run_with_advice() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (runs, output) = run_from_changed_weights(folder.path(), "classifier.4.weight", 3e38, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("gradient of step 1 is no finite number"), "{said}");
    assert!(said.contains("lower optimizer.lr, which was 3e-4"), "{said}");
    assert_eq!(json(&only_run(&runs).join("status.json"))["state"], "failed");
}

#[test]
fn the_first_step_that_was_not_finite_is_named_however_late_it_is_noticed() {
    // The first step is finite and so long that the second loss is not.
    let folder = tempfile::tempdir().expect("a temporary directory");
    let long = ["--set", "optimizer.kind=sgd", "--set", "optimizer.lr=10", "--set", "schedule.kind=none"];
    let (runs, output) = run_from_changed_weights(folder.path(), "classifier.4.weight", 1e18, &long);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("gradient of step 2 is no finite number"), "{said}");
    assert!(said.contains("lower optimizer.lr, which was 1e1"), "{said}");
    // Progress is read once a beat, so several steps were asked for by then; none of them reached a checkpoint.
    assert!(!only_run(&runs).join("checkpoints/last.state").exists());
}

#[test]
fn initial_weights_that_are_not_finite_are_refused_and_leave_no_run() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (runs, output) = run_from_changed_weights(folder.path(), "classifier.4.bias", f64::NAN, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the initial weights hold a value that is not a finite number"));
    let left = std::fs::read_dir(&runs).map_or(0, |entries| entries.count());
    assert_eq!(left, 0, "no directory of a run is left behind");
}
