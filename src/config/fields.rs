//! The table of every setting: TOML files, `--set`, the workbench's form and the documentation read it.

use super::choice::{
    Arch, AugmentOn, Border, Gray, LossKind, Mode, Monitor, OptimizerKind, Precision, Preset, Sampling,
    ScheduleKind, Stem, ThresholdMode,
};
use super::error::ConfigError;
use super::{Memory, PosWeight, ServerUri};

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    Device,
    /// A whole number from `min` to `max`.
    Whole { min: i64, max: i64 },
    /// A number from `min` to `max`; `above` leaves `min` itself out.
    Real { min: f64, max: f64, above: bool },
    /// `true` or `false`.
    Switch,
    /// `none`, `sqrt`, `full` or a number above 0, the largest weight.
    PosWeight,
    /// `auto` or a number of bytes with its unit.
    Memory,
    /// Empty, `none` or the address of a server.
    Server,
    /// One of these names.
    Choice(&'static [&'static str]),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// `section.key`, as in TOML and `--set`.
    pub key: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// One line for people.
    pub help: &'static str,
}

/// A share of the patients.
const fn share() -> Kind {
    Kind::Real { min: 0.0, max: 0.8, above: false }
}

const fn field(key: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { key, kind, help }
}

const fn whole(min: i64, max: i64) -> Kind {
    Kind::Whole { min, max }
}

const fn real(min: f64, max: f64) -> Kind {
    Kind::Real { min, max, above: false }
}

const fn above(min: f64, max: f64) -> Kind {
    Kind::Real { min, max, above: true }
}

