//! Events of a run: written to its directory first, then sent to the readers.

use std::time::Instant;

use anyhow::Result;
use jiff::Timestamp;
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::checkpoint::Position;
use super::{EpochReport, Event, Level, Progress};
use crate::runs::{Best, RunFolder, RunLock, RunState, Status};

/// Sends events and progress; a reader that is gone is no reason to stop.
#[derive(Clone)]
pub struct EventSender {
    pub events: UnboundedSender<Event>,
    pub progress: watch::Sender<Progress>,
}

impl EventSender {
    /// Sends an event.
    pub fn emit(&self, event: Event) {
        super::log::log_event(&event);
        let _ = self.events.send(event);
    }

    /// Sends a note.
    pub fn note(&self, level: Level, text: impl Into<String>) {
        self.emit(Event::Note { level, text: text.into() });
    }
}

/// A run's folder, the right to write it, its status and the [`EventSender`].
pub struct Journal {
    folder: RunFolder,
    hold: RunLock,
    status: Status,
    event_sender: EventSender,
    started: Instant,
}

impl Journal {
    /// Begins the journal of a run: its `status.json` says `running` from here on.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn begin(folder: RunFolder, hold: RunLock, event_sender: EventSender) -> Result<Self> {
        let status = Status::starting(Timestamp::now());
        folder.write_status(&status)?;
        Ok(Self { folder, hold, status, event_sender, started: Instant::now() })
    }

    /// Resumes the journal of a run at `position`.
    ///
    /// # Errors
    /// When the folder can't be read or written.
    pub fn resume(
        folder: RunFolder,
        hold: RunLock,
        event_sender: EventSender,
        position: &Position,
    ) -> Result<Self> {
        let lost = folder.rewind(position.epochs_done)?;
        let status = Status {
            epoch: position.epochs_done,
            step: position.step,
            best: position.best.clone(),
            ..folder.read_status()?.resumed_at_time(Timestamp::now())
        };
        folder.write_status(&status)?;
        let journal = Self { folder, hold, status, event_sender, started: Instant::now() };
        if !lost.is_empty() {
            let epochs: Vec<String> = lost.iter().map(usize::to_string).collect();
            let text = format!(
                "metrics.jsonl lacks epochs {}, which the checkpoint has; curves and exports have a gap there",
                epochs.join(", ")
            );
            journal.note(Level::Warning, text)?;
        }
        Ok(journal)
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Seconds since the journal began.
    pub fn elapsed(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Appends an event to the journal and sends it.
    ///
    /// # Errors
    /// When `events.jsonl` can't be written.
    pub fn event(&self, event: Event) -> Result<()> {
        self.folder.append_event(Timestamp::now(), &event)?;
        self.event_sender.emit(event);
        Ok(())
    }

    /// Appends a note to the journal and sends it.
    ///
    /// # Errors
    /// When `events.jsonl` can't be written.
    pub fn note(&self, level: Level, text: impl Into<String>) -> Result<()> {
        self.event(Event::Note { level, text: text.into() })
    }

    /// Writes an epoch down (`metrics.jsonl`, then `status.json`, and what the record can't hold into
    /// `events.jsonl`) and emits it.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn epoch(&mut self, report: EpochReport) -> Result<()> {
        self.folder.append_epoch(&report.record)?;
        self.status.epoch = report.record.epoch;
        self.touch(report.record.step)?;
        self.event(Event::Epoch(Box::new(report)))
    }

    /// Names the best epoch in `status.json`, once its weights are on the disk.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn best(&mut self, best: Best, step: u64) -> Result<()> {
        self.status.best = Some(best);
        self.touch(step)
    }

    /// Brings `status.json` up to date.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn touch(&mut self, step: u64) -> Result<()> {
        self.status.step = step;
        self.status.updated = Timestamp::now();
        self.status.session_seconds = Some(self.elapsed());
        self.folder.write_status(&self.status)
    }

    /// Changes the state of a running run.
    ///
    /// # Errors
    /// When `status.json` can't be written.
    pub fn state(&mut self, state: RunState, step: u64) -> Result<()> {
        self.status.state = state;
        self.touch(step)
    }

    /// Changes what `progress` shows.
    pub fn progress(&self, change: impl FnOnce(&mut Progress)) {
        self.event_sender.progress.send_modify(change);
    }

    /// Ends the run: `status.json` first, so that readers of the last event find the final state there.
    /// A folder that can't be written any more makes it a failure.
    pub fn end(mut self, mut state: RunState, mut reason: String, step: u64) {
        self.status.state = state;
        self.status.reason = Some(reason.clone());
        self.status.ended = Some(Timestamp::now());
        if let Err(error) = self.touch(step) {
            reason = format!("{state}: {reason}, but {error:#}");
            state = RunState::Failed;
        }
        let event = Event::Ended {
            id: Some(self.folder.id().clone()),
            state,
            reason,
            best: self.status.best.clone(),
        };
        if let Err(error) = self.folder.append_event(Timestamp::now(), &event) {
            self.event_sender.note(Level::Error, format!("{error:#}"));
        }
        // Readers of the last event may resume the run or delete it.
        drop(self.hold);
        self.event_sender.emit(event);
    }
}
