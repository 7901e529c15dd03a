//! The Train screen.

pub mod charts;
mod control;
pub mod curves;
mod events;
pub mod live;
pub mod pane;
pub mod progress;
