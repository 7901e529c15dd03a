//! `runs show --follow`: the events of a run in another process, read from its event log.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use chestxr_tui::config::AppPaths;
use chestxr_tui::runs::{self, RunState};
use chestxr_tui::text::one_line;
use chestxr_tui::train::Event;

use super::train::printer;
use super::{Exit, print_error};

/// Interval between reads of the event log.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Prints the events of a run from the first to the last, waiting for more while it is live. With `json` lines are
/// printed unchanged; without it, events of a newer version that this one doesn't know are reported and skipped.
pub fn run(paths: &AppPaths, run: &str, json: bool) -> Result<Exit> {
    let folder = runs::find(&paths.runs, run)?;
    let path = folder.path().join("events.jsonl");
    let mut lines = LogLines::new(path.clone());
    let mut printer = printer(false);
    loop {
        // State before lines: lines written before the run ended are not missed. The last line is written after the
        // last state, and before the lock is released.
        let live = folder.read_status()?.actual_state().is_live() || folder.is_held() == Some(true);
        while let Some(line) = lines.next().with_context(|| format!("can't read {}", path.display()))? {
            if json {
                match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line) {
                    Ok(_) => writeln!(io::stdout().lock(), "{line}")?,
                    Err(_) => {
                        print_error(&format!("events.jsonl: damaged line skipped: {}", one_line(&line, 200)))
                    }
                }
                continue;
            }
            match serde_json::from_str::<Event>(&line) {
                Ok(event) => printer.event(&event)?,
                Err(_) => {
                    print_error(&format!("events.jsonl: unknown event skipped: {}", one_line(&line, 200)))
                }
            }
        }
        if !live {
            let state = folder.read_status()?.actual_state();
            if state == RunState::Interrupted && !lines.ended {
                print_error("the run's process has ended; resume the run with `chestxr-tui train --resume`");
            }
            return Ok(Exit::Done);
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// The complete lines of a growing file.
struct LogLines {
    path: PathBuf,
    /// Offset of the first line not read yet. Bytes after it may be an incomplete line, which a resumed run removes.
    offset: u64,
    lines: VecDeque<String>,
    /// Whether the last line is the run's end.
    ended: bool,
}

impl LogLines {
    fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, lines: VecDeque::new(), ended: false }
    }

    fn next(&mut self) -> io::Result<Option<String>> {
        if self.lines.is_empty() {
            let mut file = match File::open(&self.path) {
                Ok(file) => file,
                // The run has just started.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            file.seek(SeekFrom::Start(self.offset))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            self.offset += whole as u64;
            self.lines.extend(String::from_utf8_lossy(&bytes[..whole]).lines().map(str::to_owned));
        }
        let line = self.lines.pop_front();
        if let Some(line) = &line {
            self.ended = line.contains("\"event\":\"ended\"");
        }
        Ok(line)
    }
}
