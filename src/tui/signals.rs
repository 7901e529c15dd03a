//! The signals that end the program, as a channel.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use tokio::sync::mpsc::unbounded_channel;

/// Signals that end the program, as a channel; they stop being caught when this is dropped.
pub struct Endings {
    /// Yields once for each signal.
    pub arrived: tokio::sync::mpsc::UnboundedReceiver<i32>,
    handle: Handle,
}

impl Endings {
    /// Begins to catch SIGTERM, SIGHUP and SIGINT.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn watch() -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
        let handle = signals.handle();
        let (sender, arrived) = unbounded_channel();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                // The loop may be gone already.
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
