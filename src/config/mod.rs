//! What a run is: [`RunConfig`], its defaults, its validation and its TOML; and where the application
//! keeps its files. Knows no other room.

mod choice;
mod error;
mod fields;
mod memory;
mod paths;
mod pos_weight;
mod server;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use choice::{
    Arch, AugmentOn, Border, Gray, LossKind, Mode, Monitor, OptimizerKind, Precision, Preset, Sampling,
    ScheduleKind, Stem, ThresholdMode,
};
pub use error::ConfigError;
pub use fields::{FIELDS, Field, Kind, plain};
pub use memory::Memory;
pub use paths::AppPaths;
pub use pos_weight::PosWeight;
pub use server::{ServerUri, ServerUriError};

/// Everything that decides what a run does. Two runs with equal configurations on equal data on one CPU
/// give equal bits.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunConfig {
    pub run: RunSection,
    pub data: DataSection,
    pub augment: AugmentSection,
    pub model: ModelSection,
    pub optimizer: OptimizerSection,
    pub schedule: ScheduleSection,
    pub loss: LossSection,
    pub early_stopping: EarlyStoppingSection,
    pub checkpoint: CheckpointSection,
    pub tracking: TrackingSection,
}

/// `[run]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSection {
    pub name: String,
    pub seed: u64,
    pub device: String,
    pub threads: usize,
    pub precision: Precision,
    pub deterministic: bool,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSection {
    pub source: String,
    pub size: usize,
    pub limit: usize,
    pub sampling: Sampling,
    /// Shares of the patients, where the source has no such split.
    pub val_fraction: f64,
    pub test_fraction: f64,
    pub split_seed: u64,
    /// Columns of a table by their names: `path=File,patient=ID`; empty guesses them.
    pub columns: String,
    /// Films that are taken: `view=PA,sex=F,age=18-80`.
    #[serde(rename = "where")]
    pub keep: String,
    /// Memory for films: `auto` or `4GB`.
    pub memory: String,
}

/// `[augment]`: ranges are symmetric around doing nothing, each drawn anew for every film and epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AugmentSection {
    pub preset: Preset,
    pub on: AugmentOn,
    pub workers: usize,
    pub border: Border,
    pub rotate90_p: f64,
    pub vflip_p: f64,
    pub hflip_p: f64,
    pub affine_p: f64,
    /// Degrees.
    pub rotate: f64,
    pub shift: f64,
    pub scale: f64,
    /// Degrees.
    pub shear: f64,
    pub brightness_contrast_p: f64,
    pub brightness: f64,
    pub contrast: f64,
    pub gamma_p: f64,
    pub gamma: f64,
    pub noise_p: f64,
    pub noise: f64,
    pub blur_p: f64,
    /// Pixels of a film of 64 px.
    pub blur: f64,
    pub cutout_p: f64,
    pub cutout: f64,
}

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSection {
    pub arch: Arch,
    pub stem: Stem,
    pub pretrained: String,
    pub gray: Gray,
    pub freeze_epochs: usize,
    pub dropout: f64,
    pub init: String,
}

/// `[optimizer]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptimizerSection {
    pub kind: OptimizerKind,
    pub lr: f64,
    pub head_lr_factor: f64,
    pub weight_decay: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub batch_size: usize,
    pub accumulate: usize,
    pub clip_norm: f64,
    pub ema: f64,
    pub epochs: usize,
}

/// `[schedule]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleSection {
    pub kind: ScheduleKind,
    pub warmup: f64,
    pub factor: f64,
    pub patience: usize,
    pub min_lr: f64,
    pub threshold: f64,
    pub threshold_mode: ThresholdMode,
}

/// `[loss]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LossSection {
    pub kind: LossKind,
    pub pos_weight: PosWeight,
    pub smoothing: f64,
    pub gamma: f64,
    pub gamma_pos: f64,
    pub gamma_neg: f64,
    pub clip: f64,
}

/// `[early_stopping]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarlyStoppingSection {
    pub enabled: bool,
    pub monitor: Monitor,
    pub mode: Mode,
    pub patience: usize,
    pub min_delta: f64,
    pub check_finite: bool,
}

/// `[checkpoint]`: beside the one at every epoch's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckpointSection {
    pub save_top_k: usize,
    pub every_n_steps: u64,
    pub every_minutes: f64,
}

