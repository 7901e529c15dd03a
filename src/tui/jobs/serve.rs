//! A lane's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::job::{BROKE, CANCELLED, Job, Worker};
use super::lane::Lane;
use super::{Queued, Running, Shared};
use crate::tui::app::Message;

/// Starts the lane's thread, which ends once no job waits and there is no idle work. Where the system refuses a thread
/// every waiting job is answered so.
pub(super) fn spawn(shared: &Arc<Shared>, lane: Lane, worker: Box<dyn Worker>) {
    // In the lane until the thread takes it: a thread that isn't started would drop it.
    if let Some(state) = shared.lanes().get_mut(&lane) {
        state.worker = Some(worker);
    }
    let own = shared.clone();
    let name = format!("job-{lane:?}").to_lowercase();
    if let Err(error) = std::thread::Builder::new().name(name).spawn(move || serve(&own, lane)) {
        let reason = format!("the system refuses another thread ({error}); close other programs");
        let mut lanes = shared.lanes();
        let Some(state) = lanes.get_mut(&lane) else { return };
        state.thread = false;
        for Queued { effect, job } in state.waiting.drain(..) {
            if let Some(worker) = &state.worker {
                job.send(worker.refuse(&effect, reason.clone()));
            }
        }
    }
}

/// What the thread does next.
enum Next {
    Job(Queued),
    Idle(Job),
}

fn serve(shared: &Shared, lane: Lane) {
    let mut slot = shared.lanes().get_mut(&lane).and_then(|state| state.worker.take());
    loop {
        let Some(next) = next(shared, lane, &mut slot) else { return };
        let worker = slot.get_or_insert_with(|| shared.worker(lane));
        match next {
            Next::Idle(job) => {
                if catch_unwind(AssertUnwindSafe(|| worker.work_idly(&job))).is_err() {
                    *worker = shared.worker(lane);
                }
            }
            Next::Job(Queued { effect, job }) if job.is_cancelled() => {
                job.send(worker.refuse(&effect, CANCELLED.to_owned()));
            }
            Next::Job(Queued { effect, job }) => {
                let answer = catch_unwind(AssertUnwindSafe(|| worker.handle(effect.clone(), &job)));
                let answer = answer.unwrap_or_else(|_| {
                    // Its state may be half changed.
                    *worker = shared.worker(lane);
                    Some(worker.refuse(&effect, BROKE.to_owned()))
                });
                if let Some(answer) = answer.filter(|_| !job.is_superseded()) {
                    job.send(answer);
                }
            }
        }
    }
}

/// Takes the next job; the worker goes back into the lane when there is none.
fn next(shared: &Shared, lane: Lane, worker: &mut Option<Box<dyn Worker>>) -> Option<Next> {
    let mut lanes = shared.lanes();
    let state = lanes.entry(lane).or_default();
    state.running = None;
    if let Some(queued) = state.waiting.pop_front() {
        state.running = Some(Running { effect: Some(queued.effect.clone()), job: queued.job.clone() });
        return Some(Next::Job(queued));
    }
    if worker.as_ref().is_some_and(|worker| worker.has_idle_work()) && !shared.leaving.load(Ordering::Relaxed)
    {
        let job = shared.new_job();
        state.running = Some(Running { effect: None, job: job.clone() });
        return Some(Next::Idle(job));
    }
    state.thread = false;
    state.worker = worker.take();
    // Wakes the loop, which may be waiting for the last job to end.
    let _ = shared.messages.send(Message::LaneIdle);
    None
}
