//! Panics that are caught and told as an error: decoders written by others index and unwrap, and a file may come from
//! anywhere. Panic hooks keep quiet about those.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

thread_local! {
    /// Whether this thread is at work that may panic.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, which must leave nothing half done behind; `None` when it panicked. Nobody else is told.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = EXPECTED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(before);
    outcome.ok()
}

/// Whether the panic that a hook is told of will be caught by [`caught`].
pub fn expected() -> bool {
    EXPECTED.get()
}

/// Has the hook that is there keep quiet about panics that are expected.
pub fn install_panic_hook() {
    let previous = take_hook();
    set_hook(Box::new(move |info| {
        if !expected() {
            crate::logging::log_panic(info);
            previous(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_expected_only_inside_and_only_here() {
        assert!(!expected());
        assert_eq!(caught(expected), Some(true));
        assert_eq!(caught(|| caught(|| 1).map(|one| one + usize::from(expected()))), Some(Some(2)));
        let elsewhere = || std::thread::spawn(expected).join().expect("no panic");
        assert_eq!(caught(elsewhere), Some(false));
        assert!(!expected());
    }
}
