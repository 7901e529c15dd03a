//! One bit that a disk, a network or a hand has changed in a run's files.

use std::fs;
use std::path::Path;

use crate::small;
use crate::support::{chestxr, json, only_run, stderr};

/// Flips a bit in the middle of a file, where tensors and arrays have their values.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // Not in place: kept weights are one file under two names.
    fs::remove_file(path).expect("removed");
    fs::write(path, bytes).expect("written");
}

#[test]
fn a_flipped_bit_in_a_run_is_noticed_by_whatever_reads_it() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(small(runs.path()).output().expect("it runs").status.code(), Some(0));
    let run = only_run(runs.path());
    let command = |args: &[&str]| chestxr(runs.path()).args(args).output().expect("it runs");

    // Predictions can be had again, and are the same.
    let predictions = run.join("predictions_test.npz");
    let whole = fs::read(&predictions).expect("predictions");
    flip(&predictions);
    let evaluated = command(&["evaluate", "last", "--device", "cpu"]);
    assert_eq!(evaluated.status.code(), Some(0), "{}", stderr(&evaluated));
    assert!(stderr(&evaluated).contains("predicting again"), "{}", stderr(&evaluated));
    assert_eq!(fs::read(&predictions).expect("predictions"), whole);

    // Weights can't: they are refused, and the others of the run are not.
    let best = run.join("checkpoints/best.safetensors");
    flip(&best);
    fs::remove_file(&predictions).expect("removed");
    let image = runs.path().join("image.png");
    image::GrayImage::from_fn(64, 64, |x, y| image::Luma([(3 * x + y) as u8])).save(&image).expect("written");
    let image = image.display().to_string();
    for args in [
        &["evaluate", "last"][..],
        &["predict", "last", &image],
        &["explain", "last", "--index", "0"],
        &["export", "last", "onnx", "--out", "exported.onnx"],
    ] {
        let refused = command(args);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {said}");
        assert!(
            said.contains("best.safetensors") && said.contains("checksum doesn't match"),
            "{args:?}: {said}"
        );
    }
    let maps = runs.path().with_extension("maps").display().to_string();
    let other = command(&["explain", "last", "--weights", "last", "--index", "0", "--out", &maps]);
    assert_eq!(other.status.code(), Some(0), "{}", stderr(&other));
    fs::remove_dir_all(maps).expect("maps were made");

    let state = run.join("checkpoints/last.state");
    flip(&state);
    let before = json(&run.join("status.json"));
    let refused = command(&["--no-ui", "train", "--resume", "last", "--set", "optimizer.epochs=3"]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("last.state is damaged") && said.contains("checksum doesn't match"), "{said}");
    assert_eq!(json(&run.join("status.json")), before);
}

#[test]
fn a_device_that_is_not_there_is_refused_though_predictions_are() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    assert_eq!(small(runs.path()).output().expect("it runs").status.code(), Some(0));
    assert!(only_run(runs.path()).join("predictions_test.npz").is_file());
    let refused =
        chestxr(runs.path()).args(["evaluate", "last", "--device", "cuda:77"]).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("CUDA device 77"), "{}", stderr(&refused));
}
