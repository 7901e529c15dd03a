//! `train --queue` and `runs queue`: runs that wait for their turn.

use std::collections::HashSet;
use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::Cache;
use chestxr_tui::runs::{Queue, RunState, Waiting};
use chestxr_tui::text::one_line;
use chestxr_tui::train::{Command, Event, Trainer};

use super::train::{Tracking, printer, tell, watch_signals};
use super::{Exit, complain};

/// Tells what waits.
pub fn list(paths: &AppPaths, json: bool) -> Result<Exit> {
    let waiting = Queue::of(&paths.runs).list()?;
    let mut out = std::io::stdout().lock();
    if waiting.is_empty() && !json {
        writeln!(out, "Nothing waits; on the Runs screen a puts a run into the queue.")?;
    }
    for Waiting { number, config } in &waiting {
        match config {
            _ if json => {
                let (config, error) = (config.as_ref().ok(), config.as_ref().err());
                writeln!(out, "{}", json!({"number": number, "config": config, "error": error}))?;
            }
            Ok(config) => {
                let name = one_line(&config.run.name, 40);
                let (arch, source) = (config.model.arch, &config.data.source);
                let epochs = config.optimizer.epochs;
                writeln!(out, "{number:>4}  {arch:<12} {source}, {epochs} epochs  {name}")?;
            }
            Err(why) => writeln!(out, "{number:>4}  {why}")?,
        }
    }
    Ok(Exit::Done)
}

/// Works the queue to its end: the first that waits, then the next, as long as there is one. A run that fails doesn't
/// keep the next from its turn; one that is interrupted ends the work.
pub fn work(paths: &AppPaths, json: bool) -> Result<Exit> {
    let queue = Queue::of(&paths.runs);
    let _turn =
        queue.take_turn()?.context("another process works this queue; what waits there gets its turn")?;
    let mut trainer =
        Trainer::spawn(paths.runs.clone(), Cache::new()).context("can't start the trainer's thread")?;
    watch_signals(trainer.commander()).context("can't watch for signals")?;
    let mut tracking = Tracking::start(paths)?;
    let mut printer = printer(json);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut unreadable, mut failed, mut worked) = (HashSet::new(), 0, 0);
    loop {
        // Read anew each time: others add and move while a run is on.
        let next = queue.list()?.into_iter().find(|waiting| !unreadable.contains(&waiting.number));
        let Some(Waiting { number, config }) = next else { break };
        let config = match config {
            Ok(config) => config,
            Err(why) => {
                complain(&format!("number {number} of the queue is passed over: {why}"));
                unreadable.insert(number);
                continue;
            }
        };
        trainer.send(Command::Start { config, resume: None });
        // It leaves the queue when it has a folder of its own, so that a kill before doesn't lose it.
        let mut heard = |event: &Event| {
            tracking.hear(event);
            if matches!(event, Event::Started(_)) {
                remove(&queue, number);
            }
        };
        let (state, told) = runtime.block_on(tell(&mut trainer, &mut *printer, &mut heard))?;
        if let Err(error) = told {
            trainer.shut_down();
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                return Ok(Exit::Interrupted);
            }
            return Err(error).context("can't write to stdout; the run was ended with a checkpoint");
        }
        match state {
            RunState::Finished => {}
            RunState::Failed => {
                failed += 1;
                // One that couldn't even begin won't the next time either.
                remove(&queue, number);
            }
            _ => {
                trainer.shut_down();
                return Ok(Exit::Interrupted);
            }
        }
        worked += 1;
    }
    trainer.shut_down();
    tracking.finish();
    if worked == 0 && !json {
        writeln!(std::io::stdout(), "Nothing waits in the queue.")?;
    }
    Ok(if failed + unreadable.len() > 0 { Exit::Failed } else { Exit::Done })
}

fn remove(queue: &Queue, number: u32) {
    if let Err(error) = queue.remove(number) {
        complain(&format!("{error:#}; it will start once more"));
    }
}
