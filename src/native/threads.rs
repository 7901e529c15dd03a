//! libtorch's threads on the CPU: whether it can have them, and how they wait for each other.

use std::ffi::c_int;
use std::io;
use std::sync::{Mutex, PoisonError};

unsafe extern "C" {
    fn chestxr_start_openmp_threads(count: c_int);
}

const NAME: &str = "openmp-asleep";
/// The environment variables by which a user decides how threads wait.
const DECIDED: [&str; 2] = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"];

/// To be called before libtorch computes: finds out whether the system starts the threads that it wants, whose OpenMP library
/// ends the process where it can't have them, and keeps them from spinning for long where they wait for each other.
///
/// GCC's OpenMP library spins some 300,000 times before a thread sleeps, which takes the processor from other programs on
/// the machine, and from the other threads of the same step where they have to share a processor; it spins 100 times only
/// while there are more OpenMP threads than processors (GCC's manual, GOMP_SPINCOUNT). So one thread more than processors is
/// started here, once, and sleeps until the process ends; not where libtorch has another pool, where the system starts no
/// more threads, or where OMP_WAIT_POLICY or GOMP_SPINCOUNT says how to wait.
///
/// # Errors
/// When the system starts no more threads.
pub fn prepare_threads() -> io::Result<()> {
    static PREPARED: Mutex<bool> = Mutex::new(false);
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    let own = usize::try_from(tch::get_num_threads()).unwrap_or(1).saturating_sub(1);
    if *prepared || own == 0 {
        return Ok(());
    }
    can_start(own)?;
    *prepared = true;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let is_decided = DECIDED.iter().any(|name| std::env::var_os(name).is_some());
    if !is_decided && can_start(own + processors + 1).is_ok() {
        start_sleepers(processors + 1)?;
    }
    Ok(())
}

/// Starts so many threads, all of them at a time, and ends them.
fn can_start(count: usize) -> io::Result<()> {
    let gate = Mutex::new(());
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        let wait = || drop(gate.lock());
        let started =
            (0..count).try_for_each(|_| std::thread::Builder::new().spawn_scoped(scope, wait).map(|_| ()));
        drop(closed);
        started
    })
}

/// Starts OpenMP threads that do nothing until the process ends. They have the name of the one that starts them.
fn start_sleepers(count: usize) -> io::Result<()> {
    let sleep = move || {
        // SAFETY: a plain number; the region does nothing.
        unsafe { chestxr_start_openmp_threads(count as c_int) };
        // The OpenMP threads that a thread has started live as long as it does.
        loop {
            std::thread::park();
        }
    };
    std::thread::Builder::new().name(NAME.into()).spawn(sleep).map(|_| ())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn sleepers() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").expect("the threads of this process");
        let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.trim_end() == NAME).count()
    }

    #[test]
    fn more_openmp_threads_than_processors_are_there_and_stay() {
        start_sleepers(5).expect("a thread");
        while sleepers() < 5 {
            std::thread::yield_now();
        }
        assert_eq!(sleepers(), 5);
    }
}
