//! What the learning-rate finder found.

pub mod pane;
pub mod state;
