//! A run's network as files that other programs load: an ONNX file, a safetensors file with a description, and a
//! folder that MLflow serves. Nothing is drawn from libtorch's generator, so it may run beside a run in one process.

mod mlflow;
mod tensors;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{json, to_string};

use super::{Predictor, Weights};
use crate::config::Arch;
use crate::dataset::image_file::{Filter, Fit, Preprocess};
use crate::metrics::Thresholds;
use crate::model::onnx::About;
use crate::runs::{RunFolder, RunId};

/// The description that every file carries.
pub const NOTICE: &str = "Not a medical device: for research and teaching, not for clinical use.";

/// Counts up when the model folder comes to be written so differently that those of before shall be written anew. The
/// program's version is no part of that: each new one would have every run's model made, and logged, once more.
const FORMAT: u32 = 1;

/// A run's network with what those must know who use it elsewhere.
pub struct Package {
    predictor: Predictor,
    which: Weights,
    run: RunId,
    arch: Arch,
    data_digest: String,
    /// As chosen for these very weights; none where they were chosen for others, or not yet.
    thresholds: Option<Thresholds>,
    /// Subtracted from logits before they become probabilities; empty for nothing.
    shift: Vec<f32>,
    weights: PathBuf,
}

impl Package {
    /// Loads a run's weights.
    ///
    /// # Errors
    /// When the run has no such weights yet or its files are damaged.
    pub fn open(folder: &RunFolder, which: Weights) -> Result<Self> {
        let predictor = Predictor::open_weights(folder, "cpu", which)?;
        let provenance = folder.read_provenance()?;
        let epoch = predictor.epoch();
        Ok(Self {
            which,
            run: folder.id().clone(),
            arch: folder.read_config()?.model.arch,
            data_digest: provenance.data_digest,
            // Those of the last checkpoint may have gone on within the epoch whose number they share with the best.
            thresholds: folder
                .read_thresholds()?
                .filter(|chosen| which == Weights::Best && chosen.epoch == Some(epoch)),
            shift: provenance.logit_correction,
            weights: match which {
                Weights::Best => folder.best_weights(),
                Weights::Last => folder.last_weights(),
            },
            predictor,
        })
    }

    /// The epoch of the weights.
    pub fn epoch(&self) -> usize {
        self.predictor.epoch()
    }

    /// The ONNX file: `input` (`float32 batch,1,H,W`, grey values 0 to 255) to `probabilities` (`float32 batch,C`),
    /// with all that is known of the network as metadata.
    ///
    /// # Errors
    /// When the network is too large for the format.
    pub fn onnx(&self) -> Result<Vec<u8>> {
        let text = format!(
            "{} of run {}, epoch {}. Takes grey images of 0 (black) to 255 (white), {}; gives a probability for each \
             of the conditions that the metadata list. {NOTICE}",
            self.arch,
            self.run,
            self.epoch(),
            self.preprocessed()
        );
        let about = About { name: self.arch.name().to_owned(), text, metadata: self.facts()? };
        Ok(self.predictor.network().onnx(&self.shift, &about)?)
    }

    /// The weights as safetensors, named as in PyTorch, with the same metadata and what an ONNX file computes itself:
    /// how greys are normalised and what is taken from the logits.
    ///
    /// # Errors
    /// When the run's file can't be read.
    pub fn safetensors(&self) -> Result<Vec<u8>> {
        let mut facts = self.facts()?;
        facts.push(("format".to_owned(), "pt".to_owned()));
        facts.push(("normalisation".to_owned(), "(grey / 255 - 0.5) / 0.5".to_owned()));
        if !self.shift.is_empty() {
            facts.push(("logit_correction".to_owned(), to_string(&self.shift)?));
        }
        let bytes = std::fs::read(&self.weights)
            .with_context(|| format!("can't read the weights {}", self.weights.display()))?;
        tensors::described(&bytes, facts)
            .with_context(|| format!("can't read the weights {}", self.weights.display()))
    }

