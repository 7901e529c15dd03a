//! What can be done on the Runs screen.

use crate::runs::SortBy;

/// An action of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsAction {
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
}
