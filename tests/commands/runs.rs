//! The commands about runs, with the binary: names, tags and notes, listing, deleting, clearing away, the queue.

use std::path::Path;
use std::process::Output;

use crate::support::{chestxr, stderr, stdout};
use chestxr_tui::config::RunConfig;
use chestxr_tui::runs::{Best, EpochRecord, Provenance, Queue, RunFolder, RunState, Status, list};

/// A run as training leaves it, without training it.
fn made(runs: &Path, second: i64, name: &str, lr: &str, auroc: f64) -> RunFolder {
    let created = jiff::Timestamp::from_second(1_795_000_000 + second).expect("a time");
    let mut config = RunConfig::default();
    config.set("run.name", name).expect("allowed");
    config.set("optimizer.lr", lr).expect("allowed");
    let folder = RunFolder::create(runs, &config, &created.to_zoned(jiff::tz::TimeZone::UTC)).expect("made");
    folder.write_config(&config, &Provenance::default()).expect("written");
    let record = EpochRecord { epoch: 1, val_auroc_macro: Some(auroc), ..EpochRecord::default() };
    folder.append_epoch(&record).expect("written");
    std::fs::write(folder.best_weights(), vec![0; 10_000]).expect("written");
    let mut status = Status::starting(created);
    status.state = RunState::Finished;
    status.epoch = 1;
    status.best = Some(Best { metric: "val_auroc_macro".into(), value: auroc, epoch: 1 });
    folder.write_status(&status).expect("written");
    folder
}

fn runs(folder: &Path, arguments: &[&str]) -> Output {
    chestxr(folder).arg("runs").args(arguments).output().expect("it runs")
}

