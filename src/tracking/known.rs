//! A run as an MLflow server returns it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::runs::RunState;

/// A run as the server knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known {
    pub run_id: String,
    pub experiment_id: String,
    pub artifact_uri: String,
    pub status: String,
    /// When it ended, in milliseconds since 1970.
    pub ended: Option<i64>,
    /// Deleted there, which can be undone there.
    pub is_deleted: bool,
    pub name: String,
    /// The last value of each metric with its step.
    pub metrics: BTreeMap<String, (f64, i64)>,
    pub params: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Whether the images are among its inputs.
    pub has_images: bool,
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
pub(super) struct RunAnswer {
    pub run: RunBody,
}

#[derive(Deserialize)]
pub(super) struct RunBody {
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
    #[serde(default)]
    end_time: Value,
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
            ended: run.info.end_time.as_i64(),
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
            has_images: run.inputs.is_some_and(|inputs| !inputs.dataset_inputs.is_empty()),
            models: run
                .outputs
                .map(|outputs| outputs.model_outputs.into_iter().map(|model| model.model_id).collect())
                .unwrap_or_default(),
        }
    }
}
