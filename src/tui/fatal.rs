//! Fatal signals while the workbench has the terminal: SIGSEGV, SIGABRT and their kin restore it before they end the
//! process. The handler does only what is safe in one: it writes bytes that were prepared, sets terminal modes that
//! were saved, and gives stderr back.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, STDIN_FILENO, STDOUT_FILENO, c_int, c_void};

use crate::tui::stderr;

const SIGNALS: [c_int; 5] = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT];

/// What the handler needs; never freed once the handler can see it.
struct Saved {
    /// Terminal modes from before raw mode, and the descriptor they belong to.
    modes: Option<libc::termios>,
    restore: &'static [u8],
    /// The actions that the signals had before.
    actions: [libc::sigaction; SIGNALS.len()],
}

static SAVED: AtomicPtr<Saved> = AtomicPtr::new(ptr::null_mut());
/// Whether there is a terminal to restore.
static ARMED: AtomicBool = AtomicBool::new(false);

/// Saves the terminal's modes and installs the handlers; to be called before raw mode. `restore` is written by a handler.
///
/// # Errors
/// When the system refuses a handler.
pub fn arm(restore: &'static [u8]) -> io::Result<()> {
    if SAVED.load(Ordering::SeqCst).is_null() {
        let mut modes = MaybeUninit::uninit();
        // SAFETY: the pointer is valid for one termios, which is read only where the call has written it.
        let modes =
            unsafe { (libc::tcgetattr(STDIN_FILENO, modes.as_mut_ptr()) == 0).then(|| modes.assume_init()) };
        // SAFETY: an all-zero sigaction is a valid value (SIG_DFL, no flags, an empty mask on Linux).
        let mut actions: [libc::sigaction; SIGNALS.len()] = unsafe { std::mem::zeroed() };
        for (signal, before) in SIGNALS.into_iter().zip(&mut actions) {
            // SAFETY: with null the call only returns the present action; `before` is valid for writing.
            if unsafe { libc::sigaction(signal, ptr::null(), before) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let saved = Box::leak(Box::new(Saved { modes, restore, actions }));
        SAVED.store(saved, Ordering::SeqCst);
        for signal in SIGNALS {
            // SAFETY: an all-zero sigaction is valid, and its fields are set below.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = handle as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
            // On the alternate stack, where a thread has one: the fault may be an overflow of its own.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: `action` is complete, and `handle` is safe to call in a signal handler.
            if unsafe { libc::sigaction(signal, &action, ptr::null_mut()) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    ARMED.store(true, Ordering::SeqCst);
    Ok(())
}

/// From here on the handlers have nothing to restore; the signals do what they did before.
pub fn disarm() {
    ARMED.store(false, Ordering::SeqCst);
}

/// Restores the terminal once, puts the earlier action back, and lets the signal happen again.
extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    // SAFETY: the pointer is null or from `Box::leak`, and what it points to is never written again.
    let Some(saved) = (unsafe { SAVED.load(Ordering::SeqCst).as_ref() }) else { return };
    if ARMED.swap(false, Ordering::SeqCst) {
        // SAFETY: write and tcsetattr are async-signal-safe; both pointers are valid for what they are used for.
        unsafe {
            libc::write(STDOUT_FILENO, saved.restore.as_ptr().cast(), saved.restore.len());
            if let Some(modes) = &saved.modes {
                libc::tcsetattr(STDIN_FILENO, libc::TCSANOW, modes);
            }
        }
        stderr::restore();
    }
    // SAFETY: the system passes a valid siginfo or null.
    let sent = unsafe { info.as_ref() }.is_none_or(|info| info.si_code <= 0);
    for (own, before) in SIGNALS.into_iter().zip(&saved.actions) {
        if own != signal {
            continue;
        }
        // SAFETY: signal, sigaction and raise are async-signal-safe, and `before` is what the system gave.
        unsafe {
            if sent {
                // The handler of Rust's runtime takes a fault that was sent for one that has passed.
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
            } else {
                // The fault happens again when this returns; the runtime's handler names an overflow of the stack.
                libc::sigaction(signal, before, ptr::null_mut());
            }
        }
    }
}