/// `[tracking]`: where a run is told of beside its own folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrackingSection {
    /// `none`, an address, or empty, which becomes `MLFLOW_TRACKING_URI`'s where a run is asked for.
    pub mlflow_uri: String,
    pub experiment: String,
    pub register_as: String,
    pub checkpoints: bool,
}

impl TrackingSection {
    /// The server that a run is told to, if there is one.
    pub fn server(&self) -> Option<ServerUri> {
        self.mlflow_uri.parse().ok()
    }
}

impl Default for RunSection {
    fn default() -> Self {
        Self {
            name: String::new(),
            seed: 0,
            device: "auto".into(),
            threads: 0,
            precision: Precision::Fp32,
            deterministic: false,
        }
    }
}

impl Default for DataSection {
    fn default() -> Self {
        Self {
            source: "phantom".into(),
            size: 64,
            limit: 0,
            sampling: Sampling::Shuffle,
            val_fraction: 0.1,
            test_fraction: 0.2,
            split_seed: 0,
            columns: String::new(),
            keep: String::new(),
            memory: "auto".into(),
        }
    }
}

impl Default for AugmentSection {
    fn default() -> Self {
        // The ranges are those of the preset `chest`, so that `custom` starts from it.
        Self {
            preset: Preset::Chest,
            on: AugmentOn::Auto,
            workers: 0,
            border: Border::Constant,
            rotate90_p: 0.0,
            vflip_p: 0.0,
            hflip_p: 0.0,
            affine_p: 0.9,
            rotate: 10.0,
            shift: 0.05,
            scale: 0.1,
            shear: 0.0,
            brightness_contrast_p: 0.5,
            brightness: 0.1,
            contrast: 0.1,
            gamma_p: 0.0,
            gamma: 0.2,
            noise_p: 0.0,
            noise: 0.03,
            blur_p: 0.0,
            blur: 0.7,
            cutout_p: 0.0,
            cutout: 0.25,
        }
    }
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            arch: Arch::ChestNetS,
            stem: Stem::Auto,
            pretrained: "none".into(),
            gray: Gray::Sum,
            freeze_epochs: 0,
            dropout: 0.5,
            init: String::new(),
        }
    }
}

impl Default for OptimizerSection {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Adam,
            lr: 3e-4,
            head_lr_factor: 1.0,
            weight_decay: 1e-4,
            momentum: 0.9,
            nesterov: false,
            batch_size: 32,
            accumulate: 1,
            clip_norm: 0.0,
            ema: 0.0,
            epochs: 50,
        }
    }
}

impl Default for ScheduleSection {
    fn default() -> Self {
        Self {
            kind: ScheduleKind::Plateau,
            warmup: 0.0,
            factor: 0.1,
            patience: 4,
            min_lr: 0.0,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Absolute,
        }
    }
}

impl Default for LossSection {
    fn default() -> Self {
        Self {
            kind: LossKind::Bce,
            pos_weight: PosWeight::None,
            smoothing: 0.0,
            gamma: 2.0,
            gamma_pos: 1.0,
            gamma_neg: 4.0,
            clip: 0.05,
        }
    }
}

impl Default for EarlyStoppingSection {
    fn default() -> Self {
        // Fourteen epochs give two cuts of the default plateau schedule their chance.
        Self {
            enabled: true,
            monitor: Monitor::ValAurocMacro,
            mode: Mode::Max,
            patience: 14,
            min_delta: 1e-4,
            check_finite: true,
        }
    }
}

impl Default for CheckpointSection {
    fn default() -> Self {
        Self { save_top_k: 1, every_n_steps: 0, every_minutes: 0.0 }
    }
}

impl Default for TrackingSection {
    fn default() -> Self {
        Self {
            mlflow_uri: String::new(),
            experiment: "chestxr-tui".into(),
            register_as: String::new(),
            checkpoints: false,
        }
    }
}

/// Settings that a run may go on with changed, beside those of checkpoints and tracking.
const MAY_CHANGE: [&str; 6] =
    ["run.name", "run.device", "run.threads", "data.memory", "augment.workers", "optimizer.epochs"];

