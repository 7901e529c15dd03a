//! Runs that were trained before a test begins, and copies of them.

use std::path::Path;
use std::process::Command;

/// Two finished runs on the same phantoms, with seeds 1 and 2, in a folder of their own.
pub fn two_runs(source: &str, size: &str, epochs: &str) -> tempfile::TempDir {
    let runs = tempfile::tempdir().expect("a temporary folder");
    for seed in ["1", "2"] {
        let output = Command::new(env!("CARGO_BIN_EXE_chestxr-tui"))
            .args(["--no-ui", "--data", source, "--device", "cpu", "--runs-dir"])
            .arg(runs.path())
            .args(["--set", &format!("data.size={size}"), "--set", &format!("optimizer.epochs={epochs}")])
            .args(["--set", "run.threads=1", "--set", &format!("run.seed={seed}")])
            .env("CHESTXR_LOG", "off")
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{}", super::stderr(&output));
    }
    runs
}

/// Copies a folder with all that is below it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("readable").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copied");
        }
    }
}
