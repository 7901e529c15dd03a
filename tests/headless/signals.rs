//! Signals, closed pipes and kills during a run.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::small;
use super::support::{chestxr, json, only_run, stderr, stdout};

#[test]
fn the_first_interrupt_writes_a_checkpoint_and_exits_with_130() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let mut child = endless(runs.path(), libc::SIGINT, libc::SIG_DFL);
    let _rest = wait_for_line(&mut child, "\"event\":\"epoch\"");
    signal(&child, libc::SIGINT);
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    let run = only_run(runs.path());
    let status = json(&run.join("status.json"));
    assert_eq!(status["state"], "interrupted");
    assert!(run.join("checkpoints/last.safetensors").is_file());
    let list = stdout(&chestxr(runs.path()).args(["runs", "list"]).output().expect("it lists"));
    assert!(list.contains("interrupted"), "{list}");
}

#[test]
fn a_signal_ignored_by_the_parent_does_not_stop_the_run() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let mut child = endless(runs.path(), libc::SIGHUP, libc::SIG_IGN);
    let mut lines = wait_for_line(&mut child, "\"event\":\"epoch\"");
    signal(&child, libc::SIGHUP);
    for _ in 0..2 {
        assert!(lines.any(|line| line.contains("\"event\":\"epoch\"")), "the run continues");
    }
    signal(&child, libc::SIGTERM);
    assert!(lines.any(|line| line.contains("\"state\":\"interrupted\"")));
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn a_closed_pipe_stops_the_run_with_a_checkpoint() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let mut child = endless(runs.path(), libc::SIGINT, libc::SIG_DFL);
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut first).expect("a byte");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let run = only_run(runs.path());
    assert_eq!(json(&run.join("status.json"))["state"], "interrupted");
    assert!(run.join("checkpoints/last.safetensors").is_file());
}

#[test]
fn a_killed_run_is_readable_and_interrupted() {
    let runs = tempfile::tempdir().expect("a temporary directory");
    let mut child = endless(runs.path(), libc::SIGINT, libc::SIG_DFL);
    let _rest = wait_for_line(&mut child, "\"event\":\"epoch\"");
    signal(&child, libc::SIGKILL);
    child.wait().expect("it ends");

    let run = only_run(runs.path());
    // The file has the state at the time of the kill; the program detects that the process is gone.
    assert_eq!(json(&run.join("status.json"))["state"], "running");
    let shown = chestxr(runs.path()).args(["runs", "show", "last", "--json"]).output().expect("it shows");
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    let shown: serde_json::Value = serde_json::from_str(&stdout(&shown)).expect("JSON");
    assert_eq!(shown["state"], "interrupted");
    assert!(!shown["epochs"].as_array().expect("epochs").is_empty());

    // An incomplete last line is skipped.
    let metrics = run.join("metrics.jsonl");
    let whole = fs::read(&metrics).expect("metrics");
    let first = whole.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    fs::write(&metrics, &whole[..first + 20.min(whole.len() - first)]).expect("cut");
    let shown = chestxr(runs.path()).args(["runs", "show", "last", "--json"]).output().expect("it shows");
    let shown: serde_json::Value = serde_json::from_str(&stdout(&shown)).expect("JSON");
    assert_eq!(shown["epochs"].as_array().expect("epochs").len(), 1);
}

/// A run that only a signal ends, with `handler` for `signal`: the parent process may ignore some signals, as shells do
/// for background jobs.
fn endless(runs: &Path, signal: i32, handler: libc::sighandler_t) -> std::process::Child {
    use std::os::unix::process::CommandExt;
    let mut command = small(runs);
    command
        .args(["--json", "--set", "optimizer.epochs=1000000", "--set", "early_stopping.enabled=false"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // SAFETY: signal() is one of the calls allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::signal(signal, handler);
            Ok(())
        });
    }
    command.spawn().expect("the program runs")
}

/// Reads the child's stdout up to a line that contains `needle`; returns the lines that follow. The pipe is open until
/// they are dropped; then the child's next line ends the child.
fn wait_for_line(child: &mut std::process::Child, needle: &str) -> impl Iterator<Item = String> + use<> {
    use std::io::BufRead;
    let mut lines =
        std::io::BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains(needle)), "the program ended before it printed {needle}");
    lines
}

fn signal(child: &std::process::Child, signal: i32) {
    // SAFETY: the child is not yet waited for, so the process id is still valid.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
}
