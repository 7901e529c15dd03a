//! Surroundings that programs rarely meet: a directory that is gone, a limit on files, an address that is no server's.

use std::process::Output;

use super::*;

/// Runs `script` in bash with the program as `$1` and a folder for runs as `$2`.
fn bash(script: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut bash = Command::new("bash");
    bash.args(["-c", script, "bash", env!("CARGO_BIN_EXE_chestxr-tui")]).arg(folder.path().join("runs"));
    bash.current_dir(folder.path()).env("HOME", folder.path()).env_remove("MLFLOW_TRACKING_URI");
    bash.output().expect("bash runs")
}

#[test]
fn a_working_directory_that_is_gone_is_said() {
    let output = bash("mkdir gone && cd gone && rmdir ../gone && exec \"$1\" --no-ui --runs-dir \"$2\"");
    let said = stderr(&output);
    assert!(said.contains("the working directory no longer exists") && said.lines().count() == 1, "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_limit_on_the_size_of_files_ends_in_a_sentence() {
    let train = "exec \"$1\" --no-ui --runs-dir \"$2\" --data phantom:120 --device cpu --set data.size=32 \
                 --set optimizer.epochs=1";
    let output = bash(&format!("ulimit -f 2000; {train}"));
    let said = stderr(&output);
    assert!(said.contains("File too large"), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn an_address_that_is_no_servers_is_said_at_the_start() {
    let output = bash(
        "MLFLOW_TRACKING_URI=databricks exec \"$1\" --no-ui --runs-dir \"$2\" --data phantom:120 --device cpu \
         --set data.size=32 --set optimizer.epochs=1",
    );
    let said = stderr(&output);
    assert!(said.starts_with("MLFLOW_TRACKING_URI names no server"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
}
