//! The queue: runs that wait, `RUNS/queue/0001.toml` and on, each a configuration as `--config` takes it, in the order of
//! their numbers. Any process may add, move and remove runs; only the process that holds the lock takes them.
//!
//! A number is never used twice, so it always names the same run. A run that is taken is renamed to `0001.taken` until
//! it has begun: a kill doesn't lose it, and no other process moves it meanwhile. A run that couldn't begin stays, with
//! the reason in its first line.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::RunConfig;
use crate::files::lock::Lock;
use crate::files::replace_file;

/// What the first line of a run begins with that couldn't begin; the reason follows.
const FAILED: &str = "# could not begin: ";

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
    /// Why it couldn't begin when it had its turn; it is passed over until it is tried anew.
    pub failed: Option<String>,
}

/// The right to take runs from a queue, until it is dropped or the process ends.
#[derive(Debug)]
pub struct QueueLock {
    queue: Queue,
    _lock: File,
}

/// A run that was taken and hasn't begun. One that is dropped lies there until somebody gets the turn, and waits again
/// then.
#[derive(Debug)]
pub struct Claim {
    queue: Queue,
    number: u32,
    /// What it is to be.
    pub config: Box<RunConfig>,
}

/// How a file of the queue is named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Waiting,
    Taken,
}

