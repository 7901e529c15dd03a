//! Leaving at random moments while work is seen to run: the exit code, the terminal and the files are as they should be.
//! CHESTXR_LEAVES sets how many times each kind of work is left, CHESTXR_LEAVE_SEED another choice of moments.

mod support;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use chestxr_tui::random::SplitMix64;
use support::pty::{PtyOptions, PtySession};
use support::trained::{copy, two_runs};

/// How often each kind of work is left.
fn times() -> u64 {
    std::env::var("CHESTXR_LEAVES").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// Two runs that were trained for an epoch, made once for all tests.
fn trained() -> &'static Path {
    static RUNS: OnceLock<tempfile::TempDir> = OnceLock::new();
    RUNS.get_or_init(|| two_runs("phantom:1500", "64", "1")).path()
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// How the program is left.
#[derive(Clone, Copy, Debug)]
enum Way {
    Key,
    Signal(i32),
}

const WAYS: [Way; 4] = [Way::Key, Way::Signal(libc::SIGTERM), Way::Key, Way::Signal(libc::SIGHUP)];

/// Starts the workbench again and again in a home of its own, waits until `begin` has seen the work run, and leaves at a
/// random moment. `check` sees the folder of runs afterwards.
fn leave_while(kind: &str, source: &str, begin: impl Fn(&mut PtySession), check: impl Fn(&Path)) {
    let given = std::env::var("CHESTXR_LEAVE_SEED").ok().and_then(|text| text.parse().ok());
    let mut random = SplitMix64::new(given.unwrap_or(20) ^ kind.bytes().map(u64::from).sum::<u64>());
    for time in 0..times() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let runs = home.path().join("runs");
        copy(trained(), &runs);
        if kind == "predicting" {
            for file in files(&runs).iter().filter(|path| path.ends_with("predictions_test.npz")) {
                std::fs::remove_file(file).expect("removed");
            }
        }
        let runs_dir = runs.display().to_string();
        let args = ["--data", source, "--device", "cpu", "--runs-dir", &runs_dir, "--set", "data.size=64"];
        let more = ["--set", "run.threads=1", "--set", "optimizer.epochs=100000"];
        let more = [&more[..], &["--set", "early_stopping.enabled=false"]].concat();
        let environment = [("HOME", home.path()), ("XDG_CACHE_HOME", home.path())];
        let options = PtyOptions { environment: &environment, ..PtyOptions::default() };
        let mut session = PtySession::start(&[&args[..], &more[..]].concat(), &options);
        begin(&mut session);
        // Moments are spread over short and long waits alike.
        let bits = random.below(11);
        let wait = random.below(1 << bits);
        thread::sleep(Duration::from_millis(wait));
        let way = WAYS[time as usize % WAYS.len()];
        match way {
            Way::Key => {
                session.press("q");
                // A run is asked about first.
                session.wait_until("an end or a question", |session| {
                    session.try_exit_code().is_some() || session.text().contains("Stop and leave?")
                });
                if session.try_exit_code().is_none() {
                    session.press("\r");
                }
            }
            Way::Signal(signal) => session.signal(signal),
        }
        let code = session.wait_exit();
        let expected = if matches!(way, Way::Key) { 0 } else { 130 };
        assert_eq!(code, expected, "{kind}, time {time}, {way:?} after {wait} ms:\n{}", session.text());
        let parts: Vec<_> = files(home.path())
            .into_iter()
            .filter(|path| {
                path.extension().is_some_and(|extension| extension == "part" || extension == "tmp")
            })
            .collect();
        assert_eq!(parts, [] as [PathBuf; 0], "{kind}, time {time}, {way:?} after {wait} ms");
        check(&runs);
    }
}

fn to_evaluate(session: &mut PtySession) {
    session.press("3");
    session.wait_text("AUROC");
}

#[test]
fn while_images_are_read() {
    leave_while("reading", "phantom:300000", |session| session.wait_text("Reading phantom"), |_| {});
}

#[test]
fn while_the_data_are_checked() {
    let begin = |session: &mut PtySession| {
        session.wait_text("train #0");
        // Image, what comes together, the check.
        session.press("v");
        session.wait_text("together");
        session.press("v");
        session.wait_text("checking");
    };
    leave_while("checking", "phantom:2000", begin, |_| {});
}

