//! A run killed at any instant goes on as if nothing had happened: weights, predictions and metrics are the
//! same bytes as an uninterrupted run's (`metrics.jsonl` but for the two clock readings of a row).
//!
//! CHESTXR_KILLS sets how many random instants are tried; CHESTXR_KILL_SEED another choice of them.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chestxr_tui::random::SplitMix64;
use support::{chestxr, json, only_run, stderr};

/// Three epochs with everything that has a state of its own: augmentation, dropout, a running mean, a warm-up,
/// accumulated batches and a plateau that cuts the rate after each epoch without gain.
const SETTINGS: [&str; 14] = [
    "data.source=phantom:700",
    "data.size=32",
    "augment.preset=chest",
    "optimizer.batch_size=16",
    "optimizer.accumulate=2",
    "optimizer.epochs=3",
    "optimizer.ema=0.95",
    "optimizer.clip_norm=1",
    "schedule.patience=0",
    "schedule.warmup=0.5",
    "loss.pos_weight=sqrt",
    "data.sampling=balanced",
    "checkpoint.every_n_steps=2",
    "run.seed=5",
];

fn train(runs: &Path) -> Command {
    let mut command = chestxr(runs);
    command.args(["--no-ui", "train"]);
    for setting in SETTINGS {
        command.args(["--set", setting]);
    }
    command
}

fn resume(runs: &Path) -> Command {
    let mut command = chestxr(runs);
    command.args(["--no-ui", "train", "--resume", "last"]);
    command
}

/// What must be equal: files by their bytes, metrics without clock readings.
fn outcome(run: &Path) -> Vec<(String, Vec<u8>)> {
    let files = [
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "checkpoints/last_raw.safetensors",
        "checkpoints/last.state",
        "predictions_val.npz",
        "predictions_test.npz",
        "evaluation.json",
    ];
    let mut all: Vec<(String, Vec<u8>)> =
        files.iter().map(|file| (file.to_string(), std::fs::read(run.join(file)).expect(file))).collect();
    all.push(("metrics.jsonl".into(), metrics(run).into_bytes()));
    let mut kept: Vec<String> = std::fs::read_dir(run.join("checkpoints"))
        .expect("checkpoints")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.ends_with(".part"))
        .collect();
    kept.sort();
    all.push(("the list of checkpoints".into(), kept.join(" ").into_bytes()));
    all
}

fn metrics(run: &Path) -> String {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).expect("metrics.jsonl");
    let mut rows = String::new();
    for line in text.lines() {
        let mut row: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).expect("a row is JSON");
        assert!(row.remove("epoch_seconds").is_some() && row.remove("images_per_second").is_some());
        rows += &format!("{}\n", serde_json::to_string(&row).expect("JSON"));
    }
    rows
}

fn wait(mut child: Child, what: &str) {
    let status = child.wait().expect("it can be waited for");
    assert!(status.success(), "{what}: {status}");
}

/// Starts a run and kills it after `after`. `None` when it had ended by itself.
fn killed(mut command: Command, after: Duration) -> Option<()> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    std::thread::sleep(after);
    let ended = child.try_wait().expect("it can be asked").is_some();
    child.kill().expect("it can be killed");
    child.wait().expect("it can be waited for");
    (!ended).then_some(())
}

/// Uniform in 0..1.
fn random(generator: &mut SplitMix64) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    let whole = tempfile::tempdir().expect("a temporary folder");
    let started = Instant::now();
    wait(train(whole.path()).stdout(Stdio::null()).spawn().expect("it starts"), "the uninterrupted run");
    let mut took = started.elapsed();
    let expected = outcome(&only_run(whole.path()));
    let mut seed = SplitMix64::new(number("CHESTXR_KILL_SEED", 3));
    let kills = number("CHESTXR_KILLS", 4);
    let (mut kill, mut hits) = (0, 0);
    while hits < kills {
        kill += 1;
        assert!(kill < 10 * kills, "no kill comes before the end of a run");
        let runs = tempfile::tempdir().expect("a temporary folder");
        // Most of a short run is its start: what has left no state yet is started anew, as a person would.
        let after = took.mul_f64(0.1 + 0.85 * random(&mut seed));
        let first = killed(train(runs.path()), after);
        let folder: Option<PathBuf> =
            runs.path().read_dir().expect("the folder").next().map(|entry| entry.expect("an entry").path());
        let has_state = folder.as_ref().is_some_and(|folder| folder.join("checkpoints/last.state").is_file());
        let at = folder.as_ref().filter(|_| has_state).map(|run| json(&run.join("status.json")));
        eprintln!(
            "kill {kill} after {:.2} of {:.2} s: {}",
            after.as_secs_f64(),
            took.as_secs_f64(),
            match (&at, first) {
                (_, None) => "it had ended".into(),
                (None, _) => "no checkpoint yet".into(),
                (Some(status), _) => format!("epoch {} done, step told {}", status["epoch"], status["step"]),
            }
        );
        if first.is_none() {
            // The machine was slower for the first run; what ended by itself has not been killed.
            took = took.min(after);
            continue;
        }
        if !has_state {
            continue;
        }
        hits += 1;
        // Killed once more on its way, then left to its end.
        killed(resume(runs.path()), took.mul_f64(0.3 * random(&mut seed)));
        wait(resume(runs.path()).stdout(Stdio::null()).spawn().expect("it starts"), "the resumed run");
        let found = outcome(&only_run(runs.path()));
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            assert!(expected == found, "{name} differs after kill {kill} at {after:?}");
        }
    }
}

