//! Panics of third-party decoders are caught and reported as errors, without a message from the panic hook; all other
//! panics are reported.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};

thread_local! {
    /// Whether this thread runs work whose panics are caught.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; `None` when it panicked. No hook reports that panic. `work` must leave no partial changes behind.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = EXPECTED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    EXPECTED.set(before);
    outcome.ok()
}

/// Whether the panic that a hook receives will be caught by [`caught`].
pub fn expected() -> bool {
    EXPECTED.get()
}

/// Installs a hook that passes every panic that is not [`expected`] to `report`, and then to the hook before it.
pub fn install_panic_hook(report: impl Fn(&PanicHookInfo) + Send + Sync + 'static) {
    let previous = take_hook();
    set_hook(Box::new(move |info| {
        if !expected() {
            report(info);
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
