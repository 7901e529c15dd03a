//! The loop and all it needs: loss, optimizer, schedule, early stopping, checkpoints; the thread it runs on
//! and the protocol that thread speaks.

mod batches;
mod controls;
mod early_stopping;
mod engine;
mod fit;
mod handle;
mod inbox;
mod journal;
mod meter;
mod optimizer;
mod protocol;
mod schedule;
mod setup;
mod verdict;

pub use batches::{Batches, shuffled};
pub use early_stopping::{EarlyStopping, Verdict};
pub use fit::bce_with_logits;
pub use handle::{Commander, Trainer};
pub use optimizer::Adam;
pub use protocol::{Command, EpochReport, Event, Level, Phase, Progress, RunInfo};
pub use schedule::ReduceLrOnPlateau;
pub use setup::resolve_device;

#[cfg(test)]
mod tests;
