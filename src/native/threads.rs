//! How libtorch's threads on the CPU wait for each other.

use std::ffi::c_int;
use std::sync::Once;

unsafe extern "C" {
    fn chestxr_start_openmp_threads(count: c_int);
}

const NAME: &str = "openmp-asleep";
/// The environment variables by which a user decides how threads wait.
const DECIDED: [&str; 2] = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"];

/// Keeps the threads of libtorch from spinning for long where they wait for each other. GCC's OpenMP library spins some
/// 300,000 times before a thread sleeps, which takes the processor from whoever else works on the machine, and from the
/// other threads of the same step where they have to share a processor; it spins 100 times only while there are more
/// OpenMP threads than processors (GCC's manual, GOMP_SPINCOUNT). So one thread more than processors is started here, once,
/// and sleeps until the process ends. Without effect where libtorch has another pool, where a thread can't be started, and
/// where OMP_WAIT_POLICY or GOMP_SPINCOUNT says how to wait.
pub fn shorten_spinning() {
    static ONCE: Once = Once::new();
    let is_decided = DECIDED.iter().any(|name| std::env::var_os(name).is_some());
    if is_decided || tch::get_num_threads() < 2 {
        return;
    }
    ONCE.call_once(|| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        if let Err(error) = start_sleepers(processors + 1) {
            tracing::warn!("threads that wait spin for long: {error}");
        }
    });
}

/// Starts OpenMP threads that do nothing until the process ends. They have the name of the one that starts them.
fn start_sleepers(count: usize) -> std::io::Result<()> {
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