impl RunConfig {
    /// The defaults, then a file, then `--set` pairs (`section.key=value`), each checked as it comes.
    ///
    /// # Errors
    /// Names the first setting that is unknown or has a value that isn't allowed.
    pub fn resolve(file: Option<&Path>, sets: &[String]) -> Result<Self, ConfigError> {
        let mut config = match file {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        for given in sets {
            config.set_pair(given)?;
        }
        config.validate()?;
        Ok(config)
    }

    /// Changes one setting, given as `section.key=value`.
    ///
    /// # Errors
    /// When there is no such setting or the value isn't allowed.
    pub fn set_pair(&mut self, given: &str) -> Result<(), ConfigError> {
        let (key, value) =
            given.split_once('=').ok_or_else(|| ConfigError::NoValue { given: given.to_owned() })?;
        self.set(key.trim(), value)
    }

    /// Whether a run with these settings can go on with `other`: only how long, where and how often it is
    /// saved may change.
    ///
    /// # Errors
    /// Names the first setting that may not.
    pub fn may_become(&self, other: &Self) -> Result<(), ConfigError> {
        let fixed = |field: &&Field| {
            let free =
                MAY_CHANGE.contains(&field.key) || matches!(field.section(), "checkpoint" | "tracking");
            !free && self.get(field) != other.get(field)
        };
        match FIELDS.iter().find(fixed) {
            None => Ok(()),
            Some(field) => Err(ConfigError::Conflict(format!(
                "`{}` can't change from {} to {} when a run goes on; only {}, checkpoint.* and tracking.* can. Start a new run \
                 instead, from these settings with --config",
                field.key,
                self.get(field),
                other.get(field),
                MAY_CHANGE.join(", ")
            ))),
        }
    }

    /// Reads a TOML file over the defaults. A `[provenance]` table, as `run.toml` has, is passed over.
    ///
    /// # Errors
    /// When the file can't be read, is no TOML, or has a setting that is unknown or not allowed.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| ConfigError::NotToml {
            path: path.to_owned(),
            message: match error.span() {
                Some(span) => {
                    let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
                    format!("line {line}: {}", crate::text::one_line(error.message(), 200))
                }
                None => crate::text::one_line(error.message(), 200),
            },
        })?;
        Self::from_table(table)
            .map_err(|error| ConfigError::InFile { path: path.to_owned(), error: Box::new(error) })
    }

    fn from_table(given: toml::Table) -> Result<Self, ConfigError> {
        let mut table = Self::default().to_table();
        for (section, value) in given {
            if section == "provenance" {
                continue;
            }
            let toml::Value::Table(settings) = value else {
                return Err(match Field::find(&section) {
                    Err(error) => error,
                    Ok(_) => ConfigError::Conflict(format!("`{section}` must be a [section]")),
                });
            };
            if !FIELDS.iter().any(|field| field.section() == section) {
                return Err(ConfigError::UnknownKey {
                    key: crate::text::one_line(&section, 80),
                    nearest: fields::nearest(&section, FIELDS.iter().map(Field::section)),
                });
            }
            for (name, value) in settings {
                let field = Field::find(&format!("{section}.{name}"))?;
                put(&mut table, field, field.check(value)?);
            }
        }
        Self::typed(table)
    }

    /// Changes one setting from text.
    ///
    /// # Errors
    /// When there is no such setting or the value isn't allowed.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), ConfigError> {
        let field = Field::find(key)?;
        let mut table = self.to_table();
        put(&mut table, field, field.parse(text)?);
        *self = Self::typed(table)?;
        Ok(())
    }

    /// A setting as a person would type it. Empty for a key that doesn't exist.
    pub fn get(&self, field: &Field) -> String {
        let table = self.to_table();
        let value = table.get(field.section()).and_then(|section| section.get(field.name()));
        value.map_or(String::new(), fields::plain)
    }

    /// All settings as a person would type them, in the order of [`FIELDS`].
    pub fn values(&self) -> Vec<String> {
        let table = self.to_table();
        let value = |field: &Field| table.get(field.section()).and_then(|section| section.get(field.name()));
        FIELDS.iter().map(|field| value(field).map_or_else(String::new, fields::plain)).collect()
    }

    /// Which settings differ from the default, in the order of the table.
    pub fn changed(&self) -> Vec<&'static Field> {
        let pairs = self.values().into_iter().zip(Self::default().values());
        FIELDS
            .iter()
            .zip(pairs)
            .filter(|(_, (own, default))| own != default)
            .map(|(field, _)| field)
            .collect()
    }

    /// All settings with their defaults as a Markdown table.
    pub fn markdown() -> String {
        let default = Self::default();
        fields::markdown(|field| default.get(field))
    }

    /// All settings as TOML tables, one a section.
    pub fn to_table(&self) -> toml::Table {
        // Plain structs of numbers, texts and names: nothing TOML lacks a form for.
        toml::Table::try_from(self).expect("a configuration is plain TOML")
    }

    fn typed(table: toml::Table) -> Result<Self, ConfigError> {
        toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| {
            ConfigError::Conflict(crate::text::one_line(&error.to_string(), 300))
        })
    }

    /// What single settings can't show: settings that contradict each other.
    ///
    /// # Errors
    /// Names both settings and the way out.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let stopping = &self.early_stopping;
        let natural = stopping.monitor.mode();
        if stopping.mode != natural {
            return Err(ConfigError::Conflict(format!(
                "`early_stopping.mode` is {} but {} is better when it is {}; set early_stopping.mode={natural}",
                stopping.mode,
                stopping.monitor,
                if natural == Mode::Max { "larger" } else { "smaller" },
            )));
        }
        if self.schedule.min_lr > self.optimizer.lr {
            return Err(ConfigError::Conflict(format!(
                "`schedule.min_lr` ({}) is above `optimizer.lr` ({}); lower it",
                self.schedule.min_lr, self.optimizer.lr
            )));
        }
        let model = &self.model;
        if model.pretrained.is_empty() {
            return Err(ConfigError::Conflict(
                "`model.pretrained` is empty; set it to none, imagenet, a file or a run".into(),
            ));
        }
        if model.pretrained != "none" && !model.init.is_empty() {
            return Err(ConfigError::Conflict(format!(
                "`model.init` gives all weights, so `model.pretrained` = {} would have no say; set one of them",
                model.pretrained
            )));
        }
        if model.pretrained == "imagenet" && model.arch == Arch::ChestNetS {
            return Err(ConfigError::Conflict(
                "there are no ImageNet weights for chestnet-s; set model.pretrained=none or model.arch=resnet18"
                    .into(),
            ));
        }
        if model.pretrained == "imagenet" && model.stem == Stem::Small {
            return Err(ConfigError::Conflict(
                "the weights of ImageNet begin with the stem imagenet; set model.stem=imagenet or auto"
                    .into(),
            ));
        }
        // Films of a file have their own size, which is checked when they are there.
        if self.data.val_fraction + self.data.test_fraction > 0.9 {
            return Err(ConfigError::Conflict(
                "`data.val_fraction` and `data.test_fraction` leave less than a tenth for training; lower one".into(),
            ));
        }
        let drawn = self.data.source.starts_with("phantom");
        if drawn && self.model.arch == Arch::ChestNetS && !self.data.size.is_multiple_of(8) {
            return Err(ConfigError::Conflict(format!(
                "chestnet-s halves its films three times, so `data.size` must be a multiple of 8, not {}",
                self.data.size
            )));
        }
        Ok(())
    }

    /// What is allowed but hardly meant, each a sentence.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let (schedule, stopping) = (&self.schedule, &self.early_stopping);
        let two_cuts = 2 * (schedule.patience + 1);
        if stopping.enabled && schedule.kind == ScheduleKind::Plateau && stopping.patience <= two_cuts {
            warnings.push(format!(
                "early stopping after {} epochs leaves two cuts of the learning rate no chance; \
                 set early_stopping.patience above {two_cuts}",
                stopping.patience
            ));
        }
        warnings
    }
}

impl Monitor {
    /// Which direction of the value is better.
    pub fn mode(self) -> Mode {
        match self {
            Self::ValLoss | Self::ValLossUnweighted => Mode::Min,
            Self::ValAurocMacro | Self::ValAuprcMacro | Self::ValF1 => Mode::Max,
        }
    }
}

fn put(table: &mut toml::Table, field: &Field, value: toml::Value) {
    if let Some(toml::Value::Table(section)) = table.get_mut(field.section()) {
        section.insert(field.name().to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
