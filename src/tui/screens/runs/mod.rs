//! The Runs screen.

pub mod pane;
mod queue;
pub mod state;
#[cfg(test)]
mod tests;
mod update;
