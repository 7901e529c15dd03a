//! The trainer's thread: waits for a start, sees the run through, and waits again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use jiff::Zoned;
use tch::Tensor;
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::checkpoint::{Position, Restored};
use super::early_stopping::EarlyStopping;
use super::fit::{Ending, EpochOutputs, Fit};
use super::fitting;
use super::inbox::{Inbox, StopReason};
use super::journal::{EventSender, Journal};
use super::learner::Learner;
use super::lr_finder::{self, Found};
use super::recorder::Recorder;
use super::saving;
use super::schedule::LearningRate;
use super::setup::Setup;
use super::system_monitor::SystemMonitor;
use super::{Command, Event, Level, Phase, Progress, RunInfo};
use crate::config::RunConfig;
use crate::data_loader::Placement;
use crate::dataset::Cache;
use crate::evaluation;
use crate::model::table;
use crate::native;
use crate::runs::{Provenance, RunFolder, RunLock, RunState};
use crate::sentence;
use crate::tracking::Ledger;

/// Serves commands until [`Command::Shutdown`] or until nobody can send any.
pub fn serve(
    mut inbox: Inbox,
    events: &UnboundedSender<Event>,
    progress: &watch::Sender<Progress>,
    runs: &Path,
    cache: &Cache,
) {
    let event_sender = EventSender { events: events.clone(), progress: progress.clone() };
    loop {
        let stopped = match inbox.next() {
            Command::Start { config, resume } => {
                work(*config, resume.as_deref(), &mut inbox, &event_sender, runs, cache)
            }
            Command::FindLr { config } => search(*config, &mut inbox, &event_sender, runs, cache),
            Command::Shutdown => return,
            _ => {
                event_sender.note(Level::Info, "no run is active");
                continue;
            }
        };
        event_sender.progress.send_replace(Progress::default());
        if stopped == Some(StopReason::Shutdown) {
            return;
        }
    }
}

/// Emits that the request failed.
fn not_begun(event_sender: &EventSender, state: RunState, reason: String) {
    event_sender.emit(Event::Ended { id: None, state, reason, best: None });
}

/// Reads images and checks settings. `Err` has the requests that came meanwhile, after emitting why there will
/// be no run.
fn prepare(
    config: RunConfig,
    inbox: &mut Inbox,
    event_sender: &EventSender,
    runs: &Path,
    cache: &Cache,
) -> Result<Setup, Option<StopReason>> {
    event_sender.progress.send_modify(|progress| progress.phase = Phase::Loading);
    event_sender.emit(Event::Loading { source: config.data.source.clone() });
    // Images may take long to read; a stop command is taken meanwhile.
    let asked = Mutex::new(&mut *inbox);
    let watch = |progress: crate::dataset::progress::Progress| {
        event_sender
            .progress
            .send_modify(|shown| (shown.done, shown.total) = (progress.done, progress.total));
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        !asked.stop_requested()
    };
    let prepared = guarded(|| Setup::prepare(config, cache, runs, &watch));
    event_sender.progress.send_modify(|shown| (shown.done, shown.total) = (0, 0));
    if let Some(stop) = inbox.take_stop() {
        not_begun(event_sender, stop.state(), format!("{} before the first step", stop.reason()));
        return Err(Some(stop));
    }
    let setup = match prepared {
        Ok(setup) => setup,
        Err(reason) => {
            not_begun(event_sender, RunState::Failed, reason);
            return Err(None);
        }
    };
    Ok(setup)
}

/// One run from its start command to its end. A failure ends the run, not the program; a failure before the run
/// has begun leaves no folder behind.
fn work(
    config: RunConfig,
    resume: Option<&Path>,
    inbox: &mut Inbox,
    event_sender: &EventSender,
    runs: &Path,
    cache: &Cache,
) -> Option<StopReason> {
    // First of all: a run that is locked is refused before its images are read.
    let before = match resume.map(|path| guarded(|| take(path))).transpose() {
        Ok(before) => before,
        Err(reason) => {
            not_begun(event_sender, RunState::Failed, reason);
            return None;
        }
    };
    let setup = match prepare(config, inbox, event_sender, runs, cache) {
        Ok(setup) => setup,
        Err(stop) => return stop,
    };
    let begun = guarded(|| match before {
        Some((folder, run_lock)) => resume_run(&setup, folder, run_lock, inbox, event_sender),
        None => begin(&setup, inbox, event_sender, runs),
    });
    let mut fit = match begun {
        Ok(fit) => fit,
        Err(reason) => return not_started_or_stopped(reason, inbox, event_sender),
    };
    let mut out_of_memory = false;
    let outcome = guarded(|| {
        let _sampler = SystemMonitor::start(fit.recorder.journal.folder().clone())?;
        announce(&fit, &setup, resume.is_some())?;
        fit.run().inspect_err(|error| out_of_memory = sentence::is_out_of_memory(error))
    });
    let (state, reason, stopped) = match outcome {
        Ok(Ending::Complete(reason)) => (RunState::Finished, reason, None),
        Ok(Ending::Stopped(stop)) => (stop.state(), stop.reason().to_owned(), Some(stop)),
        Err(reason) => (RunState::Failed, reason, None),
    };
    let Fit { recorder, position, learner, placement, seen, .. } = fit;
    drop((learner, placement, seen));
    native::release_cached(setup.device);
    let reason = if out_of_memory { fitting::with_fitting_batch(reason, &setup) } else { reason };
    recorder.into_journal().end(state, reason, position.step);
    stopped
}

