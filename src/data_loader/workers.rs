//! Batches made ahead of the step by worker threads, delivered in order.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tch::TchError;

use super::Epoch;
use super::collate::{Collator, HostWork, RawBatch};

/// Batches that may lie ready for each worker: enough to bridge a slow one, few enough to hold.
const AHEAD_PER_WORKER: usize = 2;

/// Worker threads that make the batches of one epoch. What they make depends on seed, epoch and image alone,
/// so their number changes nothing but the time.
pub(super) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The next batch a worker takes, and the next that is handed out.
    taken: usize,
    given: usize,
    ahead: usize,
    ready: BTreeMap<usize, Result<RawBatch, TchError>>,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked has changed nothing halfway: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workers {
    /// Starts `threads` threads on an epoch, from batch `first` on.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(work: &HostWork, epoch: &Epoch, first: usize, threads: usize) -> io::Result<Self> {
        let ahead = AHEAD_PER_WORKER * threads;
        let worker = || {
            let (work, epoch) = (work.clone(), epoch.clone());
            move |number: usize| {
                // Buffers of the collator live as long as the batch: a panic leaves nothing half done behind.
                let mut collator = Collator::new(&work);
                collator.announce(&epoch, number + ahead);
                collator.make(&epoch, number)
            }
        };
        Self::start_with(worker, epoch.batches(), first, threads)
    }

    /// Starts threads that make batches `first..batches`, each by a closure of its own.
    fn start_with<W>(worker: impl Fn() -> W, batches: usize, first: usize, threads: usize) -> io::Result<Self>
    where
        W: FnMut(usize) -> Result<RawBatch, TchError> + Send + 'static,
    {
        let ahead = AHEAD_PER_WORKER * threads;
        let state = State { taken: first, given: first, ahead, ready: BTreeMap::new(), stop: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mut all = Self { shared, threads: Vec::new() };
        for number in 0..threads {
            let (shared, mut make) = (Arc::clone(&all.shared), worker());
            let name = format!("batches-{number}");
            all.threads.push(std::thread::Builder::new().name(name).spawn(move || {
                while let Some(number) = take(&shared, batches) {
                    // The reader waits for this batch, so a panic must become its answer.
                    let batch = catch_unwind(AssertUnwindSafe(|| make(number))).unwrap_or_else(|_| {
                        Err(TchError::Torch(
                            "a thread that makes batches broke; the log has the reason".into(),
                        ))
                    });
                    shared.lock().ready.insert(number, batch);
                    shared.changed.notify_all();
                }
            })?);
        }
        Ok(all)
    }

    /// The next batch, waited for.
    ///
    /// # Errors
    /// When libtorch refused the memory, or the workers are gone.
    pub fn next_batch(&mut self) -> Result<RawBatch, TchError> {
        let mut state = self.shared.lock();
        loop {
            let number = state.given;
            if let Some(batch) = state.ready.remove(&number) {
                state.given += 1;
                drop(state);
                self.shared.changed.notify_all();
                return batch;
            }
            if self.threads.iter().all(JoinHandle::is_finished) {
                return Err(TchError::Torch("the threads that make batches have ended".into()));
            }
            // Checked again now and then: threads that have ended wake nobody.
            let wait = std::time::Duration::from_millis(200);
            state = self
                .shared
                .changed
                .wait_timeout(state, wait)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A panic of a worker has been reported by the hook.
            let _ = thread.join();
        }
    }
}

/// The next batch for a worker; `None` when there is none or nobody wants it.
fn take(shared: &Shared, batches: usize) -> Option<usize> {
    let mut state = shared.lock();
    loop {
        if state.stop || state.taken >= batches {
            return None;
        }
        if state.taken < state.given + state.ahead {
            state.taken += 1;
            return Some(state.taken - 1);
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn a_worker_that_panics_fails_its_batch_and_nobody_waits_for_ever() {
        for workers in [1, 2, 4] {
            let worker = || {
                |number: usize| {
                    if number == 3 {
                        // Without the panic hook: this one is expected.
                        std::panic::resume_unwind(Box::new("broken on purpose"));
                    }
                    let images = Tensor::f_zeros([1], (Kind::Float, Device::Cpu))?;
                    Ok(RawBatch { targets: images.shallow_clone(), images })
                }
            };
            let mut all = Workers::start_with(worker, 8, 0, workers).expect("threads");
            for number in 0..3 {
                assert!(all.next_batch().is_ok(), "batch {number} with {workers} workers");
            }
            let error = all.next_batch().err().expect("batch 3 broke").to_string();
            assert!(error.contains("a thread that makes batches broke"), "{error}");
            assert!(all.next_batch().is_ok(), "the others go on");
        }
    }
}
