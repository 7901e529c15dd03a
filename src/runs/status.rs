//! Where a run stands: `status.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a run is doing or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Waits in the queue.
    Queued,
    /// A process trains it.
    Running,
    /// A process has it and waits for the user.
    Paused,
    /// Stopped by the user.
    Stopped,
    /// Ran all its epochs or stopped early by rule, and was tested.
    Finished,
    /// Ended by an error, whose sentence is the reason.
    Failed,
    /// Ended by a signal, or its process is gone.
    Interrupted,
}

impl RunState {
    /// All of them, in the order of a run's life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Paused,
        Self::Stopped,
        Self::Finished,
        Self::Failed,
        Self::Interrupted,
    ];

    /// The one of this name.
    ///
    /// # Errors
    /// Lists the names there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let all = Self::ALL.map(Self::name);
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("takes one of {}", all.join(", ")))
    }

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
    /// Value of the monitored metric.
    pub value: f64,
    /// Its epoch, from 1.
    pub epoch: usize,
}

/// The content of `status.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What the run is doing.
    pub state: RunState,
    /// Process that works or worked on the run.
    pub pid: u32,
    /// When that process was started (clock ticks since boot), which separates it from a later one of the same
    /// number; 0 where it is unknown.
    #[serde(default)]
    pub pid_started: u64,
    /// Name of the machine.
    pub host: String,
    /// Epochs completed.
    pub epoch: usize,
    /// Optimizer steps done.
    pub step: u64,
    /// The best epoch whose weights are saved.
    pub best: Option<Best>,
    /// Why the run ended or failed, in words.
    pub reason: Option<String>,
    /// When its first session began; a run that is gone on with has several.
    pub created: Timestamp,
    /// When this was written.
    pub updated: Timestamp,
    /// When the run ended.
    pub ended: Option<Timestamp>,
    /// When its last session began, if that isn't the first.
    #[serde(default)]
    pub resumed: Option<Timestamp>,
    /// Seconds of all sessions before the last.
    #[serde(default)]
    pub earlier_seconds: f64,
    /// Seconds of the last session by a clock that nobody sets; `None` of runs of version 0.1.0.
    #[serde(default)]
    pub session_seconds: Option<f64>,
    /// Whether a process holds the run, as it was found when the status was read. `None` of a run that is over, and
    /// where the process's number must do: for runs of before they were held, on file systems without locks.
    #[serde(skip)]
    pub held: Option<bool>,
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
            resumed: None,
            earlier_seconds: 0.0,
            session_seconds: Some(0.0),
            held: None,
        }
    }

    /// The state of a run that this process goes on with now, before any epoch.
    pub fn resumed_at_time(&self, now: Timestamp) -> Self {
        let (created, earlier_seconds) = (self.created, self.seconds());
        Self { created, resumed: Some(now), earlier_seconds, ..Self::starting(now) }
    }

    /// The state as it really is: a live run without a lock was interrupted, whatever its status. Where the holder is
    /// unknown, one whose process is gone from this host was; a run of another host is believed.
    pub fn actual_state(&self) -> RunState {
        let gone = match self.held {
            Some(held) => !held,
            None => self.host == host_name() && started(self.pid) != Some(self.pid_started),
        };
        if self.state.is_live() && gone { RunState::Interrupted } else { self.state }
    }

    /// Seconds that were worked: of each session from its start to its end, or to its last sign of life. The days in
    /// between don't count.
    pub fn seconds(&self) -> f64 {
        let by_date = || {
            let last = self.ended.unwrap_or(self.updated) - self.resumed.unwrap_or(self.created);
            last.get_seconds() as f64
        };
        self.earlier_seconds + self.session_seconds.unwrap_or_else(by_date)
    }
}

/// When a live process was started, in clock ticks since boot; `None` when there is no such process.
fn started(pid: u32) -> Option<u64> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses and may hold anything; count after it.
        return stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok();
    }
    // SAFETY: signal 0 only checks whether the process exists.
    let exists = unsafe { libc::kill(pid as libc::pid_t, 0) } == 0;
    exists.then_some(0)
}

/// This machine's name, or `unknown`.
pub(super) fn host_name() -> String {
    let mut buffer = [0_u8; 256];
    // SAFETY: the buffer has the given length, and the last byte stays 0 whatever is written.
    let failed = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) } != 0;
    let name = std::ffi::CStr::from_bytes_until_nul(&buffer).map(|name| name.to_string_lossy().into_owned());
    match name {
        Ok(name) if !failed && !name.is_empty() => name,
        _ => "unknown".to_owned(),
    }
}
