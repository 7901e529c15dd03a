//! MLflow's REST interface, as much of it as a run needs. Every call that makes something can be asked for again:
//! whether it came through is told by a search first.

use std::collections::BTreeMap;
use std::fs::File;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::TrackingError;
use super::client::{Body, Client};
use super::record::{FilmsInput, Row, RunRecord};
use crate::runs::RunState;

pub(super) const API: &str = "/api/2.0/mlflow";
const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";
/// The tag that tells our runs from others, with the run's own number.
const UID: &str = "chestxr.uid";
/// Metrics, parameters, tags of a batch.
const MOST_METRICS: usize = 1000;
const MOST_PARAMS: usize = 100;

/// A run as the server knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    pub run_id: String,
    pub experiment_id: String,
    pub artifact_uri: String,
    pub status: String,
    /// Deleted there, which can be undone there.
    pub is_deleted: bool,
    pub name: String,
    /// The last value of each metric with its step.
    pub metrics: BTreeMap<String, (f64, i64)>,
    pub params: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Whether the films are among its inputs.
    pub has_films: bool,
    /// Models among its outputs.
    pub models: Vec<String>,
}

/// The word of MLflow for a state.
pub(super) fn status_of(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "SCHEDULED",
        RunState::Running | RunState::Paused => "RUNNING",
        RunState::Finished => "FINISHED",
        RunState::Failed => "FAILED",
        RunState::Stopped | RunState::Interrupted => "KILLED",
    }
}

#[derive(Deserialize)]
struct RunAnswer {
    run: RunBody,
}

#[derive(Deserialize)]
struct RunBody {
    info: Info,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    inputs: Option<Inputs>,
    #[serde(default)]
    outputs: Option<Outputs>,
}

#[derive(Deserialize)]
struct Info {
    run_id: String,
    experiment_id: String,
    #[serde(default)]
    run_name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    artifact_uri: String,
    #[serde(default)]
    lifecycle_stage: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    metrics: Vec<MetricBody>,
    params: Vec<Pair>,
    tags: Vec<Pair>,
}

#[derive(Deserialize)]
struct MetricBody {
    key: String,
    value: Value,
    #[serde(default)]
    step: i64,
}

#[derive(Deserialize)]
struct Pair {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inputs {
    dataset_inputs: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Outputs {
    model_outputs: Vec<ModelOutput>,
}

#[derive(Deserialize)]
struct ModelOutput {
    model_id: String,
}

impl From<RunBody> for Known {
    fn from(run: RunBody) -> Self {
        let pairs = |pairs: Vec<Pair>| pairs.into_iter().map(|pair| (pair.key, pair.value)).collect();
        // A number that is none comes as a text.
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        Self {
            run_id: run.info.run_id,
            experiment_id: run.info.experiment_id,
            artifact_uri: run.info.artifact_uri,
            status: run.info.status,
            is_deleted: run.info.lifecycle_stage == "deleted",
            name: run.info.run_name,
            metrics: run
                .data
                .metrics
                .into_iter()
                .map(|metric| (metric.key, (number(&metric.value), metric.step)))
                .collect(),
            params: pairs(run.data.params),
            tags: pairs(run.data.tags),
            has_films: run.inputs.is_some_and(|inputs| !inputs.dataset_inputs.is_empty()),
            models: run
                .outputs
                .map(|outputs| outputs.model_outputs.into_iter().map(|model| model.model_id).collect())
                .unwrap_or_default(),
        }
    }
}

fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Value> {
    pairs.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// A number as MLflow takes it: what is none as the text `NaN`. Infinities don't come from our journal.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!("NaN") }
}

/// A path's parts, each with what an address can't hold written as `%XX`.
pub(super) fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(byte as char)
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

impl Client<'_> {
    pub(super) fn get(&self, path: &str) -> Result<Value, TrackingError> {
        self.call(Method::GET, &format!("{API}/{path}"), Body::Nothing)
    }

