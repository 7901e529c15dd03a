//! The two channels to a trainer, and the thread behind them.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc::UnboundedReceiver, watch};

use super::{Command, Event, Progress};
use crate::dataset::Cache;

/// A trainer on its own thread, seen from outside. Nothing a reader does or leaves undone slows it down:
/// sending never waits, events queue up, and progress is only ever the latest value.
pub struct Trainer {
    commands: mpsc::Sender<Command>,
    /// What happened, in order.
    pub events: UnboundedReceiver<Event>,
    /// Where the trainer is now.
    pub progress: watch::Receiver<Progress>,
    thread: Option<JoinHandle<()>>,
}

/// A handle to send commands with, e.g. from a signal's thread.
#[derive(Clone)]
pub struct Commander(mpsc::Sender<Command>);

impl Commander {
    /// Says `command` to the trainer. Nothing happens when it has ended.
    pub fn send(&self, command: Command) {
        super::log::log_command(&command);
        // A trainer that has ended needs no commands any more.
        let _ = self.0.send(command);
    }
}

impl Trainer {
    /// Starts the thread, which waits for [`Command::Start`]. Runs are kept in `runs`; data sets are shared
    /// through `cache`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn spawn(runs: PathBuf, cache: Cache) -> std::io::Result<Self> {
        let (commands, inbox) = mpsc::channel();
        let (outbox, events) = tokio::sync::mpsc::unbounded_channel();
        let (latest, progress) = watch::channel(Progress::default());
        let thread = std::thread::Builder::new().name("trainer".into()).spawn(move || {
            super::engine::serve(super::inbox::Inbox::new(inbox), &outbox, &latest, &runs, &cache);
        })?;
        Ok(Self { commands, events, progress, thread: Some(thread) })
    }

    /// Says `command` to the trainer. Nothing happens when it has ended.
    pub fn send(&self, command: Command) {
        self.commander().send(command);
    }

    /// Another handle to send commands with.
    pub fn commander(&self) -> Commander {
        Commander(self.commands.clone())
    }

    /// Ends the run that is on, with a checkpoint, and waits for the thread.
    pub fn shut_down(mut self) {
        self.send(Command::Shutdown);
        if let Some(thread) = self.thread.take() {
            // A panic of the trainer has been reported by the hook and as the run's end.
            let _ = thread.join();
        }
    }
}
