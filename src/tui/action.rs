//! What a person can ask of the workbench, by key, by click or from the palette.

use crate::dataset::part::GroupBy;
use crate::runs::SortBy;
use crate::tui::screens::evaluate::state::Cell;

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    Data,
    Train,
    Evaluate,
    Explain,
    Augment,
    Runs,
}

impl Screen {
    /// All screens in the order of their numbers.
    pub const ALL: [Screen; 6] =
        [Screen::Data, Screen::Train, Screen::Evaluate, Screen::Explain, Screen::Augment, Screen::Runs];

    /// Its name in the top line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Train => "Train",
            Self::Evaluate => "Evaluate",
            Self::Explain => "Explain",
            Self::Augment => "Augment",
            Self::Runs => "Runs",
        }
    }
}

/// Something asked for. What a movement moves depends on where the keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Show(Screen),
    NextScreen,
    PreviousScreen,
    Help,
    Palette,
    NextTheme,
    /// Leaves, after a question when a run is on.
    Quit,
    /// Ctrl-C: as `Quit`, and the answer to its question when pressed again.
    Break,

    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    First,
    Last,

    /// The next split of the data.
    Split,
    /// The next thing that the side of the data screen shows.
    View,
    /// Downloads ChestMNIST, or ends that.
    Fetch,

    Start,
    /// Goes on with a run from its last checkpoint.
    GoOn,
    /// Tries learning rates for the next run.
    FindRate,
    Pause,
    Stop,
    Checkpoint,
    RaiseRate,
    LowerRate,
    LogScale,
    Smooth,
    Zoom,
    Edit,
    /// Older and newer lines of the log.
    LogUp,
    LogDown,

    /// Thresholds ten steps down and up.
    LowerFar,
    RaiseFar,
    /// Types a threshold.
    TypeThreshold,
    /// The next preset of thresholds.
    Preset,
    /// Threshold keys for one condition or for all.
    OneOrAll,
    /// Keeps the thresholds with the weights, and draws everything anew.
    KeepThresholds,
    /// What the list of conditions is sorted by.
    Order,
    /// The next cell of the matrix, whose images can be looked at.
    Cell,
    /// A cell of the matrix by click: its images.
    CellImages(Cell),
    /// The images of the cell.
    Images,
    PreviousRun,
    NextRun,
    /// The run beside another.
    Against,
    /// Tries a run's best weights on the images.
    Predict,
    /// Evaluates the run under the cursor.
    Evaluate,

    /// Why: of the run or image under the cursor.
    Why,
    NextClass,
    PreviousClass,
    Method,
    PreviousMethod,
    /// The layer that a CAM is made at.
    Layer,
    Opacity,
    Colours,
    Boxes,
    RaiseContrast,
    LowerContrast,
    /// Into the image, and out again.
    Magnify,
    /// Which images are listed.
    Outcome,
    SamePatient,
    /// Only images of the next view, sex or group of ages.
    Group(GroupBy),
    /// An image by its number, or a patient.
    Search,
    NextImage,
    PreviousImage,

    /// Another draw of the augmentation.
    Resample,
    /// The epoch whose versions are seen.
    NextEpoch,
    PreviousEpoch,
    /// The next run's own seed again.
    LockSeed,
    /// One transform alone, in every version.
    Alone,
    /// The next preset of transforms.
    NextPreset,
    /// Switches a transform off and on.
    Switch,

    /// Marks the run under the cursor, or takes its mark away.
    Mark,
    /// The marked runs together.
    Compare,
    /// The next number of the runs.
    Metric,
    /// Of the best epoch, the last, the least, the greatest.
    Statistic,
    /// Sorts by the next column.
    Sort,
    /// Sorts by a column, by click; once more, the other way round.
    SortBy(SortBy),
    Reverse,
    Rename,
    Tag,
    Note,
    Delete,
    /// Puts the run back that was deleted last.
    Undelete,
    /// The run's folder in the desktop, or its name in the clipboard.
    Folder,
    /// The run's best weights as a file for other programs.
    Export,
    /// The form with the run's settings.
    Clone,
    /// The run's settings into the queue.
    Enqueue,
    /// Starts what waits in the queue.
    StartQueue,
    /// Earlier and later in the queue.
    Earlier,
    Later,
    /// The next of the runs that are set against the first.
    Other,

    Open,
    Filter,
    Reload,
    /// Closes what lies on top; without that, clears cursor, zoom or filter.
    Back,

    /// Takes what the overlay offers: the line typed, the command chosen.
    Accept,
    /// The default of the setting under the cursor.
    Reset,
    /// Stops the run, saves it and leaves.
    StopAndLeave,
    /// Leaves without waiting for the trainer.
    LeaveNow,

    /// A row of the list under the keys, by click.
    Row(usize),
    /// A chart, by click.
    Chart(usize),
}
