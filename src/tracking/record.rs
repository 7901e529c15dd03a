//! What a server is told of a run, read from the run's folder and nothing else, so that it can be told at any time
//! afterwards and by anybody who has the folder.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::config::{FIELDS, RunConfig};
use crate::metrics::Evaluation;
use crate::runs::{About, METRICS, Provenance, RunFolder, RunState, Status, SystemSample};
use crate::text::{clock, thousands};

/// Longest parameter and tag that MLflow takes, in characters.
const LONGEST_PARAM: usize = 6000;
const LONGEST_TAG: usize = 8000;
/// Longest digest of a data set.
const LONGEST_DIGEST: usize = 32;

/// A run as a server is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// 32 hexadecimal digits that follow from the run alone: the server is searched for them before a run is made
    /// there, so that no run is made twice.
    pub uid: String,
    pub name: String,
    /// Milliseconds since 1970.
    pub started: i64,
    /// The same; `None` while the run goes on.
    pub ended: Option<i64>,
    pub state: RunState,
    /// Every setting, and those that Lightning's autologging names its own way.
    pub params: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Markdown that the run's page begins with.
    pub note: String,
    pub films: FilmsInput,
    /// One row an epoch, in order; the last one of a run that goes on is left out until a checkpoint holds it,
    /// since a kill before would have it trained, and written, anew.
    pub epochs: Vec<Row>,
    /// Numbers of the whole run: of the test films and of how it ended. Told when the run is over.
    pub finals: Vec<Row>,
    /// Machine and process every few seconds; the step is the sample's number.
    pub system: Vec<Row>,
}

/// Numbers of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub step: i64,
    /// Milliseconds since 1970.
    pub time: i64,
    /// Not a number where undefined.
    pub values: Vec<(String, f64)>,
}

/// The films of a run as MLflow's data-set input.
#[derive(Clone, Debug, PartialEq)]
pub struct FilmsInput {
    pub name: String,
    pub digest: String,
    pub source: String,
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Films of the train, val and test split.
    pub films: [usize; 3],
    pub conditions: Vec<String>,
}

impl FilmsInput {
    /// As MLflow describes a data set: schema (tensors of films and labels), source and profile are JSON in texts.
    pub(super) fn as_dataset(&self) -> serde_json::Value {
        let [height, width] = self.size;
        let [train, val, test] = self.films;
        let tensor = |shape: serde_json::Value| {
            json!([{"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": shape}}]).to_string()
        };
        let schema = json!({"mlflow_tensorspec": {
            "features": tensor(json!([-1, height, width])),
            "targets": tensor(json!([-1, self.conditions.len()])),
        }});
        let profile = json!({"train": train, "val": val, "test": test, "conditions": self.conditions});
        json!({
            "name": self.name,
            "digest": self.digest,
            "source_type": "local",
            "source": json!({"uri": self.source}).to_string(),
            "schema": schema.to_string(),
            "profile": profile.to_string(),
        })
    }
}

impl RunRecord {
    /// Reads a run.
    ///
    /// # Errors
    /// When its files are missing or damaged.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let status = folder.read_status()?;
        let state = status.honest_state();
        let config = folder.read_config()?;
        let provenance = folder.read_provenance()?;
        let journal = Journal::read(folder)?;
        let evaluation = folder.read_evaluation("test").ok();
        let mut epochs = epochs(folder, &journal, &status)?;
        if state.is_live() {
            epochs.retain(|row| row.step <= journal.checkpointed);
        }
        let about = folder.read_about()?;
        let own_name = || match config.run.name.as_str() {
            "" => folder.id().to_string(),
            name => name.to_owned(),
        };
        let is_over = !state.is_live();
        let finals = if is_over { finals(&status, &config, evaluation.as_ref()) } else { Vec::new() };
        Ok(Self {
            uid: uid(folder, &status),
            name: about.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(own_name),
            started: status.created.as_millisecond(),
            ended: is_over.then(|| status.ended.unwrap_or(status.updated).as_millisecond()),
            state,
            params: params(&config),
            tags: tags(folder, &status, state, &config, &provenance, &about),
            note: note(folder, &status, state, &config, &provenance, evaluation.as_ref(), &about),
            films: FilmsInput {
                name: config
                    .data
                    .source
                    .split_once(':')
                    .map_or(&*config.data.source, |(kind, _)| kind)
                    .to_owned(),
                digest: provenance.data_digest.chars().take(LONGEST_DIGEST).collect(),
                source: config.data.source.clone(),
                size: provenance.film_size,
                films: provenance.films,
                conditions: provenance.conditions,
            },
            epochs,
            finals,
            system: folder.read_system()?.iter().enumerate().map(system).collect(),
        })
    }
}

