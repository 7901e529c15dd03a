//! The Evaluate screen.

pub mod pane;
pub mod state;
mod update;
