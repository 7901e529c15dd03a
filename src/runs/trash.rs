//! Deleting runs: first out of sight, into `RUNS/.trash`, from where a run can be put back; then for good.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};

use super::owner::Owner;
use super::{RunFolder, RunId, RunLock};

/// The folder beside the runs where deleted ones wait.
pub const TRASH: &str = ".trash";

/// A run that was deleted and can still be put back: while this is there, nobody else clears it away.
#[derive(Clone, Debug)]
pub struct Discarded {
    /// Id of the run.
    pub id: RunId,
    from: PathBuf,
    to: PathBuf,
    _owner: Arc<Owner>,
}

impl PartialEq for Discarded {
    fn eq(&self, other: &Self) -> bool {
        (&self.from, &self.to) == (&other.from, &other.to)
    }
}

impl Eq for Discarded {}

impl RunFolder {
    /// Takes the run for being deleted.
    ///
    /// # Errors
    /// When a process is at the run, or it is only a link to one.
    pub fn lock_for_deletion(&self) -> Result<RunLock> {
        if let Ok(target) = fs::read_link(self.path()) {
            let (link, target) = (self.path().display(), target.display());
            bail!("{link} is only a link, to {target}; take the link away with rm, or delete the run there");
        }
        let live = self.read_status().is_ok_and(|status| status.actual_state().is_live());
        ensure!(!live, "run {} is active; stop it before it is deleted", self.id());
        self.lock().context("it can't be deleted")
    }

    /// Moves the run into the trash beside it. Nothing is copied, so it is done at once and wholly.
    ///
    /// # Errors
    /// As [`RunFolder::lock_for_deletion`], and when the folder can't be moved.
    pub fn discard(&self) -> Result<Discarded> {
        // Until it is moved, so that nobody goes on with it meanwhile.
        let _hold = self.lock_for_deletion()?;
        let from = self.path().to_owned();
        let owner = Owner::of(&from.parent().unwrap_or(Path::new(".")).join(TRASH))?;
        let mut number = 0_u32;
        let to = loop {
            // A run of this name may lie there already, deleted, put back and deleted again.
            let to = owner.place(self.id(), number);
            if !to.exists() {
                break to;
            }
            number += 1;
        };
        fs::rename(&from, &to).with_context(|| format!("can't move {} into the trash", from.display()))?;
        Ok(Discarded { id: self.id().clone(), from, to, _owner: owner })
    }

    /// Bytes that deleting the run would free.
    pub fn bytes(&self) -> u64 {
        bytes_of(self.path())
    }
}

impl Discarded {
    /// Whether it is in the trash still.
    pub fn is_there(&self) -> bool {
        self.to.exists()
    }

    /// Puts the run back where it was.
    ///
    /// # Errors
    /// When it isn't in the trash any more, or something else has taken its place.
    pub fn restore(&self) -> Result<()> {
        ensure!(
            !self.from.exists(),
            "{} is there again, so the deleted run can't be put back",
            self.from.display()
        );
        fs::rename(&self.to, &self.from)
            .with_context(|| format!("can't put run {} back; it may have been purged", self.id))
    }

    /// Removes it for good. The trash goes with the last [`Discarded`] that is dropped.
    ///
    /// # Errors
    /// When something can't be removed.
    pub fn purge(&self) -> Result<()> {
        fs::remove_dir_all(&self.to).with_context(|| format!("can't remove {}", self.to.display()))
    }
}

/// Bytes of a file, or of everything in a folder: what several names share counts once, and what has a name outside
/// isn't freed and doesn't count. What can't be looked at counts nothing.
pub fn bytes_of(path: &Path) -> u64 {
    let mut total = 0;
    // By device and inode: names seen so far.
    let mut shared: HashMap<(u64, u64), u64> = HashMap::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if meta.is_dir() {
            waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            continue;
        }
        let seen = shared.entry((meta.dev(), meta.ino())).or_default();
        *seen += 1;
        if *seen == meta.nlink() {
            total += meta.len();
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::{RunState, Status, list};

    fn run(runs: &Path, state: RunState) -> RunFolder {
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        let folder = RunFolder::create(runs, &Default::default(), &now).expect("a new run");
        let mut status = Status::starting(jiff::Timestamp::now());
        status.state = state;
        folder.write_status(&status).expect("written");
        folder
    }

    #[test]
    fn a_deleted_run_comes_back_as_it_was_until_it_is_purged() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let folder = run(runs.path(), RunState::Finished);
        fs::write(folder.best_weights(), [7; 1000]).expect("written");
        // As training leaves it.
        drop(folder.lock().expect("free"));
        let bytes = folder.bytes();
        let gone = folder.discard().expect("moved");
        assert!(!folder.path().exists() && list(runs.path()).expect("a list").is_empty());
        gone.restore().expect("put back");
        assert_eq!((folder.bytes(), list(runs.path()).expect("a list").len()), (bytes, 1));
        assert!(gone.restore().is_err(), "it is there already");
        drop(gone);
        let gone = folder.discard().expect("moved");
        gone.purge().expect("removed");
        assert!(gone.restore().is_err());
        drop(gone);
        assert_eq!(fs::read_dir(runs.path()).expect("the folder").count(), 0, "nothing is left over");
    }

    #[test]
    fn a_live_run_is_not_deleted() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let folder = run(runs.path(), RunState::Running);
        assert!(folder.discard().expect_err("it is on").to_string().contains("stop it"));
        assert!(folder.path().exists());
    }

    #[test]
    fn a_file_of_two_names_counts_once_and_one_that_is_linked_from_outside_not_at_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).expect("made");
        fs::write(inside.join("a"), [0; 100]).expect("written");
        fs::hard_link(inside.join("a"), inside.join("b")).expect("linked");
        assert_eq!(bytes_of(&inside), 100);
        fs::hard_link(inside.join("a"), folder.path().join("c")).expect("linked");
        assert_eq!(bytes_of(&inside), 0);
    }
}
