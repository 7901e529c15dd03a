//! Batches made ahead of the step by worker threads, delivered in order.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tch::{Device, Kind, TchError, Tensor};

use super::{AugmentPipeline, CpuAugmenter};
use crate::dataset::{Dataset, Split};
use crate::label::target;

/// Batches that may lie ready for each worker: enough to bridge a slow one, few enough to hold.
const AHEAD_PER_WORKER: usize = 2;

/// What an epoch consists of.
#[derive(Clone)]
pub struct Epoch {
    /// Images in the order they come.
    pub order: Arc<Vec<usize>>,
    /// How often each has come before; empty when each comes once.
    pub times: Arc<Vec<u32>>,
    /// Images in a batch, at least 1; the last batch of an epoch may have fewer.
    pub batch_size: usize,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Epoch, from 1: each has an order and augmentations of its own.
    pub epoch: usize,
}

impl Epoch {
    /// The images of a batch, with their times.
    pub fn batch(&self, number: usize) -> impl Iterator<Item = (usize, u32)> + Clone + '_ {
        let from = number * self.batch_size;
        let to = self.order.len().min(from + self.batch_size);
        (from..to).map(|place| (self.order[place], self.times.get(place).copied().unwrap_or(0)))
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.order.len().div_ceil(self.batch_size)
    }
}

/// Images (`float32 N,1,H,W` in -1..=1) and labels (`float32 N,C`), on the CPU.
pub struct Batch {
    /// Images, float32 `B,1,H,W`, normalized.
    pub images: Tensor,
    /// Labels, float32 `B,C`: 0, 1, or -1 where unknown.
    pub targets: Tensor,
}

/// Worker threads that make the batches of one epoch. What they make depends on seed, epoch and image alone,
/// so their number changes nothing but the time.
pub struct Loader {
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
    ready: BTreeMap<usize, Result<Batch, TchError>>,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked has changed nothing halfway: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loader {
    /// Starts `workers` threads on an epoch of the training images, from batch `first` on. With `pinned`, for
    /// CUDA, batches lie in memory that the device reads by itself.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        dataset: &Arc<Dataset>,
        plan: &AugmentPipeline,
        epoch: &Epoch,
        first: usize,
        workers: usize,
        pinned: Option<Device>,
    ) -> std::io::Result<Self> {
        let ahead = AHEAD_PER_WORKER * workers;
        let worker = || {
            let (dataset, plan, epoch) = (Arc::clone(dataset), plan.clone(), epoch.clone());
            move |number: usize| {
                // Buffers of the collator live as long as the batch: a panic leaves nothing half done behind.
                let mut collator = Collator::new(&dataset, &plan);
                collator.announce(&epoch, number + ahead);
                let batch = collator.make(&epoch, number)?;
                match pinned {
                    Some(device) => batch.pin(device),
                    None => Ok(batch),
                }
            }
        };
        Self::start_with(worker, epoch.batches(), first, workers)
    }