/// The run's number that needs no memory: made of what never changes of it.
fn uid(folder: &RunFolder, status: &Status) -> String {
    let text = format!("{} {}", folder.id(), status.created);
    blake3::hash(text.as_bytes()).to_hex().chars().take(32).collect()
}

/// What `events.jsonl` says of times and checkpoints.
struct Journal {
    /// When each epoch ended, in milliseconds since 1970.
    ended: HashMap<usize, i64>,
    /// The last epoch whose end a checkpoint holds.
    checkpointed: i64,
}

impl Journal {
    fn read(folder: &RunFolder) -> Result<Self> {
        #[derive(Deserialize)]
        struct Line {
            time: Timestamp,
            event: String,
            epoch: Option<usize>,
            record: Option<EpochOnly>,
        }
        #[derive(Deserialize)]
        struct EpochOnly {
            epoch: usize,
        }
        let path = folder.path().join("events.jsonl");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
        };
        let mut read = Self { ended: HashMap::new(), checkpointed: 0 };
        // A line that a kill cut short says nothing; neither does what a later version may write.
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            match (line.event.as_str(), line.record, line.epoch) {
                // A run that went on may have trained an epoch twice: the row is of the later one.
                ("epoch", Some(record), _) => {
                    read.ended.insert(record.epoch, line.time.as_millisecond());
                }
                ("checkpoint", _, Some(epoch)) => read.checkpointed = read.checkpointed.max(epoch as i64),
                _ => {}
            }
        }
        Ok(read)
    }
}

fn epochs(folder: &RunFolder, journal: &Journal, status: &Status) -> Result<Vec<Row>> {
    let rows = folder.read_epochs()?.into_iter().map(|record| {
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let mut values: Vec<(String, f64)> =
            METRICS.iter().map(|metric| (metric.key.to_owned(), number((metric.get)(&record)))).collect();
        values.push(("step".into(), record.step as f64));
        values
            .extend(record.val_auroc.iter().map(|(key, auroc)| (format!("val_auroc_{key}"), number(*auroc))));
        let time = journal.ended.get(&record.epoch).copied();
        Row { step: record.epoch as i64, time: time.unwrap_or(status.created.as_millisecond()), values }
    });
    Ok(rows.collect())
}

/// `best_score`, `restored_epoch` and `stopped_epoch` are the names of Lightning's autologging.
fn finals(status: &Status, config: &RunConfig, evaluation: Option<&Evaluation>) -> Vec<Row> {
    let mut values = Vec::new();
    let mut put = |name: &str, value: Option<f64>| values.push((name.to_owned(), value.unwrap_or(f64::NAN)));
    if let Some(best) = &status.best {
        put("best_score", Some(best.value));
        put("restored_epoch", Some(best.epoch as f64));
    }
    if status.state == RunState::Finished && status.epoch < config.optimizer.epochs {
        put("stopped_epoch", Some(status.epoch as f64));
    }
    if let Some(evaluation) = evaluation {
        let (micro, mean) = (&evaluation.micro_average, &evaluation.macro_average);
        put("test_accuracy", micro.accuracy);
        put("test_precision", micro.precision);
        put("test_recall", micro.recall);
        put("test_f1_score", micro.f1);
        put("test_auroc_macro", mean.average.values.auroc);
        put("test_auprc_macro", mean.average.values.auprc);
        put("test_f1_macro", mean.average.values.f1);
        put("test_normal_accuracy", evaluation.normal_detection.accuracy);
        put("test_ece", evaluation.calibration.ece_before);
        for (key, numbers) in &evaluation.per_condition {
            put(&format!("test_auroc_{key}"), numbers.auroc);
            put(&format!("test_f1_{key}"), numbers.f1);
        }
    }
    if values.is_empty() {
        return Vec::new();
    }
    vec![Row {
        step: status.epoch as i64,
        time: status.ended.unwrap_or(status.updated).as_millisecond(),
        values,
    }]
}

fn system((index, sample): (usize, &SystemSample)) -> Row {
    let values = sample.values.iter().map(|(key, value)| (format!("system/{key}"), *value));
    Row { step: index as i64, time: sample.time.as_millisecond(), values: values.collect() }
}