/// Every setting in the order of the file.
pub const FIELDS: &[Field] = &[
    field("run.name", Kind::Text, "a name of your own, shown beside the run's id"),
    field("run.seed", whole(0, i64::MAX), "starts every random number of the run"),
    field("run.device", Kind::Device, "auto takes the first CUDA device when there is one"),
    field("run.threads", whole(0, 1024), "CPU threads of libtorch; 0 lets libtorch choose"),
    field("run.precision", Kind::Choice(Precision::NAMES), "numbers of the matrix products; fp16 needs CUDA"),
    field(
        "run.deterministic",
        Kind::Switch,
        "on CUDA: the same bits in every run, and slower; a CPU always gives them",
    ),
    field("data.source", Kind::Text, "phantom[:N], chestmnist, npz:FILE, nih:DIR, csv:FILE or dicom:DIR"),
    field("data.size", whole(28, 1024), "side of images in pixels; those of an npz file keep their own"),
    field("data.limit", whole(0, i64::MAX), "at most so many training images; 0 takes all"),
    field(
        "data.sampling",
        Kind::Choice(Sampling::NAMES),
        "balanced draws images of rare conditions more often",
    ),
    field("data.val_fraction", share(), "patients for validation, where the source has no such split"),
    field("data.test_fraction", share(), "patients for testing, where the source has no such split"),
    field("data.split_seed", whole(0, i64::MAX), "which patients those are"),
    field("data.columns", Kind::Text, "a table's columns: path=File,patient=ID,...; empty guesses them"),
    field("data.where", Kind::Text, "take only some images: view=PA,sex=F,age=18-80"),
    field(
        "data.memory",
        Kind::Memory,
        "images above this are read from disk as needed; auto is 2 GB or less",
    ),
    field("augment.preset", Kind::Choice(Preset::NAMES), "custom takes the settings below, a preset its own"),
    field("augment.on", Kind::Choice(AugmentOn::NAMES), "auto is the device on CUDA, else worker threads"),
    field(
        "augment.workers",
        whole(0, 256),
        "threads that augment ahead of the step; 0 lets the program choose",
    ),
    field("augment.border", Kind::Choice(Border::NAMES), "what a moved image shows beyond its edge"),
    field("augment.rotate90_p", real(0.0, 1.0), "chance of a turn by 0, 90, 180 or 270 degrees"),
    field("augment.vflip_p", real(0.0, 1.0), "chance of a flip upside down"),
    field("augment.hflip_p", real(0.0, 1.0), "chance of a flip left to right, which moves the heart"),
    field("augment.affine_p", real(0.0, 1.0), "chance of rotation, shift, scale and shear together"),
    field("augment.rotate", real(0.0, 180.0), "at most so many degrees to either side"),
    field("augment.shift", real(0.0, 0.5), "at most this share of the image's sides"),
    field("augment.scale", real(0.0, 0.5), "at most this share larger or smaller"),
    field("augment.shear", real(0.0, 45.0), "at most so many degrees"),
    field("augment.brightness_contrast_p", real(0.0, 1.0), "chance of another brightness and contrast"),
    field("augment.brightness", real(0.0, 1.0), "at most this share of white added or taken"),
    field("augment.contrast", real(0.0, 1.0), "at most this share steeper or flatter"),
    field("augment.gamma_p", real(0.0, 1.0), "chance of a gamma curve"),
    field("augment.gamma", real(0.0, 2.0), "exponent between 1/(1+g) and 1+g"),
    field("augment.noise_p", real(0.0, 1.0), "chance of Gaussian noise"),
    field("augment.noise", real(0.0, 0.5), "its deviation at most, as a share of white"),
    field("augment.blur_p", real(0.0, 1.0), "chance of a Gaussian blur"),
    field("augment.blur", real(0.0, 5.0), "its deviation at most, in pixels at 64 px"),
    field("augment.cutout_p", real(0.0, 1.0), "chance of a black rectangle"),
    field("augment.cutout", real(0.0, 0.9), "its sides at most, as a share of the image's"),
    field("model.arch", Kind::Choice(Arch::NAMES), "the network"),
    field(
        "model.stem",
        Kind::Choice(Stem::NAMES),
        "how a ResNet or DenseNet begins; auto is small below 128 px, but for weights of ImageNet",
    ),
    field(
        "model.pretrained",
        Kind::Text,
        "none, imagenet, or a file or run whose weights but the last layer are taken",
    ),
    field(
        "model.gray",
        Kind::Choice(Gray::NAMES),
        "how a first layer for colours becomes one for grey: sum as ImageNet normalises, or the mean",
    ),
    field("model.freeze_epochs", whole(0, 1_000_000), "epochs in which only the last layer learns"),
    field(
        "model.dropout",
        real(0.0, 0.95),
        "share of activations dropped before a linear layer of ChestNetS",
    ),
    field(
        "model.init",
        Kind::Text,
        "safetensors file with the weights to start from; empty starts at random",
    ),
    field("optimizer.kind", Kind::Choice(OptimizerKind::NAMES), "the optimizer"),
    field("optimizer.lr", above(0.0, 10.0), "learning rate at the start"),
    field("optimizer.head_lr_factor", above(0.0, 1000.0), "the last layer learns so many times as fast"),
    field(
        "optimizer.weight_decay",
        real(0.0, 1.0),
        "share of each weight added to its gradient; taken off each weight by AdamW",
    ),
    field("optimizer.momentum", real(0.0, 0.9999), "share of the last step that SGD goes on with"),
    field("optimizer.nesterov", Kind::Switch, "SGD looks ahead along its momentum"),
    field("optimizer.batch_size", whole(1, 65_536), "images a step"),
    field("optimizer.accumulate", whole(1, 65_536), "batches whose gradients make one step"),
    field(
        "optimizer.clip_norm",
        real(0.0, 1e9),
        "gradients longer than this are shortened to it; 0 leaves them",
    ),
    field(
        "optimizer.ema",
        real(0.0, 0.99999),
        "decay of the moving average (EMA) of the weights, which is then evaluated; 0 is off",
    ),
    field("optimizer.epochs", whole(1, 1_000_000), "at most so many passes over the training images"),
    field(
        "schedule.kind",
        Kind::Choice(ScheduleKind::NAMES),
        "plateau cuts the rate when the monitor stalls",
    ),
    field("schedule.warmup", real(0.0, 1e6), "epochs in which the rate rises from nothing; not for onecycle"),
    field(
        "schedule.factor",
        Kind::Real { min: 0.0, max: 0.999, above: true },
        "a cut multiplies the rate by this",
    ),
    field("schedule.patience", whole(0, 1_000_000), "epochs without gain that a rate is given"),
    field("schedule.min_lr", real(0.0, 10.0), "the rate is never cut below this"),
    field("schedule.threshold", real(0.0, 1.0), "the least gain that counts"),
    field("schedule.threshold_mode", Kind::Choice(ThresholdMode::NAMES), "gain as an amount or as a share"),
    field("loss.kind", Kind::Choice(LossKind::NAMES), "the loss"),
    field(
        "loss.pos_weight",
        Kind::PosWeight,
        "weight of a positive label: full is negatives a positive, sqrt its root, a number full up to it",
    ),
    field("loss.smoothing", real(0.0, 0.5), "labels become y (1 - s) + s / 2"),
    field("loss.gamma", real(0.0, 10.0), "focal: how much less what is easy counts"),
    field("loss.gamma_pos", real(0.0, 10.0), "asymmetric: the same for positives"),
    field("loss.gamma_neg", real(0.0, 10.0), "asymmetric: the same for negatives"),
    field("loss.clip", real(0.0, 0.5), "asymmetric: negatives below this probability count nothing"),
    field("early_stopping.enabled", Kind::Switch, "stop when the monitor stalls"),
    field(
        "early_stopping.monitor",
        Kind::Choice(Monitor::NAMES),
        "decides best weights, rate cuts and stopping",
    ),
    field("early_stopping.mode", Kind::Choice(Mode::NAMES), "which direction is better"),
    field("early_stopping.patience", whole(1, 1_000_000), "epochs without gain before the run stops"),
    field("early_stopping.min_delta", real(0.0, 1.0), "the least gain that counts"),
    field("early_stopping.check_finite", Kind::Switch, "stop when the monitor is no finite number"),
    field("checkpoint.save_top_k", whole(1, 1000), "weights of so many best epochs are kept"),
    field(
        "checkpoint.every_n_steps",
        whole(0, i64::MAX),
        "write a checkpoint every so many steps too; 0 doesn't",
    ),
    field(
        "checkpoint.every_minutes",
        real(0.0, 1e6),
        "write a checkpoint every so many minutes too; 0 doesn't",
    ),
    field(
        "tracking.mlflow_uri",
        Kind::Server,
        "MLflow server that is told of the run; empty is MLFLOW_TRACKING_URI's",
    ),
    field("tracking.experiment", Kind::Text, "the experiment that the run is put into there"),
    field("tracking.register_as", Kind::Text, "name to register the finished model under; empty doesn't"),
    field("tracking.checkpoints", Kind::Switch, "send the weights too, beside the model as ONNX"),
];

