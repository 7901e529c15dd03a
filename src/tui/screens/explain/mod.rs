//! The Explain screen.

pub mod pane;
pub mod state;
mod update;