#[test]
fn a_stopped_run_goes_on_for_more_epochs_and_refuses_other_settings() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let small = ["--set", "data.source=phantom:120", "--set", "data.size=32", "--set", "optimizer.epochs=1"];
    let done = chestxr(runs.path()).args(["--no-ui", "train"]).args(small).output().expect("it runs");
    assert!(done.status.success(), "{}", stderr(&done));
    let run = only_run(runs.path());

    let refused = resume(runs.path()).args(["--set", "optimizer.lr=0.1"]).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("`optimizer.lr` can't change from 0.0003 to 0.1"),
        "{}",
        stderr(&refused)
    );

    let more = resume(runs.path()).args(["--set", "optimizer.epochs=3"]).output().expect("it runs");
    assert!(more.status.success(), "{}", stderr(&more));
    let epochs: Vec<u64> = std::fs::read_to_string(run.join("metrics.jsonl"))
        .expect("metrics")
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["epoch"]
                .as_u64()
                .expect("a number")
        })
        .collect();
    assert_eq!(epochs, [1, 2, 3]);
    assert_eq!(json(&run.join("status.json"))["state"], "finished");
}

#[test]
fn a_damaged_state_is_refused_in_a_sentence_and_nothing_is_lost() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let small = ["--set", "data.source=phantom:120", "--set", "data.size=32", "--set", "optimizer.epochs=2"];
    let done = chestxr(runs.path()).args(["--no-ui", "train"]).args(small).output().expect("it runs");
    assert!(done.status.success(), "{}", stderr(&done));
    let run = only_run(runs.path());
    let state = run.join("checkpoints/last.state");
    let whole = std::fs::read(&state).expect("the state");
    std::fs::write(&state, &whole[..whole.len() / 2]).expect("written");
    let before = metrics(&run);
    let refused = resume(runs.path()).args(["--set", "optimizer.epochs=3"]).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("last.state is damaged"), "{}", stderr(&refused));
    assert_eq!(metrics(&run), before);
    assert_eq!(json(&run.join("status.json"))["state"], "finished");
}

