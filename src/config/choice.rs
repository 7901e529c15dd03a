//! Settings that are one of a few names.

/// Declares an enum whose variants are written as fixed names in TOML, options and the form.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All names, in the order shown to people.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The choice of this name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|choice| choice.name() == name)
            }

            /// The name of this choice.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

choice! {
    /// A network the trainer can build.
    Arch {
        /// Three convolution blocks and two linear layers, the predecessor's own network.
        ChestNetS = "chestnet-s",
        /// He et al. 2016, in torchvision's naming.
        ResNet18 = "resnet18",
    }
}

choice! {
    /// How a residual network begins.
    Stem {
        /// `small` for films below 128 px, else `imagenet`.
        Auto = "auto",
        /// One 3x3 convolution of stride 1, no pooling.
        Small = "small",
        /// A 7x7 convolution of stride 2 and a 3x3 max pooling of stride 2.
        ImageNet = "imagenet",
    }
}

choice! {
    /// What turns gradients into new weights.
    OptimizerKind {
        /// Kingma & Ba 2015 with weight decay added to the gradient, as `torch.optim.Adam`.
        Adam = "adam",
    }
}

choice! {
    /// How the learning rate changes from epoch to epoch.
    ScheduleKind {
        /// Cut when the monitored value stops improving.
        Plateau = "plateau",
        /// Stays as set.
        None = "none",
    }
}

choice! {
    /// How an improvement is measured against the best value so far.
    ThresholdMode {
        /// By an absolute amount, as early stopping measures it.
        Absolute = "abs",
        /// By a share of the best value, PyTorch's default.
        Relative = "rel",
    }
}

choice! {
    /// Which direction of a monitored value is better.
    Mode {
        Max = "max",
        Min = "min",
    }
}

choice! {
    /// A value of the epoch that decides about best weights, learning rate and stopping.
    Monitor {
        ValAurocMacro = "val_auroc_macro",
        ValAuprcMacro = "val_auprc_macro",
        ValF1 = "val_f1_score",
        ValLoss = "val_loss",
        ValLossUnweighted = "val_loss_unweighted",
    }
}

choice! {
    /// What the loss compares logits and labels with.
    LossKind {
        /// Binary cross-entropy on logits, mean over films and conditions.
        Bce = "bce",
    }
}