impl Field {
    /// The setting of this key.
    ///
    /// # Errors
    /// Names the nearest known key when there is none.
    pub fn find(key: &str) -> Result<&'static Field, ConfigError> {
        FIELDS.iter().find(|field| field.key == key).ok_or_else(|| ConfigError::UnknownKey {
            key: crate::text::one_line(key, 80),
            nearest: nearest(key, FIELDS.iter().map(|field| field.key)),
        })
    }

    /// The part of the key before the dot.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }

    /// The part of the key after the dot.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    /// The part after the dot where it is this setting's alone, else the whole key.
    pub fn short(&self) -> &'static str {
        let alone = FIELDS.iter().all(|other| other.key == self.key || other.name() != self.name());
        if alone { self.name() } else { self.key }
    }

    /// Reads a value typed by a person.
    ///
    /// # Errors
    /// Says what is allowed.
    pub fn parse(&self, text: &str) -> Result<toml::Value, ConfigError> {
        let text = text.trim();
        let value = match self.kind {
            Kind::Text | Kind::Device | Kind::PosWeight | Kind::Memory | Kind::Server | Kind::Choice(_) => {
                Some(toml::Value::String(text.to_owned()))
            }
            Kind::Whole { .. } => text.replace('_', "").parse().ok().map(toml::Value::Integer),
            Kind::Real { .. } => text.parse().ok().map(toml::Value::Float),
            Kind::Switch => text.parse().ok().map(toml::Value::Boolean),
        };
        self.check(value.ok_or_else(|| self.refuse(text))?)
    }

    /// Checks a value's type and range; a whole number is taken where a real one is wanted.
    ///
    /// # Errors
    /// Says what is allowed.
    pub fn check(&self, value: toml::Value) -> Result<toml::Value, ConfigError> {
        use toml::Value::{Boolean, Float, Integer, String};
        let value = match (self.kind, value) {
            (Kind::Real { .. }, Integer(number)) => Float(number as f64),
            (Kind::PosWeight, Integer(number)) => String(number.to_string()),
            (Kind::PosWeight, Float(number)) => String(number.to_string()),
            (_, value) => value,
        };
        let fits = match (self.kind, &value) {
            (Kind::Text, String(text)) => !text.contains(char::is_control),
            (Kind::Switch, Boolean(_)) => true,
            (Kind::Device, String(text)) => is_device(text),
            (Kind::PosWeight, String(text)) => text.parse::<PosWeight>().is_ok(),
            (Kind::Memory, String(text)) => text.parse::<Memory>().is_ok(),
            (Kind::Server, String(text)) => ServerUri::is_setting(text),
            (Kind::Whole { min, max }, Integer(number)) => (min..=max).contains(number),
            (Kind::Real { min, max, above }, Float(number)) => {
                (min..=max).contains(number) && !(above && *number == min)
            }
            (Kind::Choice(names), String(text)) => names.contains(&text.as_str()),
            _ => false,
        };
        if fits { Ok(value) } else { Err(self.refuse(&plain(&value))) }
    }

    /// What the setting may hold, in words.
    pub fn allowed(&self) -> String {
        match self.kind {
            Kind::Text => "text on one line".to_owned(),
            Kind::Device => "auto, cpu, cuda or cuda:N".to_owned(),
            Kind::PosWeight => "none, sqrt, full or a number above 0".to_owned(),
            Kind::Memory => "auto or an amount like 800MB or 4GB".to_owned(),
            Kind::Server => "none, or an address like http://host:5000 without a password".to_owned(),
            Kind::Whole { min, max: i64::MAX } => format!("a whole number, at least {min}"),
            Kind::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Real { min, max, above: false } => format!("a number from {min} to {max}"),
            Kind::Real { min, max, above: true } => format!("a number above {min}, at most {max}"),
            Kind::Switch => "true or false".to_owned(),
            Kind::Choice(names) => names.join(", "),
        }
    }

    fn refuse(&self, value: &str) -> ConfigError {
        let nearest = match self.kind {
            Kind::Choice(names) => nearest(value, names.iter().copied()),
            _ => None,
        };
        // An address may hold a login or a token: it is refused, and not shown either.
        let value = if self.kind == Kind::Server { super::server::host(value) } else { value.to_owned() };
        ConfigError::BadValue {
            key: self.key,
            value: crate::text::one_line(&value, 80),
            allowed: self.allowed(),
            nearest,
        }
    }
}

