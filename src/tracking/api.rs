//! MLflow's REST interface, as much of it as a run needs. A creating request is sent once; whether it arrived
//! is checked by a search before it is sent again.

use std::fs::File;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::TrackingError;
use super::client::{Body, HttpClient, NO_ENDPOINT};
use super::known::{Known, RunAnswer, RunBody, status_of};
use super::record::{ImagesInput, RunRecord};
use crate::runs::RunState;

pub(super) const API: &str = "/api/2.0/mlflow";
const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";
/// The tag that identifies our runs, with the run's own number.
pub(super) const UID: &str = "chestxr.uid";
/// Parameters, and tags, of a batch.
const MOST_PARAMS: usize = 100;

fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Vec<Value> {
    pairs.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
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

impl HttpClient<'_> {
    /// Sends the request `what`. Every MLflow server knows all of ours.
    pub(super) fn get(&self, what: &str, path: &str) -> Result<Value, TrackingError> {
        let answer = self.call(Method::GET, &format!("{API}/{path}"), Body::Nothing);
        answer.map_err(|error| self.known_everywhere(error).about(what))
    }

    /// Sends `body`; a refusal names `what` was sent. For what changes nothing when it comes twice.
    pub(super) fn post(&self, what: &str, path: &str, body: &Value) -> Result<Value, TrackingError> {
        self.call(Method::POST, &format!("{API}/{path}"), Body::Json(body)).map_err(|error| error.about(what))
    }

    /// The same with one try, for what would be there twice.
    pub(super) fn post_once(&self, what: &str, path: &str, body: &Value) -> Result<Value, TrackingError> {
        self.call_once(Method::POST, &format!("{API}/{path}"), Body::Json(body))
            .map_err(|error| error.about(what))
    }

    /// A server that doesn't know what each of MLflow's knows is none, or lies under another path.
    fn known_everywhere(&self, error: TrackingError) -> TrackingError {
        if error.is_code(NO_ENDPOINT) { self.not_mlflow("404: no such page") } else { error }
    }

    /// Reads an answer into a type of ours.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self, answer: Value) -> Result<T, TrackingError> {
        let text = answer.to_string();
        serde_json::from_value(answer).map_err(|_| self.not_mlflow(&text))
    }

    /// The server's version, `3.17.2`.
    pub(super) fn version(&self) -> Result<String, TrackingError> {
        let text = self.text(Method::GET, "/version", Body::Nothing);
        let text = text.map_err(|error| self.known_everywhere(error))?;
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
        let what = format!("the experiment {name}");
        let wanted = encoded(name).replace('/', "%2F");
        let find = || self.get(&what, &format!("experiments/get-by-name?experiment_name={wanted}"));
        match find() {
            Ok(answer) => {
                let Found { experiment } = self.read(answer)?;
                if experiment.lifecycle_stage == "deleted" {
                    return Err(TrackingError::Refused {
                        what,
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
        match self.post(&what, "experiments/create", &body) {
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
        let answer = self.get("the run", &format!("runs/get?run_id={run_id}"))?;
        Ok(self.read::<RunAnswer>(answer)?.run.into())
    }

    /// The run of this number, made where there is none.
    pub(super) fn find_or_make_run(
        &self,
        experiment_id: &str,
        record: &RunRecord,
    ) -> Result<Known, TrackingError> {
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
        let make = || {
            let answer = self.post_once("the run", "runs/create", &body)?;
            Ok(self.read::<RunAnswer>(answer)?.run.into())
        };
        self.find_or_make(|| self.find_run(experiment_id, &record.uid), make)
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

    /// Sends a batch of metrics, once: a server may have stored some of it when the answer is lost.
    pub(super) fn log_metrics(&self, run_id: &str, metrics: &[Value]) -> Result<(), TrackingError> {
        let body = json!({"run_id": run_id, "metrics": metrics});
        self.post_once("the metrics", "runs/log-batch", &body).map(|_| ())
    }

    /// Says which images the run used.
    pub(super) fn log_images(&self, run_id: &str, images: &ImagesInput) -> Result<(), TrackingError> {
        let dataset = images.as_dataset();
        let tags = json!([{"key": "mlflow.data.context", "value": "training"}]);
        let body = json!({"run_id": run_id, "datasets": [{"tags": tags, "dataset": dataset}]});
        self.post("the data set", "runs/log-inputs", &body).map(|_| ())
    }

    /// Changes state, end and, where one is given, the name of the run.
    pub(super) fn update_run(
        &self,
        known: &mut Known,
        name: Option<&str>,
        state: RunState,
        ended: Option<i64>,
    ) -> Result<(), TrackingError> {
        let mut body = json!({"run_id": known.run_id, "status": status_of(state)});
        if let Some(name) = name {
            body["run_name"] = json!(name);
        }
        if let Some(ended) = ended {
            body["end_time"] = json!(ended);
        }
        self.post("the run's state", "runs/update", &body)?;
        known.status = status_of(state).to_owned();
        known.ended = ended.or(known.ended);
        Ok(())
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
        let size = match &body {
            Body::File(file) => file.metadata().map_or(0, |meta| meta.len()),
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Nothing | Body::Json(_) => 0,
        };
        let sent = self.text(Method::PUT, &target, body);
        sent.map(|_| ())
            .map_err(|error| error.about(&format!("the file {path} ({})", crate::text::bytes(size))))
    }
}
