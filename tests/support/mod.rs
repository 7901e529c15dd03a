//! What the end-to-end tests share: the binary, the real images, and words about skipping.
#![allow(dead_code, reason = "each test file uses a part of this")]

pub mod formulas;
pub mod mlflow;
pub mod pty;
pub mod splitmix;
pub mod tracked;
pub mod trained;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program with its runs in `runs`, free of the caller's own settings.
pub fn chestxr(runs: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chestxr-tui"));
    command.env("CHESTXR_RUNS_DIR", runs).env("CHESTXR_LOG", "off").env_remove("NO_COLOR");
    command
}

/// The folder of real images, or `None` after saying that the test is skipped. With
/// `CHESTXR_REQUIRE_SAMPLES` set a missing folder fails the test.
pub fn real_images() -> Option<PathBuf> {
    let named = std::env::var_os("CHESTXR_SAMPLE_DIR").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    if folder.join("nih_sample_64_strat.npz").is_file() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CHESTXR_REQUIRE_SAMPLES").is_none(),
        "the real images are required and {} has none; set CHESTXR_SAMPLE_DIR",
        folder.display()
    );
    eprintln!("SKIPPED: no real images in {}; set CHESTXR_SAMPLE_DIR to their folder", folder.display());
    None
}

/// The larger of two numbers, and no number if one is none: a difference that can't be told is no small one.
pub fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// What a command wrote to stdout.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

/// What a command wrote to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8")
}

/// The only run in `runs`.
pub fn only_run(runs: &Path) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir(runs)
        .expect("the folder of runs")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// A JSON file's content.
pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("the file is JSON")
}
