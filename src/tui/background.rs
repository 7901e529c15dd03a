//! Work beside the event loop: reading data, a run's epochs, comparing runs; and the signals that end us.
//!
//! Plain threads rather than the runtime's: a runtime waits for its blocking tasks when it ends, and a person
//! who leaves doesn't want to wait for images to be read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::dataset::check::check;
use crate::dataset::{Cache, registry};
use crate::download::{Checksum, Order, download};
use crate::runs::RunFolder;
use crate::tui::app::{Effect, Message};
use crate::tui::screens::data::state::{DataView, Download, StopFlag};
use crate::tui::screens::evaluate::state::{self as evaluate, Against};
use crate::tui::screens::runs::state::beside;

/// Between two words about how far something is.
const TELL: Duration = Duration::from_millis(200);

/// Carries out an effect that reads something; the answer comes as a message. Other effects are not for here.
pub fn spawn(
    effect: Effect,
    runs_folder: &std::path::Path,
    cache: &Cache,
    messages: &UnboundedSender<Message>,
) {
    let (refused, refusals) = (effect.clone(), messages.clone());
    let (runs_folder, cache, messages) = (runs_folder.to_owned(), cache.clone(), messages.clone());
    let work = move || {
        let answer = match effect {
            Effect::LoadData(section) => {
                let last = Mutex::new(Instant::now());
                let watch = |progress| {
                    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                    if last.elapsed() >= TELL {
                        *last = Instant::now();
                        // The loop may be gone already; then nobody wants the images.
                        return messages.send(Message::Reading(section.clone(), progress)).is_ok();
                    }
                    true
                };
                let read = || cache.load_watched(&section, &watch).map(DataView::new);
                let outcome = guarded(|| read().map_err(|error| error.to_string()));
                Message::Data(section, outcome)
            }
            Effect::CheckData(view) => {
                let outcome = guarded(|| Ok(Box::new(check(&view.dataset, &mut |_| true))));
                Message::Checked(view.dataset.digest().to_owned(), outcome)
            }
            Effect::Fetch(wanted, stop) => Message::Fetched(guarded(|| fetch(wanted, &stop, &messages))),
            Effect::Beside(paths) => {
                let read = || beside::read(&paths).map(Box::new);
                let outcome = guarded(|| read().map_err(|error| format!("{error:#}")));
                Message::Beside(paths, outcome)
            }
            Effect::ReadEpochs(path) => {
                let outcome = guarded(|| {
                    RunFolder::open(&path)
                        .and_then(|folder| folder.read_epochs())
                        .map_err(|error| format!("{error:#}"))
                });
                Message::Epochs(path, outcome)
            }
            Effect::Evaluate(asked) => {
                let read = || evaluate::answer(&asked, &runs_folder, &cache).map(Box::new);
                let outcome = guarded(|| read().map_err(|error| format!("{error:#}")));
                Message::Evaluated(asked, outcome)
            }
            Effect::Keep { run, split, thresholds } => {
                let write = || evaluate::keep(&run, split, &thresholds);
                let outcome = guarded(|| write().map_err(|error| format!("{error:#}")));
                Message::Kept(run, outcome)
            }
            Effect::Compare { shown, other, split } => {
                let read = || {
                    Against::read(&RunFolder::open(&shown)?, &RunFolder::open(&other)?, split).map(Box::new)
                };
                let outcome = guarded(|| read().map_err(|error| format!("{error:#}")));
                Message::Compared(other, outcome)
            }
            Effect::ReadImages { run, data } => {
                let outcome = guarded(|| cache.load(&data).map_err(|error| error.to_string()));
                Message::Images(run, outcome)
            }
            Effect::Send(_)
            | Effect::Explain(_)
            | Effect::Runs(_)
            | Effect::OpenFolder(_)
            | Effect::Leave { .. } => return,
        };
        // The loop may be gone already.
        let _ = messages.send(answer);
    };
    if let Err(error) = std::thread::Builder::new().name("reader".into()).spawn(work) {
        let reason = format!("the system refuses a thread to read with ({error}); close other programs");
        let answer = match refused {
            Effect::LoadData(section) => Message::Data(section, Err(reason)),
            Effect::CheckData(view) => Message::Checked(view.dataset.digest().to_owned(), Err(reason)),
            Effect::Fetch(..) => Message::Fetched(Err(reason)),
            Effect::Beside(paths) => Message::Beside(paths, Err(reason)),
            Effect::ReadEpochs(path) => Message::Epochs(path, Err(reason)),
            Effect::Evaluate(asked) => Message::Evaluated(asked, Err(reason)),
            Effect::Keep { run, .. } => Message::Kept(run, Err(reason)),
            Effect::Compare { other, .. } => Message::Compared(other, Err(reason)),
            Effect::ReadImages { run, .. } => Message::Images(run, Err(reason)),
            Effect::Send(_)
            | Effect::Explain(_)
            | Effect::Runs(_)
            | Effect::OpenFolder(_)
            | Effect::Leave { .. } => return,
        };
        // The loop may be gone already.
        let _ = refusals.send(answer);
    }
}

/// Downloads a file of a data set; ends early once `stop` is set.
fn fetch(wanted: Download, stop: &StopFlag, messages: &UnboundedSender<Message>) -> Result<Download, String> {
    let file = wanted.entry.file(wanted.size).map_err(|error| error.to_string())?;
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
        if last.elapsed() >= TELL {
            last = Instant::now();
            // The loop may be gone already; then nobody wants the file.
            return messages.send(Message::Fetching(done, total)).is_ok() && !stop.is_set();
        }
        !stop.is_set()
    };
    download(&order, &file.place(), &mut watch).map(|()| wanted).map_err(|error| error.to_string())
}

/// Turns a panic into a sentence, so that nobody waits for an answer for ever.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| {
            tracing::error!("a background job panicked");
            Err("reading broke; the log on the train screen says how".to_owned())
        })
        .map_err(|reason| crate::text::one_line(&reason, 600))
        .inspect_err(|reason| tracing::warn!("background job failed: {reason}"))
}

/// Signals that end the program, as a channel; they stop being caught when this is dropped.
pub struct Endings {
    /// Yields once for each signal.
    pub arrived: tokio::sync::mpsc::UnboundedReceiver<i32>,
    handle: Handle,
}

impl Endings {
    /// Begins to catch SIGTERM, SIGHUP and SIGINT.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn watch() -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
        let handle = signals.handle();
        let (sender, arrived) = unbounded_channel();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                // The loop may be gone already.
                let _ = sender.send(signal);
            }
        })?;
        Ok(Self { arrived, handle })
    }
}

impl Drop for Endings {
    fn drop(&mut self) {
        self.handle.close();
    }
}