impl Kind {
    fn ending(self) -> &'static str {
        match self {
            Self::Waiting => "toml",
            Self::Taken => "taken",
        }
    }
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
        let list = || -> io::Result<Vec<Waiting>> {
            // What a process left that has ended waits again. Where we may not write, or that process is still at work,
            // things are listed as they are.
            if self.swapping()?.is_some() {
                let _ = self.edit(|| Ok(()));
            }
            if !self.numbers(Kind::Taken)?.is_empty() {
                let _ = self.try_lock();
            }
            // Nobody moves anything while it is read; a queue that nobody has edited yet has no lock.
            let lock = File::open(self.folder.join(".edit"));
            if let Ok(lock) = &lock {
                Lock::shared(lock)?;
            }
            Ok(self.numbers(Kind::Waiting)?.into_iter().filter_map(|number| self.read(number)).collect())
        };
        list().with_context(|| format!("can't read {}", self.folder.display()))
    }

    /// Puts a run at the end; gives its number.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn add(&self, config: &RunConfig) -> Result<u32> {
        let add = || -> Result<u32> {
            let last = self.folder.join(".last");
            let given = fs::read_to_string(&last).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            let there = [Kind::Waiting, Kind::Taken].map(|kind| self.numbers(kind));
            let mut number: u32 = given;
            for numbers in there {
                number = numbers?.into_iter().fold(number, u32::max);
            }
            number = number.checked_add(1).context("its numbers are used up; remove the folder")?;
            replace_file(&last, number.to_string().as_bytes())?;
            replace_file(&self.path(number, Kind::Waiting), text_of(config)?.as_bytes())?;
            Ok(number)
        };
        self.edit(add).with_context(|| format!("can't put the run into {}", self.folder.display()))
    }

    /// Removes a run as it was listed; nothing happens when it is gone already.
    ///
    /// # Errors
    /// When another run has its number now, or the file can't be removed.
    pub fn remove(&self, waiting: &Waiting) -> Result<()> {
        self.edit(|| {
            let path = self.path(waiting.number, Kind::Waiting);
            if path.exists() {
                self.expect(waiting)?;
                fs::remove_file(&path).with_context(|| format!("can't remove {}", path.display()))?;
            }
            Ok(())
        })
    }

    /// Has two runs change places, as they were listed.
    ///
    /// # Errors
    /// When one is gone or isn't where it was, or a file can't be moved.
    pub fn swap(&self, a: &Waiting, b: &Waiting) -> Result<()> {
        self.edit(|| {
            self.expect(a)?;
            self.expect(b)?;
            let [first, second] = [a, b].map(|waiting| self.path(waiting.number, Kind::Waiting));
            // Its name shows where things belong if this ends halfway.
            let aside = self.folder.join(format!(".swap-{}-{}", a.number, b.number));
            let swap = || {
                fs::rename(&first, &aside)?;
                fs::rename(&second, &first)?;
                fs::rename(&aside, &second)
            };
            swap().context("can't move runs in the queue")
        })
    }

    /// Lets runs that couldn't begin have another try.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn try_anew(&self) -> Result<()> {
        if self.list()?.iter().all(|waiting| waiting.failed.is_none()) {
            return Ok(());
        }
        self.edit(|| {
            for number in self.numbers(Kind::Waiting)? {
                if let Some(Waiting { config: Ok(config), failed: Some(_), .. }) = self.read(number) {
                    replace_file(&self.path(number, Kind::Waiting), text_of(&config)?.as_bytes())?;
                }
            }
            Ok(())
        })
    }

    /// The right to take runs; `None` while another process has it. What a process had taken that ended before the run
    /// began waits again.
    ///
    /// # Errors
    /// When the lock can't be made.
    pub fn try_lock(&self) -> Result<Option<QueueLock>> {
        let path = self.folder.join(".lock");
        let open = || {
            fs::create_dir_all(&self.folder)?;
            OpenOptions::new().create(true).truncate(false).write(true).open(&path)
        };
        let lock = open().with_context(|| format!("can't make {}", path.display()))?;
        // Without locks the user sees to it that one process takes runs.
        if Lock::try_exclusive(&lock).with_context(|| format!("can't lock {}", path.display()))? == Lock::Busy
        {
            return Ok(None);
        }
        self.edit(|| {
            for number in self.numbers(Kind::Taken)? {
                self.put_back(number)?;
            }
            Ok(())
        })?;
        Ok(Some(QueueLock { queue: self.clone(), _lock: lock }))
    }

    /// Changes the queue while nobody else does.
    fn edit<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.folder.join(".edit");
        let lock = || -> io::Result<File> {
            fs::create_dir_all(&self.folder)?;
            let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            Lock::exclusive(&lock)?;
            Ok(lock)
        };
        let _lock = lock().with_context(|| format!("can't lock {}", path.display()))?;
        if let Some((aside, a, b)) = self.swapping()? {
            // A process ended between two renamings: the second of them has been done where the first place is taken.
            let [first, second] = [a, b].map(|number| self.path(number, Kind::Waiting));
            fs::rename(&aside, if first.exists() { second } else { first })?;
        }
        work()
    }

    /// A swap that was begun: the file that was set aside, and the two numbers.
    fn swapping(&self) -> io::Result<Option<(PathBuf, u32, u32)>> {
        let numbers = |name: &str| {
            let (a, b) = name.strip_prefix(".swap-")?.split_once('-')?;
            Some((a.parse().ok()?, b.parse().ok()?))
        };
        let found = self.names()?.into_iter().find_map(|name| Some((numbers(&name)?, name)));
        Ok(found.map(|((a, b), name)| (self.folder.join(name), a, b)))
    }

    /// Puts what was taken back to where it was.
    fn put_back(&self, number: u32) -> io::Result<()> {
        let (taken, waiting) = (self.path(number, Kind::Taken), self.path(number, Kind::Waiting));
        // Both are there where a process ended while it wrote why the run couldn't begin.
        if waiting.exists() { fs::remove_file(taken) } else { fs::rename(taken, waiting) }
    }

    /// # Errors
    /// When what waits under its number isn't that any more.
    fn expect(&self, waiting: &Waiting) -> Result<()> {
        match self.read(waiting.number) {
            Some(found) if found.config == waiting.config => Ok(()),
            _ => bail!("the queue has changed meanwhile; look at it again"),
        }
    }

    /// What waits under a number; `None` when nothing does.
    fn read(&self, number: u32) -> Option<Waiting> {
        let path = self.path(number, Kind::Waiting);
        let short = |text: &str| crate::text::one_line(text, 300);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                return Some(Waiting { number, config: Err(short(&error.to_string())), failed: None });
            }
        };
        let config = RunConfig::read(&path).and_then(|config| {
            config.validate()?;
            Ok(Box::new(config))
        });
        let failed = text.lines().next().and_then(|line| line.strip_prefix(FAILED)).map(short);
        let config = config.map_err(|error| short(&error.to_string()));
        Some(Waiting { number, config, failed })
    }

    fn path(&self, number: u32, kind: Kind) -> PathBuf {
        self.folder.join(format!("{number:04}.{}", kind.ending()))
    }

    /// Names in the folder; none without it.
    fn names(&self) -> io::Result<Vec<String>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => {
                Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Numbers of the files of a kind, rising.
    fn numbers(&self, kind: Kind) -> io::Result<Vec<u32>> {
        let names = self.names()?;
        let number = |name: &String| {
            let number: u32 = name.strip_suffix(kind.ending())?.strip_suffix('.')?.parse().ok()?;
            // Only names as they are made here: `7.toml` is not found under its number.
            (*name == format!("{number:04}.{}", kind.ending())).then_some(number)
        };
        let mut numbers: Vec<u32> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

impl QueueLock {
    /// Takes the first run that can be read and hasn't failed to begin.
    ///
    /// # Errors
    /// When the queue can't be read or changed.
    pub fn claim(&self) -> Result<Option<Claim>> {
        let queue = &self.queue;
        if queue.numbers(Kind::Waiting)?.is_empty() {
            return Ok(None);
        }
        queue.edit(|| {
            let ready = |number| match queue.read(number) {
                Some(Waiting { config: Ok(config), failed: None, .. }) => Some((number, config)),
                _ => None,
            };
            let Some((number, config)) = queue.numbers(Kind::Waiting)?.into_iter().find_map(ready) else {
                return Ok(None);
            };
            let [from, to] = [Kind::Waiting, Kind::Taken].map(|kind| queue.path(number, kind));
            fs::rename(&from, &to).with_context(|| format!("can't move {}", from.display()))?;
            Ok(Some(Claim { queue: queue.clone(), number, config }))
        })
    }
}

impl Claim {
    /// The run has a folder of its own and leaves the queue.
    ///
    /// # Errors
    /// When its file can't be removed.
    pub fn begun(self) -> Result<()> {
        let path = self.queue.path(self.number, Kind::Taken);
        fs::remove_file(&path)
            .with_context(|| format!("can't remove {}, so the run will begin once more", path.display()))
    }

    /// The run waits again, where it was.
    ///
    /// # Errors
    /// When its file can't be moved.
    pub fn put_back(self) -> Result<()> {
        self.queue.edit(|| self.queue.put_back(self.number).context("can't put the run back into the queue"))
    }

    /// The run waits again, but is passed over until it is tried anew.
    ///
    /// # Errors
    /// When its file can't be written.
    pub fn failed(self, reason: &str) -> Result<()> {
        let queue = &self.queue;
        queue.edit(|| {
            let text = format!("{FAILED}{}\n{}", crate::text::one_line(reason, 300), text_of(&self.config)?);
            replace_file(&queue.path(self.number, Kind::Waiting), text.as_bytes())?;
            queue.put_back(self.number).context("can't put the run back into the queue")
        })
    }
}

/// A configuration as a file.
fn text_of(config: &RunConfig) -> Result<String> {
    // Plain structs of numbers, texts and names have a form in TOML.
    Ok(toml::to_string(&config.to_table())?)
}

#[cfg(test)]
mod tests;