    /// Starts threads that make batches `first..batches`, each by a closure of its own.
    fn start_with<W>(
        worker: impl Fn() -> W,
        batches: usize,
        first: usize,
        workers: usize,
    ) -> std::io::Result<Self>
    where
        W: FnMut(usize) -> Result<Batch, TchError> + Send + 'static,
    {
        let ahead = AHEAD_PER_WORKER * workers;
        let state = State { taken: first, given: first, ahead, ready: BTreeMap::new(), stop: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let mut loader = Self { shared, threads: Vec::new() };
        for number in 0..workers {
            let (shared, mut make) = (Arc::clone(&loader.shared), worker());
            let name = format!("augment-{number}");
            loader.threads.push(std::thread::Builder::new().name(name).spawn(move || {
                while let Some(number) = take(&shared, batches) {
                    // The reader waits for this batch, so a panic must become its answer.
                    let batch = catch_unwind(AssertUnwindSafe(|| make(number))).unwrap_or_else(|_| {
                        Err(TchError::Torch(
                            "a thread that augments images broke; the log has the reason".into(),
                        ))
                    });
                    shared.lock().ready.insert(number, batch);
                    shared.changed.notify_all();
                }
            })?);
        }
        Ok(loader)
    }

    /// The next batch, waited for.
    ///
    /// # Errors
    /// When libtorch refused the memory, or the workers are gone.
    pub fn next_batch(&mut self) -> Result<Batch, TchError> {
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
                return Err(TchError::Torch("the threads that augment images have ended".into()));
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

impl Drop for Loader {
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

/// Makes batches on the calling thread.
pub struct Collator<'a> {
    dataset: &'a Dataset,
    plan: &'a AugmentPipeline,
    painter: CpuAugmenter,
    scratch: Vec<u8>,
}

impl<'a> Collator<'a> {
    /// A maker of batches of the training images.
    pub fn new(dataset: &'a Dataset, plan: &'a AugmentPipeline) -> Self {
        Self { dataset, plan, painter: CpuAugmenter::new(plan.border()), scratch: Vec::new() }
    }

    /// Tells images that lie on disk that a batch will come.
    fn announce(&self, epoch: &Epoch, number: usize) {
        if number < epoch.batches()
            && let Ok((images, _)) = self.dataset.trainable(Split::Train)
        {
            images.will_need(epoch.batch(number).map(|(image, _)| image));
        }
    }

    /// Batch `number` of an epoch.
    ///
    /// # Errors
    /// When there are no images or they can't be read, or libtorch refuses the memory.
    pub fn make(&mut self, epoch: &Epoch, number: usize) -> Result<Batch, TchError> {
        let (images, labels) =
            self.dataset.trainable(Split::Train).map_err(|error| TchError::Torch(error.to_string()))?;
        let (size, area) = ((images.height(), images.width()), images.area());
        let count = epoch.batch(number).count();
        let classes = labels.classes();
        let shape = [count, 1, size.0, size.1].map(|n| n as i64);
        let images = filled(&shape, |pixels| {
            for ((image, time), out) in epoch.batch(number).zip(pixels.chunks_exact_mut(area)) {
                let draw = self.plan.draw(epoch.seed, epoch.epoch, image, time, size);
                self.painter.paint(images.read(image, &mut self.scratch)?, &draw, out);
            }
            Ok(())
        })?;
        let targets = filled(&[count as i64, classes as i64], |values| {
            for ((image, _), out) in epoch.batch(number).zip(values.chunks_exact_mut(classes)) {
                for (value, label) in out.iter_mut().zip(labels.row(image)) {
                    *value = target(*label);
                }
            }
            Ok(())
        })?;
        Ok(Batch { images, targets })
    }
}

impl Batch {
    fn pin(self, device: Device) -> Result<Self, TchError> {
        Ok(Self { images: self.images.f_pin_memory(device)?, targets: self.targets.f_pin_memory(device)? })
    }
}

/// A new tensor of floats on the CPU with what `fill` writes into it. Written in place, without an operation of
/// libtorch: one of those would raise a pool of OpenMP threads of its own for every worker.
fn filled(shape: &[i64], fill: impl FnOnce(&mut [f32]) -> io::Result<()>) -> Result<Tensor, TchError> {
    let tensor = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
    // SAFETY: a fresh, contiguous tensor of as many floats, which nobody else knows; floats have no invalid
    // bits, and all of it is written before anybody reads.
    let values = unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) };
    values.fill(0.0);
    fill(values)?;
    Ok(tensor)
}

#[cfg(test)]
mod tests {
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
                    Ok(Batch { targets: images.shallow_clone(), images })
                }
            };
            let mut loader = Loader::start_with(worker, 8, 0, workers).expect("threads");
            for number in 0..3 {
                assert!(loader.next_batch().is_ok(), "batch {number} with {workers} workers");
            }
            let error = loader.next_batch().err().expect("batch 3 broke").to_string();
            assert!(error.contains("a thread that augments images broke"), "{error}");
            assert!(loader.next_batch().is_ok(), "the others go on");
        }
    }
}
