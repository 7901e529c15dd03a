//! What settings must be to each other, and which of them a run may go on with changed.

use super::{Arch, ConfigError, FIELDS, Field, Mode, Monitor, RunConfig, ScheduleKind, Stem};

/// Settings that a run may go on with changed, beside those of checkpoints and tracking.
const MAY_CHANGE: [&str; 7] = [
    "run.name",
    "run.device",
    "run.threads",
    "data.memory",
    "data.on_gpu",
    "augment.workers",
    "optimizer.epochs",
];

impl RunConfig {
    /// Whether a run with these settings can go on with `other`: only how long, where and how often it is
    /// saved may change.
    ///
    /// # Errors
    /// Names the first setting that may not.
    pub fn check_resumable(&self, other: &Self) -> Result<(), ConfigError> {
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
                "`model.init` gives all weights, so `model.pretrained` = {} would have no effect; set one of them",
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
        // Images of a file have their own size, which is checked when they are there.
        if self.data.val_fraction + self.data.test_fraction > 0.9 {
            return Err(ConfigError::Conflict(
                "`data.val_fraction` and `data.test_fraction` leave less than a tenth for training; lower one".into(),
            ));
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
