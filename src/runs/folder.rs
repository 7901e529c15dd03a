//! One run's folder: what lies where, and how it is written and read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Zoned;
use serde::{Deserialize, Serialize};

use super::{EpochRecord, RunId, Status, SystemSample};
use crate::config::RunConfig;
use crate::dataset::picture::Preprocess;
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
    /// Identifies films and labels: a hash of all pixels and label rows.
    pub data_digest: String,
    /// Keys of the label columns in order.
    pub conditions: Vec<String>,
    /// Films of the train, val and test split.
    pub films: [usize; 3],
    /// Height and width of a film in pixels.
    pub film_size: [usize; 2],
    /// Trainable parameters.
    pub parameters: usize,
    /// What is subtracted from each condition's logit to undo weights and sampling; empty for runs without.
    #[serde(default)]
    pub logit_shift: Vec<f32>,
    /// How a picture becomes a film of this network; `None` for runs of before this was recorded.
    #[serde(default)]
    pub preprocess: Option<Preprocess>,
    /// Who started the run; empty where the system doesn't say.
    #[serde(default)]
    pub user: String,
    /// The commit of the repository that the run was started in; empty outside of one.
    #[serde(default)]
    pub git_commit: String,
}

/// The epochs of a run, a line each.
pub(super) const EPOCHS: &str = "metrics.jsonl";
const SYSTEM: &str = "system.jsonl";
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
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
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

    /// Weights of the last checkpoint.
    pub fn last_weights(&self) -> PathBuf {
        self.checkpoints().join("last.safetensors")
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

    /// What the run leaves for people and other programs to look at.
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

    /// Reads `status.json`.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn read_status(&self) -> Result<Status> {
        self.read_json("status.json")
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

    /// Appends an epoch to `metrics.jsonl`.
    ///
    /// # Errors
    /// When the line can't be written.
    pub fn append_epoch(&self, record: &EpochRecord) -> Result<()> {
        self.append(EPOCHS, record)
    }

    /// Appends anything else that happened to `events.jsonl`, with the time in front.
    ///
    /// # Errors
    /// When the line can't be written.
    pub fn append_event(&self, at: jiff::Timestamp, event: &impl Serialize) -> Result<()> {
        #[derive(Serialize)]
        struct Line<'a, E> {
            time: jiff::Timestamp,
            #[serde(flatten)]
            event: &'a E,
        }
        self.append("events.jsonl", &Line { time: at, event })
    }

    /// The epochs of `metrics.jsonl`. A last line that a kill cut short is left out.
    ///
    /// # Errors
    /// When the file can't be read or a line other than the last is damaged.
    pub fn read_epochs(&self) -> Result<Vec<EpochRecord>> {
        self.read_lines(EPOCHS)
    }

    /// Appends what was measured of the machine to `system.jsonl`.
    ///
    /// # Errors
    /// When the line can't be written.
    pub fn append_system(&self, sample: &SystemSample) -> Result<()> {
        self.append(SYSTEM, sample)
    }

    /// The samples of `system.jsonl`, in order; none where there is no such file.
    ///
    /// # Errors
    /// When the file can't be read or a line other than the last is damaged.
    pub fn read_system(&self) -> Result<Vec<SystemSample>> {
        self.read_lines(SYSTEM)
    }

    /// Brings the journal back to the end of epoch `epochs`: rows of `metrics.jsonl` behind it go, since the
    /// run that goes on writes them again, and lines that a kill cut short go from all its files.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub fn rewind(&self, epochs: usize) -> Result<()> {
        #[derive(Deserialize)]
        struct Row {
            epoch: usize,
        }
        self.keep_lines(EPOCHS, |line| {
            serde_json::from_str::<Row>(line).is_ok_and(|row| row.epoch <= epochs)
        })?;
        self.cut_at_line("events.jsonl")?;
        self.cut_at_line(SYSTEM)
    }

    /// Takes away a last line that a kill cut short, in place: another process may be following the file.
    fn cut_at_line(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        let cut = || -> io::Result<()> {
            let bytes = fs::read(&path)?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            if whole < bytes.len() {
                OpenOptions::new().write(true).open(&path)?.set_len(whole as u64)?;
            }
            Ok(())
        };
        match cut() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't mend {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Keeps the whole lines of a file that `wanted` wants, byte for byte.
    fn keep_lines(&self, name: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let path = self.path.join(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
        };
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let kept: String = whole.filter(|line| wanted(line)).collect();
        if kept == text { Ok(()) } else { self.replace(name, kept.as_bytes()) }
    }

    /// A file's lines, each an object; a last line that a kill cut short is left out.
    fn read_lines<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let path = self.path.join(name);
        let mut text = String::new();
        match File::open(&path) {
            Ok(mut file) => file.read_to_string(&mut text).map(|_| ())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
        }
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .enumerate()
            .map(|(row, line)| {
                serde_json::from_str(line)
                    .with_context(|| format!("{} is damaged in line {}", path.display(), row + 1))
            })
            .collect()
    }

    fn append(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let path = self.path.join(name);
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        // One write of the whole line: a reader or a kill sees all of it or a tail without a line end.
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&line))
            .with_context(|| format!("can't write {}", path.display()))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
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
