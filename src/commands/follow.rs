//! `runs show --follow`: what a run did and does, read from its journal by another process.

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

/// How often the journal is looked at.
const BEAT: Duration = Duration::from_millis(200);

/// Tells the events of a run from its first to its last, waiting for more while it is live. In JSON the lines are passed
/// on as they were written; for people, those of a newer version that this one doesn't know are passed over.
pub fn run(paths: &AppPaths, wanted: &str, json: bool) -> Result<Exit> {
    let folder = runs::find(&paths.runs, wanted)?;
    let path = folder.path().join("events.jsonl");
    let mut lines = Lines::new(path.clone());
    let mut printer = printer(false);
    loop {
        // First the state, then the lines: what was written before the run ended is seen for sure. The last line comes
        // after the last state, and before the run is let go.
        let live = folder.read_status()?.honest_state().is_live() || folder.is_held() == Some(true);
        while let Some(line) = lines.next().with_context(|| format!("can't read {}", path.display()))? {
            if json {
                match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line) {
                    Ok(_) => writeln!(io::stdout().lock(), "{line}")?,
                    Err(_) => print_error(&format!("a damaged line is left out: {}", one_line(&line, 200))),
                }
                continue;
            }
            match serde_json::from_str::<Event>(&line) {
                Ok(event) => printer.event(&event)?,
                Err(_) => {
                    print_error(&format!("an event this version doesn't know: {}", one_line(&line, 200)))
                }
            }
        }
        if !live {
            let state = folder.read_status()?.honest_state();
            if state == RunState::Interrupted && !lines.ended {
                print_error("the run's process is gone; go on with it by train --resume");
            }
            return Ok(Exit::Done);
        }
        std::thread::sleep(BEAT);
    }
}

/// The whole lines of a growing file.
struct Lines {
    path: PathBuf,
    /// Where the first line not read yet begins. Bytes behind it may be a part of a line, which a run that
    /// goes on after a kill cuts off again.
    at: u64,
    read: VecDeque<String>,
    /// The last line told of the run's end.
    ended: bool,
}

impl Lines {
    fn new(path: PathBuf) -> Self {
        Self { path, at: 0, read: VecDeque::new(), ended: false }
    }

    fn next(&mut self) -> io::Result<Option<String>> {
        if self.read.is_empty() {
            let mut file = match File::open(&self.path) {
                Ok(file) => file,
                // The run has just begun.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            file.seek(SeekFrom::Start(self.at))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            self.at += whole as u64;
            self.read.extend(String::from_utf8_lossy(&bytes[..whole]).lines().map(str::to_owned));
        }
        let line = self.read.pop_front();
        if let Some(line) = &line {
            self.ended = line.contains("\"event\":\"ended\"");
        }
        Ok(line)
    }
}
