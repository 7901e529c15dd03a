//! The loop and all it needs: loss, optimizer, schedule, early stopping, checkpoints; the thread it runs on
//! and the protocol that thread speaks.

mod batches;
mod checkpoint;
mod controls;
mod early_stopping;
mod ema;
mod engine;
mod epoch_end;
mod fit;
mod fitting;
mod handle;
mod inbox;
mod journal;
mod learner;
mod log;
mod loss;
mod lr_finder;
mod meter;
mod optimizer;
mod protocol;
mod recorder;
mod saving;
mod scaler;
mod schedule;
mod setup;
mod step_guard;
mod system_monitor;
mod writer;

pub use checkpoint::Restored;
pub use early_stopping::{Decision, EarlyStopping};
pub use ema::Ema;
pub use handle::{Commander, Trainer};
pub use learner::Learner;
pub use loss::{Loss, logit_correction, pos_weights};
pub use optimizer::Optimizer;
pub use protocol::{Command, EpochReport, Event, Level, LrCurve, Phase, Progress, RunInfo, Shares};
pub use schedule::{LearningRate, ReduceLrOnPlateau};
pub use setup::Setup;

#[cfg(test)]
mod tests;
