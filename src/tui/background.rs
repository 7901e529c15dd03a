//! Jobs that need no state of their own: reading and checking data, downloads, evaluating and comparing runs.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::DataSection;
use crate::dataset::check::check;
use crate::dataset::{Cache, DataError, registry};
use crate::download::{Checksum, Order, download};
use crate::runs::RunFolder;
use crate::tui::app::{Effect, Message};
use crate::tui::jobs::job::{CANCELLED, Job, Worker, guarded};
use crate::tui::screens::data::state::{DataView, Download};
use crate::tui::screens::evaluate::state::{self as evaluate, Against};
use crate::tui::screens::runs::state::beside;

/// Least time between two messages about progress.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Does every job that needs no state of its own: loads and checks data, downloads, evaluates and compares runs.
pub struct Reader {
    runs: PathBuf,
    cache: Cache,
}

impl Reader {
    /// A worker that reads runs below `runs`, and images through `cache`.
    pub fn new(runs: &Path, cache: &Cache) -> Self {
        Self { runs: runs.to_owned(), cache: cache.clone() }
    }

    fn load(&self, section: &DataSection, job: &Job) -> Result<Box<DataView>, DataError> {
        let last = Mutex::new(Instant::now());
        let watch = |progress| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= PROGRESS_INTERVAL {
                *last = Instant::now();
                job.send(Message::Reading(Box::new(section.clone()), progress));
            }
            !job.is_cancelled()
        };
        self.cache.load_watched(section, &watch).map(|dataset| Box::new(DataView::new(dataset)))
    }
}

impl Worker for Reader {
    fn handle(&mut self, effect: Effect, job: &Job) -> Option<Message> {
        let keep_going = || !job.is_cancelled();
        Some(match effect {
            Effect::LoadData(section) => {
                let outcome = guarded(|| self.load(&section, job));
                Message::Data(section, outcome)
            }
            Effect::CheckData(view) => {
                let checked = || {
                    let report = check(&view.dataset, &mut |_| keep_going());
                    if keep_going() { Ok(Box::new(report)) } else { Err(anyhow::anyhow!(CANCELLED)) }
                };
                Message::Checked(view.dataset.digest().to_owned(), guarded(checked))
            }
            Effect::Fetch(wanted) => Message::Fetched(guarded(|| fetch(wanted, job))),
            Effect::Beside(paths) => {
                let outcome = guarded(|| beside::read(&paths).map(Box::new));
                Message::Beside(paths, outcome)
            }
            Effect::ReadEpochs(path) => {
                let outcome = guarded(|| RunFolder::open(&path).and_then(|folder| folder.read_epochs()));
                Message::Epochs(path, outcome)
            }
            Effect::Evaluate(request) => {
                let watch = |progress| {
                    job.send(Message::Evaluating(progress));
                    keep_going()
                };
                let outcome =
                    guarded(|| evaluate::answer(&request, &self.runs, &self.cache, &watch).map(Box::new));
                Message::Evaluated(request, outcome)
            }
            Effect::Keep { run, split, thresholds } => {
                let outcome = guarded(|| evaluate::save_thresholds(&run, split, &thresholds));
                Message::Kept(run, outcome)
            }
            Effect::Compare { shown, other, split } => {
                let outcome = guarded(|| {
                    Against::read(&RunFolder::open(&shown)?, &RunFolder::open(&other)?, split).map(Box::new)
                });
                Message::Compared(other, outcome)
            }
            Effect::ReadImages { run, data } => {
                let outcome = guarded(|| self.cache.load_watched(&data, &|_| keep_going()));
                Message::Images(run, outcome)
            }
            Effect::Send(_)
            | Effect::Suspend
            | Effect::Cancel(_)
            | Effect::Explain(_)
            | Effect::Runs(_)
            | Effect::OpenFolder(_)
            | Effect::Leave { .. } => return None,
        })
    }

    fn refuse(&self, effect: &Effect, reason: String) -> Message {
        match effect.clone() {
            Effect::LoadData(section) => Message::Data(section, Err(reason)),
            Effect::CheckData(view) => Message::Checked(view.dataset.digest().to_owned(), Err(reason)),
            Effect::Fetch(..) => Message::Fetched(Err(reason)),
            Effect::Beside(paths) => Message::Beside(paths, Err(reason)),
            Effect::ReadEpochs(path) => Message::Epochs(path, Err(reason)),
            Effect::Evaluate(request) => Message::Evaluated(request, Err(reason)),
            Effect::Keep { run, .. } => Message::Kept(run, Err(reason)),
            Effect::Compare { other, .. } => Message::Compared(other, Err(reason)),
            Effect::ReadImages { run, .. } => Message::Images(run, Err(reason)),
            Effect::Send(_)
            | Effect::Suspend
            | Effect::Cancel(_)
            | Effect::Explain(_)
            | Effect::Runs(_)
            | Effect::OpenFolder(_)
            | Effect::Leave { .. } => Message::Broken(reason),
        }
    }
}

/// Downloads a file of a data set.
fn fetch(wanted: Download, job: &Job) -> anyhow::Result<Download> {
    let file = wanted.entry.file(wanted.size)?;
    let mirror = std::env::var(registry::MIRROR).ok();
    let url = file.address(mirror.as_deref());
    let order = Order {
        url: &url,
        checksum: Some(Checksum::Md5(file.md5.clone())),
        size: None,
        limit: registry::LARGEST,
    };
    let mut last = Instant::now();
    let mut watch = |done, total| {
        if last.elapsed() >= PROGRESS_INTERVAL {
            last = Instant::now();
            job.send(Message::Fetching(done, total));
        }
        !job.is_cancelled()
    };
    download(&order, &file.place(), &mut watch)?;
    Ok(wanted)
}
