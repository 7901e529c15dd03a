//! What has been sent of a run: `tracking.json` in its folder. The rows and settings on the server are queried;
//! the ledger has what can't be queried (the content of files) and a summary.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::TrackingError;
use crate::config::{ServerUri, TrackingSection};
use crate::files::lock::Lock;
use crate::files::replace_file;
use crate::runs::RunFolder;

const NAME: &str = "tracking.json";
const LOCK: &str = ".tracking.lock";
/// What may change of a run after its end; a folder changes when a file in it is replaced.
const WRITTEN_LATER: [&str; 6] = [
    "about.json",
    "status.json",
    "evaluation.json",
    "checkpoints/thresholds.json",
    "artifacts",
    "artifacts/explanations",
];

/// A file's time may be that much before the clock's.
const CLOCKS_DIFFER: Duration = Duration::from_secs(1);

/// How a run stands with its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// Something is still to be sent.
    #[default]
    Pending,
    /// The server knows all.
    Complete,
    /// The server refused something; `reason` has what and why.
    Failed,
}

/// The content of `tracking.json`. State, pending and reason are those of the run's own server, or of the last one it
/// was sent to where its settings name none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// What is sent and what isn't.
    pub state: SyncStatus,
    /// Epochs, samples and files that are still to be sent.
    pub pending: usize,
    /// Why the last attempt came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// That server.
    pub uri: String,
    /// When the pass of this summary began: what is written since is still to be looked at.
    pub updated: Option<Timestamp>,
    /// What each server was sent.
    pub servers: BTreeMap<String, Sent>,
}

/// What one server was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    pub experiment_id: String,
    pub run_id: String,
    /// Name and description as they were sent last: what was changed there since stays.
    pub name: String,
    pub note: String,
    /// What was sent of epochs that no checkpoint held, which a run that goes on trains anew: a hash of each row, empty
    /// while it isn't known whether that row arrived.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub provisional: BTreeMap<i64, String>,
    /// Files by their paths in the run's folder.
    pub files: BTreeMap<String, SentFile>,
    /// The model by the digest of what it was made from.
    pub model_digest: String,
    pub model_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
}

/// What a model is registered as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    pub name: String,
    pub version: String,
    /// Of what the version was made from.
    pub digest: String,
}

/// A file as it was when it was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SentFile {
    pub bytes: u64,
    /// Nanoseconds since 1970, to see quickly that nothing changed.
    pub modified: i128,
    /// BLAKE3, the first 32 hexadecimal digits.
    pub hash: String,
}

impl Ledger {
    /// Reads a run's ledger; an empty one where there is none.
    ///
    /// # Errors
    /// When the file can't be read. A damaged one counts as none: the server's content is queried.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let path = folder.path().join(NAME);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }

    /// Whether there is a ledger in a run's folder, which every run that is to be tracked has from its beginning.
    pub fn exists(folder: &Path) -> bool {
        folder.join(NAME).is_file()
    }

    /// The server that a run with these settings is sent to: the one they name, or the one it was last sent to
    /// where they leave that open.
    pub fn server(&self, tracking: &TrackingSection) -> Option<ServerUri> {
        match tracking.mlflow_uri.as_str() {
            "" => self.uri.parse().ok(),
            _ => tracking.server(),
        }
    }

    /// Whether something that is sent was written since the last round began: a later evaluation, an explanation, a
    /// note.
    pub fn is_outdated(&self, folder: &RunFolder) -> bool {
        let modified =
            |name: &str| fs::metadata(folder.path().join(name)).and_then(|meta| meta.modified()).ok();
        let looked = self.updated.map(|looked| SystemTime::from(looked) - CLOCKS_DIFFER);
        WRITTEN_LATER.iter().any(|name| modified(name) > looked)
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        let path = folder.path().join(NAME);
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        replace_file(&path, &bytes).with_context(|| format!("can't write {}", path.display()))
    }

    /// Marks a run as one to be sent to `server`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn open_for(folder: &RunFolder, server: &ServerUri) -> Result<()> {
        let mut ledger = Self::read(folder)?;
        ledger.state = SyncStatus::Pending;
        ledger.uri = server.to_string();
        ledger.write(folder)
    }

    /// Notes why nothing can be sent to `server` at all.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn fail(folder: &RunFolder, server: &ServerUri, why: &TrackingError) -> Result<()> {
        let mut ledger = Self::read(folder)?;
        ledger.state = SyncStatus::Failed;
        ledger.reason = Some(why.to_string());
        ledger.uri = server.to_string();
        ledger.write(folder)
    }
}

/// Holds a run for one sender, in whatever process it is; let go when dropped, and by the system when the process ends.
#[derive(Debug)]
pub(super) struct LedgerLock {
    _file: File,
}

impl LedgerLock {
    /// Takes the run.
    ///
    /// # Errors
    /// [`TrackingError::Busy`] while another holds it.
    pub fn take(folder: &RunFolder) -> Result<Self, TrackingError> {
        let path = folder.path().join(LOCK);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("can't write {}", path.display()))?;
        match Lock::try_exclusive(&file) {
            Ok(Lock::Busy) => Err(TrackingError::Busy { path: folder.path().to_owned() }),
            // Without locks two senders at once may repeat what one sender does once.
            Ok(Lock::Acquired | Lock::Unsupported) => Ok(Self { _file: file }),
            Err(error) => Err(TrackingError::Folder(format!("can't lock {}: {error}", path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_name_the_server_and_where_they_are_silent_the_last_one_is_remembered() {
        let ledger = Ledger { uri: "http://last".into(), ..Ledger::default() };
        let server = |uri: &str| {
            let tracking = TrackingSection { mlflow_uri: uri.into(), ..TrackingSection::default() };
            ledger.server(&tracking).map(|server| server.to_string())
        };
        assert_eq!(server("http://own").as_deref(), Some("http://own"));
        assert_eq!(server("").as_deref(), Some("http://last"));
        assert_eq!(server("none"), None);
    }

    #[test]
    fn what_is_written_while_a_round_goes_on_is_looked_at_again() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let now = "2026-11-22T12:00:00[UTC]".parse().expect("a time");
        let folder = RunFolder::create(runs.path(), &Default::default(), &now).expect("a run");
        let begun = Timestamp::now();
        fs::write(folder.path().join("about.json"), "{}").expect("written");
        let at = |updated| Ledger { updated: Some(updated), ..Ledger::default() };
        assert!(at(begun).is_outdated(&folder));
        assert!(!at(begun + jiff::SignedDuration::from_mins(10)).is_outdated(&folder));
    }
}
