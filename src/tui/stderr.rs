//! What libraries write to stderr while the workbench has the terminal: it goes to the log instead of over the screen.
//! libtorch, CUDA and OpenMP write there from threads of their own, so the descriptor itself is diverted.

use std::io::{self, BufRead, BufReader, IsTerminal};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, Ordering};

use libc::{STDERR_FILENO, c_int};

use crate::text::one_line;

/// Longest line that the log repeats, in characters.
const LONGEST: usize = 2000;
/// No descriptor.
const NONE: c_int = -1;

/// The terminal's own descriptor while stderr is diverted.
static TERMINAL: AtomicI32 = AtomicI32::new(NONE);

/// Sends what is written to stderr to the log from here on. Where stderr is no terminal it stays as it is: somebody wants it
/// elsewhere.
///
/// # Errors
/// When the system has no pipe or thread left; stderr is then as it was.
pub fn divert() -> io::Result<()> {
    if TERMINAL.load(Ordering::SeqCst) != NONE || !io::stderr().is_terminal() {
        return Ok(());
    }
    let (reader, writer) = io::pipe()?;
    std::thread::Builder::new().name("stderr".into()).spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            tracing::warn!("stderr: {}", one_line(&String::from_utf8_lossy(&line), LONGEST));
        }
    })?;
    // SAFETY: both calls take descriptors that are open, and only make new ones.
    unsafe {
        let kept = libc::fcntl(STDERR_FILENO, libc::F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if kept < 0 {
            return Err(io::Error::last_os_error());
        }
        if libc::dup2(writer.as_raw_fd(), STDERR_FILENO) < 0 {
            let error = io::Error::last_os_error();
            libc::close(kept);
            return Err(error);
        }
        TERMINAL.store(kept, Ordering::SeqCst);
    }
    Ok(())
}

/// Gives stderr back to the terminal. Safe in a handler of a signal.
pub fn restore() {
    let kept = TERMINAL.swap(NONE, Ordering::SeqCst);
    if kept != NONE {
        // SAFETY: the descriptor is ours and open; dup2 and close are async-signal-safe.
        unsafe {
            libc::dup2(kept, STDERR_FILENO);
            libc::close(kept);
        }
    }
}
