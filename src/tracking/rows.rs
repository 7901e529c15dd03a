//! A run's numbers as MLflow takes them: rows of metrics, and rows packed into batches.

use std::fs;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::config::RunConfig;
use crate::metrics::Evaluation;
use crate::runs::{RunFolder, RunState, Status};

/// Metrics of a batch.
const MOST_METRICS: usize = 1000;
/// The metrics by which rows are counted at the server. They come last in each row: servers that keep files store a
/// batch one by one, and one that died in the middle must not seem to have what it lacks.
pub(super) const EPOCH_COUNTER: &str = "wait_count";
pub(super) const SAMPLE_COUNTER: &str = "system/cpu_utilization_percentage";

/// Numbers of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub step: i64,
    /// Milliseconds since 1970.
    pub time: i64,
    /// Not a number where undefined.
    pub values: Vec<(Arc<str>, f64)>,
}

impl Row {
    /// Tells rows of the same step apart by their values.
    pub(super) fn hash(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for (key, value) in &self.values {
            hash.update(key.as_bytes()).update(&value.to_bits().to_le_bytes());
        }
        hash.finalize().to_hex().chars().take(16).collect()
    }

    pub(super) fn counted_by(mut self, counter: &str) -> Self {
        self.values.sort_by_key(|(key, _)| &**key == counter);
        self
    }
}

/// Metrics that go together.
#[derive(Debug, PartialEq)]
pub(super) struct Batch {
    pub metrics: Vec<Value>,
    /// So many rows are whole at the server once this batch is there.
    pub rows: usize,
}

/// Packs rows into as few batches as may be. A row is split only where it is too long for one.
pub(super) fn batches(rows: &[Row]) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut metrics = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for values in row.values.chunks(MOST_METRICS) {
            if metrics.len() + values.len() > MOST_METRICS {
                batches.push(Batch { metrics: std::mem::take(&mut metrics), rows: index });
            }
            metrics.extend(values.iter().map(|(key, value)| {
                json!({"key": &**key, "value": number(*value), "timestamp": row.time, "step": row.step})
            }));
        }
    }
    if !metrics.is_empty() {
        batches.push(Batch { metrics, rows: rows.len() });
    }
    batches
}

/// A number as MLflow takes it: what is none as the text `NaN`. Infinities don't come from our journal.
fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!("NaN") }
}

/// How the run ended, and its metrics on the test images. `best_score`, `restored_epoch` and `stopped_epoch` are
/// the names of Lightning's autologging.
pub(super) fn finals(
    folder: &RunFolder,
    status: &Status,
    config: &RunConfig,
    evaluation: Option<&Evaluation>,
) -> Vec<Row> {
    let ended = status.ended.unwrap_or(status.updated).as_millisecond();
    let mut rows = Vec::new();
    let mut add = |time: i64, values: Vec<(&str, Option<f64>)>| {
        let values = values.into_iter().map(|(key, value)| (key.into(), value.unwrap_or(f64::NAN)));
        rows.push(Row { step: status.epoch as i64, time, values: values.collect() });
    };
    let mut end = Vec::new();
    if let Some(best) = &status.best {
        end.push(("best_score", Some(best.value)));
        end.push(("restored_epoch", Some(best.epoch as f64)));
    }
    if status.state == RunState::Finished && status.epoch < config.optimizer.epochs {
        end.push(("stopped_epoch", Some(status.epoch as f64)));
    }
    add(ended, end);
    if let Some(evaluation) = evaluation {
        let (micro, mean) = (&evaluation.micro_average, &evaluation.macro_average);
        let each: Vec<(String, Option<f64>)> = evaluation
            .per_condition
            .iter()
            .flat_map(|(key, numbers)| {
                [(format!("test_auroc_{key}"), numbers.auroc), (format!("test_f1_{key}"), numbers.f1)]
            })
            .collect();
        let mut test = vec![
            ("test_accuracy", micro.accuracy),
            ("test_precision", micro.precision),
            ("test_recall", micro.recall),
            ("test_f1_score", micro.f1),
            ("test_auroc_macro", mean.average.values.auroc),
            ("test_auprc_macro", mean.average.values.auprc),
            ("test_f1_macro", mean.average.values.f1),
            ("test_normal_accuracy", evaluation.normal_detection.accuracy),
            ("test_ece", evaluation.calibration.ece_before),
        ];
        test.extend(each.iter().map(|(key, value)| (key.as_str(), *value)));
        // A run that is evaluated anew keeps its step, and of one step MLflow shows the latest: what was found at the run's
        // end would stand for good if both were of that time.
        add(evaluated_at(folder).unwrap_or(ended), test);
    }
    rows.retain(|row| !row.values.is_empty());
    rows
}

/// When the test images were evaluated, in milliseconds since 1970.
fn evaluated_at(folder: &RunFolder) -> Option<i64> {
    let modified = fs::metadata(folder.path().join("evaluation.json")).ok()?.modified().ok()?;
    Some(Timestamp::try_from(modified).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: i64, count: usize) -> Row {
        let values = (0..count).map(|at| (format!("metric_{at}").into(), at as f64));
        Row { step, time: 0, values: values.collect() }.counted_by("metric_0")
    }

    #[test]
    fn batches_are_no_longer_than_allowed_and_count_rows_once_they_are_whole() {
        let rows = [row(1, 400), row(2, 400), row(3, 400), row(4, 2500), row(5, 1)];
        let batches = batches(&rows);
        let sizes: Vec<(usize, usize)> =
            batches.iter().map(|batch| (batch.metrics.len(), batch.rows)).collect();
        assert_eq!(sizes, [(800, 2), (400, 3), (1000, 3), (1000, 3), (501, 5)]);
        let all: Vec<&Value> = batches.iter().flat_map(|batch| &batch.metrics).collect();
        assert_eq!(all.len(), 3701);
        assert_eq!((&all[399]["key"], &all[3699]["key"]), (&json!("metric_0"), &json!("metric_0")));
    }

    #[test]
    fn rows_of_one_step_are_told_apart_by_their_values() {
        let (one, mut other) = (row(1, 3), row(1, 3));
        other.time = 9;
        assert_eq!(one.hash(), other.hash());
        other.values[1].1 = -0.0;
        assert_ne!(one.hash(), other.hash());
    }
}
