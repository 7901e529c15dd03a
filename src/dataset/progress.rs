//! How far the reading of images is.

/// What is being done, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// `importing`, `drawing`, `unpacking`.
    pub doing: &'static str,
    /// Images done.
    pub done: usize,
    /// Images in all.
    pub total: usize,
}

/// Told how far it is; ends the work by `false`.
pub type Watch<'a> = dyn Fn(Progress) -> bool + Sync + 'a;
