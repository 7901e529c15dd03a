//! From a configuration to everything a run works with, checked before the run leaves a trace on disk.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail, ensure};
use tch::Device;

use super::inbox::Inbox;
use super::journal::EventSender;
use super::learner::Learner;
use super::{Level, Phase, loss};
use crate::config::{Arch, AugmentOn, Monitor, Precision, RunConfig, Sampling};
use crate::data_loader;
use crate::dataset::image_file::Preprocess;
use crate::dataset::progress::Watch;
use crate::dataset::{Cache, Dataset, Split};
use crate::model::{Network, Shape, device_name, resolve_device, take_pretrained};
use crate::native;
use crate::runs::{Provenance, find};
use crate::text::{counted, one_line};

/// What a run starts from.
pub struct Setup {
    /// Settings, with every `auto` resolved.
    pub config: RunConfig,
    /// The images and labels.
    pub dataset: Arc<Dataset>,
    /// The device that trains.
    pub device: Device,
    shape: Shape,
}

impl Setup {
    /// Reads the images and checks what can be checked. Paths in the configuration become absolute, so that
    /// the run's own file means the same from any folder. `watch` follows the reading of the images and may end it.
    ///
    /// # Errors
    /// When there is no such device, the images can't be had, or they don't fit the configuration.
    pub fn prepare(mut config: RunConfig, cache: &Cache, runs: &Path, watch: &Watch) -> Result<Self> {
        config.validate()?;
        let device = resolve_device(&config.run.device)?;
        config.run.precision = match config.run.precision {
            // As with augmentation: resume keeps what the run began with.
            Precision::Auto if native::multiplies_bfloat16(device) => Precision::Bf16,
            Precision::Auto => Precision::Fp32,
            chosen => chosen,
        };
        if config.run.precision == Precision::Fp16 && !device.is_cuda() {
            bail!("fp16 needs CUDA; set run.precision=bf16 or fp32 for a CPU");
        }
        let dataset = cache.load_watched(&config.data, watch)?;
        for split in Split::ALL {
            dataset.trainable(split)?;
        }
        config.data.source = dataset.source().absolute().to_string();
        if !config.model.init.is_empty() {
            config.model.init = absolute(&config.model.init);
        }
        if !matches!(config.model.pretrained.as_str(), "none" | "imagenet") {
            let given = &config.model.pretrained;
            let is_file = Path::new(given).is_file();
            config.model.pretrained = if is_file {
                absolute(given)
            } else {
                let run = find(runs, given)
                    .with_context(|| format!("`model.pretrained` = {given} is no file, and no run either"))?;
                absolute(&run.path().to_string_lossy())
            };
        }
        let (height, width) = dataset.image_size().context("the data set has no images")?;
        if config.model.arch == Arch::ChestNetS && height.min(width) < 8 {
            bail!(
                "chestnet-s halves its images three times, so their sides must be at least 8 px, and these are \
                 {height} x {width} px; set model.arch=resnet18 or enlarge the images"
            );
        }
        let monitor = config.early_stopping.monitor;
        let ranked = matches!(monitor, Monitor::ValAurocMacro | Monitor::ValAuprcMacro);
        if ranked && !can_be_ranked(&dataset, Split::Val) {
            bail!(
                "no condition is both present and absent in the validation images, so {monitor} is undefined; \
                 watch the loss: early_stopping.monitor=val_loss, early_stopping.mode=min"
            );
        }
        if config.augment.on == AugmentOn::Auto {
            // The two ways differ by a grey level here and there, so the run's record has the answer and resume keeps it.
            config.augment.on = if device.is_cuda() { AugmentOn::Device } else { AugmentOn::Cpu };
        }
        let shape = Shape { height, width, classes: dataset.labels().len() };
        Ok(Self { config, dataset, device, shape })
    }

    /// The network and what changes it, with the weights that `start` puts into it. Sets libtorch's threads,
    /// modes and generator.
    ///
    /// # Errors
    /// When the weights to start from don't fit or the device has no memory left.
    pub fn learner(&self, start: impl FnOnce(&mut Network) -> Result<()>) -> Result<Learner> {
        // The number belongs to the process: a run that leaves it open must not inherit the last run's.
        static DEFAULT_THREADS: OnceLock<i32> = OnceLock::new();
        let default = *DEFAULT_THREADS.get_or_init(tch::get_num_threads);
        let wanted = self.config.run.threads;
        tch::set_num_threads(if wanted > 0 { wanted as i32 } else { default });
        native::prepare_threads()
            .context("can't start the threads that compute; run.threads=1 needs none")?;
        tch::manual_seed(self.config.run.seed as i64);
        let mut network = Network::build(&self.config.model, self.shape, self.device)?;
        start(&mut network)?;
        let stats = |split| self.dataset.stats(split);
        let masked = Split::ALL.iter().any(|split| stats(*split).any_unknown());
        Learner::new(network, &self.config, stats(Split::Train), masked, self.device)
    }

