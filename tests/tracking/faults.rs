//! Whatever fails between a run and its MLflow server, everything arrives in the end, and nothing twice.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::support::mlflow::{BROKEN, BUSY, LOGIN, Line, Mood, PAGE, Server, TOO_LARGE, programs};
use crate::support::tracked::{assert_one_model, assert_whole, done, history, only_at, program, sync, train};
use crate::support::{json as read_json, only_run, stderr};
use serde_json::json;

#[test]
fn no_fault_of_a_server_delays_a_run_or_is_said_unclearly() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let line = Line::to(server.port, Mood::Answer(BROKEN));
    let run = train(runs.path(), Some(&line.uri()));
    let ledger = || read_json(&run.join("tracking.json"));
    assert_eq!(ledger()["state"], "pending", "{}", ledger());
    assert!(ledger()["pending"].as_u64().is_some_and(|pending| pending >= 3));
    for (mood, words, state) in [
        (Mood::Answer(PAGE), "as an MLflow server does (a web page)", "failed"),
        (Mood::Answer(LOGIN), "MLFLOW_TRACKING_USERNAME", "failed"),
        (Mood::Answer(BUSY), "answers 429", "pending"),
        (Mood::Answer(BROKEN), "answers 500", "pending"),
    ] {
        line.set(mood);
        let output = sync(runs.path(), &[]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
        assert_eq!(ledger()["state"], state);
    }
    // An answer that is lost leaves us not knowing what was done; every third one here.
    for mood in
        [Mood::Deaf(2), Mood::Every(2, BUSY), Mood::Every(1, BROKEN), Mood::Slow(Duration::from_millis(5))]
    {
        line.set(mood);
        for _ in 0..4 {
            sync(runs.path(), &[]);
        }
    }
    line.set(Mood::Pass);
    done(sync(runs.path(), &[]));
    assert_whole(&server, &run, "chestxr-tui");
    assert_eq!(ledger()["state"], "complete");
}

#[test]
fn answers_that_get_lost_make_nothing_twice() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let paths = &["runs/create", "mlflow/logged-models", "runs/outputs", "model-versions/create"];
    let line = Line::to(server.port, Mood::DeafTo(paths));
    let run = train(runs.path(), None);
    done(sync(runs.path(), &["--to", &line.uri(), "--set", "tracking.register_as=lost"]));
    let there = assert_whole(&server, &run, "chestxr-tui");
    assert_one_model(&server, &there, "lost");

    // The model made again is the same one; with other thresholds it is another version.
    fs::remove_dir_all(run.join("model")).expect("removed");
    let again = |words: &str| {
        let to = ["--to", &line.uri(), "--set", "tracking.register_as=lost"];
        let said = done(sync(runs.path(), &to));
        assert!(said.contains(words), "{words}: {said}");
    };
    again("nothing new");
    assert_one_model(&server, &there, "lost");
    let thresholds = run.join("checkpoints/thresholds.json");
    let mut chosen = read_json(&thresholds);
    chosen["normal"]["threshold"] = json!(0.125);
    fs::write(&thresholds, chosen.to_string()).expect("written");
    again("the model");
    let versions = server.get("model-versions/search?filter=name%3D%27lost%27");
    assert_eq!(versions["model_versions"].as_array().map(Vec::len), Some(2), "{versions}");
}

#[test]
fn a_server_set_up_anew_gets_all_again() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut server = Server::start(&programs, home.path());
    let run = train(runs.path(), Some(&server.uri()));
    assert_whole(&server, &run, "chestxr-tui");
    server.forget();
    done(sync(runs.path(), &[]));
    assert_whole(&server, &run, "chestxr-tui");
}

#[test]
fn a_file_that_is_too_large_keeps_nothing_else_away() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let line = Line::to(server.port, Mood::AnswerTo("run/metrics.jsonl", TOO_LARGE));
    let run = train(runs.path(), None);
    let output = sync(runs.path(), &["--to", &line.uri()]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for words in ["run/metrics.jsonl", "kB)", "client_max_body_size"] {
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
    let there = only_at(&server, "chestxr-tui");
    assert_eq!(there["info"]["status"], "FINISHED");
    let run_id = there["info"]["run_id"].as_str().expect("an id");
    assert_eq!(history(&server, run_id, "test_auroc_macro").len(), 1);
    assert_eq!(there["outputs"]["model_outputs"].as_array().map(Vec::len), Some(1));
    assert_eq!(read_json(&run.join("tracking.json"))["pending"], 1);
    line.set(Mood::Pass);
    assert!(done(sync(runs.path(), &[])).contains("1 files"));
    assert_whole(&server, &run, "chestxr-tui");
}

#[test]
fn a_server_that_dies_under_a_run_is_told_the_rest_when_it_is_back() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut server = Server::start(&programs, home.path());
    let mut training = program(runs.path())
        .args(["--no-ui", "--data", "phantom:600", "--set", "data.size=32", "--set", "optimizer.epochs=12"])
        .args(["--set", "early_stopping.enabled=false", "--set"])
        .arg(format!("tracking.mlflow_uri={}", server.uri()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // The run itself tells when it is known there.
    let known = || {
        let ledgers = fs::read_dir(runs.path()).into_iter().flatten().flatten();
        let mut ledgers = ledgers.filter_map(|run| fs::read_to_string(run.path().join("tracking.json")).ok());
        ledgers.any(|text| text.contains("\"run_id\""))
    };
    while !known() {
        assert!(training.try_wait().expect("asked").is_none(), "the run ended before the server knew of it");
        std::thread::sleep(Duration::from_millis(50));
    }
    server.kill();
    let output = training.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("track sync"), "{}", stderr(&output));
    let run = only_run(runs.path());
    server.resume();
    done(sync(runs.path(), &[]));
    assert_whole(&server, &run, "chestxr-tui");
}

#[test]
fn a_sending_killed_at_any_moment_is_taken_up_and_nothing_arrives_twice() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let line = Line::to(server.port, Mood::Slow(Duration::from_millis(15)));
    let run = train(runs.path(), None);
    let kills: usize = std::env::var("CHESTXR_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(6);
    let to = ["--to", &line.uri(), "--set", "tracking.register_as=killed"];
    let mut random = chestxr_tui::random::SplitMix64::new(7);
    let mut killed = 0;
    while killed < kills {
        let mut sending = program(runs.path());
        let sending = sending.args(["track", "sync"]).args(to).stdout(Stdio::null()).stderr(Stdio::null());
        let mut sending = sending.spawn().expect("it runs");
        std::thread::sleep(Duration::from_millis(20 + random.next_u64() % 1800));
        match sending.try_wait().expect("asked") {
            None => {
                sending.kill().expect("killed");
                sending.wait().expect("it ended");
                killed += 1;
            }
            // All was sent before: no kill. Forget what was sent, so that all is to be looked at again.
            Some(_) => fs::remove_file(run.join("tracking.json")).expect("removed"),
        }
    }
    line.set(Mood::Pass);
    done(sync(runs.path(), &to));
    let there = assert_whole(&server, &run, "chestxr-tui");
    let search = json!({"experiment_ids": [there["info"]["experiment_id"]]});
    let models = server.post("logged-models/search", &search);
    assert_eq!(models["models"].as_array().map(Vec::len), Some(1), "{models}");
    assert_eq!(there["outputs"]["model_outputs"].as_array().map(Vec::len), Some(1));
    let versions = server.get("model-versions/search?filter=name%3D%27killed%27");
    assert_eq!(versions["model_versions"].as_array().map(Vec::len), Some(1), "{versions}");
}
