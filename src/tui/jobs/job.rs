//! A job as its worker sees it, and what a worker is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use crate::tui::app::{Effect, Message};

/// The answer to a job that was cancelled.
pub const CANCELLED: &str = "cancelled";

/// The answer to a job that panicked.
pub const BROKE: &str = "the program broke here; the log on the Train screen has the reason";

/// Does the jobs of a lane, in the lane's thread. What it owns lasts as long as the program.
pub trait Worker: Send {
    /// Does a job. The answer is sent unless a newer job superseded this one.
    fn handle(&mut self, effect: Effect, job: &Job) -> Option<Message>;

    /// Whether there is work that nobody requested, to be done while no job waits.
    fn has_idle_work(&self) -> bool {
        false
    }

    /// Does a part of that work; a job that arrives cancels it.
    fn work_idly(&mut self, _job: &Job) {}

    /// The answer to a job that can't be done.
    fn refuse(&self, effect: &Effect, reason: String) -> Message;
}

/// Why a job is to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cancelled {
    /// A newer job of its lane makes its answer useless.
    Superseded = 1,
    /// The user cancelled it, or the program ends.
    Requested = 2,
}

/// A running job, as its worker sees it.
#[derive(Clone)]
pub struct Job {
    pub id: u64,
    cancelled: Arc<AtomicU8>,
    messages: UnboundedSender<Message>,
}

impl Job {
    pub(super) fn new(id: u64, messages: &UnboundedSender<Message>) -> Self {
        Self { id, cancelled: Arc::default(), messages: messages.clone() }
    }

    /// Whether the work is to end early.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) != 0
    }

    pub(super) fn is_superseded(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) == Cancelled::Superseded as u8
    }

    pub(super) fn cancel(&self, why: Cancelled) {
        self.cancelled.store(why as u8, Ordering::Relaxed);
    }

    /// Sends a message besides the answer: progress, or a partial result.
    pub fn send(&self, message: Message) {
        // The event loop may have ended already.
        let _ = self.messages.send(message);
    }
}

/// Runs `work`; a panic becomes a sentence, so that a screen never waits for an answer that doesn't come.
pub fn guarded<T, E: Into<anyhow::Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map(|outcome| outcome.map_err(|error| crate::sentence::of_error(&error.into())))
        .unwrap_or_else(|_| Err(BROKE.to_owned()))
        .map_err(|reason| crate::text::one_line(&reason, 600))
        .inspect_err(|reason| tracing::warn!("background job failed: {reason}"))
}
