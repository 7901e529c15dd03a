//! What can be done on the Train screen.

/// An action of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainAction {
    Start,
    /// Goes on with a run from its last checkpoint.
    Resume,
    /// Tries learning rates for the next run.
    FindRate,
    Pause,
    Stop,
    Checkpoint,
    RaiseRate,
    LowerRate,
    /// Older and newer lines of the log.
    LogUp,
    LogDown,
}