    /// The network with the weights that a run starts from, and what changes it.
    ///
    /// # Errors
    /// As [`Setup::learner`], and when a weight is not a finite number.
    pub fn first_learner(&self, inbox: &mut Inbox, event_sender: &EventSender) -> Result<Learner> {
        let learner = self.learner(|network| self.first_weights(network, inbox, event_sender))?;
        ensure!(
            learner.is_finite()?,
            "the initial weights hold a value that is not a finite number, so training can't start from them; set \
             model.init or model.pretrained to other weights"
        );
        Ok(learner)
    }

    /// Puts the weights of the configuration into a new network, and tells where they came from. A download
    /// ends when something is asked for that ends it.
    ///
    /// # Errors
    /// When they can't be had or don't fit.
    fn first_weights(
        &self,
        network: &mut Network,
        inbox: &mut Inbox,
        event_sender: &EventSender,
    ) -> Result<()> {
        let model = &self.config.model;
        if !model.init.is_empty() {
            network.state_mut().load(Path::new(&model.init))?;
        }
        let mut told = false;
        let mut watch = |done: u64, total: Option<u64>| {
            if !std::mem::replace(&mut told, true) {
                let size =
                    total.map_or_else(String::new, |total| format!(" ({})", crate::text::bytes(total)));
                event_sender.note(Level::Info, format!("downloading weights trained on ImageNet{size}"));
            }
            event_sender.progress.send_modify(|progress| {
                progress.phase = Phase::Loading;
                (progress.done, progress.total) = (done as usize, total.unwrap_or(0) as usize);
            });
            !inbox.stop_requested()
        };
        if let Some(taken) = take_pretrained(network, model, &mut watch)? {
            let unused = match taken.unused.as_slice() {
                [] => String::new(),
                [first, ..] => format!(
                    "; {} of the file not used, the first is {}",
                    counted(taken.unused.len(), "tensor", "tensors"),
                    one_line(first, 80)
                ),
            };
            let path = taken.path.display();
            event_sender.note(Level::Info, format!("weights of {path}; the last layer starts anew{unused}"));
        }
        event_sender.progress.send_modify(|progress| (progress.done, progress.total) = (0, 0));
        Ok(())
    }

    /// Height and width of the images in pixels, and the number of conditions.
    pub(super) fn shape(&self) -> [usize; 3] {
        [self.shape.height, self.shape.width, self.shape.classes]
    }

    /// Optimizer steps of an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        let images = self.dataset.part(Split::Train).labels.len();
        images.div_ceil(self.config.optimizer.batch_size).div_ceil(self.config.optimizer.accumulate)
    }

    /// What is subtracted from each condition's logit before it becomes a probability; empty when nothing is.
    pub fn logit_correction(&self) -> Vec<f32> {
        let train = self.dataset.stats(Split::Train);
        let weights = loss::pos_weights(&self.config.loss, train);
        let sampled = (self.config.data.sampling == Sampling::Balanced)
            .then(|| data_loader::sampled_prevalence(&self.dataset.part(Split::Train).labels));
        let shift = loss::logit_correction(&weights, train, sampled.as_deref());
        if shift.iter().all(|shift| *shift == 0.0) { Vec::new() } else { shift }
    }

    /// Where a run of this network comes from, for `run.toml`.
    pub fn provenance(&self, network: &Network) -> Provenance {
        Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: native::libtorch_version().to_owned(),
            device: device_name(self.device),
            threads: tch::get_num_threads() as usize,
            command_line: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            data_digest: self.dataset.digest().to_owned(),
            conditions: self.dataset.labels().iter().map(|label| label.key.clone()).collect(),
            images: Split::ALL.map(|split| self.dataset.part(split).labels.len()),
            image_size: [self.shape.height, self.shape.width],
            parameters: network.state().parameter_count(),
            logit_correction: self.logit_correction(),
            preprocess: Some(Preprocess::of_size(self.shape.height, self.shape.width)),
            user: ["USER", "LOGNAME"]
                .into_iter()
                .find_map(|name| std::env::var(name).ok())
                .unwrap_or_default(),
            git_commit: git_commit().unwrap_or_default(),
        }
    }

    /// What a person may want to know before the first step, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.config.warnings();
        let size = self.config.data.size;
        notes.extend(self.dataset.notes().iter().cloned());
        if let Some(warning) = self.dataset.source().registry_entry().map(|entry| &entry.warning)
            && self.dataset.source().generated().is_none()
        {
            notes.push(warning.clone());
        }
        if !self.dataset.source().is_sized()
            && size != RunConfig::default().data.size
            && size != self.shape.height
        {
            notes.push(format!(
                "data.size = {size} has no effect: the images of a file keep their {} x {} px",
                self.shape.height, self.shape.width
            ));
        }
        notes
    }
}

/// The commit that the current folder's repository is at, if it is one's and git is there to say.
fn git_commit() -> Option<String> {
    let asked = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    let text = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    (asked.status.success() && text.len() >= 40 && text.chars().all(|c| c.is_ascii_hexdigit()))
        .then_some(text)
}

/// A path that means the same from any folder.
fn absolute(path: &str) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
    absolute.to_string_lossy().into_owned()
}

/// Whether some condition of a split is both present and absent, so that an AUROC exists.
fn can_be_ranked(dataset: &Dataset, split: Split) -> bool {
    let stats = dataset.stats(split);
    (0..stats.positives.len()).any(|column| stats.positives[column] > 0 && stats.negatives(column) > 0)
}
