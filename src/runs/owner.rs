//! Whose deleted runs lie in a trash: `.trash/.MARK.lock` is locked by the process that can still put back the runs
//! `.trash/ID.MARK-N`, and goes with the last of them. One lock a process: there may be more runs than open files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::RunId;
use crate::files::lock::{Lock, is_locked};
use crate::files::{is_named, older};

/// Where nothing can be locked, deleted runs can be put back for so long.
const UNLOCKED: Duration = Duration::from_secs(24 * 3600);

/// A process whose deleted runs nobody else clears away, until this is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Owner {
    trash: PathBuf,
    mark: String,
    lock: File,
}

impl Owner {
    /// This process as the owner of what it puts into a trash, which is made if it isn't there.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn of(trash: &Path) -> Result<Arc<Self>> {
        static MINE: Mutex<Vec<Weak<Owner>>> = Mutex::new(Vec::new());
        let mut mine = MINE.lock().unwrap_or_else(PoisonError::into_inner);
        mine.retain(|owner| owner.strong_count() > 0);
        let mut owners = mine.iter().filter_map(Weak::upgrade);
        if let Some(owner) = owners.find(|owner| owner.trash == trash && owner.is_there()) {
            return Ok(owner);
        }
        let owner = Self::make(trash).with_context(|| format!("can't use the trash {}", trash.display()))?;
        let owner = Arc::new(owner);
        mine.push(Arc::downgrade(&owner));
        Ok(owner)
    }

    fn make(trash: &Path) -> io::Result<Self> {
        loop {
            fs::create_dir_all(trash)?;
            let mark = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
            let path = lock_of(trash, &mark);
            let lock = match OpenOptions::new().write(true).create_new(true).open(path) {
                Ok(lock) => lock,
                // Another process has just removed the trash with the last run in it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            Lock::exclusive(&lock)?;
            let owner = Self { trash: trash.to_owned(), mark, lock };
            // `runs gc` may have come between the file and its lock.
            if owner.is_there() {
                return Ok(owner);
            }
        }
    }

    fn is_there(&self) -> bool {
        is_named(&self.lock, &lock_of(&self.trash, &self.mark))
    }

    /// Where a deleted run lies; the number separates it from another of the same name.
    pub fn place(&self, id: &RunId, number: u32) -> PathBuf {
        self.trash.join(format!("{id}.{}-{number}", self.mark))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // What can't be removed, or is removed already, is left to `runs gc`.
        let _ = fs::remove_file(lock_of(&self.trash, &self.mark));
        // Not empty: other runs wait there.
        let _ = fs::remove_dir(&self.trash);
    }
}

fn lock_of(trash: &Path, mark: &str) -> PathBuf {
    trash.join(format!(".{mark}.lock"))
}

/// The lock of the process that put a run into the trash at `entry`; nothing for names of other kinds.
pub(super) fn lock_beside(entry: &Path) -> Option<PathBuf> {
    let name = entry.file_name()?.to_str()?;
    let (mark, _) = name.rsplit_once('.')?.1.rsplit_once('-')?;
    Some(lock_of(entry.parent()?, mark))
}

/// Whether the process whose lock this is may still put back what it deleted.
pub(super) fn is_alive(lock: &Path, now: SystemTime) -> bool {
    is_locked(lock).unwrap_or_else(|| lock.exists() && !older(lock, now, UNLOCKED))
}
