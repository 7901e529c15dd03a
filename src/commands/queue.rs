//! `train --queue` and `runs queue`: queued runs.

use std::collections::HashSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::{AppPaths, RunConfig};
use chestxr_tui::dataset::Cache;
use chestxr_tui::runs::{Claim, Queue, QueueLock, RunState, Waiting};
use chestxr_tui::text::one_line;
use chestxr_tui::train::{Command, Event, Trainer};

use super::train::{Tracking, print_until_end, printer, watch_signals};
use super::{Exit, UsageError, print_error};

/// Lists the queued runs.
pub fn list(paths: &AppPaths, json: bool) -> Result<Exit> {
    let waiting = Queue::of(&paths.runs).list()?;
    let mut out = std::io::stdout().lock();
    if waiting.is_empty() && !json {
        writeln!(out, "The queue is empty; `runs queue add`, or a on the Runs screen, adds a run.")?;
    }
    for Waiting { number, config, failed } in &waiting {
        match config {
            _ if json => {
                let error = config.as_ref().err().or(failed.as_ref());
                let config = config.as_ref().ok();
                writeln!(out, "{}", json!({"number": number, "config": config, "error": error}))?;
            }
            Ok(config) => {
                let name = one_line(&config.run.name, 40);
                let (arch, source) = (config.model.arch, &config.data.source);
                let epochs = config.optimizer.epochs;
                writeln!(out, "{number:>4}  {arch:<12} {source}, {epochs} epochs  {name}")?;
                if let Some(why) = failed {
                    writeln!(out, "      could not start: {why}")?;
                }
            }
            Err(why) => writeln!(out, "{number:>4}  {why}")?,
        }
    }
    Ok(Exit::Done)
}

/// Appends a run with these settings.
pub fn add(paths: &AppPaths, config: &RunConfig, json: bool) -> Result<Exit> {
    config.validate()?;
    let number = Queue::of(&paths.runs).add(config)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", json!({"number": number}))?;
    } else {
        writeln!(
            out,
            "queued as number {number}; `train --queue`, or Q on the Runs screen, trains the queued runs"
        )?;
    }
    Ok(Exit::Done)
}

/// Removes runs from the queue: all of `numbers`, or none when one is unknown.
pub fn remove(paths: &AppPaths, numbers: &[u32]) -> Result<Exit> {
    let queue = Queue::of(&paths.runs);
    let waiting = queue.list()?;
    let removed: Vec<&Waiting> =
        numbers.iter().map(|number| find(&waiting, *number)).collect::<Result<_>>()?;
    for waiting in removed {
        queue.remove(waiting)?;
    }
    Ok(Exit::Done)
}

/// Moves a run one position towards the start or the end; at the start or end it stays.
pub fn move_run(paths: &AppPaths, number: u32, earlier: bool) -> Result<Exit> {
    let queue = Queue::of(&paths.runs);
    let waiting = queue.list()?;
    let run = find(&waiting, number)?;
    let neighbour = match earlier {
        true => waiting.iter().rev().find(|other| other.number < number),
        false => waiting.iter().find(|other| other.number > number),
    };
    if let Some(neighbour) = neighbour {
        queue.swap(run, neighbour)?;
    }
    Ok(Exit::Done)
}

fn find(waiting: &[Waiting], number: u32) -> Result<&Waiting> {
    let run = waiting.iter().find(|waiting| waiting.number == number);
    let missing = || UsageError(format!("number {number}: not in the queue; `runs queue` lists it"));
    Ok(run.ok_or_else(missing)?)
}

/// Trains the queued runs one after another until the queue is empty. After a failed run the next one starts; an
/// interrupted run ends the command.
pub fn train_all(paths: &AppPaths, json: bool) -> Result<Exit> {
    let queue = Queue::of(&paths.runs);
    let turn = queue.try_lock()?.context(
        "the queue is locked: another process trains its runs, and will reach those that are queued now",
    )?;
    queue.try_anew()?;
    let mut trainer =
        Trainer::spawn(paths.runs.clone(), Cache::new()).context("can't start the trainer's thread")?;
    let interrupted = watch_signals(trainer.commander()).context("can't watch for signals")?;
    let mut tracking = Tracking::start(paths)?;
    let outcome = train_each(&queue, &turn, &mut trainer, &mut tracking, &interrupted, json);
    trainer.shut_down();
    tracking.finish();
    outcome
}

fn train_each(
    queue: &Queue,
    turn: &QueueLock,
    trainer: &mut Trainer,
    tracking: &mut Tracking,
    interrupted: &AtomicBool,
    json: bool,
) -> Result<Exit> {
    let mut printer = printer(json);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut unreadable, mut failed, mut trained) = (HashSet::new(), 0, 0);
    loop {
        if interrupted.load(Ordering::Acquire) {
            return Ok(Exit::Interrupted);
        }
        // Read again each time: other processes change the queue meanwhile.
        for Waiting { number, config, .. } in queue.list()? {
            if let Some(why) = config.err().filter(|_| unreadable.insert(number)) {
                print_error(&format!("queue: number {number} skipped: {why}"));
            }
        }
        let Some(claim) = turn.claim()? else { break };
        trainer.send(Command::Start { config: claim.config.clone(), resume: None });
        let mut claim = Some(claim);
        let mut why = String::new();
        let mut on_event = |event: &Event| {
            tracking.on_event(event);
            match event {
                // It leaves the queue when it has a run directory, so that a kill before doesn't lose it.
                Event::Started(_) => settle(&mut claim, Claim::begun),
                Event::Ended { reason, .. } => why.clone_from(reason),
                _ => {}
            }
        };
        let (state, printed) = runtime.block_on(print_until_end(trainer, &mut *printer, &mut on_event))?;
        // A run that has not started is queued again.
        match state {
            RunState::Finished | RunState::Failed => settle(&mut claim, |claim| claim.failed(&why)),
            _ => settle(&mut claim, Claim::put_back),
        }
        if let Err(error) = printed {
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                return Ok(Exit::Interrupted);
            }
            return Err(error).context("can't write to stdout; the run was stopped with a checkpoint");
        }
        match state {
            RunState::Finished => {}
            RunState::Failed => failed += 1,
            _ => return Ok(Exit::Interrupted),
        }
        trained += 1;
    }
    if trained == 0 && unreadable.is_empty() && !json {
        writeln!(std::io::stdout(), "The queue is empty.")?;
    }
    Ok(if failed + unreadable.len() > 0 { Exit::Failed } else { Exit::Done })
}

/// Records the outcome of a claimed run, once.
fn settle(claim: &mut Option<Claim>, how: impl FnOnce(Claim) -> Result<()>) {
    if let Some(Err(error)) = claim.take().map(how) {
        print_error(&format!("{error:#}"));
    }
}
