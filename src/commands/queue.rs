//! `train --queue` and `runs queue`: runs that wait for their turn.

use std::collections::HashSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::{AppPaths, RunConfig};
use chestxr_tui::dataset::Cache;
use chestxr_tui::runs::{Claim, Queue, RunState, Turn, Waiting};
use chestxr_tui::text::one_line;
use chestxr_tui::train::{Command, Event, Trainer};

use super::train::{Tracking, printer, tell, watch_signals};
use super::{Exit, UsageError, print_error};

/// Tells what waits.
pub fn list(paths: &AppPaths, json: bool) -> Result<Exit> {
    let waiting = Queue::of(&paths.runs).list()?;
    let mut out = std::io::stdout().lock();
    if waiting.is_empty() && !json {
        writeln!(out, "Nothing waits; `runs queue add` and a on the Runs screen put a run into the queue.")?;
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
                    writeln!(out, "      could not begin: {why}")?;
                }
            }
            Err(why) => writeln!(out, "{number:>4}  {why}")?,
        }
    }
    Ok(Exit::Done)
}

/// Puts a run with these settings at the end.
pub fn add(paths: &AppPaths, config: &RunConfig, json: bool) -> Result<Exit> {
    config.validate()?;
    let number = Queue::of(&paths.runs).add(config)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", json!({"number": number}))?;
    } else {
        writeln!(out, "queued as number {number}; `train --queue` or Q on the Runs screen works the queue")?;
    }
    Ok(Exit::Done)
}

/// Takes runs out.
pub fn remove(paths: &AppPaths, numbers: &[u32]) -> Result<Exit> {
    let queue = Queue::of(&paths.runs);
    let waiting = queue.list()?;
    // All are looked for first: either all go or none.
    let doomed: Vec<&Waiting> =
        numbers.iter().map(|number| find(&waiting, *number)).collect::<Result<_>>()?;
    for waiting in doomed {
        queue.remove(waiting)?;
    }
    Ok(Exit::Done)
}

/// Moves a run one place towards the beginning or the end; one that is there already stays.
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
    let found = waiting.iter().find(|waiting| waiting.number == number);
    let missing = || UsageError(format!("nothing waits under number {number}; `runs queue` tells what does"));
    Ok(found.ok_or_else(missing)?)
}

/// Works the queue to its end: the first that waits, then the next, as long as there is one. A run that fails doesn't
/// keep the next from its turn; one that is interrupted ends the work.
pub fn work(paths: &AppPaths, json: bool) -> Result<Exit> {
    let queue = Queue::of(&paths.runs);
    let turn =
        queue.take_turn()?.context("another process works this queue; what waits there gets its turn")?;
    queue.try_anew()?;
    let mut trainer =
        Trainer::spawn(paths.runs.clone(), Cache::new()).context("can't start the trainer's thread")?;
    let interrupted = watch_signals(trainer.commander()).context("can't watch for signals")?;
    let mut tracking = Tracking::start(paths)?;
    let worked = work_all(&queue, &turn, &mut trainer, &mut tracking, &interrupted, json);
    trainer.shut_down();
    tracking.finish();
    worked
}

fn work_all(
    queue: &Queue,
    turn: &Turn,
    trainer: &mut Trainer,
    tracking: &mut Tracking,
    interrupted: &AtomicBool,
    json: bool,
) -> Result<Exit> {
    let mut printer = printer(json);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut unreadable, mut failed, mut worked) = (HashSet::new(), 0, 0);
    loop {
        if interrupted.load(Ordering::Acquire) {
            return Ok(Exit::Interrupted);
        }
        // Read anew each time: others add and move while a run is on.
        for Waiting { number, config, .. } in queue.list()? {
            if let Some(why) = config.err().filter(|_| unreadable.insert(number)) {
                print_error(&format!("number {number} of the queue is passed over: {why}"));
            }
        }
        let Some(claim) = turn.claim()? else { break };
        trainer.send(Command::Start { config: claim.config.clone(), resume: None });
        let mut claim = Some(claim);
        let mut why = String::new();
        let mut heard = |event: &Event| {
            tracking.hear(event);
            match event {
                // It leaves the queue when it has a folder of its own, so that a kill before doesn't lose it.
                Event::Started(_) => settle(&mut claim, Claim::begun),
                Event::Ended { reason, .. } => why.clone_from(reason),
                _ => {}
            }
        };
        let (state, told) = runtime.block_on(tell(trainer, &mut *printer, &mut heard))?;
        // One that hasn't begun waits again.
        match state {
            RunState::Finished | RunState::Failed => settle(&mut claim, |claim| claim.failed(&why)),
            _ => settle(&mut claim, Claim::put_back),
        }
        if let Err(error) = told {
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                return Ok(Exit::Interrupted);
            }
            return Err(error).context("can't write to stdout; the run was ended with a checkpoint");
        }
        match state {
            RunState::Finished => {}
            RunState::Failed => failed += 1,
            _ => return Ok(Exit::Interrupted),
        }
        worked += 1;
    }
    if worked == 0 && unreadable.is_empty() && !json {
        writeln!(std::io::stdout(), "Nothing waits in the queue.")?;
    }
    Ok(if failed + unreadable.len() > 0 { Exit::Failed } else { Exit::Done })
}

/// Says what became of a run that was taken, once.
fn settle(claim: &mut Option<Claim>, how: impl FnOnce(Claim) -> Result<()>) {
    if let Some(Err(error)) = claim.take().map(how) {
        print_error(&format!("{error:#}"));
    }
}
