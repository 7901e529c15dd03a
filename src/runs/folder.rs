//! One run's folder: what lies where, and how it is written and read. The files that grow line by line are in `lines`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::{RunId, Status};
use crate::config::RunConfig;
use crate::dataset::image_file::Preprocess;
use crate::files::replace_file;
use crate::metrics::{Evaluation, Thresholds};

/// Where a run came from; the `[provenance]` table of `run.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// This program's version.
    pub version: String,
    /// libtorch's version.
    pub libtorch: String,
    /// The device that trained, resolved: `cpu`, `cuda:0`.
    pub device: String,
    /// CPU threads of libtorch, resolved.
    pub threads: usize,
    /// As typed.
    pub command_line: Vec<String>,
    /// Identifies images and labels: a hash of all pixels and label rows.
    pub data_digest: String,
    /// Keys of the label columns in order.
    pub conditions: Vec<String>,
    /// Images of the train, val and test split.
    #[serde(alias = "films")]
    pub images: [usize; 3],
    /// Height and width of an image in pixels.
    #[serde(alias = "film_size")]
    pub image_size: [usize; 2],
    /// Trainable parameters.
    pub parameters: usize,
    /// What is subtracted from each condition's logit to undo weights and sampling; empty for runs without.
    #[serde(default, alias = "logit_shift")]
    pub logit_correction: Vec<f32>,
    /// How a picture becomes an image of this network; `None` for runs of before this was recorded.
    #[serde(default)]
    pub preprocess: Option<Preprocess>,
    /// Who started the run; empty where it is unknown.
    #[serde(default)]
    pub user: String,
    /// The commit of the repository that the run was started in; empty outside of one.
    #[serde(default)]
    pub git_commit: String,
}

const MODEL_DETAILS: &str = "artifacts/model_details.json";
const THRESHOLDS: &str = "checkpoints/thresholds.json";

fn evaluation_name(split: &str) -> String {
    if split == "test" { "evaluation.json".to_owned() } else { format!("evaluation_{split}.json") }
}

/// A run's folder.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFolder {
    path: PathBuf,
    id: RunId,
}

