//! The log file: [`tracing`] events of this program in `chestxr-tui.log` of the state directory, or in a file of the
//! user's choice. Nothing is written to the terminal. Servers appear by address without credentials.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Name of the log file in the state directory.
pub const FILE_NAME: &str = "chestxr-tui.log";
/// Size in bytes at which a log file is rotated.
const MAX_BYTES: u64 = 2 << 20;
/// Rotated files that are kept: `chestxr-tui.log.1` is the newest.
const ROTATED: usize = 3;

/// Value of `--log` and `CHESTXR_LOG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Up to this level, into the state directory; [`LevelFilter::OFF`] disables the log.
    Level(LevelFilter),
    /// Up to level debug, into this file.
    File(PathBuf),
}

impl LogTarget {
    /// Parses a level or a path. A path has a `/` or a `.`, so that a misspelt level is an error and not a file.
    ///
    /// # Errors
    /// When `text` is neither; the message lists the levels.
    pub fn parse(text: &str) -> Result<Self, String> {
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let name = text.to_lowercase();
        if levels.contains(&name.as_str()) {
            return name.parse().map(Self::Level).map_err(|_| "is not a level".to_owned());
        }
        match text.contains(['/', '.']) {
            true => Ok(Self::File(PathBuf::from(text))),
            false => Err(format!("takes {}, or a file such as ./run.log", levels.join(", "))),
        }
    }
}

/// Path of the log file for `target`; `None` when the log is off.
pub fn path(state_dir: &Path, target: Option<&LogTarget>) -> Option<PathBuf> {
    match target {
        Some(LogTarget::Level(LevelFilter::OFF)) => None,
        Some(LogTarget::File(path)) => Some(path.clone()),
        _ => Some(state_dir.join(FILE_NAME)),
    }
}

/// Installs the process's log. Without `target` the level is info. The file is created with the first event.
///
/// # Errors
/// When a file that the user named can't be opened. The default file is optional: without it nothing is logged.
pub fn init(state_dir: &Path, target: Option<&LogTarget>) -> io::Result<()> {
    // Panics are reported even when the log is off.
    let _ = REPORT_DIR.set(state_dir.to_owned());
    let Some(path) = path(state_dir, target) else { return Ok(()) };
    let level = match target {
        Some(LogTarget::Level(level)) => *level,
        Some(LogTarget::File(_)) => LevelFilter::DEBUG,
        None => LevelFilter::INFO,
    };
    let mut file = LogFile::new(path);
    if let Some(LogTarget::File(_)) = target {
        file.open()?;
    }
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
    // Events of dependencies may contain addresses and headers.
    let targets = Targets::new().with_target("chestxr_tui", level);
    // A second call, as by tests in one process, keeps the first log.
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
    Ok(())
}

/// A file that is opened with the first write and rotated by size.
struct LogFile {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    max_bytes: u64,
}

impl LogFile {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None, bytes: 0, max_bytes: MAX_BYTES }
    }

    /// Opens the file to append to it, after rotation if it is full.
    fn open(&mut self) -> io::Result<()> {
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        if std::fs::metadata(&self.path).is_ok_and(|file| file.is_file() && file.len() >= self.max_bytes) {
            self.rotate();
        }
        let file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.bytes = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    /// Renames `log` to `log.1`, `log.1` to `log.2` and so on; the oldest is overwritten. Another process that has the
    /// file open continues in the renamed one.
    fn rotate(&self) {
        let numbered = |number: usize| match number {
            0 => self.path.clone(),
            _ => PathBuf::from(format!("{}.{number}", self.path.display())),
        };
        for number in (0..ROTATED).rev() {
            // A file that can't be renamed grows on: losing the log is worse.
            let _ = std::fs::rename(numbered(number), numbered(number + 1));
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.file.is_none() || self.bytes >= self.max_bytes {
            self.open()?;
        }
        let Some(file) = &mut self.file else { return Ok(line.len()) };
        file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

/// Where panic reports are written; set once by [`init`].
static REPORT_DIR: OnceLock<PathBuf> = OnceLock::new();

/// Logs a panic, writes a report with its backtrace into the state directory and names the report on stderr.
pub fn report_panic(info: &PanicHookInfo) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    tracing::error!(thread, "panic: {info}");
    let Some(folder) = REPORT_DIR.get() else { return };
    match write_panic_report(folder, thread, &info.to_string()) {
        Ok(path) => eprintln!("A report of this error is in {}", path.display()),
        Err(error) => tracing::error!("the panic report can't be written: {error}"),
    }
}

/// Writes `panic-TIME-PID.txt`: version, thread, message and backtrace.
fn write_panic_report(folder: &Path, thread: &str, message: &str) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let now = jiff::Timestamp::now();
    let path = folder.join(format!("panic-{}-{}.txt", now.as_millisecond(), std::process::id()));
    let backtrace = std::backtrace::Backtrace::force_capture();
    let version = env!("CARGO_PKG_VERSION");
    std::fs::write(
        &path,
        format!("chestxr-tui {version}\ntime {now}\nthread {thread}\n\n{message}\n\n{backtrace}\n"),
    )?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_level_or_a_path() {
        assert_eq!(LogTarget::parse("Debug"), Ok(LogTarget::Level(LevelFilter::DEBUG)));
        assert_eq!(LogTarget::parse("off"), Ok(LogTarget::Level(LevelFilter::OFF)));
        assert_eq!(LogTarget::parse("a/b"), Ok(LogTarget::File("a/b".into())));
        assert!(LogTarget::parse("inof").is_err_and(|error| error.contains("warn")));
        let state = Path::new("/state");
        assert_eq!(path(state, None), Some(PathBuf::from("/state/chestxr-tui.log")));
        assert_eq!(path(state, Some(&LogTarget::Level(LevelFilter::OFF))), None);
    }

    #[test]
    fn a_panic_report_has_the_message_and_a_backtrace() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = write_panic_report(&folder.path().join("state"), "trainer", "index out of range")
            .expect("written");
        let text = std::fs::read_to_string(path).expect("a report");
        assert!(text.starts_with("chestxr-tui ") && text.contains("thread trainer"), "{text}");
        assert!(text.contains("index out of range") && text.contains("write_panic_report"), "{text}");
    }

    #[test]
    fn a_full_file_is_rotated_and_few_files_are_kept() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("state/test.log");
        let mut log = LogFile::new(path.clone());
        log.max_bytes = 10;
        assert!(!path.exists(), "nothing is created before the first event");
        for number in 0..12 {
            log.write_all(format!("line {number:02}..\n").as_bytes()).expect("written");
        }
        let names = std::fs::read_dir(path.parent().expect("a parent")).expect("a directory");
        assert_eq!(names.count(), 1 + ROTATED);
        assert!(std::fs::read_to_string(&path).expect("text").contains("line 11"));
        let newest_rotated = std::fs::read_to_string(format!("{}.1", path.display())).expect("text");
        assert!(newest_rotated.contains("line 10"));
    }
}
