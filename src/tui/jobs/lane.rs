//! Which jobs run one after another.

/// Jobs that run one after another in a thread of their own. Jobs of different lanes run side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    Data,
    Check,
    Download,
    SideBySide,
    Epochs,
    Evaluate,
    Save,
    Comparison,
    Images,
    Explain,
    Runs,
}

impl Lane {
    /// What its jobs do, for the message while the program waits for them.
    pub fn label(self) -> &'static str {
        match self {
            Self::Data => "reading images",
            Self::Check => "checking images",
            Self::Download => "downloading",
            Self::SideBySide | Self::Comparison => "comparing runs",
            Self::Epochs => "reading a run's epochs",
            Self::Evaluate => "evaluating a run",
            Self::Save => "writing thresholds, figures and report",
            Self::Images => "reading a run's images",
            Self::Explain => "computing an attribution map",
            Self::Runs => "changing runs",
        }
    }
}