    /// Sends `body`; a refusal names `what` was sent.
    pub(super) fn post(&self, what: &str, path: &str, body: &Value) -> Result<Value, TrackingError> {
        self.call(Method::POST, &format!("{API}/{path}"), Body::Json(body)).map_err(|error| match error {
            TrackingError::Refused { code, why, .. } => {
                TrackingError::Refused { what: what.to_owned(), code, why }
            }
            other => other,
        })
    }

    /// Reads an answer into a type of ours.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self, answer: Value) -> Result<T, TrackingError> {
        let text = answer.to_string();
        serde_json::from_value(answer).map_err(|_| self.not_mlflow(&text))
    }

    /// The server's version, `3.17.2`.
    pub(super) fn version(&self) -> Result<String, TrackingError> {
        let text = self.text(Method::GET, "/version", Body::Nothing)?;
        let version = text.trim().trim_matches('"');
        match version.chars().next().is_some_and(|first| first.is_ascii_digit()) && version.len() < 40 {
            true => Ok(version.to_owned()),
            false => Err(self.not_mlflow(&text)),
        }
    }

    /// The experiment of this name, made where there is none.
    pub(super) fn experiment(&self, name: &str) -> Result<String, TrackingError> {
        #[derive(Deserialize)]
        struct Found {
            experiment: Experiment,
        }
        #[derive(Deserialize)]
        struct Experiment {
            experiment_id: String,
            #[serde(default)]
            lifecycle_stage: String,
        }
        #[derive(Deserialize)]
        struct Made {
            experiment_id: String,
        }
        let find = || {
            self.get(&format!(
                "experiments/get-by-name?experiment_name={}",
                encoded(name).replace('/', "%2F")
            ))
        };
        match find() {
            Ok(answer) => {
                let Found { experiment } = self.read(answer)?;
                if experiment.lifecycle_stage == "deleted" {
                    return Err(TrackingError::Refused {
                        what: format!("the experiment {name}"),
                        code: "DELETED".into(),
                        why: "it was deleted there; restore it or set another tracking.experiment".into(),
                    });
                }
                return Ok(experiment.experiment_id);
            }
            Err(error) if error.is_code("RESOURCE_DOES_NOT_EXIST") => {}
            Err(error) => return Err(error),
        }
        // Newer servers sort experiments by this, older ones keep it as any tag.
        let kind = json!([{"key": "mlflow.experimentKind", "value": "custom_model_development"}]);
        let body = json!({"name": name, "tags": kind});
        match self.post(&format!("the experiment {name}"), "experiments/create", &body) {
            Ok(answer) => Ok(self.read::<Made>(answer)?.experiment_id),
            // Somebody else was quicker.
            Err(error) if error.is_code("RESOURCE_ALREADY_EXISTS") => {
                Ok(self.read::<Found>(find()?)?.experiment.experiment_id)
            }
            Err(error) => Err(error),
        }
    }

    /// The run of this number, if the server has it.
    pub(super) fn find_run(&self, experiment_id: &str, uid: &str) -> Result<Option<Known>, TrackingError> {
        #[derive(Deserialize)]
        struct Found {
            #[serde(default)]
            runs: Vec<RunBody>,
        }
        let body = json!({
            "experiment_ids": [experiment_id],
            "filter": format!("tags.`{UID}` = '{uid}'"),
            "run_view_type": "ALL",
            "max_results": 1,
        });
        let found: Found = self.read(self.post("a search", "runs/search", &body)?)?;
        Ok(found.runs.into_iter().next().map(Known::from))
    }

    /// A run by the server's own number.
    pub(super) fn run(&self, run_id: &str) -> Result<Known, TrackingError> {
        let answer = self.get(&format!("runs/get?run_id={run_id}"))?;
        Ok(self.read::<RunAnswer>(answer)?.run.into())
    }

    /// Makes the run.
    pub(super) fn create_run(&self, experiment_id: &str, record: &RunRecord) -> Result<Known, TrackingError> {
        let uid = (UID.to_owned(), record.uid.clone());
        let said = record.tags.iter().filter(|(_, value)| !value.is_empty());
        let tags = pairs(said.chain([(&uid.0, &uid.1)]));
        let body = json!({
            "experiment_id": experiment_id,
            "run_name": record.name,
            "start_time": record.started,
            "user_id": record.tags.get("mlflow.user"),
            "tags": tags,
        });
        let answer = self.post("the run", "runs/create", &body)?;
        Ok(self.read::<RunAnswer>(answer)?.run.into())
    }