/// All settings by their keys, and a few by the names under which Lightning's autologging has them.
fn params(config: &RunConfig) -> BTreeMap<String, String> {
    let table = config.to_table();
    let value = |key: &str| {
        let (section, name) = key.split_once('.')?;
        Some(crate::config::plain(table.get(section)?.get(name)?))
    };
    let cut = |text: String| text.chars().take(LONGEST_PARAM).collect::<String>();
    let mut params: BTreeMap<String, String> = FIELDS
        .iter()
        .filter(|field| field.section() != "tracking")
        .filter_map(|field| Some((field.key.to_owned(), cut(value(field.key)?))))
        .collect();
    for (name, key) in [
        ("epochs", "optimizer.epochs"),
        ("optimizer_name", "optimizer.kind"),
        ("lr", "optimizer.lr"),
        ("batch_size", "optimizer.batch_size"),
        ("weight_decay", "optimizer.weight_decay"),
        ("monitor", "early_stopping.monitor"),
        ("mode", "early_stopping.mode"),
        ("patience", "early_stopping.patience"),
        ("min_delta", "early_stopping.min_delta"),
    ] {
        if let Some(value) = params.get(key).cloned() {
            params.insert(name.to_owned(), value);
        }
    }
    params
}

fn tags(
    folder: &RunFolder,
    status: &Status,
    state: RunState,
    config: &RunConfig,
    provenance: &Provenance,
    about: &About,
) -> BTreeMap<String, String> {
    let user = if provenance.user.is_empty() { "unknown" } else { &provenance.user };
    let mut tags: BTreeMap<String, String> = [
        ("mlflow.user", user.to_owned()),
        ("mlflow.source.name", "chestxr-tui".to_owned()),
        ("chestxr.command_line", provenance.command_line.join(" ")),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("chestxr.run", folder.id().to_string()),
        ("chestxr.version", provenance.version.clone()),
        ("chestxr.libtorch", provenance.libtorch.clone()),
        ("chestxr.device", provenance.device.clone()),
        ("chestxr.host", status.host.clone()),
        ("chestxr.state", state.name().to_owned()),
        ("chestxr.data_digest", provenance.data_digest.clone()),
        ("chestxr.architecture", config.model.arch.name().to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    if !provenance.git_commit.is_empty() {
        tags.insert("mlflow.source.git.commit".into(), provenance.git_commit.clone());
    }
    // One tag for all of them, so that one that was taken away goes there too.
    tags.insert("chestxr.tags".into(), about.tags.join(" "));
    if let Some(reason) = &status.reason {
        tags.insert("chestxr.reason".into(), reason.clone());
    }
    for value in tags.values_mut().filter(|value| value.len() > LONGEST_TAG) {
        *value = value.chars().take(LONGEST_TAG / 4).collect();
    }
    tags
}

/// The run in a few lines of Markdown, a person's own note first.
fn note(
    folder: &RunFolder,
    status: &Status,
    state: RunState,
    config: &RunConfig,
    provenance: &Provenance,
    evaluation: Option<&Evaluation>,
    about: &About,
) -> String {
    let [train, val, test] = provenance.films.map(|films| thousands(films as u64));
    let [height, width] = provenance.film_size;
    let mut lines = vec![format!(
        "**{}**, {} parameters, on {} ({train} / {val} / {test} films of {height} x {width} px).",
        config.model.arch.name(),
        thousands(provenance.parameters as u64),
        config.data.source
    )];
    let reason = status.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    lines.push(format!("{state} after {} epochs and {}{reason}.", status.epoch, clock(status.seconds())));
    if let Some(best) = &status.best {
        lines.push(format!("Best {} {:.4} after epoch {}.", best.metric, best.value, best.epoch));
    }
    let mean = evaluation.map(|evaluation| &evaluation.macro_average);
    if let Some((mean, auroc)) = mean.and_then(|mean| Some((mean, mean.average.values.auroc?))) {
        let interval = mean.auroc_ci.map_or(String::new(), |[low, high]| format!(" ({low:.3} to {high:.3})"));
        lines.push(format!("Test macro AUROC {auroc:.4}{interval} over {} conditions.", mean.n_conditions));
    }
    if !about.note.is_empty() {
        lines.insert(0, about.note.clone());
    }
    lines.push(format!("Run `{}` of chestxr-tui {}. Not a medical device.", folder.id(), provenance.version));
    lines.join("\n\n")
}