#[test]
fn while_a_run_trains() {
    let begin = |session: &mut PtySession| {
        session.wait_text("1 DATA");
        session.press("2s");
        session.wait_text("images/s");
    };
    leave_while("training", "phantom:300", begin, |_| {});
}

#[test]
fn while_learning_rates_are_tried() {
    let begin = |session: &mut PtySession| {
        session.wait_text("1 DATA");
        session.press("2f");
        session.wait_text("images/s");
    };
    leave_while("rates", "phantom:300", begin, |_| {});
}

#[test]
fn while_a_run_is_evaluated() {
    let begin = |session: &mut PtySession| {
        to_evaluate(session);
        session.press("p");
        session.wait_text("with the best weights");
    };
    leave_while("evaluating", "phantom:30", begin, |_| {});
}

#[test]
fn while_thresholds_figures_and_report_are_written() {
    let begin = |session: &mut PtySession| {
        to_evaluate(session);
        session.press("\x1b[C");
        session.press("w");
        session.wait_text("writing thresholds");
    };
    let check = |runs: &Path| {
        let original = trained();
        let changed = files(runs)
            .into_iter()
            .filter(|path| path.ends_with("checkpoints/thresholds.json"))
            .find(|path| {
                let before = original.join(path.strip_prefix(runs).expect("below the runs"));
                std::fs::read(path).expect("readable") != std::fs::read(before).expect("readable")
            });
        let changed = changed.expect("the thresholds are written, however soon the program is left");
        let written = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).expect("a time");
        let artifacts = changed.ancestors().nth(2).expect("a run").join("artifacts");
        let follow: Vec<_> = files(&artifacts)
            .into_iter()
            .filter(|path| {
                let name = path.file_name().expect("a name").to_string_lossy();
                name.starts_with("confusion_matrix") || name == "report.md"
            })
            .collect();
        assert_eq!(follow.len(), 15, "fourteen matrices and the report: {follow:?}");
        for file in follow {
            assert!(written(&file) >= written(&changed), "{} is of the old thresholds", file.display());
        }
    };
    leave_while("writing", "phantom:30", begin, check);
}

#[test]
fn while_a_map_is_computed() {
    let begin = |session: &mut PtySession| {
        session.press("4");
        session.wait_until("a run or its loading", |session| {
            let text = session.text();
            text.contains("Loading the network") || text.contains("the map is on its way")
        });
        session.press("m");
    };
    leave_while("explaining", "phantom:30", begin, |_| {});
}

#[test]
fn while_all_images_are_predicted_for_explain() {
    let begin = |session: &mut PtySession| {
        session.press("4");
        // Without predictions on the disk the network predicts all images of the split, in the background.
        session.wait_text("probabilities");
    };
    leave_while("predicting", "phantom:30", begin, |_| {});
}

#[test]
fn while_a_model_is_exported() {
    let begin = |session: &mut PtySession| {
        session.press("6");
        session.wait_text("chestnet-s");
        session.press("E");
    };
    leave_while("exporting", "phantom:30", begin, |_| {});
}

#[test]
fn while_runs_are_compared() {
    let begin = |session: &mut PtySession| {
        to_evaluate(session);
        session.press("c");
        session.wait_until("a comparison", |session| session.text().contains("ompar"));
    };
    leave_while("comparing", "phantom:30", begin, |_| {});
}

#[test]
fn a_fatal_signal_restores_the_terminal() {
    for signal in [libc::SIGSEGV, libc::SIGABRT, libc::SIGBUS] {
        let home = tempfile::tempdir().expect("a temporary folder");
        let runs = home.path().display().to_string();
        let args = ["--data", "phantom:300", "--device", "cpu", "--runs-dir", &runs, "--set", "data.size=64"];
        let more = ["--set", "run.threads=1", "--set", "early_stopping.enabled=false"];
        let mut session = PtySession::start(&[&args[..], &more[..]].concat(), &PtyOptions::default());
        session.wait_text("Normal");
        session.press("2s");
        session.wait_text("images/s");
        session.signal(signal);
        let code = session.wait_exit();
        assert_ne!(code, 0, "signal {signal}");
    }
}
