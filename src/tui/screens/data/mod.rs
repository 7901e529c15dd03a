//! The Data screen.

pub mod classes;
pub mod findings;
pub mod pane;
pub mod state;
mod update;
