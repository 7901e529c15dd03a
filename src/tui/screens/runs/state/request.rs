//! Requests of the Runs screen to the runs directory, and their answers.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::RunConfig;
use crate::runs::{Discarded, EpochRecord, RunSummary, Waiting};

/// A request; the [`RunsWorker`](crate::tui::runs_worker::RunsWorker) handles them in order.
#[derive(Clone, Debug, PartialEq)]
pub enum RunsRequest {
    /// The list, and what waits in the queue.
    List,
    /// Details of the run under the cursor; superseded by a newer one.
    LookAt(PathBuf),
    /// Another name, tags or note.
    Describe(PathBuf, Change),
    /// How many bytes deleting these would free.
    Weigh(Vec<PathBuf>),
    /// Move runs into the trash.
    Discard(Vec<PathBuf>),
    /// Put a run back.
    Restore(Discarded),
    /// Put a run into the queue.
    Enqueue(Box<RunConfig>),
    /// Take a run out of the queue.
    Dequeue(Box<Waiting>),
    /// Have two runs of the queue change places.
    Swap(Box<[Waiting; 2]>),
    /// Write the best weights as a model for other programs.
    Export(PathBuf),
    /// The next run of the queue, if this process may take it; with `anew` also one that couldn't begin before.
    TakeNext { anew: bool },
    /// What became of the run that was taken.
    Settle(Settled),
    /// Another process may take what waits.
    LeaveQueue,
}

/// What became of a run that was taken from the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It has a folder of its own.
    Begun,
    /// It was ended before, and waits again.
    PutBack,
    /// It couldn't begin, and why.
    Failed(String),
}

/// A change of a run's annotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Name(String),
    /// Words with `+` or `-` in front.
    Tags(String),
    Note(String),
}

/// The folder of runs as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The newest first.
    pub runs: Vec<Arc<RunSummary>>,
    pub waiting: Vec<Waiting>,
    /// Folders that weren't looked at yet: the list begins with the newest runs.
    pub unread: usize,
    /// Runs that can't be read, and so aren't among them.
    pub damaged: usize,
    /// Runs or numbers of them are still being read; the list comes once more with them.
    pub more: bool,
}

/// What a look at a run found.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    pub epochs: Vec<EpochRecord>,
    /// Bytes of its folder.
    pub bytes: u64,
    /// Macro AUROC over the test images with its interval.
    pub tested: Option<(f64, Option<[f64; 2]>)>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    Described,
    Weighed(Vec<PathBuf>, u64),
    /// Runs that are in the trash now, with the bytes that wait to be freed; and why others aren't.
    Discarded(Vec<Discarded>, u64, Option<String>),
    Restored(Discarded),
    /// The run is in the trash still, and why it can't be put back.
    NotRestored(Discarded, String),
    Enqueued,
    Dequeued,
    Swapped,
    Settled,
    /// The model's file.
    Exported(PathBuf),
    /// A run was taken from the queue; `None` when nothing that could begin waits.
    Taken(Option<Box<RunConfig>>),
    /// None could be taken, and why; with `again` it is tried again.
    NotTaken {
        reason: String,
        again: bool,
    },
}
