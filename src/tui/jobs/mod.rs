//! Background jobs of the workbench: started once, superseded by newer ones, cancelled, and waited for at the end.
//!
//! An [`Effect`] that reads or writes becomes a job in its [`Lane`]; its answer comes back as a [`Message`]. Threads of
//! the program's own rather than the runtime's: a runtime waits without limit for its blocking tasks when it ends.

pub mod job;
pub mod lane;
mod rules;
mod serve;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::dataset::Cache;
use crate::tui::app::{Effect, Message};
use crate::tui::{background, explainer, runs_worker};

use job::{Cancelled, Job, Worker};
use lane::Lane;

/// After a panic, jobs get this long to notice that they are cancelled.
const AFTER_PANIC: Duration = Duration::from_secs(3);

/// A job in its lane.
struct Queued {
    effect: Effect,
    job: Job,
}

/// A lane's jobs. While `thread` is true its thread owns the worker.
#[derive(Default)]
struct LaneState {
    running: Option<Running>,
    waiting: VecDeque<Queued>,
    thread: bool,
    worker: Option<Box<dyn Worker>>,
}

/// The job that runs; without an effect it is work that nobody requested.
struct Running {
    effect: Option<Effect>,
    job: Job,
}

struct Shared {
    lanes: Mutex<BTreeMap<Lane, LaneState>>,
    messages: UnboundedSender<Message>,
    next_id: AtomicU64,
    leaving: std::sync::atomic::AtomicBool,
    runs: PathBuf,
    cache: Cache,
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, BTreeMap<Lane, LaneState>> {
        // No code panics while it holds the lock.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn worker(&self, lane: Lane) -> Box<dyn Worker> {
        match lane {
            Lane::Explain => Box::new(explainer::Explainer::new(&self.runs, &self.cache)),
            Lane::Runs => Box::new(runs_worker::RunsWorker::new(&self.runs)),
            _ => Box::new(background::Reader::new(&self.runs, &self.cache)),
        }
    }

    fn new_job(&self) -> Job {
        Job::new(self.next_id.fetch_add(1, Ordering::Relaxed), &self.messages)
    }
}

/// All background jobs of the workbench.
pub struct Jobs {
    shared: Arc<Shared>,
}

impl Jobs {
    /// No jobs yet; answers go to `messages`.
    pub fn new(runs: PathBuf, cache: Cache, messages: UnboundedSender<Message>) -> Self {
        let shared = Shared {
            lanes: Mutex::default(),
            messages,
            next_id: AtomicU64::new(1),
            leaving: false.into(),
            runs,
            cache,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Starts a job, or lets it wait for the one before it in its lane. Jobs that it supersedes are cancelled. An equal job
    /// that runs or waits is not started again: its id is returned. `None` where the effect is no job or the
    /// program is ending.
    pub fn start(&self, effect: Effect) -> Option<u64> {
        let lane = effect.lane()?;
        if self.shared.leaving.load(Ordering::Relaxed) {
            return None;
        }
        let job = self.shared.new_job();
        let id = job.id;
        let mut lanes = self.shared.lanes();
        let state = lanes.entry(lane).or_default();
        state
            .waiting
            .retain(|queued| effect.is_served_by(&queued.effect) || !effect.supersedes(&queued.effect));
        if let Some(queued) = state.waiting.iter().find(|queued| effect.is_served_by(&queued.effect)) {
            return Some(queued.job.id);
        }
        if let Some(running) = &state.running {
            match &running.effect {
                Some(own) if effect.is_served_by(own) && !running.job.is_cancelled() => {
                    return Some(running.job.id);
                }
                Some(own) if effect.supersedes(own) => running.job.cancel(Cancelled::Superseded),
                Some(_) => {}
                None => running.job.cancel(Cancelled::Superseded),
            }
        }
        state.waiting.push_back(Queued { effect, job });
        if state.thread {
            return Some(id);
        }
        let worker = state.worker.take().unwrap_or_else(|| self.shared.worker(lane));
        state.thread = true;
        drop(lanes);
        serve::spawn(&self.shared, lane, worker);
        Some(id)
    }

    /// Cancels the jobs of a lane at the user's request; each answers that it was cancelled.
    pub fn cancel(&self, lane: Lane) {
        if let Some(state) = self.shared.lanes().get_mut(&lane) {
            state.running.iter().for_each(|running| running.job.cancel(Cancelled::Requested));
            state.waiting.iter().for_each(|queued| queued.job.cancel(Cancelled::Requested));
        }
    }

    /// Starts no job from here on, and cancels those that need not be completed.
    pub fn leave(&self) {
        self.shared.leaving.store(true, Ordering::Relaxed);
        for state in self.shared.lanes().values_mut() {
            state.waiting.retain(|queued| queued.effect.must_finish());
            if let Some(running) = &state.running
                && !running.effect.as_ref().is_some_and(Effect::must_finish)
            {
                running.job.cancel(Cancelled::Requested);
            }
        }
    }

    /// The lanes with a job that runs or waits, and whether one of them must be completed.
    pub fn unfinished(&self) -> (Vec<Lane>, bool) {
        let lanes = self.shared.lanes();
        let busy: Vec<_> = lanes.iter().filter(|(_, state)| state.thread).collect();
        let must_finish = |state: &&LaneState| {
            let running = state.running.as_ref().and_then(|running| running.effect.as_ref());
            running
                .into_iter()
                .chain(state.waiting.iter().map(|queued| &queued.effect))
                .any(Effect::must_finish)
        };
        let must = busy.iter().any(|(_, state)| must_finish(state));
        (busy.into_iter().map(|(lane, _)| *lane).collect(), must)
    }
}

impl Drop for Jobs {
    /// Where the program ends by a panic, destructors of libtorch's globals must not run under a thread that
    /// computes: the jobs are cancelled and waited for, and else the process ends without destructors.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.leave();
        let until = Instant::now() + AFTER_PANIC;
        while !self.unfinished().0.is_empty() {
            if Instant::now() >= until {
                // SAFETY: the panic hook has restored the terminal and written its report; nothing else is owed.
                unsafe { libc::_exit(101) }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(test)]
mod tests;
