//! A run on disk: its folder, journal, status, predictions and evaluation, and finding runs again. Every file is
//! written so that a kill at any instant leaves it readable; between two files a kill may leave one newer than
//! the other (the best weights are there an instant before `status.json` names their epoch).

mod about;
mod folder;
mod id;
mod list;
mod predictions;
mod record;
mod status;
mod system;

pub use about::About;
pub use folder::{Provenance, RunFolder};
pub use id::RunId;
pub use list::{LookupError, RunSummary, find, list};
pub use predictions::{ArrayNames, PredictionsFileError, SplitPredictions};
pub use record::{EpochRecord, METRICS, Metric};
pub use status::{Best, RunState, Status};
pub use system::SystemSample;

#[cfg(test)]
mod tests;
