//! What is sent of a run, read from the run's directory and nothing else, so that it can be sent at any time
//! afterwards and by anybody who has the folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use super::journal::Journal;
use super::rows::{self, Row};
use crate::config::{FIELDS, RunConfig};
use crate::metrics::Evaluation;
use crate::runs::{Annotations, Provenance, RunFolder, RunState, Status};
use crate::text::{clock, thousands};

/// Longest parameter and tag that MLflow takes, in characters.
const LONGEST_PARAM: usize = 6000;
const LONGEST_TAG: usize = 8000;
/// Longest digest of a data set.
const LONGEST_DIGEST: usize = 32;

/// A run as it is sent to a server.
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
    pub images: ImagesInput,
    /// One row an epoch, in order; the last one of a run that goes on is left out until a checkpoint holds it,
    /// since a kill before would have it trained, and written, anew.
    pub epochs: Vec<Row>,
    /// The last epoch that a checkpoint holds: those behind it are trained anew when the run goes on.
    pub checkpointed: i64,
    /// Numbers of the whole run: of the test images and of how it ended. Told when the run is over.
    pub finals: Vec<Row>,
    /// Machine and process every few seconds; the step is the sample's number.
    pub system: Arc<Vec<Row>>,
}

/// The images of a run as MLflow's data-set input.
#[derive(Clone, Debug, PartialEq)]
pub struct ImagesInput {
    pub name: String,
    pub digest: String,
    pub source: String,
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Images of the train, val and test split.
    pub images: [usize; 3],
    pub conditions: Vec<String>,
}

impl ImagesInput {
    /// As MLflow describes a data set: schema (tensors of images and labels), source and profile are JSON in texts.
    pub(super) fn as_dataset(&self) -> serde_json::Value {
        let [height, width] = self.size;
        let [train, val, test] = self.images;
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
    /// Reads a run; of what grows in it, what `journal` hasn't read yet.
    ///
    /// # Errors
    /// When its files are missing or damaged.
    pub fn read(folder: &RunFolder, journal: &mut Journal) -> Result<Self> {
        let status = folder.read_status()?;
        let state = status.actual_state();
        let config = folder.read_config()?;
        let provenance = folder.read_provenance()?;
        journal.update(folder)?;
        let evaluation = folder.read_evaluation("test").ok();
        let mut epochs = journal.epochs(&status);
        if state.is_live() {
            epochs.retain(|row| row.step <= journal.checkpointed());
        }
        let about = folder.read_annotations()?;
        let own_name = || match config.run.name.as_str() {
            "" => folder.id().to_string(),
            name => name.to_owned(),
        };
        let is_over = !state.is_live();
        let finals = match is_over {
            true => rows::finals(folder, &status, &config, evaluation.as_ref()),
            false => Vec::new(),
        };
        Ok(Self {
            uid: uid(folder, &status),
            name: about.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(own_name),
            started: status.created.as_millisecond(),
            ended: is_over.then(|| status.ended.unwrap_or(status.updated).as_millisecond()),
            state,
            params: params(&config),
            tags: tags(folder, &status, state, &config, &provenance, &about),
            note: note(folder, &status, state, &config, &provenance, evaluation.as_ref(), &about),
            images: ImagesInput {
                name: config
                    .data
                    .source
                    .split_once(':')
                    .map_or(&*config.data.source, |(kind, _)| kind)
                    .to_owned(),
                digest: provenance.data_digest.chars().take(LONGEST_DIGEST).collect(),
                source: config.data.source.clone(),
                size: provenance.image_size,
                images: provenance.images,
                conditions: provenance.conditions,
            },
            epochs,
            checkpointed: journal.checkpointed(),
            finals,
            system: Arc::clone(journal.samples()),
        })
    }
}

/// The run's number that needs no memory: made of what never changes of it.
fn uid(folder: &RunFolder, status: &Status) -> String {
    let text = format!("{} {}", folder.id(), status.created);
    blake3::hash(text.as_bytes()).to_hex().chars().take(32).collect()
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
    about: &Annotations,
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
    about: &Annotations,
) -> String {
    let [train, val, test] = provenance.images.map(|images| thousands(images as u64));
    let [height, width] = provenance.image_size;
    let mut lines = vec![format!(
        "**{}**, {} parameters, on {} ({train} / {val} / {test} images of {height} x {width} px).",
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
