//! The table of every setting: TOML files, `--set`, the workbench's form and the documentation read it.

use super::choice::{
    Arch, AugmentOn, Border, Gray, LossKind, Mode, Monitor, OnError, OnGpu, OptimizerKind, Precision, Preset,
    Sampling, ScheduleKind, Stem, ThresholdMode,
};
use super::error::ConfigError;
use super::{Memory, PosWeight, ServerUri};

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
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
    /// One line of help.
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
    field("run.name", Kind::Text, "name of the run, shown with its id"),
    field("run.seed", whole(0, i64::MAX), "seed of all random numbers of the run"),
    field("run.device", Kind::Device, "compute device; auto: the first CUDA device, else the CPU"),
    field("run.threads", whole(0, 1024), "CPU threads of libtorch; 0: libtorch's default"),
    field(
        "run.precision",
        Kind::Choice(Precision::NAMES),
        "precision of autocast; auto: bf16 where the device has circuits for it, else fp32; fp16 needs CUDA",
    ),
    field(
        "run.deterministic",
        Kind::Switch,
        "bitwise reproducible runs on CUDA, slower; CPU runs always are",
    ),
    field(
        "data.source",
        Kind::Text,
        "phantom[:N], chestmnist, npz:FILE, nih:DIR, csv:FILE, dicom:DIR or folders:DIR",
    ),
    field("data.size", whole(28, 1024), "side of images in pixels; npz archives keep theirs"),
    field("data.limit", whole(0, i64::MAX), "maximum number of training images; 0: all"),
    field(
        "data.sampling",
        Kind::Choice(Sampling::NAMES),
        "order of training images; balanced samples images of rare conditions more often",
    ),
    field(
        "data.val_fraction",
        share(),
        "fraction of patients for validation, where the source has no such split",
    ),
    field(
        "data.test_fraction",
        share(),
        "fraction of patients for testing, where the source has no such split",
    ),
    field("data.split_seed", whole(0, i64::MAX), "seed of the split by patient"),
    field(
        "data.columns",
        Kind::Text,
        "columns of a table: path=File,patient=ID,...; empty: recognized by name",
    ),
    field("data.where", Kind::Text, "filter of images: view=PA,sex=F,age=18-80"),
    field(
        "data.on_error",
        Kind::Choice(OnError::NAMES),
        "rows and images that can't be read: skip and list them, or fail",
    ),
    field(
        "data.memory",
        Kind::Memory,
        "memory limit for cached images; larger data sets are read from disk; auto: 2 GB or less",
    ),
    field(
        "data.on_gpu",
        Kind::Choice(OnGpu::NAMES),
        "where training images lie while a GPU trains: on it, or uploaded batch by batch; auto: on it if half of its memory holds them",
    ),
    field(
        "augment.preset",
        Kind::Choice(Preset::NAMES),
        "preset of transforms; custom uses the settings below",
    ),
    field(
        "augment.on",
        Kind::Choice(AugmentOn::NAMES),
        "where images are augmented; auto: on the device with CUDA, else worker threads",
    ),
    field(
        "augment.workers",
        whole(0, 256),
        "threads that augment ahead of the step; 0 chooses automatically",
    ),
    field("augment.border", Kind::Choice(Border::NAMES), "fill beyond the edge of a transformed image"),
    field("augment.rotate90_p", real(0.0, 1.0), "probability of a rotation by 0, 90, 180 or 270 degrees"),
    field("augment.vflip_p", real(0.0, 1.0), "probability of a vertical flip"),
    field("augment.hflip_p", real(0.0, 1.0), "probability of a horizontal flip, which mirrors the heart"),
    field(
        "augment.affine_p",
        real(0.0, 1.0),
        "probability of the affine transform: rotation, translation, scale, shear",
    ),
    field("augment.rotate", real(0.0, 180.0), "maximum rotation in degrees, either direction"),
    field("augment.shift", real(0.0, 0.5), "maximum translation, as a fraction of the image's side"),
    field("augment.scale", real(0.0, 0.5), "maximum change of scale, as a fraction"),
    field("augment.shear", real(0.0, 45.0), "maximum shear in degrees"),
    field(
        "augment.brightness_contrast_p",
        real(0.0, 1.0),
        "probability of a change of brightness and contrast",
    ),
    field("augment.brightness", real(0.0, 1.0), "maximum change of brightness, as a fraction of white"),
    field("augment.contrast", real(0.0, 1.0), "maximum change of contrast, as a fraction"),
    field("augment.gamma_p", real(0.0, 1.0), "probability of a gamma curve"),
    field("augment.gamma", real(0.0, 2.0), "maximum g: the exponent is between 1/(1+g) and 1+g"),
    field("augment.noise_p", real(0.0, 1.0), "probability of Gaussian noise"),
    field("augment.noise", real(0.0, 0.5), "maximum standard deviation of the noise, as a fraction of white"),
    field("augment.blur_p", real(0.0, 1.0), "probability of a Gaussian blur"),
    field("augment.blur", real(0.0, 5.0), "maximum standard deviation of the blur, in pixels at 64 px"),
    field("augment.cutout_p", real(0.0, 1.0), "probability of a black rectangle (cutout)"),
    field("augment.cutout", real(0.0, 0.9), "maximum sides of the rectangle, as a fraction of the image's"),
    field("augment.crop_p", real(0.0, 1.0), "probability of a part enlarged to the whole image"),
    field(
        "augment.crop",
        real(0.05, 1.0),
        "smallest part that is enlarged, as a fraction of the image's area",
    ),
    field(
        "augment.crop_ratio",
        real(1.0, 2.0),
        "largest change of the ratio of width to height of that part",
    ),
    field("model.arch", Kind::Choice(Arch::NAMES), "the network"),
    field(
        "model.stem",
        Kind::Choice(Stem::NAMES),
        "first layers of a ResNet or DenseNet; auto: small below 128 px without ImageNet weights",
    ),
    field(
        "model.pretrained",
        Kind::Text,
        "none, imagenet, or a file or run whose weights are loaded, except the last layer",
    ),
    field(
        "model.gray",
        Kind::Choice(Gray::NAMES),
        "conversion of an RGB first layer to grey: sum (as ImageNet normalises) or mean",
    ),
    field(
        "model.freeze_epochs",
        whole(0, 1_000_000),
        "epochs at the start in which only the last layer is trained",
    ),
    field("model.dropout", real(0.0, 0.95), "dropout probability before each linear layer of ChestNetS"),
    field("model.init", Kind::Text, "safetensors file with initial weights; empty: random"),
    field("optimizer.kind", Kind::Choice(OptimizerKind::NAMES), "the optimizer"),
    field("optimizer.lr", above(0.0, 10.0), "initial learning rate"),
    field("optimizer.head_lr_factor", above(0.0, 1000.0), "factor on the learning rate of the last layer"),
    field(
        "optimizer.layer_decay",
        above(0.0, 1.0),
        "factor on the learning rate from each block to the one before it; below 1 early blocks learn slowly",
    ),
    field("optimizer.weight_decay", real(0.0, 1.0), "L2 penalty added to the gradient; decoupled for AdamW"),
    field(
        "optimizer.decay_norms",
        Kind::Switch,
        "weight decay of biases and batch norms too, as torch.optim does by default",
    ),
    field("optimizer.momentum", real(0.0, 0.9999), "momentum of SGD"),
    field("optimizer.nesterov", Kind::Switch, "Nesterov momentum for SGD"),
    field("optimizer.batch_size", whole(1, 65_536), "images per batch"),
    field("optimizer.accumulate", whole(1, 65_536), "batches accumulated per optimizer step"),
    field("optimizer.clip_norm", real(0.0, 1e9), "maximum gradient norm; 0 disables clipping"),
    field(
        "optimizer.ema",
        real(0.0, 0.99999),
        "decay of the moving average (EMA) of the weights, which is then evaluated; 0 disables it",
    ),
    field("optimizer.epochs", whole(1, 1_000_000), "maximum number of epochs"),
    field(
        "schedule.kind",
        Kind::Choice(ScheduleKind::NAMES),
        "learning-rate schedule; plateau reduces the rate when the monitor stalls",
    ),
    field("schedule.warmup", real(0.0, 1e6), "epochs of linear warm-up; not for onecycle"),
    field(
        "schedule.factor",
        Kind::Real { min: 0.0, max: 0.999, above: true },
        "factor by which plateau reduces the rate",
    ),
    field(
        "schedule.patience",
        whole(0, 1_000_000),
        "epochs without improvement before plateau reduces the rate",
    ),
    field("schedule.min_lr", real(0.0, 10.0), "lower bound of the learning rate"),
    field("schedule.threshold", real(0.0, 1.0), "minimum change that counts as an improvement"),
    field(
        "schedule.threshold_mode",
        Kind::Choice(ThresholdMode::NAMES),
        "improvement as an absolute or a relative change",
    ),
    field("loss.kind", Kind::Choice(LossKind::NAMES), "the loss"),
    field(
        "loss.pos_weight",
        Kind::PosWeight,
        "weight of positive labels: full = negatives/positives, sqrt of that, or full up to a number",
    ),
    field("loss.smoothing", real(0.0, 0.5), "label smoothing s: labels become y (1 - s) + s / 2"),
    field("loss.gamma", real(0.0, 10.0), "focusing parameter gamma of focal loss"),
    field("loss.gamma_pos", real(0.0, 10.0), "focusing parameter of asymmetric loss for positives"),
    field("loss.gamma_neg", real(0.0, 10.0), "focusing parameter of asymmetric loss for negatives"),
    field(
        "loss.clip",
        real(0.0, 0.5),
        "probability margin of asymmetric loss: negatives below it are ignored",
    ),
    field("early_stopping.enabled", Kind::Switch, "stop when the monitored value stalls"),
    field(
        "early_stopping.monitor",
        Kind::Choice(Monitor::NAMES),
        "value that selects the best weights, plateau reductions and early stopping",
    ),
    field(
        "early_stopping.mode",
        Kind::Choice(Mode::NAMES),
        "whether the monitored value is minimized or maximized",
    ),
    field("early_stopping.patience", whole(1, 1_000_000), "epochs without improvement before the run stops"),
    field("early_stopping.min_delta", real(0.0, 1.0), "minimum change that counts as an improvement"),
    field("early_stopping.check_finite", Kind::Switch, "stop when the monitored value is not finite"),
    field("checkpoint.save_top_k", whole(1, 1000), "number of best epochs whose weights are saved"),
    field(
        "checkpoint.every_n_steps",
        whole(0, i64::MAX),
        "also save a checkpoint every N steps; 0 disables it",
    ),
    field(
        "checkpoint.every_minutes",
        real(0.0, 1e6),
        "also save a checkpoint every N minutes; 0 disables it",
    ),
    field(
        "tracking.mlflow_uri",
        Kind::Server,
        "MLflow server; empty: MLFLOW_TRACKING_URI; none: no tracking",
    ),
    field("tracking.experiment", Kind::Text, "MLflow experiment"),
    field(
        "tracking.register_as",
        Kind::Text,
        "name under which the finished model is registered; empty: not registered",
    ),
    field("tracking.checkpoints", Kind::Switch, "also upload checkpoint weights"),
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
