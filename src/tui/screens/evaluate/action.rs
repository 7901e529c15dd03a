//! What can be done on the Evaluate screen.

use crate::tui::screens::evaluate::state::Cell;

/// An action of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluateAction {
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
    SaveThresholds,
    /// What the list of conditions is sorted by.
    Order,
    /// The next cell of the matrix, for its list of images.
    Cell,
    /// A cell of the matrix by click: its images.
    CellImages(Cell),
    /// The images of the cell.
    Images,
    /// The comparison with the next run.
    Compare,
    /// Tries a run's with the best weights.
    Predict,
    /// Evaluates the run under the cursor.
    /// Evaluates the run under the cursor.
    EvaluateRun,
}
