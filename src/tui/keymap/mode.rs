//! The modes: which rows of the table of keys are valid.

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Mode {
    /// On every screen without a dialog.
    Global,
    Data,
    Train,
    Evaluate,
    /// The images of a matrix' cell.
    Images,
    Explain,
    Augment,
    Runs,
    /// A run of the list, opened.
    Opened,
    /// The marked runs together.
    Compared,
    /// The settings of the next run.
    Form,
    /// A line is being typed: a setting, a filter, a command.
    Typing,
    Help,
    /// A question with yes and no.
    Question,
    /// A run is being saved before leaving.
    Saving,
    /// What trying learning rates brought.
    Rates,
}

impl Mode {
    /// All modes, in the order of the help.
    pub const ALL: [Mode; 16] = [
        Mode::Global,
        Mode::Data,
        Mode::Train,
        Mode::Evaluate,
        Mode::Images,
        Mode::Explain,
        Mode::Augment,
        Mode::Runs,
        Mode::Opened,
        Mode::Compared,
        Mode::Form,
        Mode::Typing,
        Mode::Help,
        Mode::Question,
        Mode::Saving,
        Mode::Rates,
    ];

    /// Its heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "everywhere",
            Self::Data => "data",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Images => "images of a cell",
            Self::Explain => "explain",
            Self::Augment => "augment",
            Self::Runs => "runs",
            Self::Opened => "an opened run",
            Self::Compared => "marked runs together",
            Self::Form => "settings of the next run",
            Self::Typing => "typing",
            Self::Help => "help",
            Self::Question => "a question",
            Self::Saving => "saving",
            Self::Rates => "learning-rate finder",
        }
    }

    /// Whether the keys of every screen work as well.
    pub fn has_global(self) -> bool {
        matches!(
            self,
            Self::Data
                | Self::Train
                | Self::Evaluate
                | Self::Images
                | Self::Explain
                | Self::Augment
                | Self::Runs
                | Self::Opened
                | Self::Compared
        )
    }
}
