//! The loop and all it needs: loss, optimizer, schedule, early stopping, checkpoints; the thread it runs on
//! and the protocol that thread speaks.

mod handle;
mod protocol;

pub use handle::{Commander, Trainer};
pub use protocol::{Command, EpochReport, Event, Level, Phase, Progress, RunInfo};
