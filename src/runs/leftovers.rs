//! What a kill, a full disk or a deletion left in the folder of runs: found first, so that it can be listed, then removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::owner::{is_alive, lock_beside};
use super::trash::{TRASH, bytes_of};
use super::{Metric, RunFolder, RunId};
use crate::config::{Mode, Monitor};
use crate::files::older;

/// A run that has just begun has no status yet; a folder without one for longer will never have one.
const STILLBORN: Duration = Duration::from_secs(24 * 3600);

/// A file takes its place within seconds; a part older than this belongs to a process that is gone.
const UNFINISHED: Duration = Duration::from_secs(3600);

/// A run in the trash.
const DELETED: &str = "a deleted run";

/// Something nobody needs any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The file or folder.
    pub path: PathBuf,
    /// Bytes that removing it frees.
    pub bytes: u64,
    /// What it is, in words.
    pub what: &'static str,
    /// Why it is left where it is, in words.
    pub kept: Option<&'static str>,
}

impl Leftover {
    fn new(path: PathBuf, what: &'static str) -> Self {
        Self { bytes: bytes_of(&path), path, what, kept: None }
    }

    /// Removes it.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn remove(&self) -> Result<()> {
        let removed =
            if self.path.is_dir() { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) };
        removed.with_context(|| format!("can't remove {}", self.path.display()))?;
        // Of the process that deleted the run, which is gone; what else it left is nobody's without it.
        if let Some(lock) = lock_beside(&self.path).filter(|_| self.what == DELETED) {
            let _ = fs::remove_file(lock);
        }
        if let Some(folder) = self.path.parent().filter(|folder| folder.ends_with(TRASH)) {
            // Not empty: other runs wait there.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

/// Looks through a folder of runs: deleted runs in the trash, folders of runs that never began, files that were being
/// written, weights of epochs that aren't among the best any more. What belongs to a live run isn't touched; deleted runs
/// that can still be restored are listed as kept.
///
/// # Errors
/// When the folder exists but can't be read.
pub fn leftovers(runs: &Path, now: SystemTime) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    let mut names: Vec<PathBuf> = match fs::read_dir(runs) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", runs.display())),
    };
    names.sort();
    for path in names {
        if path.file_name().is_some_and(|name| name == TRASH) {
            in_trash(&path, now, &mut found);
        } else if let Ok(folder) = RunFolder::open(&path) {
            in_run(&folder, now, &mut found);
        } else if RunId::is_name_of(&path)
            && older(&path, now, STILLBORN)
            && !path.join("status.json").exists()
        {
            found.push(Leftover::new(path, "a run that never began"));
        }
    }
    Ok(found)
}

fn in_trash(trash: &Path, now: SystemTime, found: &mut Vec<Leftover>) {
    let all = fs::read_dir(trash).into_iter().flatten().flatten().map(|entry| entry.path());
    let (locks, runs): (Vec<PathBuf>, Vec<PathBuf>) =
        all.partition(|path| path.extension().is_some_and(|end| end == "lock"));
    // One without runs is left by a kill between the two; the others go with their runs.
    let alone =
        locks.into_iter().filter(|lock| !runs.iter().any(|run| lock_beside(run).as_ref() == Some(lock)));
    let alone = alone.filter(|lock| !is_alive(lock, now));
    found.extend(alone.map(|lock| Leftover::new(lock, "the mark of a process that is gone")));
    found.extend(runs.into_iter().map(|run| {
        let alive = lock_beside(&run).is_some_and(|lock| is_alive(&lock, now));
        let kept = alive.then_some("the workbench that deleted it is open and can put it back");
        Leftover { kept, ..Leftover::new(run, DELETED) }
    }));
}

fn in_run(folder: &RunFolder, now: SystemTime, found: &mut Vec<Leftover>) {
    // A status that can't be read may be that of a run of another version: nothing of it is touched.
    if folder.read_status().map_or(true, |status| status.actual_state().is_live()) {
        return;
    }
    for place in [folder.path().to_owned(), folder.checkpoints(), folder.artifacts()] {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if name.starts_with('.') && name.ends_with(".part") && older(&path, now, UNFINISHED) {
                found.push(Leftover::new(path, "a file that was being written"));
            }
        }
    }
    let surplus = surplus_epochs(folder).unwrap_or_default();
    found.extend(surplus.into_iter().map(|path| Leftover::new(path, "weights that are not among the best")));
}