impl RunFolder {
    /// Makes a new folder under `runs`, named by time, architecture and chance.
    ///
    /// # Errors
    /// When the folder can't be made, e.g. on a full disk.
    pub fn create(runs: &Path, config: &RunConfig, now: &Zoned) -> Result<Self> {
        fs::create_dir_all(runs)
            .with_context(|| format!("can't make the folder for runs {}", runs.display()))?;
        loop {
            let id = RunId::new(now, config.model.arch.name(), rand::random());
            let path = runs.join(id.as_str());
            match fs::create_dir(&path) {
                Ok(()) => {
                    let folder = Self { path, id };
                    fs::create_dir(folder.checkpoints())
                        .with_context(|| format!("can't make {}", folder.checkpoints().display()))?;
                    return Ok(folder);
                }
                // Another run of this second drew the same four digits: draw again.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("can't make the run's folder {}", path.display()));
                }
            }
        }
    }

    /// An existing run's folder.
    ///
    /// # Errors
    /// When there is no `status.json` in it or its name is no run id.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.join("status.json").is_file() {
            anyhow::bail!("{} is no run: it has no status.json", path.display());
        }
        Self::at(path)
    }

    /// A folder that is taken for a run's, whatever lies in it.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let path = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) if parent.as_os_str().is_empty() => real(Path::new(".")).join(name),
            // A link keeps its name: it is what the folder of runs has, and not to be taken for what it leads to.
            (Some(parent), Some(name)) => real(parent).join(name),
            _ => real(path),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let id = RunId::try_from(name).map_err(anyhow::Error::msg)?;
        Ok(Self { path, id })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The folder of weights.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Weights of the best epoch.
    pub fn best_weights(&self) -> PathBuf {
        self.checkpoints().join("best.safetensors")
    }

    /// Weights of the last checkpoint, as they are evaluated: EMA weights where the run has them.
    pub fn last_weights(&self) -> PathBuf {
        self.checkpoints().join("last.safetensors")
    }

    /// The raw weights of the last checkpoint of a run with EMA weights.
    pub fn last_raw_weights(&self) -> PathBuf {
        self.checkpoints().join("last_raw.safetensors")
    }

    /// Everything a run goes on from.
    pub fn last_state(&self) -> PathBuf {
        self.checkpoints().join("last.state")
    }

    /// Weights of an epoch that are kept for their value.
    pub fn epoch_weights(&self, epoch: usize) -> PathBuf {
        self.checkpoints().join(format!("epoch-{epoch:04}.safetensors"))
    }

    /// Epochs whose weights lie in the folder, with their files.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn kept_epochs(&self) -> Result<Vec<(usize, PathBuf)>> {
        let folder = self.checkpoints();
        let entries = fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))?;
        let mut kept = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("can't read {}", folder.display()))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let epoch = name.strip_prefix("epoch-").and_then(|name| name.strip_suffix(".safetensors"));
            if let Some(epoch) = epoch.and_then(|epoch| epoch.parse().ok()) {
                kept.push((epoch, path));
            }
        }
        kept.sort();
        Ok(kept)
    }

    /// The run's files for readers and other programs.
    pub fn artifacts(&self) -> PathBuf {
        self.path.join("artifacts")
    }

    /// Predictions of a split, `val` or `test`.
    pub fn predictions(&self, split: &str) -> PathBuf {
        self.path.join(format!("predictions_{split}.npz"))
    }

    /// Writes `run.toml`: the resolved configuration, which `--config` takes back, and where it came from.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_config(&self, config: &RunConfig, provenance: &Provenance) -> Result<()> {
        let mut table = config.to_table();
        table.insert("provenance".into(), toml::Value::try_from(provenance)?);
        self.replace("run.toml", toml::to_string(&table)?.as_bytes())
    }

    /// Reads the configuration back.
    ///
    /// # Errors
    /// When `run.toml` is missing or no configuration.
    pub fn read_config(&self) -> Result<RunConfig> {
        Ok(RunConfig::read(&self.path.join("run.toml"))?)
    }

    /// The configuration for a list: of a file that this version wrote it isn't checked once more what single
    /// settings may hold, which takes most of the time.
    ///
    /// # Errors
    /// As [`RunFolder::read_config`].
    pub fn skim_config(&self) -> Result<RunConfig> {
        let path = self.path.join("run.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        toml::from_str(&text).or_else(|_| self.read_config())
    }

    /// Reads where the run came from.
    ///
    /// # Errors
    /// When `run.toml` is missing or has no `[provenance]`.
    pub fn read_provenance(&self) -> Result<Provenance> {
        #[derive(Deserialize)]
        struct File {
            provenance: Provenance,
        }
        let path = self.path.join("run.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        let file: File = toml::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
        Ok(file.provenance)
    }

    /// Writes `artifacts/model_summary.txt` and `artifacts/model_details.json`.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write_model(&self, summary: &str, details: &impl Serialize) -> Result<()> {
        let artifacts = self.artifacts();
        fs::create_dir_all(&artifacts).with_context(|| format!("can't make {}", artifacts.display()))?;
        self.replace("artifacts/model_summary.txt", summary.as_bytes())?;
        self.replace_json(MODEL_DETAILS, details)
    }

    /// Reads `artifacts/model_details.json`; `None` when there is none.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn read_model<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.path.join(MODEL_DETAILS).exists() {
            true => self.read_json(MODEL_DETAILS).map(Some),
            false => Ok(None),
        }
    }

    /// Replaces `status.json`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_status(&self, status: &Status) -> Result<()> {
        self.replace_json("status.json", status)
    }

    /// Reads `status.json`, and looks whether the process of a live run is still there.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn read_status(&self) -> Result<Status> {
        let mut status: Status = self.read_json("status.json")?;
        while status.state.is_live() {
            let held = self.is_held();
            if held == Some(false) {
                // A run that ends records it here before its lock is released: this may have happened since it was read.
                let now: Status = self.read_json("status.json")?;
                if now != status {
                    status = now;
                    continue;
                }
            }
            return Ok(Status { held, ..status });
        }
        Ok(status)
    }

    /// Replaces `evaluation.json` or, for another split than the test, `evaluation_<split>.json`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_evaluation(&self, evaluation: &Evaluation) -> Result<()> {
        self.replace_json(&evaluation_name(&evaluation.split), evaluation)
    }

    /// Reads a split's evaluation.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn read_evaluation(&self, split: &str) -> Result<Evaluation> {
        self.read_json(&evaluation_name(split))
    }

    /// Replaces `checkpoints/thresholds.json`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_thresholds(&self, thresholds: &Thresholds) -> Result<()> {
        self.replace_json(THRESHOLDS, thresholds)
    }

    /// Reads the thresholds that are kept with the weights; `None` when there are none yet.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn read_thresholds(&self) -> Result<Option<Thresholds>> {
        match self.path.join(THRESHOLDS).exists() {
            true => self.read_json(THRESHOLDS).map(Some),
            false => Ok(None),
        }
    }

    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        replace_file(&path, bytes).with_context(|| format!("can't write {}", path.display()))
    }

    pub(super) fn replace_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec_pretty(value)?;
        bytes.push(b'\n');
        self.replace(name, &bytes)
    }

    pub(super) fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.path.join(name);
        let bytes = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
    }
}