/// Tries learning rates.
fn search(
    config: RunConfig,
    inbox: &mut Inbox,
    event_sender: &EventSender,
    runs: &Path,
    cache: &Cache,
) -> Option<StopReason> {
    let setup = match prepare(config, inbox, event_sender, runs, cache) {
        Ok(setup) => setup,
        Err(stop) => return stop,
    };
    match guarded(|| lr_finder::find(&setup, inbox, event_sender)) {
        Ok(Found::Curve(curve)) => event_sender.emit(Event::LrFound(curve)),
        Ok(Found::Stopped(stop)) => {
            not_begun(event_sender, stop.state(), stop.reason().to_owned());
            return Some(stop);
        }
        Err(reason) => return not_started_or_stopped(reason, inbox, event_sender),
    }
    None
}

/// A run that failed before it began may have been stopped by request.
fn not_started_or_stopped(
    reason: String,
    inbox: &mut Inbox,
    event_sender: &EventSender,
) -> Option<StopReason> {
    let stop = inbox.take_stop();
    match stop {
        Some(stop) => {
            not_begun(event_sender, stop.state(), format!("{} before the first step", stop.reason()))
        }
        None => not_begun(event_sender, RunState::Failed, reason),
    }
    stop
}

/// Builds the network and makes the run's folder: `run.toml` first, then `status.json`, which makes it a run.
fn begin<'a>(
    setup: &'a Setup,
    inbox: &'a mut Inbox,
    event_sender: &EventSender,
    runs: &Path,
) -> Result<Fit<'a>> {
    let config = &setup.config;
    let learner = setup.first_learner(inbox, event_sender)?;
    // Before the run has a directory: one that runs out of memory here leaves none.
    let ready = Ready::prepare(setup, learner, first_position(setup), EpochOutputs::nothing(setup.device)?)?;
    let network = ready.learner.network();
    let folder = RunFolder::create(runs, config, &Zoned::now())?;
    let run_lock = folder.lock()?;
    folder.write_config(config, &setup.provenance(network))?;
    let names = setup.dataset.labels().iter().map(|label| label.key.clone()).collect();
    let details = network.details(config.model.arch, names, config.model.freeze_epochs > 0);
    folder.write_model(&table(&details.modules, details.trainable_at_first), &details)?;
    if let Some(server) = config.tracking.server() {
        Ledger::open_for(&folder, &server)?;
    }
    let drawn = evaluation::draw_network(&folder);
    let journal = Journal::begin(folder, run_lock, event_sender.clone())?;
    if let Err(error) = drawn {
        journal.note(Level::Warning, format!("no picture of the network: {}", sentence::of_error(&error)))?;
    }
    fit(setup, ready, journal, inbox)
}

/// Opens and locks the run that is to be resumed.
fn take(path: &Path) -> Result<(RunFolder, RunLock)> {
    let folder = RunFolder::open(path)?;
    let run_lock = folder.lock()?;
    Ok((folder, run_lock))
}

