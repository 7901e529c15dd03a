//! Settings that are one of a few names.

/// Declares an enum whose variants are written as fixed names in TOML, options and the form.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[allow(missing_docs, reason = "the name in the file says it")]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All names, in the order of the help.
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
        /// The same in 34 layers.
        ResNet34 = "resnet34",
        /// The same in 50 layers, of bottleneck blocks.
        ResNet50 = "resnet50",
        /// Huang et al. 2017, the network of CheXNet.
        DenseNet121 = "densenet121",
    }
}

choice! {
    /// How a first convolution for one grey channel is made of one for red, green and blue.
    Gray {
        /// The sum, with ImageNet's mean and deviation folded in: the network sees what it was trained on.
        Sum = "sum",
        /// The mean, as the predecessor did.
        Mean = "mean",
    }
}

choice! {
    /// The numbers a network computes with.
    Precision {
        /// `bf16` where the device multiplies bfloat16 by circuits of its own, else `fp32`.
        Auto = "auto",
        Fp32 = "fp32",
        /// Matrix products in bfloat16, weights in float32.
        Bf16 = "bf16",
        /// Matrix products in half precision with a scaled loss; needs CUDA.
        Fp16 = "fp16",
    }
}

choice! {
    /// What training does to an image.
    Preset {
        /// Gentle and upright: what an image could have looked like.
        Chest = "chest",
        /// The predecessor's own set, rotations by 90 degrees and vertical flips among them.
        Predecessor = "predecessor",
        /// Nothing.
        None = "none",
        /// The other settings of the section.
        Custom = "custom",
    }
}

choice! {
    /// What lies outside of an image that was moved.
    Border {
        /// Black.
        Constant = "constant",
        /// The image mirrored at its border pixels.
        Reflect = "reflect",
    }
}

choice! {
    /// Where images are augmented.
    AugmentOn {
        /// On a CUDA device, else on the CPU.
        Auto = "auto",
        /// By worker threads.
        Cpu = "cpu",
        /// As batches on the network's device.
        Device = "device",
    }
}

choice! {
    /// Where training images lie while a GPU augments them.
    OnGpu {
        /// On the GPU if half of its free memory holds them, else in main memory.
        Auto = "auto",
        /// On the GPU, uploaded once.
        Resident = "resident",
        /// In main memory, uploaded batch by batch.
        Streamed = "streamed",
    }
}

choice! {
    /// Which images an epoch sees.
    Sampling {
        /// Each image once.
        Shuffle = "shuffle",
        /// As many images, drawn with replacement; an image of a rare condition is drawn more often.
        Balanced = "balanced",
    }
}

choice! {
    /// How a residual network begins.
    Stem {
        /// `small` for images below 128 px, else `imagenet`.
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
        /// Loshchilov & Hutter 2019: weight decay apart from the gradient, as `torch.optim.AdamW`.
        AdamW = "adamw",
        /// Gradient descent with momentum, as `torch.optim.SGD`.
        Sgd = "sgd",
    }
}

choice! {
    /// How the learning rate changes from epoch to epoch.
    ScheduleKind {
        /// Cut when the monitored value stops improving.
        Plateau = "plateau",
        /// Falls from step to step along half a cosine to `schedule.min_lr`.
        Cosine = "cosine",
        /// Rises and falls once over the whole run (Smith & Topin 2018), as `torch.optim.lr_scheduler.OneCycleLR`.
        OneCycle = "onecycle",
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
    /// What happens when a row or an image of a data set can't be read.
    OnError {
        /// It is left out, counted and listed.
        Skip = "skip",
        /// Nothing is read.
        Fail = "fail",
    }
}

choice! {
    /// What the loss compares logits and labels with.
    LossKind {
        /// Binary cross-entropy on logits, mean over images and conditions.
        Bce = "bce",
        /// Lin et al. 2017: what is easy counts less.
        Focal = "focal",
        /// Ridnik et al. 2021: easy negatives count less than easy positives, the easiest nothing.
        Asymmetric = "asymmetric",
    }
}
