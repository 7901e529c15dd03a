//! All runs of a folder, kept up to date: read once, and after that only what changed. Thousands of runs are looked
//! through in a blink, so a list can follow what other processes do.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use super::lines::EPOCHS;
use super::{LookupError, Measured, RunFolder, RunSummary};

/// A folder that changed less than this ago may change once more within the same tick of the file system's
/// clock, so that its time alone can't show a change.
const SETTLED: Duration = Duration::from_secs(2);

/// Runs by the names of their folders.
#[derive(Debug)]
pub struct Catalog {
    runs: PathBuf,
    known: HashMap<OsString, Known>,
}

/// A folder as it was found last.
#[derive(Debug)]
struct Known {
    /// When the folder changed; every file that a list shows is put in place by renaming it, which changes this.
    /// `None` where that can't be relied on.
    settled: Option<SystemTime>,
    /// `None` for a folder that holds no run.
    run: Option<Arc<RunSummary>>,
    /// The run must be measured anew.
    unmeasured: bool,
    /// Bytes of its epochs when it was looked at.
    epochs: u64,
    /// It holds a run that can't be read.
    damaged: bool,
}

/// The newest runs, and how many folders weren't looked at.
pub type RunsPage = (Vec<Arc<RunSummary>>, usize);

impl Catalog {
    /// An empty one of the runs in `runs`; reads nothing yet.
    pub fn new(runs: &Path) -> Self {
        Self { runs: runs.to_owned(), known: HashMap::new() }
    }

    /// Where nothing was read yet and there are more than `most` folders: reads the newest `most`, for a list to
    /// begin with, and returns how many folders are left. `None` where [`Catalog::refresh`] is as quick.
    ///
    /// # Errors
    /// As [`Catalog::refresh`].
    pub fn glance(&mut self, most: usize) -> Result<Option<RunsPage>, LookupError> {
        if !self.known.is_empty() {
            return Ok(None);
        }
        let mut names = self.names()?;
        let Some(left) = names.len().checked_sub(most).filter(|left| *left > 0) else { return Ok(None) };
        // An id begins with the time at which its run was made.
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.truncate(most);
        self.look_at(names);
        Ok(Some((self.all(), left)))
    }

    /// Reads what is new or has changed, and gives all runs, the newest first. A run that is as it was is the
    /// same `Arc`. Folders that hold no run are passed over; no folder, no runs.
    ///
    /// # Errors
    /// When the folder exists but can't be read.
    pub fn refresh(&mut self) -> Result<Vec<Arc<RunSummary>>, LookupError> {
        let names = self.names()?;
        self.look_at(names);
        Ok(self.all())
    }

    /// What is in the folder of runs, in no order.
    fn names(&self) -> Result<Vec<OsString>, LookupError> {
        match std::fs::read_dir(&self.runs) {
            Ok(entries) => Ok(entries.flatten().map(|entry| entry.file_name()).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(LookupError::Unreadable { path: self.runs.clone(), error }),
        }
    }

    /// Looks at these and forgets all others.
    fn look_at(&mut self, names: Vec<OsString>) {
        let now = SystemTime::now();
        let mut before = std::mem::take(&mut self.known);
        let with_known: Vec<(OsString, Option<Known>)> = names
            .into_iter()
            .map(|name| {
                let known = before.remove(&name);
                (name, known)
            })
            .collect();
        let runs = &self.runs;
        let looked = with_known.into_par_iter().filter_map(|(name, known)| {
            let path = runs.join(&name);
            let changed = std::fs::metadata(&path).ok().filter(Metadata::is_dir)?.modified().ok();
            Some((name, look(&path, changed, known, now)))
        });
        self.known = looked.collect();
    }

    /// Whether all runs have been measured.
    pub fn is_measured(&self) -> bool {
        self.known.values().all(|known| !known.unmeasured)
    }

    /// How many runs can't be read; [`damaged`](super::damaged) gives the reasons.
    pub fn damaged(&self) -> usize {
        self.known.values().filter(|known| known.damaged).count()
    }

    /// Measures at most so many of the runs that weren't yet or have gone on since; whether any number came out
    /// otherwise.
    pub fn measure(&mut self, most: usize) -> bool {
        let waiting: Vec<&mut Known> =
            self.known.values_mut().filter(|known| known.unmeasured).take(most).collect();
        let measured = waiting.into_par_iter().map(|known| {
            known.unmeasured = false;
            let Some(run) = &mut known.run else { return false };
            let folder = RunFolder::open(&run.path);
            let epochs = folder.and_then(|folder| folder.read_epochs()).unwrap_or_default();
            let best = run.status.best.as_ref().map(|best| best.epoch);
            let found = Some(Measured::new(&epochs, best, run.config.as_ref()));
            let differs = run.measured != found;
            if differs {
                Arc::make_mut(run).measured = found;
            }
            differs
        });
        measured.reduce(|| false, |a, b| a || b)
    }

    /// All runs as they were found last, the newest first.
    pub fn all(&self) -> Vec<Arc<RunSummary>> {
        let mut all: Vec<Arc<RunSummary>> =
            self.known.values().filter_map(|known| known.run.clone()).collect();
        all.sort_by(|a, b| b.status.created.cmp(&a.status.created).then_with(|| b.id.cmp(&a.id)));
        all
    }
}

/// Looks at a folder again, or for the first time.
fn look(path: &Path, changed: Option<SystemTime>, known: Option<Known>, now: SystemTime) -> Known {
    let live = |known: &Known| known.run.as_ref().is_some_and(|run| run.state.is_live());
    match known {
        // A live run's process may end without a trace, so those are always looked at.
        Some(known) if changed.is_some() && known.settled == changed && !live(&known) => known,
        known => {
            let settled = changed.filter(|at| now.duration_since(*at).is_ok_and(|since| since > SETTLED));
            let epochs = std::fs::metadata(path.join(EPOCHS)).map_or(0, |epochs| epochs.len());
            let as_measured = known.as_ref().is_some_and(|known| !known.unmeasured && known.epochs == epochs);
            let before = known.and_then(|known| known.run);
            let measured = before.as_ref().and_then(|run| run.measured.clone());
            let (run, same) = match (summary(path, measured), before) {
                (Some(run), Some(before)) if run == *before => (Some(before), true),
                (run, _) => (run.map(Arc::new), false),
            };
            let damaged = run.is_none() && RunFolder::open(path).is_ok();
            Known { settled, unmeasured: run.is_some() && !(same && as_measured), run, epochs, damaged }
        }
    }
}

/// What a list shows of the run in a folder; `None` when it holds none.
fn summary(path: &Path, measured: Option<Measured>) -> Option<RunSummary> {
    let folder = RunFolder::open(path).ok()?;
    let status = folder.read_status().ok()?;
    Some(RunSummary {
        id: folder.id().clone(),
        path: folder.path().to_owned(),
        state: status.actual_state(),
        config: folder.skim_config().ok(),
        about: folder.read_annotations().unwrap_or_default(),
        tracked: folder.tracked(),
        measured,
        status,
    })
}
