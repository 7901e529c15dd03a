//! What the runs screen asks of the folder of runs, and what it hears.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::RunConfig;
use crate::runs::{Discarded, EpochRecord, RunSummary, Waiting};

/// What is asked; the [`Keeper`](crate::tui::keeper::Keeper) does it in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// The list, and what waits in the queue.
    List,
    /// What lies under the cursor; passed over for a newer one.
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
    Dequeue(u32),
    /// Have two runs of the queue change places.
    Swap(u32, u32),
    /// Write the best weights as a model for other programs.
    Export(PathBuf),
    /// The next run of the queue, if this process may take it.
    TakeNext,
}

/// What a person says of a run.
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
    /// Runs or numbers of them are still being read; the list comes once more with them.
    pub more: bool,
}

/// What a look at a run found.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    pub epochs: Vec<EpochRecord>,
    /// Bytes of its folder.
    pub bytes: u64,
    /// Macro AUROC over the test films with its interval.
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
    Enqueued,
    Dequeued,
    Swapped,
    /// The model's file.
    Exported(PathBuf),
    /// The first run of the queue that can be read; `None` when nothing waits.
    Taken(Option<(u32, Box<RunConfig>)>),
}
