//! Runs as files in MLflow's own layout, which `mlflow migrate-filestore` takes into a data base, for machines that
//! reach no server.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::api::{UID, encoded};
use super::files;
use super::journal::Journal;
use super::package::Package;
use super::record::RunRecord;
use super::rows::Row;
use crate::config::TrackingSection;
use crate::runs::{RunFolder, RunState};

/// Writes a run into the file store `store` and gives its folder there. The ids follow from the run, so that a run
/// exported again replaces itself, once all of it is written. `at` is where the store will lie when it is read, where that
/// is somewhere else: MLflow finds artifacts by whole paths.
///
/// # Errors
/// When the run can't be read or the store can't be written.
pub fn export(
    folder: &RunFolder,
    tracking: &TrackingSection,
    model: Option<PathBuf>,
    store: &Path,
    at: Option<&Path>,
) -> Result<PathBuf> {
    let record = RunRecord::read(folder, &mut Journal::default())?;
    fs::create_dir_all(store).with_context(|| format!("can't make {}", store.display()))?;
    let store = store.canonicalize().with_context(|| format!("can't read {}", store.display()))?;
    let experiment = Experiment::of(&store, at.unwrap_or(&store), &tracking.experiment)?;
    let place = Place::beside(&experiment, Path::new(&record.uid))?;
    let out = &place.part;
    for name in ["metrics", "params", "tags", "artifacts"] {
        make(&out.join(name))?;
    }
    let artifacts = out.join("artifacts");
    write(
        &out.join("meta.yaml"),
        &lines(&[
            ("artifact_uri", &text(&uri(&place.at.join("artifacts")))),
            ("end_time", &record.ended.map_or("null".into(), |ended| ended.to_string())),
            ("entry_point_name", "''"),
            ("experiment_id", &text(&experiment.id)),
            ("lifecycle_stage", "active"),
            ("run_id", &record.uid),
            ("run_name", &text(&record.name)),
            ("source_name", "''"),
            ("source_type", "4"),
            ("source_version", "''"),
            ("start_time", &record.started.to_string()),
            ("status", status_number(record.state)),
            ("tags", "[]"),
            ("user_id", &text(record.tags.get("mlflow.user").map_or("", String::as_str))),
        ]),
    )?;
    for (key, value) in &record.params {
        write(&out.join("params").join(key), value)?;
    }
    let mut tags = record.tags.clone();
    tags.insert("mlflow.note.content".into(), record.note.clone());
    tags.insert("mlflow.runName".into(), record.name.clone());
    tags.insert(UID.into(), record.uid.clone());
    for (key, value) in &tags {
        write(&out.join("tags").join(key), value)?;
    }
    metrics(&out.join("metrics"), &[&record.epochs, &record.system, &record.finals])?;
    images(&record, &experiment, out)?;
    for file in files::changed(folder, tracking.checkpoints, &Default::default())?.outgoing {
        let target = artifacts.join(&file.target);
        make(target.parent().unwrap_or(&artifacts))?;
        fs::copy(folder.path().join(&file.path), &target)
            .with_context(|| format!("can't write {}", target.display()))?;
    }
    let model = match (model, folder.read_status()?.best) {
        (Some(model), Some(best)) => {
            Some(add_model(&record, &experiment, out, &Package::open_folder(&model, best.epoch)?)?)
        }
        _ => None,
    };
    let kept = model.as_ref().map(|model| model.target.clone());
    if let Some(model) = model {
        model.put()?;
    }
    let written = place.put()?;
    remove_other_models(&experiment, &record.uid, kept.as_deref())?;
    Ok(written)
}

/// A folder that is written beside its place and put there whole.
struct Place {
    part: PathBuf,
    target: PathBuf,
    /// The target's path for the server that reads the store.
    at: PathBuf,
}

impl Place {
    /// Begins a folder of this name in an experiment.
    fn beside(experiment: &Experiment, name: &Path) -> Result<Self> {
        let target = experiment.folder.join(name);
        let last = name.file_name().unwrap_or_default().to_string_lossy();
        let part = target.with_file_name(format!(".{last}.part"));
        // What a kill left.
        remove(&part)?;
        make(&part)?;
        Ok(Self { part, target, at: experiment.at.join(name) })
    }

    fn put(self) -> Result<PathBuf> {
        remove(&self.target)?;
        fs::rename(&self.part, &self.target)
            .with_context(|| format!("can't replace {}", self.target.display()))?;
        Ok(self.target)
    }
}

/// Models that the run had when it was exported before.
fn remove_other_models(experiment: &Experiment, uid: &str, kept: Option<&Path>) -> Result<()> {
    let Ok(entries) = fs::read_dir(experiment.folder.join("models")) else { return Ok(()) };
    let ours = format!("source_run_id: {uid}");
    for entry in entries {
        let path = entry?.path();
        let meta = fs::read_to_string(path.join("meta.yaml")).unwrap_or_default();
        if Some(path.as_path()) != kept && meta.lines().any(|line| line == ours) {
            remove(&path)?;
        }
    }
    Ok(())
}

struct Experiment {
    id: String,
    folder: PathBuf,
    /// The folder's path for the server that reads the store.
    at: PathBuf,
}

