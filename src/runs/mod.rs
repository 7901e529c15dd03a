//! A run on disk: its directory, journal, status, predictions, evaluation and annotations, and finding, sorting,
//! filtering, deleting and queueing runs. Every file is written so that a kill at any instant leaves it readable.
//! `status.json` names a best epoch only once the weights of that epoch are on the disk.

mod annotations;
mod catalog;
mod damaged;
mod filter;
mod folder;
mod id;
mod leftovers;
mod lines;
mod list;
mod lock;
mod measured;
mod order;
mod owner;
mod predictions;
mod queue;
mod record;
mod status;
mod summary;
mod system;
mod tracked;
mod trash;

pub use annotations::Annotations;
pub use catalog::Catalog;
pub use damaged::{damaged, find_even_damaged};
pub use filter::Filter;
pub use folder::{Provenance, RunFolder};
pub use id::RunId;
pub use leftovers::{Leftover, leftovers};
pub use list::{find, list};
pub use lock::RunLock;
pub use measured::{Measure, Measured, Statistic, differing};
pub use order::SortBy;
pub use predictions::{ArrayNames, PredictionsFileError, RowsWithoutNumbers, SplitPredictions};
pub use queue::{Claim, Queue, QueueLock, Waiting};
pub use record::{EpochRecord, METRICS, Metric};
pub use status::{Best, RunState, Status};
pub use summary::{LookupError, RunSummary};
pub use system::SystemSample;
pub use tracked::Tracked;
pub use trash::Discarded;

#[cfg(test)]
mod tests;