    /// Sends parameters and tags.
    pub(super) fn log_words(
        &self,
        run_id: &str,
        params: &[(&String, &String)],
        tags: &[(&String, &String)],
    ) -> Result<(), TrackingError> {
        for params in params.chunks(MOST_PARAMS) {
            let body = json!({"run_id": run_id, "params": pairs(params.iter().copied())});
            self.post("the settings", "runs/log-batch", &body)?;
        }
        for tags in tags.chunks(MOST_PARAMS) {
            let body = json!({"run_id": run_id, "tags": pairs(tags.iter().copied())});
            self.post("the tags", "runs/log-batch", &body)?;
        }
        Ok(())
    }

    /// Sends whole rows in order, as many at a time as a batch may hold; `sent` is told how many rows are there.
    pub(super) fn log_rows(
        &self,
        run_id: &str,
        rows: &[Row],
        mut sent: impl FnMut(usize),
    ) -> Result<(), TrackingError> {
        let mut done = 0;
        while done < rows.len() {
            let mut metrics = Vec::new();
            let mut together = 0;
            for row in &rows[done..] {
                if together > 0 && metrics.len() + row.values.len() > MOST_METRICS {
                    break;
                }
                metrics.extend(row.values.iter().map(|(key, value)| {
                    json!({"key": key, "value": number(*value), "timestamp": row.time, "step": row.step})
                }));
                together += 1;
            }
            self.post("the metrics", "runs/log-batch", &json!({"run_id": run_id, "metrics": metrics}))?;
            done += together;
            sent(done);
        }
        Ok(())
    }

    /// Says which films the run used.
    pub(super) fn log_films(&self, run_id: &str, films: &FilmsInput) -> Result<(), TrackingError> {
        let dataset = films.as_dataset();
        let tags = json!([{"key": "mlflow.data.context", "value": "training"}]);
        let body = json!({"run_id": run_id, "datasets": [{"tags": tags, "dataset": dataset}]});
        self.post("the data set", "runs/log-inputs", &body).map(|_| ())
    }

    /// Changes name, state and end of the run.
    pub(super) fn update_run(
        &self,
        run_id: &str,
        name: Option<&str>,
        state: RunState,
        ended: Option<i64>,
    ) -> Result<(), TrackingError> {
        let mut body = json!({"run_id": run_id, "status": status_of(state)});
        if let Some(name) = name {
            body["run_name"] = json!(name);
        }
        if let Some(ended) = ended {
            body["end_time"] = json!(ended);
        }
        self.post("the run's state", "runs/update", &body).map(|_| ())
    }

    /// Stores a file under a root that the server gave: `mlflow-artifacts:/1/RUN/artifacts`.
    pub(super) fn put_file(&self, root: &str, path: &str, file: &File) -> Result<(), TrackingError> {
        self.put(root, path, Body::File(file))
    }

    /// The same for bytes at hand.
    pub(super) fn put_bytes(&self, root: &str, path: &str, bytes: &[u8]) -> Result<(), TrackingError> {
        self.put(root, path, Body::Bytes(bytes))
    }

    fn put(&self, root: &str, path: &str, body: Body) -> Result<(), TrackingError> {
        let proxied = root.strip_prefix("mlflow-artifacts:").map(|rest| match rest.strip_prefix("//") {
            // An address of the server itself may stand before the path.
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => rest.trim_start_matches('/'),
        });
        let Some(folder) = proxied else {
            return Err(TrackingError::NoFiles { root: crate::text::one_line(root, 120) });
        };
        let target = format!("{FILES}/{}/{}", encoded(folder), encoded(path));
        self.text(Method::PUT, &target, body).map(|_| ()).map_err(|error| match error {
            TrackingError::Refused { code, why, .. } => {
                TrackingError::Refused { what: format!("the file {path}"), code, why }
            }
            other => other,
        })
    }
}
