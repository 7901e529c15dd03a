//! What has been sent of a run: `tracking.json` in its folder. The server itself is asked for rows and settings it has;
//! the ledger remembers what it can't tell (the content of files) and says at a glance how things stand.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::TrackingError;
use crate::config::ServerUri;
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

/// How a run stands with its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Something is still to be sent.
    #[default]
    Pending,
    /// The server knows all.
    Complete,
    /// The server refused something; `reason` says what and why.
    Failed,
}

/// The content of `tracking.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    pub state: Standing,
    /// Epochs, samples and files that are still to be sent.
    pub pending: usize,
    /// Why the last attempt came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The server it was last sent to, or shall be.
    pub uri: String,
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
    /// Files by their paths in the run's folder.
    pub files: BTreeMap<String, SentFile>,
    /// The model by the digest of its folder.
    pub model_digest: String,
    pub model_id: String,
    /// Name and version it is registered as.
    pub registered: Option<(String, String)>,
}

/// A file as it was when it was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SentFile {
    pub bytes: u64,
    /// Nanoseconds since 1970, to see at a glance that nothing changed.
    pub modified: i128,
    /// BLAKE3, the first 32 hexadecimal digits.
    pub hash: String,
}

impl Ledger {
    /// Reads a run's ledger; an empty one where there is none.
    ///
    /// # Errors
    /// When the file can't be read. A damaged one counts as none: the server is asked for what it has.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let path = folder.path().join(NAME);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }

    /// Whether a run has a ledger, which every run that is to be tracked has from its beginning.
    pub fn exists(folder: &RunFolder) -> bool {
        folder.path().join(NAME).is_file()
    }

    /// Whether something that is sent was written after the ledger: a later evaluation, an explanation, a note.
    pub fn is_outdated(folder: &RunFolder) -> bool {
        let modified =
            |name: &str| fs::metadata(folder.path().join(name)).and_then(|meta| meta.modified()).ok();
        let written = modified(NAME);
        WRITTEN_LATER.iter().any(|name| modified(name) > written)
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

    /// Marks a run as one that `server` is to be told of.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn open_for(folder: &RunFolder, server: &ServerUri) -> Result<()> {
        let mut ledger = Self::read(folder)?;
        ledger.state = Standing::Pending;
        ledger.uri = server.to_string();
        ledger.write(folder)
    }
}

/// Holds a run for one sender, in whatever process it is; let go when dropped, and by the system when the process ends.
#[derive(Debug)]
pub(super) struct Hold {
    _file: File,
}

impl Hold {
    /// Takes the run.
    ///
    /// # Errors
    /// [`TrackingError::Busy`] while another holds it.
    pub fn take(folder: &RunFolder) -> Result<Self, TrackingError> {
        let path = folder.path().join(LOCK);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("can't write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(TrackingError::Busy { path: folder.path().to_owned() }),
            Err(TryLockError::Error(error)) => {
                Err(TrackingError::Folder(format!("can't lock {}: {error}", path.display())))
            }
        }
    }
}
