//! Runs that wait for their turn: `RUNS/queue/0001.toml` and on, each a configuration as `--config` takes it, worked in
//! the order of their numbers. Any process may add, move and remove; only the one that holds the lock takes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::RunConfig;
use crate::files::Replacement;

/// The queue of a folder of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    folder: PathBuf,
}

/// A run that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its place: lower numbers come first.
    pub number: u32,
    /// What it is to be, or why its file can't be read.
    pub config: Result<Box<RunConfig>, String>,
}

/// The right to take runs from a queue, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

impl Queue {
    /// The queue beside the runs in `runs`; nothing is made before something waits there.
    pub fn of(runs: &Path) -> Self {
        Self { folder: runs.join("queue") }
    }

    /// All that waits, in order. A file that is no configuration is among them, with what is wrong with it.
    ///
    /// # Errors
    /// When the folder exists but can't be read.
    pub fn list(&self) -> Result<Vec<Waiting>> {
        let numbers = self.numbers().with_context(|| format!("can't read {}", self.folder.display()))?;
        let read = |number| {
            let config = RunConfig::read(&self.path(number)).and_then(|config| {
                config.validate()?;
                Ok(Box::new(config))
            });
            let config = config.map_err(|error| crate::text::one_line(&error.to_string(), 300));
            Waiting { number, config }
        };
        Ok(numbers.into_iter().map(read).collect())
    }

    /// Puts a run at the end; gives its number.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn add(&self, config: &RunConfig) -> Result<u32> {
        let add = || -> io::Result<u32> {
            fs::create_dir_all(&self.folder)?;
            // Plain structs of numbers, texts and names have a form in TOML.
            let text = toml::to_string(&config.to_table()).map_err(io::Error::other)?;
            let mut number = self.numbers()?.last().map_or(1, |last| last + 1);
            loop {
                let (part, mut file) = Replacement::beside(&self.path(number))?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                // A link, unlike a renaming, doesn't take the place of what another process has just added.
                match fs::hard_link(part.path(), self.path(number)) {
                    Ok(()) => return Ok(number),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                    Err(error) => return Err(error),
                }
            }
        };
        add().with_context(|| format!("can't put the run into {}", self.folder.display()))
    }

    /// Removes a run; nothing happens when it is gone already.
    ///
    /// # Errors
    /// When the file can't be removed.
    pub fn remove(&self, number: u32) -> Result<()> {
        let path = self.path(number);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Has two runs change places.
    ///
    /// # Errors
    /// When one is gone, or a file can't be moved.
    pub fn swap(&self, a: u32, b: u32) -> Result<()> {
        let swap = || -> io::Result<()> {
            let aside = self.folder.join(format!(".{}-swap", std::process::id()));
            fs::rename(self.path(a), &aside)?;
            if let Err(error) = fs::rename(self.path(b), self.path(a)) {
                fs::rename(&aside, self.path(a))?;
                return Err(error);
            }
            fs::rename(&aside, self.path(b))
        };
        swap().context("the queue has changed meanwhile; look at it again")
    }

    /// The right to take runs; `None` while another process has it.
    ///
    /// # Errors
    /// When the lock can't be made.
    pub fn take_turn(&self) -> Result<Option<Turn>> {
        let path = self.folder.join(".lock");
        let open = || {
            fs::create_dir_all(&self.folder)?;
            OpenOptions::new().create(true).truncate(false).write(true).open(&path)
        };
        let lock = open().with_context(|| format!("can't make {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Turn { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => bail!("can't lock {}: {error}", path.display()),
        }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:04}.toml"))
    }

    /// Numbers of the files, rising; none without the folder.
    fn numbers(&self) -> io::Result<Vec<u32>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut numbers: Vec<u32> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let number: u32 = name.strip_suffix(".toml")?.parse().ok()?;
                // Only names as they are made here: `7.toml` is not found under its number.
                (name == format!("{number:04}.toml")).then_some(number)
            })
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> RunConfig {
        let mut config = RunConfig::default();
        config.run.name = name.to_owned();
        config
    }

    fn names(queue: &Queue) -> Vec<String> {
        let all = queue.list().expect("readable");
        all.into_iter().map(|waiting| waiting.config.map_or_else(|why| why, |c| c.run.name.clone())).collect()
    }

    #[test]
    fn runs_wait_in_order_and_can_be_moved_and_removed() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let queue = Queue::of(runs.path());
        assert!(queue.list().expect("nothing yet").is_empty());
        let numbers = ["a", "b", "c"].map(|name| queue.add(&named(name)).expect("added"));
        assert_eq!(numbers, [1, 2, 3]);
        queue.swap(2, 3).expect("both there");
        assert_eq!(names(&queue), ["a", "c", "b"]);
        queue.remove(1).expect("removed");
        queue.remove(1).expect("gone already");
        assert_eq!(names(&queue), ["c", "b"]);
        assert!(queue.swap(2, 9).is_err());
        assert_eq!(names(&queue), ["c", "b"], "nothing is lost when one isn't there");
        assert_eq!(queue.add(&named("d")).expect("added"), 4);
        assert!(super::super::list(runs.path()).expect("a list").is_empty(), "what waits is no run yet");
    }

    #[test]
    fn one_process_takes_at_a_time() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let queue = Queue::of(runs.path());
        let turn = queue.take_turn().expect("lockable");
        assert!(turn.is_some() && queue.take_turn().expect("lockable").is_none());
        drop(turn);
        assert!(queue.take_turn().expect("lockable").is_some());
    }

    #[test]
    fn what_is_no_configuration_waits_with_what_is_wrong() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let queue = Queue::of(runs.path());
        queue.add(&named("good")).expect("added");
        fs::write(queue.path(2), "[optimizer]\nlr = -1\n").expect("written");
        fs::write(queue.folder.join("3.toml"), "").expect("written");
        assert_eq!(names(&queue)[0], "good");
        assert!(names(&queue)[1].contains("optimizer.lr"), "{:?}", names(&queue));
        assert_eq!(names(&queue).len(), 2);
    }
}
