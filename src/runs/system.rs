//! What the machine did while a run went on: `system.jsonl`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of `system.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemSample {
    /// When the sample was taken.
    pub time: Timestamp,
    /// By MLflow's names without their prefix, e.g. `cpu_utilization_percentage`, `gpu_0_memory_usage_megabytes`.
    #[serde(flatten)]
    pub values: BTreeMap<String, f64>,
}