/// The table of settings for the README, in Markdown, with the default of each.
pub fn markdown(default: impl Fn(&Field) -> String) -> String {
    let mut out = String::from("| setting | default | takes | what it is |\n|---|---|---|---|\n");
    for field in FIELDS {
        let default = default(field);
        let shown = if default.is_empty() { "empty".to_owned() } else { format!("`{default}`") };
        out += &format!("| `{}` | {shown} | {} | {} |\n", field.key, field.allowed(), field.help);
    }
    out
}

/// A value as a person would type it: text without quotes.
pub fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_device(text: &str) -> bool {
    matches!(text, "auto" | "cpu" | "cuda")
        || text.strip_prefix("cuda:").is_some_and(|index| index.parse::<u8>().is_ok())
}

/// The known name most like `name`, when one is like it at all.
pub fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|candidate| {
            // A key without its section is a common slip, so the last part alone counts too.
            let tail = candidate.rsplit('.').next().unwrap_or(candidate);
            let likeness = strsim::jaro_winkler(name, candidate)
                .max(strsim::jaro_winkler(name.rsplit('.').next().unwrap_or(name), tail) - 0.02);
            (candidate, likeness)
        })
        .filter(|(_, likeness)| *likeness > 0.75)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(candidate, _)| candidate)
}
