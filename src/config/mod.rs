//! What a run is: [`RunConfig`], its defaults, its validation and its TOML; and where the application
//! keeps its files. Knows no other room.

mod choice;
pub mod environment;
mod error;
mod fields;
mod memory;
mod paths;
mod pos_weight;
mod rules;
pub mod schema;
mod server;
mod text;

use serde::{Deserialize, Serialize};

pub use choice::{
    Arch, AugmentOn, Border, Gray, LossKind, Mode, Monitor, OnError, OnGpu, OptimizerKind, Precision, Preset,
    Sampling, ScheduleKind, Stem, ThresholdMode,
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
    /// Images that are taken: `view=PA,sex=F,age=18-80`.
    #[serde(rename = "where")]
    pub keep: String,
    /// Whether rows and images that can't be read are left out or end the reading.
    pub on_error: OnError,
    /// Memory for images: `auto` or `4GB`.
    pub memory: String,
    /// Where training images lie while a GPU trains.
    pub on_gpu: OnGpu,
}

/// `[augment]`: ranges are symmetric around doing nothing, each drawn anew for every image and epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
    /// Pixels of an image of 64 px.
    pub blur: f64,
    pub cutout_p: f64,
    pub cutout: f64,
    pub crop_p: f64,
    /// Share of the image's area.
    pub crop: f64,
    pub crop_ratio: f64,
}

/// `[model]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
pub struct OptimizerSection {
    pub kind: OptimizerKind,
    pub lr: f64,
    pub head_lr_factor: f64,
    pub layer_decay: f64,
    pub weight_decay: f64,
    pub decay_norms: bool,
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
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
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
pub struct CheckpointSection {
    pub save_top_k: usize,
    pub every_n_steps: u64,
    pub every_minutes: f64,
}

/// `[tracking]`: where a run is recorded beside its own directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "each setting's row in `fields.rs` has its help, type and range")]
pub struct TrackingSection {
    /// `none`, an address, or empty, which becomes `MLFLOW_TRACKING_URI`'s where a run is requested.
    pub mlflow_uri: String,
    pub experiment: String,
    pub register_as: String,
    pub checkpoints: bool,
}

impl TrackingSection {
    /// The address of the tracking server, if there is one.
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
            precision: Precision::Auto,
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
            on_error: OnError::Skip,
            memory: "auto".into(),
            on_gpu: OnGpu::Auto,
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
            crop_p: 0.0,
            crop: 0.6,
            crop_ratio: 1.1,
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
            layer_decay: 1.0,
            weight_decay: 1e-4,
            decay_norms: true,
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

#[cfg(test)]
mod tests;