/// Resumes a run from its last checkpoint.
fn resume_run<'a>(
    setup: &'a Setup,
    folder: RunFolder,
    run_lock: RunLock,
    inbox: &'a mut Inbox,
    event_sender: &EventSender,
) -> Result<Fit<'a>> {
    let before = folder.read_provenance()?;
    // A run that was killed before its first checkpoint starts anew, by its own settings and seed.
    let starts_anew = !folder.last_state().is_file() && folder.read_epochs()?.is_empty();
    let mut learner = match starts_anew {
        true => setup.first_learner(inbox, event_sender)?,
        // The checkpoint has all weights.
        false => setup.learner(|_| Ok(()))?,
    };
    let provenance = setup.provenance(learner.network());
    ensure!(
        before.data_digest == provenance.data_digest,
        "the images of {} are not those that run {} was trained on, so it can't be resumed; start a new run",
        setup.config.data.source,
        folder.id()
    );
    let (position, seen) = if starts_anew {
        (first_position(setup), EpochOutputs::nothing(setup.device)?)
    } else {
        let mut restored = Restored::read(&folder.last_state())?;
        learner.restore(&mut restored)?;
        let seen = EpochOutputs::restore(&mut restored, setup.device)?;
        (continued(setup, restored.position, folder.read_config()?.optimizer.epochs), seen)
    };
    let ready = Ready::prepare(setup, learner, position, seen)?;
    // Everything was read and fits: from here on the run's directory changes.
    saving::mend(&folder, &ready.position)?;
    folder.write_config(&setup.config, &provenance)?;
    if let Some(server) = setup.config.tracking.server() {
        Ledger::open_for(&folder, &server)?;
    }
    let journal = Journal::resume(folder, run_lock, event_sender.clone(), &ready.position)?;
    if starts_anew {
        journal.note(
            Level::Info,
            "the run had no checkpoint yet; it starts anew by its own settings and seed",
        )?;
    }
    fit(setup, ready, journal, inbox)
}

/// The position of a resumed run, whose settings may have another number of epochs than `epochs_before`.
fn continued(setup: &Setup, mut position: Position, epochs_before: usize) -> Position {
    let epochs = setup.config.optimizer.epochs;
    if epochs_before != epochs {
        position.rate.set_total(setup.steps_per_epoch() as u64 * epochs as u64);
        // More epochs are wanted: what ended the training before doesn't end it again, and patience starts anew.
        if position.over.take().is_some() {
            position.stopping.reset_wait_count();
        }
    }
    if position.over.is_none() && position.epochs_done >= epochs {
        position.over = Some(format!("all {epochs} epochs are done"));
    }
    position
}

fn first_position(setup: &Setup) -> Position {
    let config = &setup.config;
    let stopping = &config.early_stopping;
    let steps = setup.steps_per_epoch();
    let rate = LearningRate::new(&config.schedule, &config.optimizer, stopping.mode, steps);
    Position::start(rate, EarlyStopping::new(stopping))
}

/// All that a run needs besides its directory; nothing on the disk has changed once it is there.
struct Ready {
    learner: Learner,
    position: Position,
    seen: EpochOutputs,
    placement: Placement,
    /// Subtracted from logits before they become probabilities (`float32 C`).
    shift: Option<Tensor>,
}

impl Ready {
    fn prepare(setup: &Setup, learner: Learner, position: Position, seen: EpochOutputs) -> Result<Self> {
        let shift = setup.logit_correction();
        let shift = match shift.is_empty() {
            true => None,
            false => Some(Tensor::f_from_slice(&shift)?.f_to_device(setup.device)?),
        };
        Ok(Self { learner, position, seen, placement: setup.placement()?, shift })
    }
}

fn fit<'a>(setup: &'a Setup, ready: Ready, journal: Journal, inbox: &'a mut Inbox) -> Result<Fit<'a>> {
    let Ready { learner, position, seen, placement, shift } = ready;
    Ok(Fit {
        setup,
        learner,
        position,
        placement,
        seen,
        shift,
        recorder: Recorder::start(journal, setup.device, setup.config.optimizer.epochs)?,
        inbox,
    })
}

/// Reports what starts.
fn announce(fit: &Fit, setup: &Setup, resumed: bool) -> Result<()> {
    let folder = fit.recorder.journal.folder();
    let Provenance { device, threads, images, image_size, parameters, .. } =
        setup.provenance(fit.learner.network());
    fit.recorder.journal.event(Event::Started(Box::new(RunInfo {
        id: folder.id().clone(),
        path: folder.path().to_owned(),
        config: setup.config.clone(),
        labels: setup.dataset.labels().clone(),
        device,
        threads,
        images,
        image_size,
        parameters,
        steps_per_epoch: setup.steps_per_epoch(),
        resumed_at: resumed.then_some((fit.position.epochs_done, fit.position.step)),
    })))?;
    for note in setup.notes() {
        fit.recorder.journal.note(Level::Warning, note)?;
    }
    Ok(())
}

/// Runs `body` and puts whatever went wrong into one sentence: libtorch's errors by their first line, and a
/// panic too, since libtorch's plain calls panic.
fn guarded<T>(body: impl FnOnce() -> Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(sentence::of_error(&error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(format!("a fault of this program: {}", crate::text::one_line(text, 300)))
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_panic_ends_as_a_sentence_too() {
        let reason = guarded::<()>(|| panic!("on\npurpose")).expect_err("it panicked");
        assert_eq!(reason, "a fault of this program: on purpose");
    }
}