/// The lines of `runs list --json` with these options.
fn listed(folder: &Path, options: &[&str]) -> Vec<serde_json::Value> {
    let output = runs(folder, &[&["list", "--json"], options].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn names(lines: &[serde_json::Value]) -> Vec<&str> {
    lines.iter().map(|line| line["name"].as_str().expect("a name")).collect()
}

#[test]
fn what_a_person_says_of_a_run_is_kept_listed_and_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let a = made(folder.path(), 1, "a", "1e-3", 0.7);
    made(folder.path(), 2, "b", "3e-4", 0.8);
    let id = a.id().as_str();
    let ok = |arguments: &[&str]| {
        let output = runs(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    assert!(ok(&["tag", id, "+paper", "draft", "+x"]).contains("draft paper x"));
    assert!(ok(&["tag", id, "-draft"]).ends_with("paper x\n"));
    assert!(ok(&["tag", id]).ends_with("paper x\n"));
    assert!(ok(&["rename", id, "the first"]).contains("the first"));
    ok(&["note", id, "one\ntwo"]);
    assert!(ok(&["note", id]).contains("one\ntwo"));
    let shown = ok(&["show", id]);
    for words in ["name     the first", "tags     paper x", "note     one", "         two", "kB"] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
    let table = ok(&["list"]);
    assert!(table.contains("the first") && table.contains("paper x"), "{table}");

    let all = listed(folder.path(), &[]);
    assert_eq!(names(&all), ["b", "the first"]);
    assert_eq!(all[1]["tags"], serde_json::json!(["paper", "x"]));
    assert_eq!(all[1]["note"], "one\ntwo");
    assert!(all[1]["bytes"].as_u64().expect("bytes") > 10_000);
    assert_eq!(names(&listed(folder.path(), &["--tag", "paper"])), ["the first"]);
    assert_eq!(names(&listed(folder.path(), &["--state", "finished", "--sort", "best"])), ["b", "the first"]);
    assert_eq!(names(&listed(folder.path(), &["--sort", "name", "--reverse"])), ["the first", "b"]);
    assert_eq!(names(&listed(folder.path(), &["--filter", "lr>5e-4 auroc<.75"])), ["the first"]);
    assert!(listed(folder.path(), &["--state", "failed"]).is_empty());
    ok(&["rename", id, ""]);
    assert_eq!(names(&listed(folder.path(), &["--filter", "name=a"])), ["a"]);

    for (arguments, code, says) in [
        (vec!["tag", id, "two words"], 2, "is no tag"),
        (vec!["list", "--sort", "colour"], 2, "takes one of"),
        (vec!["list", "--state", "done"], 2, "takes one of queued, running"),
        (vec!["tag", "nosuch", "+x"], 1, "no run in"),
    ] {
        let output = runs(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_run_is_deleted_only_with_a_yes_and_never_while_it_is_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (a, b) = (made(folder.path(), 1, "a", "1e-3", 0.7), made(folder.path(), 2, "b", "1e-3", 0.7));
    let mut status = b.read_status().expect("read");
    status.state = RunState::Running;
    b.write_status(&status).expect("written");

    let output = runs(folder.path(), &["rm", a.id().as_str()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
    let output = runs(folder.path(), &["rm", "--yes", a.id().as_str(), b.id().as_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is active"), "{}", stderr(&output));
    assert_eq!(list(folder.path()).expect("a list").len(), 2, "all or nothing");

    let output = runs(folder.path(), &["rm", "--yes", a.id().as_str(), a.id().short()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with(&format!("deleted {}", a.id())) && stdout(&output).contains("kB"));
    assert!(!a.path().exists() && b.path().exists());
}

#[test]
fn what_a_deletion_left_is_told_then_cleared_away() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    made(folder.path(), 1, "kept", "1e-3", 0.7);
    made(folder.path(), 2, "gone", "1e-3", 0.7).discard().expect("in the trash");
    let told = runs(folder.path(), &["gc", "--dry-run"]);
    assert!(stdout(&told).contains("a deleted run") && stdout(&told).contains("would be freed"));
    let done = runs(folder.path(), &["gc"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stdout(&done).contains("freed") && stdout(&done).contains("kB"), "{}", stdout(&done));
    assert!(stdout(&runs(folder.path(), &["gc"])).contains("no leftovers"));
    assert_eq!(list(folder.path()).expect("a list").len(), 1);
}

#[test]
fn a_queue_is_filled_and_ordered_by_commands() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["a", "b", "c"] {
        let set = format!("run.name={name}");
        let added = runs(folder.path(), &["queue", "add", "--set", &set]);
        assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    }
    let refused = runs(folder.path(), &["queue", "add", "--set", "schedule.min_lr=1"]);
    assert_eq!(refused.status.code(), Some(2), "settings that contradict each other don't wait for that");
    assert_eq!(runs(folder.path(), &["queue", "move", "3", "earlier"]).status.code(), Some(0));
    assert_eq!(runs(folder.path(), &["queue", "move", "1", "earlier"]).status.code(), Some(0), "it is first");
    let missing = runs(folder.path(), &["queue", "rm", "1", "9"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("number 9"), "{}", stderr(&missing));
    assert_eq!(runs(folder.path(), &["queue", "rm", "1"]).status.code(), Some(0));
    let waiting = Queue::of(folder.path()).list().expect("readable");
    let names: Vec<_> =
        waiting.iter().map(|run| run.config.as_ref().expect("readable").run.name.clone()).collect();
    assert_eq!(names, ["c", "b"]);
}

#[test]
fn what_an_open_workbench_can_put_back_is_told_and_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let deleted = made(folder.path(), 1, "gone", "1e-3", 0.7).discard().expect("in the trash");
    let told = runs(folder.path(), &["gc"]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    assert!(
        stdout(&told).contains(": not removed, the workbench that deleted it is open"),
        "{}",
        stdout(&told)
    );
    assert!(stdout(&told).contains("no leftovers"), "{}", stdout(&told));
    let told = runs(folder.path(), &["gc", "--json"]);
    let line: serde_json::Value = serde_json::from_str(stdout(&told).trim_end()).expect("JSON");
    assert_eq!(line["removed"], false);
    deleted.restore().expect("it is there still");
    assert_eq!(list(folder.path()).expect("a list").len(), 1);
}

#[test]
fn a_run_that_cannot_be_read_is_told_and_can_be_deleted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (cut, newer) = (made(folder.path(), 1, "a", "1e-3", 0.7), made(folder.path(), 2, "b", "1e-3", 0.7));
    made(folder.path(), 3, "whole", "1e-3", 0.7);
    let status = std::fs::read_to_string(cut.path().join("status.json")).expect("read");
    std::fs::write(cut.path().join("status.json"), &status[..40]).expect("cut");
    let unknown = status.replace("finished", "dreaming");
    std::fs::write(newer.path().join("status.json"), unknown).expect("written");

    let output = runs(folder.path(), &["list", "--json"]);
    assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(0), 1));
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 2, "{told}");
    for (run, line) in [&cut, &newer].into_iter().zip(told.lines()) {
        assert!(line.contains("status.json is damaged") && line.contains(&format!("runs rm {}", run.id())));
    }
    let output = runs(folder.path(), &["show", cut.id().as_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("status.json is damaged"), "{}", stderr(&output));
    for run in [&cut, &newer] {
        let output = runs(folder.path(), &["rm", "--yes", run.id().as_str()]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(!run.path().exists());
    }
    // Something else is not taken for a run.
    std::fs::create_dir(folder.path().join("notes")).expect("made");
    let output = runs(folder.path(), &["rm", "--yes", "notes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is no run"), "{}", stderr(&output));
    assert!(stderr(&runs(folder.path(), &["list"])).is_empty());
}

#[test]
fn a_run_with_a_damaged_line_shows_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = made(folder.path(), 1, "a", "1e-3", 0.7);
    let path = run.path().join("metrics.jsonl");
    let line = std::fs::read_to_string(&path).expect("read");
    std::fs::write(&path, format!("{line}{{\"epoch\": 2, \u{0}\n{line}")).expect("written");
    let output = runs(folder.path(), &["show", "last"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("metrics.jsonl is damaged in line 2") && text.contains("state    finished"),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.contains("0.7000") && line.starts_with("    1")).count(), 2);
    let shown: serde_json::Value =
        serde_json::from_str(&stdout(&runs(folder.path(), &["show", "last", "--json"]))).expect("JSON");
    assert_eq!(shown["epochs"].as_array().expect("epochs").len(), 2);
    assert!(shown["damaged"][0].as_str().expect("a sentence").contains("line 2"));
}

#[test]
fn a_link_to_a_run_is_not_deleted_in_its_place() {
    let (folder, elsewhere) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let run = made(elsewhere.path(), 1, "a", "1e-3", 0.7);
    let link = folder.path().join("linked");
    std::os::unix::fs::symlink(run.path(), &link).expect("linked");
    assert_eq!(listed(folder.path(), &[])[0]["id"], "linked");
    let output = runs(folder.path(), &["rm", "--yes", "last"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is only a link, to"), "{}", stderr(&output));
    assert!(run.path().exists() && link.exists());
    assert!(stdout(&runs(folder.path(), &["show", "linked"])).contains("state    finished"));
}

#[test]
fn nothing_is_deleted_by_an_empty_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    made(folder.path(), 1, "a", "1e-3", 0.7);
    for arguments in [vec!["rm", "--yes", ""], vec!["show", ""], vec!["export", "", "--mlflow", "nowhere"]] {
        let output = runs(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("the name of a run is empty"), "{}", stderr(&output));
    }
    let output = chestxr(folder.path()).args(["--no-ui", "train", "--resume", ""]).output().expect("it ends");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(list(folder.path()).expect("a list").len(), 1);
}

#[test]
fn what_is_followed_in_json_is_the_journal_line_by_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = made(folder.path(), 1, "a", "1e-3", 0.7);
    let lines = [
        r#"{"time":"2026-11-22T12:00:00Z","event":"note","level":"info","text":"x"}"#,
        r#"{"time":"2026-11-22T12:00:01Z", "event":"of_a_newer_version","more":[1]}"#,
        r#"{"time":"2026-11-22T12:00:02Z","event":"ended","id":null,"state":"finished","reason":"x","best":null}"#,
    ];
    let [first, second, third] = lines;
    let text = format!("{first}\n{second}\nno object\n{third}\n");
    std::fs::write(run.path().join("events.jsonl"), text).expect("written");
    let output = runs(folder.path(), &["show", "last", "--follow", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), lines);
    assert!(stderr(&output).contains("no object"), "{}", stderr(&output));
    let people = runs(folder.path(), &["show", "last", "--follow"]);
    assert!(stdout(&people).contains("finished: x") && stderr(&people).contains("of_a_newer_version"));
}

#[test]
fn a_queue_is_worked_to_its_end_past_a_run_that_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let queue = Queue::of(folder.path());
    let config = |name: &str, source: &str| {
        let mut config = RunConfig::default();
        for (key, value) in [
            ("run.name", name),
            ("data.source", source),
            ("data.size", "32"),
            ("optimizer.epochs", "1"),
            ("augment.preset", "none"),
            ("run.device", "cpu"),
        ] {
            config.set(key, value).expect(key);
        }
        config
    };
    for (name, source) in [("first", "phantom:200"), ("lost", "npz:/nowhere.npz"), ("second", "phantom:200")]
    {
        queue.add(&config(name, source)).expect("added");
    }
    let waits = stdout(&runs(folder.path(), &["queue"]));
    assert_eq!(waits.lines().count(), 3, "{waits}");
    let output = chestxr(folder.path()).args(["train", "--queue"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "one has failed: {}", stderr(&output));
    assert!(stderr(&output).contains("nowhere.npz"), "{}", stderr(&output));
    let all = list(folder.path()).expect("a list");
    let named: Vec<&str> = all.iter().map(|run| run.name()).collect();
    assert_eq!(named, ["second", "first"]);
    assert!(all.iter().all(|run| run.state == RunState::Finished));
    let left = queue.list().expect("readable");
    assert_eq!(left.len(), 1, "what couldn't begin stays, with the reason");
    assert!(left[0].failed.as_ref().is_some_and(|why| why.contains("nowhere.npz")), "{:?}", left[0].failed);
    assert!(stdout(&runs(folder.path(), &["queue"])).contains("could not start: "));

    let output = chestxr(folder.path()).args(["train", "--queue", "--set", "optimizer.lr=1"]).output();
    assert_eq!(
        output.expect("it runs").status.code(),
        Some(2),
        "settings that would have no say are refused"
    );

    let turn = queue.try_lock().expect("lockable");
    let output = chestxr(folder.path()).args(["train", "--queue"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the queue is locked"), "{}", stderr(&output));
    drop(turn);
}
