//! What can be done on the Data screen.

/// An action of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataAction {
    /// Downloads ChestMNIST, or ends that.
    Fetch,
}
