//! The signals that end the program, as a channel.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use tokio::sync::mpsc::unbounded_channel;

/// Receives the signals that end the program; dropping it restores their default action.
pub struct Endings {
    /// Yields once for each signal.
    pub arrived: tokio::sync::mpsc::UnboundedReceiver<i32>,
    handle: Handle,
}

impl Endings {
    /// Catches SIGTERM, SIGHUP and SIGINT from now on.
    ///
    /// # Errors
    /// When a handler or its thread can't be installed.
    pub fn watch() -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
        let handle = signals.handle();
        let (sender, arrived) = unbounded_channel();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                // The event loop may have ended already.
                let _ = sender.send(signal);
            }
        })?;
        Ok(Self { arrived, handle })
    }
}

impl Drop for Endings {
    fn drop(&mut self) {
        self.handle.close();
    }
}
