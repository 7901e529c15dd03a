//! Who works on a run: a lock on `RUN/.lock`, had by one process at a time and let go of by the system when that ends.
//! A process's number is less reliable: containers have numbers and host names of their own, and between a look at the number
//! and the first word in the journal another process may do the same.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::RunFolder;
use super::status::host_name;
use crate::files::is_named;
use crate::files::lock::{Lock, is_locked};
use crate::text::one_line;

const LOCK: &str = ".lock";
/// A process that checks whether a run is locked has the lock for an instant, so a busy lock is tried again.
const TRIES: usize = 10;
const BETWEEN: Duration = Duration::from_millis(20);

/// The right to write a run's journal, to move the run and to delete it, until it is dropped or the process ends.
#[derive(Debug)]
pub struct RunLock {
    _lock: File,
}

impl RunFolder {
    /// Takes the run for this process.
    ///
    /// # Errors
    /// While another has it, which is named; when the folder isn't there any more or can't be written.
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.path().join(LOCK);
        if !path.exists() {
            // A lock beside the process of an older version would mean that the process is gone.
            self.ensure_not_live()?;
        }
        let failed = || format!("can't lock {}", path.display());
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(BETWEEN);
            }
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let mut lock = opened.with_context(failed)?;
            match Lock::try_exclusive(&lock).with_context(failed)? {
                Lock::Busy => continue,
                Lock::Unsupported => self.ensure_not_live()?,
                // The run was moved away meanwhile.
                Lock::Acquired if !is_named(&lock, &path) => continue,
                Lock::Acquired => {}
            }
            // For the message of a process that is refused; nothing depends on it.
            let _ = lock.set_len(0);
            let _ = write!(lock, "process {} on {}", std::process::id(), host_name());
            return Ok(RunLock { _lock: lock });
        }
        let holder = fs::read_to_string(&path).unwrap_or_default();
        let holder = one_line(&holder, 100);
        let holder = if holder.is_empty() { "another process" } else { &holder };
        bail!("run {} is being worked on by {holder}; stop that one first", self.id())
    }

    /// Whether some process has the run; `None` where that is unknown.
    pub fn is_held(&self) -> Option<bool> {
        is_locked(&self.path().join(LOCK))
    }

    /// By the process's number; unknown where the status can't be read.
    fn ensure_not_live(&self) -> Result<()> {
        let Ok(status) = self.read_status() else { return Ok(()) };
        let (id, pid, host) = (self.id(), status.pid, one_line(&status.host, 60));
        let live = status.actual_state().is_live();
        ensure!(!live, "run {id} is being worked on by process {pid} on {host}; stop that one first");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::runs::{RunState, Status};

    fn running(runs: &Path) -> RunFolder {
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        let folder = RunFolder::create(runs, &Default::default(), &now).expect("a new run");
        folder.write_status(&Status::starting(jiff::Timestamp::now())).expect("written");
        folder
    }

    /// The state of a run after `change` to its `status.json`.
    fn state(folder: &RunFolder, change: impl FnOnce(&mut Status)) -> RunState {
        let mut status = folder.read_status().expect("read");
        change(&mut status);
        folder.write_status(&status).expect("written");
        folder.read_status().expect("read").actual_state()
    }

    #[test]
    fn a_run_is_live_while_it_is_held_whatever_the_numbers_say() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let folder = running(runs.path());
        fs::write(folder.path().join(LOCK), "").expect("written");
        assert_eq!(state(&folder, |_| {}), RunState::Interrupted, "nobody has it");
        let run_lock = folder.lock().expect("free");
        assert_eq!(state(&folder, |status| status.pid_started += 1), RunState::Running);
        let refused = folder.lock().expect_err("it is held").to_string();
        let ours = format!("is being worked on by process {} on {}; stop", std::process::id(), host_name());
        assert!(refused.contains(&ours), "{refused}");
        drop(run_lock);
        assert_eq!(state(&folder, |status| status.host = "elsewhere".into()), RunState::Interrupted);
        folder.lock().expect("free again");
    }

    #[test]
    fn a_run_without_a_lock_is_live_by_its_process() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let folder = running(runs.path());
        assert!(folder.lock().expect_err("this process is there").to_string().contains("stop that one"));
        assert!(!folder.path().join(LOCK).exists(), "it would say that nobody is at the run");
        assert_eq!(state(&folder, |status| status.pid_started += 1), RunState::Interrupted);
        folder.lock().expect("its process is gone");
    }
}
