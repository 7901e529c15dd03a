//! What can be done on the Augment screen.

/// An action of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AugmentAction {
    /// Another draw of the augmentation.
    Resample,
    /// The epoch of the versions on the screen.
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
}