/// Weights of epochs beyond the best ones that the settings keep, by the journal.
fn surplus_epochs(folder: &RunFolder) -> Result<Vec<PathBuf>> {
    let kept = folder.kept_epochs()?;
    let config = folder.read_config()?;
    let monitor: Monitor = config.early_stopping.monitor;
    let metric = Metric::find(monitor.name()).context("the monitored value has no curve")?;
    let mut ranked: Vec<(usize, f64)> = folder
        .read_epochs()?
        .iter()
        .filter_map(|record| (metric.get)(record).map(|value| (record.epoch, value)))
        .collect();
    // Stable: of equal ones the earlier stays in front, as in training.
    ranked.sort_by(|a, b| match monitor.mode() {
        Mode::Max => b.1.total_cmp(&a.1),
        Mode::Min => a.1.total_cmp(&b.1),
    });
    let best = folder.read_status()?.best.map(|best| best.epoch);
    let wanted: Vec<usize> =
        ranked.iter().take(config.checkpoint.save_top_k).map(|(epoch, _)| *epoch).chain(best).collect();
    Ok(kept.into_iter().filter(|(epoch, _)| !wanted.contains(epoch)).map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::runs::{Best, EpochRecord, Provenance, RunState, Status};

    fn run(runs: &Path, state: Option<RunState>) -> RunFolder {
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        let config = RunConfig::default();
        let folder = RunFolder::create(runs, &config, &now).expect("a new run");
        folder.write_config(&config, &Provenance::default()).expect("written");
        if let Some(state) = state {
            let mut status = Status::starting(jiff::Timestamp::now());
            status.state = state;
            status.best = Some(Best { metric: "val_auroc_macro".into(), value: 0.7, epoch: 2 });
            folder.write_status(&status).expect("written");
        }
        for (epoch, value) in [(1, 0.6), (2, 0.7), (3, 0.65)] {
            let record = EpochRecord { epoch, val_auroc_macro: Some(value), ..EpochRecord::default() };
            folder.append_epoch(&record).expect("written");
            fs::write(folder.epoch_weights(epoch), vec![0; 100 * epoch]).expect("written");
        }
        fs::write(folder.path().join(".77-0.part"), [0; 10]).expect("written");
        folder
    }

    #[test]
    fn what_nobody_needs_is_found_and_what_is_needed_is_left() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let finished = run(runs.path(), Some(RunState::Finished));
        let live = run(runs.path(), Some(RunState::Running));
        let stillborn = run(runs.path(), None);
        let deleted = run(runs.path(), Some(RunState::Stopped));
        deleted.discard().expect("moved");
        fs::create_dir(runs.path().join("notes-of-mine-2026")).expect("made");

        let later = SystemTime::now() + 2 * STILLBORN;
        let found = leftovers(runs.path(), later).expect("readable");
        let gone: Vec<(&Path, &str)> = found.iter().map(|left| (left.path.as_path(), left.what)).collect();
        let [first, third] = [1, 3].map(|epoch| finished.epoch_weights(epoch));
        let part = finished.path().join(".77-0.part");
        for (path, what) in [
            (first.as_path(), "weights that are not among the best"),
            (&third, "weights that are not among the best"),
            (&part, "a file that was being written"),
            (&runs.path().join(stillborn.path().file_name().expect("a name")), "a run that never began"),
        ] {
            assert!(
                gone.iter()
                    .any(|(at, is)| at.ends_with(path.strip_prefix(runs.path()).unwrap_or(path))
                        && *is == what),
                "{path:?} in {gone:?}"
            );
        }
        assert_eq!(found.iter().filter(|left| left.what == "a deleted run").count(), 1);
        assert_eq!(found.len(), 5);
        assert_eq!(
            found.iter().find(|left| left.path.ends_with("epoch-0003.safetensors")).map(|l| l.bytes),
            Some(300)
        );

        for left in &found {
            left.remove().expect("removed");
        }
        assert!(leftovers(runs.path(), later).expect("readable").is_empty());
        assert!(finished.epoch_weights(2).exists() && live.epoch_weights(1).exists());
        assert!(runs.path().join("notes-of-mine-2026").exists() && !runs.path().join(TRASH).exists());
    }

    #[test]
    fn a_deleted_run_is_kept_while_somebody_can_put_it_back() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let gone = run(runs.path(), Some(RunState::Finished)).discard().expect("moved");
        let found = || leftovers(runs.path(), SystemTime::now()).expect("readable");
        let [left] = found().try_into().expect("the run alone");
        assert!(left.what == DELETED && left.kept.is_some(), "{left:?}");
        // What a kill leaves: a lock that nobody has.
        let lock = lock_beside(&left.path).expect("a lock");
        fs::remove_file(&lock).and_then(|()| fs::write(&lock, "")).expect("written");
        let [left] = found().try_into().expect("the run alone");
        assert_eq!(left.kept, None);
        left.remove().expect("removed");
        assert!(!runs.path().join(TRASH).exists(), "the lock went with it");
        assert!(gone.restore().is_err());
        fs::create_dir(runs.path().join(TRASH)).expect("made");
        fs::write(&lock, "").expect("written");
        let [left] = found().try_into().expect("the lock alone");
        left.remove().expect("removed");
        assert!(!runs.path().join(TRASH).exists());
    }

    #[test]
    fn what_is_young_may_still_be_wanted() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let young = run(runs.path(), None);
        assert!(leftovers(runs.path(), SystemTime::now()).expect("readable").is_empty());
        assert!(young.path().exists());
        assert!(leftovers(&runs.path().join("nowhere"), SystemTime::now()).expect("none").is_empty());
    }
}