impl Experiment {
    /// The experiment's folder, made where there is none. Its id is made of its name, 18 digits as MLflow's are.
    fn of(store: &Path, at: &Path, name: &str) -> Result<Self> {
        let hash = blake3::hash(name.as_bytes());
        let number = u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or_default());
        let id = (100_000_000_000_000_000 + number % 900_000_000_000_000_000).to_string();
        let (folder, at) = (store.join(&id), at.join(&id));
        if !folder.join("meta.yaml").exists() {
            make(&folder)?;
            let now = jiff::Timestamp::now().as_millisecond().to_string();
            let meta = lines(&[
                ("artifact_location", &text(&uri(&at))),
                ("creation_time", &now),
                ("experiment_id", &text(&id)),
                ("last_update_time", &now),
                ("lifecycle_stage", "active"),
                ("name", &text(name)),
            ]);
            write(&folder.join("meta.yaml"), &meta)?;
        }
        Ok(Self { id, folder, at })
    }
}

/// `TIME VALUE STEP` a line, one file a metric.
fn metrics(folder: &Path, tables: &[&[Row]]) -> Result<()> {
    let mut files = std::collections::BTreeMap::<&str, String>::new();
    for row in tables.iter().flat_map(|rows| rows.iter()) {
        for (key, value) in &row.values {
            let value = if value.is_finite() { value.to_string() } else { "nan".to_owned() };
            *files.entry(key).or_default() += &format!("{} {value} {}\n", row.time, row.step);
        }
    }
    for (key, text) in files {
        let path = folder.join(key);
        make(path.parent().unwrap_or(folder))?;
        write(&path, &text)?;
    }
    Ok(())
}

fn images(record: &RunRecord, experiment: &Experiment, out: &Path) -> Result<()> {
    let dataset = record.images.as_dataset();
    let id: String = blake3::hash(dataset.to_string().as_bytes()).to_hex().chars().take(32).collect();
    let folder = experiment.folder.join("datasets").join(&id);
    make(&folder)?;
    let field = |name: &str| text(dataset[name].as_str().unwrap_or_default());
    let meta = lines(&[
        ("digest", &field("digest")),
        ("name", &field("name")),
        ("profile", &field("profile")),
        ("schema", &field("schema")),
        ("source", &field("source")),
        ("source_type", &field("source_type")),
    ]);
    write(&folder.join("meta.yaml"), &meta)?;
    let input = out.join("inputs").join(&id);
    make(&input)?;
    let meta = lines(&[
        ("destination_id", &record.uid),
        ("destination_type", "RUN"),
        ("source_id", &id),
        ("source_type", "DATASET"),
        ("tags", "\n  mlflow.data.context: training"),
    ]);
    write(&input.join("meta.yaml"), &meta)
}

/// Writes the run's model and, into the run's folder `out`, that it is the run's; still to be put in its place.
fn add_model(record: &RunRecord, experiment: &Experiment, out: &Path, package: &Package) -> Result<Place> {
    let text_of = format!("{} {}", record.uid, package.digest);
    let id = format!("m-{}", &blake3::hash(text_of.as_bytes()).to_hex()[..32]);
    let place = Place::beside(experiment, &Path::new("models").join(&id))?;
    let (artifacts, artifacts_at) = (place.part.join("artifacts"), uri(&place.at.join("artifacts")));
    for name in ["params", "tags", "metrics", "artifacts"] {
        make(&place.part.join(name))?;
    }
    let time = record.ended.unwrap_or(record.started).to_string();
    let meta = lines(&[
        ("artifact_location", &text(&artifacts_at)),
        ("creation_timestamp", &time),
        ("experiment_id", &text(&experiment.id)),
        ("last_updated_timestamp", &time),
        ("lifecycle_stage", "active"),
        ("model_id", &id),
        ("model_type", "''"),
        ("name", "model"),
        ("source_run_id", &record.uid),
        ("status", "2"),
        ("status_message", "null"),
        ("tags", "{}"),
    ]);
    write(&place.part.join("meta.yaml"), &meta)?;
    let note = [("run_id", record.uid.as_str()), ("model_id", &id), ("artifact_path", &artifacts_at)];
    for name in package.files()? {
        let target = artifacts.join(&name);
        match package.descriptor(&name, &note)? {
            Some(text) => write(&target, &text)?,
            None => {
                std::io::copy(&mut package.open(&name)?, &mut fs::File::create(&target)?)
                    .with_context(|| format!("can't write {}", target.display()))?;
            }
        }
    }
    let output = out.join("outputs").join(&id);
    make(&output)?;
    let meta = lines(&[
        ("destination_id", &id),
        ("destination_type", "MODEL_OUTPUT"),
        ("source_id", &record.uid),
        ("source_type", "RUN_OUTPUT"),
        ("step", &package.epoch.to_string()),
        ("tags", "{}"),
    ]);
    write(&output.join("meta.yaml"), &meta)?;
    Ok(place)
}

/// MLflow's number of a state in its files.
fn status_number(state: RunState) -> &'static str {
    match state {
        RunState::Running | RunState::Paused => "1",
        RunState::Queued => "2",
        RunState::Finished => "3",
        RunState::Failed => "4",
        RunState::Stopped | RunState::Interrupted => "5",
    }
}

/// A text as a YAML scalar in single quotes.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\n', " "))
}

fn uri(path: &Path) -> String {
    format!("file://{}", encoded(&path.to_string_lossy()))
}

fn lines(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key}: {value}\n")).collect()
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't replace {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}
