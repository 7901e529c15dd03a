//! Runs that are told to a server, and what must be there then.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::mlflow::Server;
use super::{chestxr, json as read_json, only_run, stderr, stdout};

pub const SETTINGS: [&str; 8] = [
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
pub fn program(runs: &Path) -> Command {
    let mut command = chestxr(runs);
    for name in
        ["MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_TOKEN"]
    {
        command.env_remove(name);
    }
    command.args(["--device", "cpu"]);
    command
}

pub fn done(output: Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

/// A short run, told to `uri` where there is one.
pub fn train(runs: &Path, uri: Option<&str>) -> PathBuf {
    let mut command = program(runs);
    command.arg("--no-ui").args(SETTINGS);
    if let Some(uri) = uri {
        command.args(["--set", &format!("tracking.mlflow_uri={uri}")]);
    }
    done(command.output().expect("it runs"));
    only_run(runs)
}

pub fn sync(runs: &Path, more: &[&str]) -> Output {
    program(runs).args(["track", "sync"]).args(more).output().expect("it runs")
}

/// The server's only run of an experiment.
pub fn only_at(server: &Server, experiment: &str) -> Value {
    let found = server.get(&format!("experiments/get-by-name?experiment_name={experiment}"));
    let id = found["experiment"]["experiment_id"].clone();
    let found = server.post("runs/search", &json!({"experiment_ids": [id], "max_results": 10}));
    let runs = found["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1, "{runs:#?}");
    runs[0].clone()
}

/// `(value, step)` of a metric at the server, in the order of steps.
pub fn history(server: &Server, run_id: &str, key: &str) -> Vec<(f64, i64)> {
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

pub fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Every number of the journal is at the server once, every file by its content, and the state is the run's.
pub fn assert_whole(server: &Server, run: &Path, experiment: &str) -> Value {
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

pub fn of_pairs(run: &Value, kind: &str, key: &str) -> Option<String> {
    let pairs = run["data"][kind].as_array()?;
    pairs.iter().find(|pair| pair["key"] == key)?["value"].as_str().map(str::to_owned)
}

/// The run has one model at the server, of which one version is registered.
pub fn assert_one_model(server: &Server, run: &Value, name: &str) {
    let search = json!({"experiment_ids": [run["info"]["experiment_id"]]});
    let models = server.post("logged-models/search", &search);
    assert_eq!(models["models"].as_array().map(Vec::len), Some(1), "{models}");
    assert_eq!(run["outputs"]["model_outputs"].as_array().map(Vec::len), Some(1));
    let versions = server.get(&format!("model-versions/search?filter=name%3D%27{name}%27"));
    assert_eq!(versions["model_versions"].as_array().map(Vec::len), Some(1), "{versions}");
}
