//! The form with the settings of the next run.

pub mod pane;
pub mod state;
