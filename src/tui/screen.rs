//! The names of the screens; `screens` has what they are.

/// Which screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    Data,
    Train,
    Evaluate,
    Explain,
    Augment,
    Runs,
}
