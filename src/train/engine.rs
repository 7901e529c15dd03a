//! The trainer's thread: waits for a start, sees the run through, and waits again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::Result;
use jiff::Zoned;
use tch::TchError;
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::early_stopping::EarlyStopping;
use super::fit::{Ending, Fit};
use super::inbox::{Halt, Inbox};
use super::journal::{Journal, Voice};
use super::schedule::ReduceLrOnPlateau;
use super::setup::Setup;
use super::{Command, Event, Level, Phase, Progress, RunInfo};
use crate::config::RunConfig;
use crate::dataset::Cache;
use crate::model::first_line;
use crate::runs::{Provenance, RunFolder, RunState};

/// Serves commands until [`Command::Shutdown`] or until nobody can send any.
pub fn serve(
    mut inbox: Inbox,
    events: &UnboundedSender<Event>,
    progress: &watch::Sender<Progress>,
    runs: &Path,
    cache: &Cache,
) {
    let voice = Voice { events: events.clone(), progress: progress.clone() };
    loop {
        match inbox.next() {
            Command::Start { config } => {
                let halted = work(*config, &mut inbox, &voice, runs, cache);
                voice.progress.send_replace(Progress::default());
                if halted == Some(Halt::Shutdown) {
                    return;
                }
            }
            Command::Shutdown => return,
            _ => voice.note(Level::Info, "no run is on"),
        }
    }
}

/// One run from its wish to its end. Whatever fails ends the run, not the program; what fails before the run
/// has begun leaves no folder behind.
fn work(config: RunConfig, inbox: &mut Inbox, voice: &Voice, runs: &Path, cache: &Cache) -> Option<Halt> {
    voice.progress.send_modify(|progress| progress.phase = Phase::Loading);
    voice.say(Event::Loading { source: config.data.source.clone() });
    let not_begun = |state: RunState, reason: String| {
        voice.say(Event::Ended { id: None, state, reason, best: None });
    };
    let setup = match guarded(|| Setup::prepare(config, cache)) {
        Ok(setup) => setup,
        Err(reason) => {
            not_begun(RunState::Failed, reason);
            return inbox.halt_asked();
        }
    };
    if let Some(halt) = inbox.halt_asked() {
        not_begun(halt.state(), format!("{} before the first step", halt.reason()));
        return Some(halt);
    }
    let mut fit = match guarded(|| begin(&setup, inbox, voice, runs)) {
        Ok(fit) => fit,
        Err(reason) => {
            not_begun(RunState::Failed, reason);
            return None;
        }
    };
    let outcome = guarded(|| {
        announce(&fit, &setup)?;
        fit.run()
    });
    let (state, reason, halted) = match outcome {
        Ok(Ending::Complete(reason)) => (RunState::Finished, reason, None),
        Ok(Ending::Halted(halt)) => (halt.state(), halt.reason().to_owned(), Some(halt)),
        Err(reason) => (RunState::Failed, reason, None),
    };
    fit.journal.end(state, reason, fit.step);
    halted
}

/// Builds the network and makes the run's folder: `run.toml` first, then `status.json`, which makes it a run.
fn begin<'a>(setup: &'a Setup, inbox: &'a mut Inbox, voice: &Voice, runs: &Path) -> Result<Fit<'a>> {
    let config = &setup.config;
    let (network, optimizer) = setup.build()?;
    let folder = RunFolder::create(runs, config, &Zoned::now())?;
    folder.write_config(config, &setup.provenance(&network))?;
    Ok(Fit {
        config,
        dataset: &setup.dataset,
        network,
        optimizer,
        schedule: ReduceLrOnPlateau::new(&config.schedule, config.early_stopping.mode),
        stopping: EarlyStopping::new(&config.early_stopping),
        journal: Journal::begin(folder, voice.clone())?,
        inbox,
        device: setup.device,
        step: 0,
        validation_seconds: 0.0,
        testing: false,
    })
}

/// Tells what starts.
fn announce(fit: &Fit, setup: &Setup) -> Result<()> {
    let folder = fit.journal.folder();
    let Provenance { device, threads, films, film_size, parameters, .. } = setup.provenance(&fit.network);
    fit.journal.event(Event::Started(RunInfo {
        id: folder.id().clone(),
        path: folder.path().to_owned(),
        config: setup.config.clone(),
        labels: setup.dataset.labels().clone(),
        device,
        threads,
        films,
        film_size,
        parameters,
        steps_per_epoch: films[0].div_ceil(setup.config.optimizer.batch_size),
    }))?;
    for note in setup.notes() {
        fit.journal.note(Level::Warning, note)?;
    }
    Ok(())
}

/// Runs `body` and puts whatever went wrong into one sentence: libtorch's errors by their first line, and a
/// panic too, since libtorch's plain calls panic.
fn guarded<T>(body: impl FnOnce() -> Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match error.downcast_ref::<TchError>() {
            Some(error) => format!("libtorch: {}", first_line(error)),
            None => crate::text::one_line(&format!("{error:#}"), 600),
        }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(format!("a fault of this program: {}", crate::text::one_line(text, 300)))
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn a_libtorch_error_becomes_its_first_line() {
        let reason = guarded(|| {
            let [a, b] = [3, 4].map(|n| Tensor::zeros([2, n], (Kind::Float, Device::Cpu)));
            Ok(a.f_matmul(&b)?)
        });
        let reason = reason.expect_err("2x3 by 2x4 is no product");
        assert!(reason.starts_with("libtorch: ") && reason.contains("shapes"), "{reason}");
        assert!(!reason.contains('\n') && !reason.contains("frame #"), "{reason}");
    }

    #[test]
    fn a_panic_ends_as_a_sentence_too() {
        let reason = guarded::<()>(|| panic!("on\npurpose")).expect_err("it panicked");
        assert_eq!(reason, "a fault of this program: on purpose");
    }
}
