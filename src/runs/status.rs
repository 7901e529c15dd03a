//! Where a run stands: `status.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a run is doing or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Queued,
    Running,
    Paused,
    /// Ended by a person's wish.
    Stopped,
    /// Ran all its epochs or stopped early by rule, and was tested.
    Finished,
    Failed,
    /// Ended by a signal, or its process is gone.
    Interrupted,
}

impl RunState {
    /// Whether a process should be working on the run.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Paused)
    }

    /// The word in `status.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Key of the monitored value, e.g. `val_auroc_macro`.
    pub metric: String,
    pub value: f64,
    pub epoch: usize,
}

/// The content of `status.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub state: RunState,
    /// Process that works or worked on the run.
    pub pid: u32,
    /// When that process was started (clock ticks since boot), which tells it from a later one of the same
    /// number; 0 where the system doesn't say.
    #[serde(default)]
    pub pid_started: u64,
    pub host: String,
    /// Epochs completed.
    pub epoch: usize,
    /// Optimizer steps done.
    pub step: u64,
    pub best: Option<Best>,
    /// Why the run ended or failed, in words.
    pub reason: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub ended: Option<Timestamp>,
}

impl Status {
    /// The state of a run that this process starts now.
    pub fn starting(now: Timestamp) -> Self {
        let pid = std::process::id();
        Self {
            state: RunState::Running,
            pid,
            pid_started: started(pid).unwrap_or(0),
            host: host_name(),
            epoch: 0,
            step: 0,
            best: None,
            reason: None,
            created: now,
            updated: now,
            ended: None,
        }
    }

    /// The state as it really is: a run whose process is gone from this host was interrupted, whatever the
    /// file says. A run of another host is believed.
    pub fn honest_state(&self) -> RunState {
        let gone =
            self.state.is_live() && self.host == host_name() && started(self.pid) != Some(self.pid_started);
        if gone { RunState::Interrupted } else { self.state }
    }

    /// Seconds from the start to the end, or to the last sign of life.
    pub fn seconds(&self) -> f64 {
        (self.ended.unwrap_or(self.updated) - self.created).get_seconds() as f64
    }
}

/// When a live process was started, in clock ticks since boot; `None` when there is no such process.
fn started(pid: u32) -> Option<u64> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses and may hold anything; count after it.
        return stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok();
    }
    // SAFETY: signal 0 only asks whether the process exists.
    let exists = unsafe { libc::kill(pid as libc::pid_t, 0) } == 0;
    exists.then_some(0)
}

/// This machine's name, or `unknown`.
fn host_name() -> String {
    let mut buffer = [0_u8; 256];
    // SAFETY: the buffer is as long as said, and the last byte stays 0 whatever is written.
    let failed = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) } != 0;
    let name = std::ffi::CStr::from_bytes_until_nul(&buffer).map(|name| name.to_string_lossy().into_owned());
    match name {
        Ok(name) if !failed && !name.is_empty() => name,
        _ => "unknown".to_owned(),
    }
}
