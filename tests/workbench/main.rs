//! The workbench end to end: the real binary in a pseudo-terminal, driven by keys, read through a terminal
//! emulator. Everything waits for a condition; the only limit of time is the one that ends a hanging test.

#[path = "../support/mod.rs"]
mod support;

mod form;
mod home;
mod mouse;
mod runs;
mod screens;
mod terminal;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use support::pty::{PtyOptions, PtySession};

/// Starts the workbench on small phantoms, with its runs in `runs`.
fn start(runs: &Path, (columns, rows): (u16, u16), more: &[&str]) -> PtySession {
    let mut args = vec!["--data", "phantom:300", "--device", "cpu"];
    args.extend(["--runs-dir", runs.to_str().expect("UTF-8")]);
    for set in ["data.size=32", "optimizer.epochs=100000", "early_stopping.enabled=false", "run.threads=1"] {
        args.extend(["--set", set]);
    }
    args.extend(more);
    PtySession::start(&args, &PtyOptions { columns, rows, ..PtyOptions::default() })
}

/// Starts a run by key from the first screen and waits for its folder.
fn train(session: &mut PtySession, runs: &Path) {
    session.wait_text("1 DATA");
    session.press("2");
    session.wait_text("2 TRAIN");
    session.press("s");
    session.wait("run folder", |_| run(runs));
}

/// The folder of the only run.
fn run(runs: &Path) -> Option<PathBuf> {
    let mut folders = std::fs::read_dir(runs).ok()?.flatten().map(|entry| entry.path());
    folders.find(|path| path.join("status.json").is_file())
}

/// Number of epochs in the run's `metrics.jsonl`.
fn epochs(runs: &Path) -> usize {
    let journal = run(runs).map(|run| run.join("metrics.jsonl"));
    journal.and_then(|path| std::fs::read_to_string(path).ok()).map_or(0, |text| text.lines().count())
}

/// The state in `status.json`.
fn state(runs: &Path) -> String {
    let status = support::json(&run(runs).expect("a run").join("status.json"));
    status["state"].as_str().expect("a state").to_owned()
}

fn has_curve(text: &str) -> bool {
    text.chars().any(|sign| ('\u{2801}'..='\u{28ff}').contains(&sign))
}

#[test]
fn a_run_is_started_paused_resumed_stopped_and_left_by_keys() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = start(folder.path(), (120, 34), &[]);
    train(&mut session, folder.path());
    session.wait_until("two epochs with curves", |session| {
        let text = session.text();
        epochs(folder.path()) >= 2 && has_curve(&text) && text.contains("val .")
    });

    session.press(" ");
    session.wait_text("paused");
    let step =
        |session: &PtySession| session.text().lines().find(|line| line.contains("step ")).map(str::to_owned);
    let (done, before) = (epochs(folder.path()), step(&session));
    assert!(before.is_some(), "{}", session.text());
    // Not a limit but a look: a trainer that went on would have done several epochs by then.
    thread::sleep(Duration::from_millis(700));
    assert_eq!((epochs(folder.path()), step(&session)), (done, before), "nothing goes on while paused");

    session.press(" ");
    session.wait_until("another epoch", |_| epochs(folder.path()) > done);
    session.press("x");
    session.wait_text("Stop run");
    session.press("\r");
    session.wait_text("■ stopped");
    assert_eq!(state(folder.path()), "stopped");

    session.press("6");
    session.wait_until("the run in the list", |session| {
        session.text().contains("6 RUNS") && session.text().contains("chestnet-s")
    });
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
    session.wait_text("stopped after");
}

#[test]
fn leaving_a_run_asks_then_saves_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = start(folder.path(), (100, 30), &[]);
    train(&mut session, folder.path());
    session.wait_until("an epoch", |_| epochs(folder.path()) >= 1);
    session.press("q");
    session.wait_text("Stop and leave?");
    session.press("\x1b");
    session.wait_until("the question's end", |session| !session.text().contains("Stop and leave?"));
    session.press("\x03");
    session.wait_text("Stop and leave?");
    session.press("\x03");
    session.wait_until("the question's end", |session| !session.text().contains("Stop and leave?"));
    assert_eq!(state(folder.path()), "running", "Ctrl-C closes a question");
    session.press("q");
    session.wait_text("Stop and leave?");
    session.press("\r");
    assert_eq!(session.wait_exit(), 0);
    assert_eq!(state(folder.path()), "stopped");
}

#[test]
fn a_tiny_terminal_and_a_storm_of_sizes_are_survived() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = start(folder.path(), (20, 5), &[]);
    train(&mut session, folder.path());
    let sizes = [(1, 1), (20, 5), (200, 60), (3, 40), (80, 24), (40, 2), (120, 34), (2, 2)];
    for round in 0..40 {
        let (columns, rows) = sizes[round % sizes.len()];
        session.resize(columns, rows);
        session.press(["1", "2", "3", "6", "?", "\x1b", "e", "\x1b"][round % 8]);
        thread::sleep(Duration::from_millis(5));
        assert!(session.try_exit_code().is_none(), "alive at {columns}x{rows}");
    }
    session.resize(100, 30);
    // An Esc of the storm that came together with the key after it was no Esc: form and edited setting may still be open.
    session.wait_until("a whole screen without a dialog", |session| {
        let is_there = session.text().contains("q quit");
        if !is_there {
            session.press("\x1b");
            thread::sleep(Duration::from_millis(100));
        }
        is_there
    });
    session.press("\x03");
    session.wait_text("Stop and leave?");
    session.press("\r");
    assert_eq!(session.wait_exit(), 0);
}

#[test]
#[cfg(unix)]
fn a_signal_restores_the_terminal_and_leaves_the_run_interrupted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = start(folder.path(), (100, 30), &[]);
    train(&mut session, folder.path());
    session.wait_until("an epoch", |_| epochs(folder.path()) >= 1);
    let process = session.pid().expect("a running child");
    // SAFETY: the process is ours and not waited for yet, so its number is still its own.
    assert_eq!(unsafe { libc::kill(process as libc::pid_t, libc::SIGTERM) }, 0);
    session.wait_exit();
    assert_eq!(state(folder.path()), "interrupted");
}

#[test]
fn an_unknown_theme_is_told_before_the_screen_is_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = start(folder.path(), (100, 30), &["--theme", "solarised"]);
    assert_eq!(session.wait_exit(), 2);
    session.wait_text("there is no theme");
}
