//! What a user can do in the workbench, by key, by click or from the palette: what all screens share here, what one screen
//! offers in that screen's own type.

use crate::tui::screens::augment::action::AugmentAction;
use crate::tui::screens::data::action::DataAction;
use crate::tui::screens::evaluate::action::EvaluateAction;
use crate::tui::screens::explain::action::ExplainAction;
use crate::tui::screens::runs::action::RunsAction;
use crate::tui::screens::train::action::TrainAction;

use crate::tui::screen::Screen;

/// An action. What a movement moves depends on the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Show(Screen),
    NextScreen,
    PreviousScreen,
    Help,
    Palette,
    NextTheme,
    /// Quits, after a question while a run is active.
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
    /// The next view of the screen.
    View,

    LogScale,
    Smooth,
    Zoom,
    Edit,

    PreviousRun,
    NextRun,

    Boxes,
    NextImage,
    PreviousImage,

    Reload,
    /// Closes the overlay; without one, clears cursor, zoom or filter.
    Back,

    /// Accepts the line typed, the command selected or the question.
    Accept,
    /// The default of the setting under the cursor.
    Reset,
    /// Gives the terminal back to the shell until `fg`.
    Suspend,
    /// Quits without waiting for the trainer.
    LeaveNow,

    /// A row of the list under the keys, by click.
    Row(usize),
    /// A chart, by click.
    Chart(usize),

    /// An action of one screen.
    Data(DataAction),
    Train(TrainAction),
    Evaluate(EvaluateAction),
    Explain(ExplainAction),
    Augment(AugmentAction),
    Runs(RunsAction),
}