/// A run of a few images that only a signal ends.
fn endless(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// The epochs in the journal.
fn epochs(run: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let rows = whole.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    rows.map(|row| row["epoch"].as_u64().expect("a number")).collect()
}

fn wait_for_epochs(run: &Path, count: usize) {
    while epochs(run).len() < count {
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn listed_state(runs: &Path) -> String {
    let output = chestxr(runs).args(["runs", "list", "--json"]).output().expect("it lists");
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one run");
    line["state"].as_str().expect("a state").to_owned()
}

#[test]
fn one_process_at_a_time_works_on_a_run() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut first = train(runs.path());
    let small = ["data.source=phantom:120", "optimizer.epochs=1000000", "early_stopping.enabled=false"];
    first.args(small.iter().flat_map(|setting| ["--set", setting]));
    let mut first = endless(first);
    while runs.path().read_dir().expect("the folder").next().is_none() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let run = only_run(runs.path());
    wait_for_epochs(&run, 1);

    let refused = resume(runs.path()).output().expect("it ends");
    let sentence = format!("is being worked on by process {}", first.id());
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains(&sentence), "{}", stderr(&refused));
    assert_eq!(stderr(&refused).trim_end().lines().count(), 1, "{}", stderr(&refused));
    let refused = chestxr(runs.path()).args(["runs", "rm", "--yes", "last"]).output().expect("it ends");
    assert!(!refused.status.success() && stderr(&refused).contains("is active"), "{}", stderr(&refused));
    wait_for_epochs(&run, epochs(&run).len() + 1);
    assert_eq!(listed_state(runs.path()), "running");

    // In another container the process would have this number and host no more.
    first.kill().and_then(|()| first.wait()).expect("killed");
    let mut status = json(&run.join("status.json"));
    (status["host"], status["pid"]) = ("elsewhere".into(), std::process::id().into());
    std::fs::write(run.join("status.json"), status.to_string()).expect("written");
    assert_eq!(listed_state(runs.path()), "interrupted");

    let mut both = [endless(resume(runs.path())), endless(resume(runs.path()))];
    let loser = loop {
        match both.iter_mut().position(|child| child.try_wait().expect("it can be asked").is_some()) {
            Some(at) => break at,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let [a, b] = both;
    let (loser, mut winner) = if loser == 0 { (a, b) } else { (b, a) };
    let lost = loser.wait_with_output().expect("it has ended");
    assert_eq!(lost.status.code(), Some(1));
    let sentence = format!("is being worked on by process {}", winner.id());
    assert!(stderr(&lost).contains(&sentence), "{}", stderr(&lost));
    wait_for_epochs(&run, epochs(&run).len() + 2);
    // SAFETY: the child is ours and not yet waited for, so the number is still its.
    assert_eq!(unsafe { libc::kill(winner.id() as libc::pid_t, libc::SIGTERM) }, 0);
    assert_eq!(winner.wait().expect("it ends").code(), Some(130));
    let found = epochs(&run);
    assert_eq!(found, (1..=found.len() as u64).collect::<Vec<_>>(), "one wrote the journal");
    assert_eq!(listed_state(runs.path()), "interrupted");
}

/// Trains with more settings, uninterrupted and killed in the middle of an epoch, and compares what both leave.
fn killed_in_mid_epoch_resumes_to_the_same_bytes(more: &[&str]) {
    let command = |runs: &Path| {
        let mut command = train(runs);
        command.args(more.iter().flat_map(|setting| ["--set", setting]));
        command
    };
    let whole = tempfile::tempdir().expect("a temporary folder");
    wait(command(whole.path()).stdout(Stdio::null()).spawn().expect("it starts"), "the uninterrupted run");
    let expected = outcome(&only_run(whole.path()));
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut child =
        command(runs.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // A checkpoint is written every second step, and an epoch has sixteen.
    let has_state = || {
        let entries = runs.path().read_dir().into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.path().join("checkpoints/last.state").is_file())
    };
    while !has_state() {
        assert!(
            child.try_wait().expect("it can be asked").is_none(),
            "{more:?}: it ended without a checkpoint"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("killed");
    assert!(epochs(&only_run(runs.path())).is_empty(), "{more:?}: killed in the first epoch");
    let resumed = resume(runs.path()).output().expect("it runs");
    assert!(resumed.status.success(), "{more:?}: {}", stderr(&resumed));
    for ((name, expected), (_, found)) in expected.iter().zip(&outcome(&only_run(runs.path()))) {
        assert!(expected == found, "{more:?}: {name} differs");
    }
}

#[test]
fn every_precision_resumes_in_mid_epoch_to_the_same_bytes() {
    for precision in ["fp32", "bf16"] {
        killed_in_mid_epoch_resumes_to_the_same_bytes(&[&format!("run.precision={precision}")]);
    }
}

#[test]
fn a_frozen_backbone_and_other_networks_resume_in_mid_epoch_to_the_same_bytes() {
    killed_in_mid_epoch_resumes_to_the_same_bytes(&["model.freeze_epochs=2", "run.precision=bf16"]);
    killed_in_mid_epoch_resumes_to_the_same_bytes(&[
        "data.source=phantom:300",
        "model.arch=resnet18",
        "optimizer.batch_size=8",
        "optimizer.kind=sgd",
        "optimizer.epochs=2",
    ]);
}

#[test]
fn a_run_killed_before_its_first_checkpoint_starts_anew_by_its_own_seed() {
    let few = ["--set", "checkpoint.every_n_steps=0", "--set", "data.source=phantom:3000"];
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut command = train(runs.path());
    command.args(few).args(["--set", "optimizer.epochs=1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let begun = || {
        let mut entries = runs.path().read_dir().into_iter().flatten().flatten();
        entries.any(|entry| entry.path().join("events.jsonl").is_file())
    };
    while !begun() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("killed");
    let run = only_run(runs.path());
    assert!(!run.join("checkpoints/last.state").is_file(), "killed before the first checkpoint");
    let resumed = resume(runs.path()).output().expect("it runs");
    assert!(resumed.status.success(), "{}", stderr(&resumed));

    let whole = tempfile::tempdir().expect("a temporary folder");
    let mut command = train(whole.path());
    command.args(few).args(["--set", "optimizer.epochs=1"]);
    wait(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"), "the whole run");
    for ((name, expected), (_, found)) in outcome(&only_run(whole.path())).iter().zip(&outcome(&run)) {
        assert!(expected == found, "{name} differs");
    }
}

/// Every file of a run with its bytes, but for the lock.
fn bytes_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => all.extend(bytes_of(&path)),
            false if path.ends_with(".lock") => {}
            false => all.push((path.clone(), std::fs::read(&path).expect("readable"))),
        }
    }
    all.sort();
    all
}

#[test]
fn a_refused_resume_changes_no_byte_of_the_run() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let small = ["--set", "data.source=phantom:120", "--set", "data.size=32", "--set", "optimizer.epochs=1"];
    let done = chestxr(runs.path()).args(["--no-ui", "train"]).args(small).output().expect("it runs");
    assert!(done.status.success(), "{}", stderr(&done));
    let run = only_run(runs.path());
    let other = tempfile::tempdir().expect("a temporary folder");
    let done = chestxr(other.path())
        .args(["--no-ui", "train"])
        .args(small)
        .args(["--set", "optimizer.kind=sgd"])
        .output()
        .expect("it runs");
    assert!(done.status.success(), "{}", stderr(&done));
    // The state of a run with another optimizer: it reads, and what this run needs is not in it.
    let state = run.join("checkpoints/last.state");
    std::fs::copy(only_run(other.path()).join("checkpoints/last.state"), &state).expect("copied");
    let before = bytes_of(&run);
    let refused = resume(runs.path()).args(["--set", "optimizer.epochs=3"]).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("the checkpoint has no `"), "{}", stderr(&refused));
    assert!(before == bytes_of(&run), "nothing of the run was touched");
}

#[test]
fn a_run_that_stopped_early_has_its_whole_patience_again_when_it_resumes_for_more_epochs() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let settings = [
        "data.source=phantom:120",
        "data.size=32",
        "optimizer.epochs=4",
        "early_stopping.patience=2",
        // No gain is ever that large, so the run stops after three epochs.
        "early_stopping.min_delta=0.9",
    ];
    let done = chestxr(runs.path())
        .args(["--no-ui", "train"])
        .args(settings.iter().flat_map(|setting| ["--set", setting]))
        .output()
        .expect("it runs");
    assert!(done.status.success(), "{}", stderr(&done));
    let run = only_run(runs.path());
    assert_eq!(epochs(&run), [1, 2, 3]);
    let more = resume(runs.path()).args(["--set", "optimizer.epochs=9"]).output().expect("it runs");
    assert!(more.status.success(), "{}", stderr(&more));
    assert_eq!(epochs(&run), [1, 2, 3, 4, 5], "two more epochs of patience");
}

#[test]
fn a_lost_row_of_the_journal_is_named_when_the_run_resumes() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let small = ["--set", "data.source=phantom:120", "--set", "data.size=32", "--set", "optimizer.epochs=4"];
    let done = chestxr(runs.path()).args(["--no-ui", "train"]).args(small).output().expect("it runs");
    assert!(done.status.success(), "{}", stderr(&done));
    let run = only_run(runs.path());
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).expect("readable");
    let kept: Vec<&str> =
        text.lines().enumerate().filter(|(row, _)| !matches!(row, 1 | 2)).map(|(_, line)| line).collect();
    std::fs::write(run.join("metrics.jsonl"), kept.join("\n") + "\n").expect("written");
    let more = resume(runs.path()).args(["--set", "optimizer.epochs=5"]).output().expect("it runs");
    assert!(more.status.success(), "{}", stderr(&more));
    let events = std::fs::read_to_string(run.join("events.jsonl")).expect("readable");
    assert!(events.contains("metrics.jsonl lacks epochs 2, 3"), "{events}");
}
