//! Runs at a real MLflow server: everything arrives, whatever happens on the way, and nothing twice.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::mlflow::{BROKEN, BUSY, LOGIN, Line, Mood, PAGE, Server, programs};
use support::{chestxr, json as read_json, only_run, real_films, stderr, stdout};

const SETTINGS: [&str; 8] = [
    "--data",
    "phantom:120",
    "--set",
    "data.size=32",
    "--set",
    "optimizer.epochs=3",
    "--set",
    "early_stopping.enabled=false",
];

/// The program without the caller's own tracking.
fn program(runs: &Path) -> Command {
    let mut command = chestxr(runs);
    for name in
        ["MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_TOKEN"]
    {
        command.env_remove(name);
    }
    command.args(["--device", "cpu"]);
    command
}

fn done(output: Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

/// A short run, told to `uri` where there is one.
fn train(runs: &Path, uri: Option<&str>) -> PathBuf {
    let mut command = program(runs);
    command.arg("--no-ui").args(SETTINGS);
    if let Some(uri) = uri {
        command.args(["--set", &format!("tracking.mlflow_uri={uri}")]);
    }
    done(command.output().expect("it runs"));
    only_run(runs)
}

fn sync(runs: &Path, more: &[&str]) -> Output {
    program(runs).args(["track", "sync"]).args(more).output().expect("it runs")
}

/// The server's only run of an experiment.
fn only_at(server: &Server, experiment: &str) -> Value {
    let found = server.get(&format!("experiments/get-by-name?experiment_name={experiment}"));
    let id = found["experiment"]["experiment_id"].clone();
    let found = server.post("runs/search", &json!({"experiment_ids": [id], "max_results": 10}));
    let runs = found["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1, "{runs:#?}");
    runs[0].clone()
}

/// `(value, step)` of a metric at the server, in the order of steps.
fn history(server: &Server, run_id: &str, key: &str) -> Vec<(f64, i64)> {
    let found = server.get(&format!("metrics/get-history?run_id={run_id}&metric_key={key}"));
    let empty = Vec::new();
    let rows = found["metrics"].as_array().unwrap_or(&empty);
    let mut rows: Vec<(f64, i64)> = rows
        .iter()
        .map(|row| (row["value"].as_f64().unwrap_or(f64::NAN), row["step"].as_i64().unwrap_or(0)))
        .collect();
    rows.sort_by_key(|(_, step)| *step);
    rows
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Every number of the journal is at the server once, every file by its content, and the state is the run's.
fn assert_whole(server: &Server, run: &Path, experiment: &str) -> Value {
    let there = only_at(server, experiment);
    let run_id = there["info"]["run_id"].as_str().expect("an id");
    let mut wanted: BTreeMap<String, Vec<(f64, i64)>> = BTreeMap::new();
    for row in lines(&run.join("metrics.jsonl")) {
        let step = row["epoch"].as_i64().expect("an epoch");
        for (key, value) in row.as_object().expect("an object") {
            let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
            match value {
                Value::Object(conditions) => {
                    for (condition, value) in conditions {
                        wanted.entry(format!("{key}_{condition}")).or_default().push((number(value), step));
                    }
                }
                value if key != "epoch" => wanted.entry(key.clone()).or_default().push((number(value), step)),
                _ => {}
            }
        }
    }
    assert!(wanted.contains_key("train_f1_score") && wanted.contains_key("val_auroc_effusion"), "{wanted:?}");
    for (index, row) in lines(&run.join("system.jsonl")).iter().enumerate() {
        for (key, value) in row.as_object().expect("an object").iter().filter(|(key, _)| *key != "time") {
            wanted
                .entry(format!("system/{key}"))
                .or_default()
                .push((value.as_f64().expect(key), index as i64));
        }
    }
    for (key, rows) in &wanted {
        let found = history(server, run_id, key);
        let same = found.len() == rows.len()
            && found.iter().zip(rows).all(|(a, b)| {
                a.1 == b.1 && (a.0.to_bits() == b.0.to_bits() || (a.0.is_nan() && b.0.is_nan()))
            });
        assert!(same, "{key}: {found:?} at the server, {rows:?} in the journal");
    }
    let state = read_json(&run.join("status.json"))["state"].as_str().expect("a state").to_owned();
    let status = if state == "finished" { "FINISHED" } else { "KILLED" };
    assert_eq!(there["info"]["status"], status);

    let uri = there["info"]["artifact_uri"].as_str().expect("a root");
    let root = uri.strip_prefix("mlflow-artifacts:/").expect("kept by the server");
    let mut files = vec![("run/metrics.jsonl".to_owned(), run.join("metrics.jsonl"))];
    files.push(("run/run.toml".into(), run.join("run.toml")));
    for entry in fs::read_dir(run.join("artifacts")).into_iter().flatten().flatten() {
        if entry.path().is_file() {
            files.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    for name in ["predictions_test.npz", "evaluation.json"].iter().filter(|name| run.join(name).is_file()) {
        files.push((format!("run/{name}"), run.join(name)));
    }
    for (name, path) in files {
        assert!(server.file(&format!("{root}/{name}")) == fs::read(&path).expect("ours"), "{name} differs");
    }
    there
}

fn of_pairs(run: &Value, kind: &str, key: &str) -> Option<String> {
    let pairs = run["data"][kind].as_array()?;
    pairs.iter().find(|pair| pair["key"] == key)?["value"].as_str().map(str::to_owned)
}

#[test]
fn a_run_on_real_films_arrives_whole_and_its_model_says_the_same_there() {
    let (Some(programs), Some(films)) = (programs(), real_films()) else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let server = Server::start(&programs, home.path());
    let source = format!("npz:{}", films.join("nih_sample_64_strat.npz").display());
    let output = program(runs.path())
        .args(["--no-ui", "--data", &source, "--set", "optimizer.epochs=2", "--set", "data.limit=200"])
        .args(["--set", "tracking.experiment=real films", "--set", "tracking.register_as=chest"])
        .env("MLFLOW_TRACKING_URI", server.uri())
        .output()
        .expect("it runs");
    done(output);
    let run = only_run(runs.path());
    let there = assert_whole(&server, &run, "real%20films");
    assert_eq!(of_pairs(&there, "params", "optimizer.lr").as_deref(), Some("0.0003"));
    assert_eq!(of_pairs(&there, "params", "data.source").as_deref(), Some(source.as_str()));
    assert!(of_pairs(&there, "tags", "mlflow.note.content").expect("a note").contains("Test macro AUROC"));
    let test_auroc = read_json(&run.join("evaluation.json"))["macro"]["auroc"].as_f64();
    let run_id = there["info"]["run_id"].as_str().expect("an id");
    assert_eq!(history(&server, run_id, "test_auroc_macro").first().map(|row| row.0), test_auroc);
    assert_eq!(there["inputs"]["dataset_inputs"].as_array().map(Vec::len), Some(1));

    // Sent again, nothing changes.
    assert!(done(sync(runs.path(), &["last"])).contains("complete, nothing new"));
    assert_whole(&server, &run, "real%20films");
    let versions = server.get("model-versions/search?filter=name%3D%27chest%27");
    assert_eq!(versions["model_versions"].as_array().map(Vec::len), Some(1), "{versions}");

    // What comes later goes later: another look at the run is sent, the rest is not.
    done(program(runs.path()).args(["explain", "last", "--index", "0"]).output().expect("it runs"));
    let said = done(sync(runs.path(), &["--json"]));
    let said: Value = serde_json::from_str(said.trim()).expect("JSON");
    assert!(said["sent"]["files"].as_u64().is_some_and(|files| (1..=4).contains(&files)), "{said}");

    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow/check_model.py");
    let output = Command::new(programs.join("python"))
        .arg(check)
        .args([films.join("nih_sample_64_strat.npz"), run.join("predictions_test.npz")])
        .env("MLFLOW_TRACKING_URI", server.uri())
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let largest: f64 = stdout(&output).trim().parse().expect("a number");
    assert!(largest < 1e-5, "probabilities differ by {largest}");
}

#[test]
fn an_offline_run_with_undefined_numbers_arrives_later_and_renamed_words_stay() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let run = train(runs.path(), None);
    assert!(!run.join("tracking.json").exists(), "nobody is told");
    // A journal as a run leaves it whose numbers were not finite.
    let path = run.join("metrics.jsonl");
    let mut rows = lines(&path);
    rows[1]["val_auroc_macro"] = Value::Null;
    rows[1]["train_loss"] = Value::Null;
    fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).expect("written");

    let output = sync(runs.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--to http://host:5000"), "{}", stderr(&output));
    let output = sync(runs.path(), &["--to", "http://me:secret@host"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("MLFLOW_TRACKING_USERNAME") && !stderr(&output).contains("secret"));
    let server = Server::start(&programs, home.path());
    let there = || only_at(&server, "chestxr-tui");
    done(sync(runs.path(), &["--to", &server.uri()]));
    assert_whole(&server, &run, "chestxr-tui");

    // Somebody at the server finds better words; they are left alone.
    let run_id = there()["info"]["run_id"].as_str().expect("an id").to_owned();
    server.post("runs/update", &json!({"run_id": run_id, "run_name": "the good one"}));
    let note = json!({"run_id": run_id, "key": "mlflow.note.content", "value": "mine"});
    server.post("runs/set-tag", &note);
    done(sync(runs.path(), &["--to", &server.uri()]));
    assert_eq!(there()["info"]["run_name"], "the good one");
    assert_eq!(of_pairs(&there(), "tags", "mlflow.note.content").as_deref(), Some("mine"));

    // A run that goes on is the same run there.
    let more = ["--set", "optimizer.epochs=5", "--set", &format!("tracking.mlflow_uri={}", server.uri())];
    let output = program(runs.path()).args(["train", "--no-ui", "--resume", "last"]).args(more).output();
    done(output.expect("it runs"));
    let there = assert_whole(&server, &run, "chestxr-tui");
    assert_eq!(of_pairs(&there, "params", "optimizer.epochs").as_deref(), Some("3"));
    assert_eq!(of_pairs(&there, "tags", "chestxr.changed.optimizer.epochs").as_deref(), Some("5"));
    assert_eq!(history(&server, &run_id, "wait_count").len(), 5);
}

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
        (Mood::Answer(PAGE), "no answer of MLflow's (a web page)", "failed"),
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
    server.go_on();
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
    let mut random = support::splitmix::SplitMix64::new(7);
    let mut killed = 0;
    while killed < kills {
        let mut sending = program(runs.path());
        let sending = sending.args(["track", "sync"]).args(to).stdout(Stdio::null()).stderr(Stdio::null());
        let mut sending = sending.spawn().expect("it runs");
        std::thread::sleep(Duration::from_millis(20 + random.draw() % 1800));
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

#[test]
fn exported_files_become_a_data_base_of_mlflows_with_the_same_numbers() {
    let Some(programs) = programs() else { return };
    let (home, runs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let run = train(runs.path(), None);
    let store = home.path().join("store");
    let output =
        program(runs.path()).args(["runs", "export", "--mlflow", "mlruns"]).current_dir(home.path()).output();
    assert!(stderr(&output.expect("it runs")).contains("choose another name"));
    for _ in 0..2 {
        let output = program(runs.path()).args(["runs", "export", "--mlflow"]).arg(&store).output();
        done(output.expect("it runs"));
    }
    let migrated = Command::new(programs.join("mlflow"))
        .args(["migrate-filestore", "--source"])
        .arg(&store)
        .args(["--target", &format!("sqlite:///{}", home.path().join("runs.db").display())])
        .current_dir(home.path())
        .output()
        .expect("mlflow runs");
    assert!(migrated.status.success(), "{}{}", stdout(&migrated), stderr(&migrated));
    let server = Server::start(&programs, home.path());
    let there = only_at(&server, "chestxr-tui");
    let run_id = there["info"]["run_id"].as_str().expect("an id");
    for row in lines(&run.join("metrics.jsonl")) {
        let (epoch, loss) =
            (row["epoch"].as_i64().expect("an epoch"), row["val_loss"].as_f64().expect("a loss"));
        assert!(history(&server, run_id, "val_loss").contains(&(loss, epoch)), "epoch {epoch}");
    }
    assert_eq!(there["info"]["status"], "FINISHED");
    assert_eq!(of_pairs(&there, "params", "model.arch").as_deref(), Some("chestnet-s"));
    assert_eq!(there["inputs"]["dataset_inputs"].as_array().map(Vec::len), Some(1));
    assert_eq!(there["outputs"]["model_outputs"].as_array().map(Vec::len), Some(1), "{there:#}");
}
