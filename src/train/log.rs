//! Trainer commands and events as entries of the log file.

use super::{Command, Event, Level};
use crate::runs::RunState;

/// Logs a command that the trainer receives.
pub(super) fn log_command(command: &Command) {
    let name = match command {
        Command::Start { resume: Some(run), .. } => {
            tracing::info!(run = %run.display(), "command: resume run");
            return;
        }
        Command::Start { .. } => "start run",
        Command::FindLr { .. } => "learning rate range test",
        Command::Pause => "pause",
        Command::Resume => "resume",
        Command::Stop => "stop",
        Command::Interrupt => "interrupt",
        Command::Checkpoint => "checkpoint",
        Command::SetLearningRate { lr } => {
            tracing::info!(lr, "command: set learning rate");
            return;
        }
        Command::Shutdown => "shut down",
    };
    tracing::info!("command: {name}");
}

/// Logs an event that the trainer emits.
pub(super) fn log_event(event: &Event) {
    match event {
        Event::Loading { source } => tracing::info!(source, "loading data"),
        Event::Started(info) => tracing::info!(run = %info.id, device = info.device, "run started"),
        Event::Epoch(report) => {
            tracing::info!(epoch = report.record.epoch, seconds = report.record.epoch_seconds, "epoch");
        }
        Event::LearningRate { from, to, reason } => tracing::info!(from, to, reason, "learning rate"),
        Event::Checkpoint { file, epoch, step } => tracing::info!(file, epoch, step, "checkpoint"),
        Event::Note { level: Level::Info, text } => tracing::info!("{text}"),
        Event::Note { level: Level::Warning, text } => tracing::warn!("{text}"),
        Event::Note { level: Level::Error, text } => tracing::error!("{text}"),
        Event::Evaluated { split, .. } => tracing::info!(split, "evaluated"),
        Event::LrFound(_) => tracing::info!("learning rate range test ended"),
        Event::Ended { state: RunState::Failed, reason, .. } => tracing::error!("run failed: {reason}"),
        Event::Ended { state, reason, .. } => tracing::info!(%state, reason, "run ended"),
        Event::Paused { step } => tracing::info!(step, "paused"),
        Event::Resumed { step } => tracing::info!(step, "resumed"),
    }
}
