//! The trainer's thread: waits for a start, sets a run up, sees it through, and waits again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::Receiver;

use anyhow::{Context, Result, bail};
use jiff::Zoned;
use tch::{Cuda, Device, TchError};
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::early_stopping::EarlyStopping;
use super::fit::{Ending, Fit, Halt};
use super::journal::{Journal, Voice};
use super::optimizer::Adam;
use super::schedule::ReduceLrOnPlateau;
use super::{Command, Event, Level, Phase, Progress, RunInfo};
use crate::config::{Monitor, RunConfig};
use crate::dataset::{Cache, Dataset, Split};
use crate::model::{Network, Shape, first_line};
use crate::native;
use crate::runs::{Provenance, RunFolder, RunState};

/// Serves commands until [`Command::Shutdown`] or until nobody can send any.
pub fn serve(
    inbox: &Receiver<Command>,
    events: &UnboundedSender<Event>,
    progress: &watch::Sender<Progress>,
    runs: &Path,
    cache: &Cache,
) {
    let voice = Voice { events: events.clone(), progress: progress.clone() };
    while let Ok(command) = inbox.recv() {
        match command {
            Command::Start { config } => {
                let halted = work(*config, inbox, &voice, runs, cache);
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

/// One run from its wish to its end. Whatever fails ends the run, not the program.
fn work(
    config: RunConfig,
    inbox: &Receiver<Command>,
    voice: &Voice,
    runs: &Path,
    cache: &Cache,
) -> Option<Halt> {
    voice.progress.send_modify(|progress| progress.phase = Phase::Loading);
    voice.say(Event::Loading { source: config.data.source.clone() });
    let prepared = guarded(|| prepare(config, runs, cache));
    let setup = match prepared {
        Ok(setup) => setup,
        Err(reason) => {
            voice.say(Event::Ended { id: None, state: RunState::Failed, reason, best: None });
            return None;
        }
    };
    let folder = setup.folder.clone();
    let journal = match Journal::begin(folder, voice.clone()) {
        Ok(journal) => journal,
        Err(error) => {
            let id = Some(setup.folder.id().clone());
            voice.say(Event::Ended { id, state: RunState::Failed, reason: format!("{error:#}"), best: None });
            return None;
        }
    };
    let (journal, step, outcome) = see_through(&setup, journal, inbox);
    let (state, reason, halted) = match outcome {
        Ok(Ending::Complete(reason)) => (RunState::Finished, reason, None),
        Ok(Ending::Halted(halt)) => match halt {
            Halt::Stop => (RunState::Stopped, "stopped by hand".to_owned(), Some(halt)),
            Halt::Shutdown => (RunState::Stopped, "stopped as the program ended".to_owned(), Some(halt)),
            Halt::Interrupt => (RunState::Interrupted, "interrupted by a signal".to_owned(), Some(halt)),
        },
        Err(reason) => (RunState::Failed, reason, None),
    };
    if let Err(error) = journal.end(state, reason, step) {
        voice.note(Level::Error, format!("{error:#}"));
    }
    halted
}

/// What a run starts from.
struct Setup {
    config: RunConfig,
    dataset: std::sync::Arc<Dataset>,
    device: Device,
    folder: RunFolder,
}

/// Reads the data and makes the run's folder, once everything that can be checked has been.
fn prepare(mut config: RunConfig, runs: &Path, cache: &Cache) -> Result<Setup> {
    let device = resolve_device(&config.run.device)?;
    let dataset = cache.load(&config.data)?;
    for split in Split::ALL {
        dataset.trainable(split)?;
    }
    // The run's own file must mean the same films from any folder.
    config.data.source = dataset.source().absolute().to_string();
    if let Some((height, width)) = dataset.film_size() {
        config.data.size = height;
        if height != width && config.model.arch == crate::config::Arch::ChestNetS && width % 8 != 0 {
            bail!(
                "chestnet-s halves its films three times, so their width must be a multiple of 8, not {width}"
            );
        }
    }
    config.validate()?;
    let monitor = config.early_stopping.monitor;
    if matches!(monitor, Monitor::ValAurocMacro | Monitor::ValAuprcMacro)
        && !can_be_ranked(&dataset, Split::Val)
    {
        bail!(
            "no condition is both present and absent in the validation films, so {monitor} is undefined; \
             watch the loss: early_stopping.monitor=val_loss, early_stopping.mode=min"
        );
    }
    let folder = RunFolder::create(runs, &config, &Zoned::now())?;
    Ok(Setup { config, dataset, device, folder })
}

/// Whether some condition of a split is both present and absent, so that an AUROC exists.
fn can_be_ranked(dataset: &Dataset, split: Split) -> bool {
    let stats = dataset.stats(split);
    stats.positives.iter().any(|&positives| positives > 0 && positives < stats.films)
}

/// Trains; gives the journal back with the steps done and how it went, in words when it failed.
fn see_through(
    setup: &Setup,
    journal: Journal,
    inbox: &Receiver<Command>,
) -> (Journal, u64, Result<Ending, String>) {
    let config = &setup.config;
    let built = guarded(|| build(setup));
    let (network, optimizer) = match built {
        Ok(built) => built,
        Err(reason) => return (journal, 0, Err(reason)),
    };
    let mut fit = Fit {
        config,
        dataset: &setup.dataset,
        network,
        optimizer,
        schedule: ReduceLrOnPlateau::new(&config.schedule, config.early_stopping.mode),
        stopping: EarlyStopping::new(&config.early_stopping),
        journal,
        inbox,
        device: setup.device,
        step: 0,
        validation_seconds: 0.0,
    };
    let outcome = guarded(|| {
        announce(&fit, setup)?;
        fit.run()
    });
    (fit.journal, fit.step, outcome)
}

fn build(setup: &Setup) -> Result<(Network, Adam)> {
    let config = &setup.config;
    // The number belongs to the process: a run that leaves it open must not inherit the last run's.
    static DEFAULT_THREADS: OnceLock<i32> = OnceLock::new();
    let default = *DEFAULT_THREADS.get_or_init(tch::get_num_threads);
    tch::set_num_threads(if config.run.threads > 0 { config.run.threads as i32 } else { default });
    tch::manual_seed(config.run.seed as i64);
    let (height, width) = setup.dataset.film_size().context("the data set has no films")?;
    let shape = Shape { height, width, classes: setup.dataset.labels().len() };
    let mut network = Network::build(&config.model, shape, setup.device)?;
    if !config.model.init.is_empty() {
        network.state_mut().load(Path::new(&config.model.init))?;
    }
    let optimizer = Adam::new(network.state(), &config.optimizer)?;
    Ok((network, optimizer))
}

/// Writes `run.toml` and tells what starts.
fn announce(fit: &Fit, setup: &Setup) -> Result<()> {
    let dataset = &setup.dataset;
    let films = Split::ALL.map(|split| dataset.part(split).labels.len());
    let film_size = dataset.film_size().map_or([0, 0], |(height, width)| [height, width]);
    let info = RunInfo {
        id: setup.folder.id().clone(),
        path: setup.folder.path().to_owned(),
        config: setup.config.clone(),
        labels: dataset.labels().clone(),
        device: device_name(setup.device),
        threads: tch::get_num_threads() as usize,
        films,
        film_size,
        parameters: fit.network.state().parameter_count(),
        steps_per_epoch: films[0].div_ceil(setup.config.optimizer.batch_size),
    };
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: native::libtorch_version().to_owned(),
        device: info.device.clone(),
        threads: info.threads,
        command_line: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
        data_digest: dataset.digest().to_owned(),
        conditions: dataset.labels().iter().map(|label| label.key.clone()).collect(),
        films,
        film_size,
        parameters: info.parameters,
    };
    setup.folder.write_config(&setup.config, &provenance)?;
    fit.journal.event(Event::Started(info))?;
    for warning in setup.config.warnings() {
        fit.journal.note(Level::Warning, warning)?;
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

/// The device of a setting: `auto` takes CUDA when there is one.
///
/// # Errors
/// When CUDA is asked for and this machine or this build has none, or not so many.
pub fn resolve_device(wanted: &str) -> Result<Device> {
    let cuda = |index: usize| -> Result<Device> {
        let count = Cuda::device_count();
        if !Cuda::is_available() || index as i64 >= count {
            bail!(
                "there is no CUDA device {index} here (libtorch sees {}); set run.device=cpu, or see `chestxr-tui doctor`",
                count.max(0)
            );
        }
        Ok(Device::Cuda(index))
    };
    match wanted {
        "auto" => Ok(Device::cuda_if_available()),
        "cpu" => Ok(Device::Cpu),
        "cuda" => cuda(0),
        other => match other.strip_prefix("cuda:").and_then(|index| index.parse().ok()) {
            Some(index) => cuda(index),
            None => bail!("`run.device` can't be `{other}`: it takes auto, cpu, cuda or cuda:N"),
        },
    }
}

/// `cpu` or `cuda:N`.
fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        Device::Cpu => "cpu".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

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

    #[test]
    fn a_device_that_is_not_there_is_named() {
        assert!(matches!(resolve_device("cpu"), Ok(Device::Cpu)));
        let count = Cuda::device_count();
        let message = resolve_device(&format!("cuda:{count}")).expect_err("one too many").to_string();
        assert!(message.contains(&format!("there is no CUDA device {count} here")), "{message}");
    }
}