    /// Writes an MLflow model into the folder `out`, which is made where there is none; `MLmodel` comes last.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn mlflow(&self, out: &Path) -> Result<()> {
        mlflow::write(self, "", out)
    }

    /// What is known of the network: texts, and JSON where there is more than one.
    fn facts(&self) -> Result<Vec<(String, String)>> {
        let labels = self.predictor.labels();
        let names: Vec<&str> = labels.iter().map(|condition| condition.name.as_str()).collect();
        let weights = match self.which {
            Weights::Best => "best",
            Weights::Last => "last",
        };
        let mut facts = vec![
            ("conditions", json!(labels.keys()).to_string()),
            ("condition_names", json!(names).to_string()),
            ("image_size", json!(self.predictor.image_size()).to_string()),
            ("preprocess", json!(self.predictor.preprocess()).to_string()),
            ("preprocess_in_words", self.preprocessed()),
            ("run_id", self.run.to_string()),
            ("weights", weights.to_owned()),
            ("epoch", self.epoch().to_string()),
            ("architecture", self.arch.name().to_owned()),
            ("data_digest", self.data_digest.clone()),
            ("program", concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()),
            ("notice", NOTICE.to_owned()),
        ];
        if let Some(chosen) = &self.thresholds {
            let keys = labels.keys();
            let each: BTreeMap<&String, f32> = keys.iter().zip(chosen.of(&keys)).collect();
            facts.push(("thresholds", to_string(&each)?));
            facts.push(("normal_threshold", chosen.normal.threshold.to_string()));
            facts.push(("threshold_rule", chosen.rule.to_string()));
        }
        Ok(facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// How a picture becomes an image, in words.
    fn preprocessed(&self) -> String {
        let Preprocess { height, width, filter, fit } = self.predictor.preprocess();
        let filter = match filter {
            Filter::Box => "box",
            Filter::Bilinear => "bilinear",
            Filter::Bicubic => "bicubic",
            Filter::Lanczos => "Lanczos",
        };
        let (fit, pillow) = match fit {
            Fit::Pad => ("padded with black to its shape", "ImageOps.pad"),
            Fit::Crop => ("cropped to its shape", "ImageOps.fit"),
            Fit::Stretch => ("stretched to its shape", "Image.resize"),
        };
        format!(
            "reduced to {height} rows and {width} columns with Pillow's {filter} filter, {fit} ({pillow})"
        )
    }
}

/// The run's model folder for upload; `None` for a run that has no best weights yet.
///
/// # Errors
/// As [`model_folder`].
pub fn model_to_send(folder: &RunFolder) -> Result<Option<PathBuf>> {
    if folder.read_status()?.best.is_none() || !folder.best_weights().is_file() {
        return Ok(None);
    }
    model_folder(folder).map(Some)
}

/// The run's folder `model`, an MLflow model of its best weights. It is written when it isn't there, or when weights or
/// thresholds have changed since.
///
/// # Errors
/// When the run has no best weights yet, its files are damaged or the folder can't be written.
pub fn model_folder(folder: &RunFolder) -> Result<PathBuf> {
    let out = folder.path().join("model");
    // Taken before the weights are read: what changes in between is written anew the next time.
    let digest = digest(folder)?;
    if mlflow::made_from(&out).as_deref() != Some(digest.as_str()) {
        mlflow::write(&Package::open(folder, Weights::Best)?, &digest, &out)?;
    }
    Ok(out)
}

/// A hash of what makes a model of the best weights another one: their epoch, the thresholds chosen for them, the weights
/// themselves and how the folder is written.
fn digest(folder: &RunFolder) -> Result<String> {
    let mut hash = blake3::Hasher::new();
    let epoch = folder.read_status()?.best.map(|best| best.epoch);
    hash.update(format!("{FORMAT} {epoch:?} ").as_bytes());
    hash.update(&serde_json::to_vec(&folder.read_thresholds()?)?);
    let weights = folder.best_weights();
    if weights.is_file() {
        File::open(&weights)
            .and_then(|file| hash.update_reader(file).map(|_| ()))
            .with_context(|| format!("can't read the weights {}", weights.display()))?;
    }
    Ok(hash.finalize().to_hex().to_string())
}
