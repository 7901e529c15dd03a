//! A run's row in lists, and why a run is not found.

use std::path::PathBuf;

use serde::Serialize;

use super::{Annotations, Measured, RunFolder, RunId, RunState, Status, Tracked};
use crate::config::RunConfig;
use crate::text::one_line;

/// What a list of runs shows of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// Id of the run.
    pub id: RunId,
    /// Its folder.
    pub path: PathBuf,
    /// The state as it really is: a run whose process is gone is `interrupted`.
    pub state: RunState,
    /// Its `status.json`.
    pub status: Status,
    /// `None` when `run.toml` is missing or damaged.
    pub config: Option<RunConfig>,
    /// Its annotations; empty when `about.json` is damaged.
    #[serde(flatten)]
    pub about: Annotations,
    /// What an MLflow server has of it.
    pub tracked: Tracked,
    /// `None` until [`Catalog::measure`] has looked.
    #[serde(skip)]
    pub measured: Option<Measured>,
}

impl RunSummary {
    /// The name a person gave it, else that of its settings; may be empty.
    pub fn name(&self) -> &str {
        let own = || self.config.as_ref().map_or("", |config| config.run.name.as_str());
        self.about.name.as_deref().unwrap_or_else(own)
    }
}

/// Why a run wasn't found.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum LookupError {
    #[error(
        "the name of a run is empty; give an id or its beginning, its last four digits, last, best or its folder"
    )]
    Unnamed,
    #[error("there are no runs in {}; start one with `chestxr-tui train`", .0.display())]
    NoRuns(PathBuf),
    #[error("no run in {} begins with `{wanted}`; `chestxr-tui runs list` shows them", runs.display())]
    Unknown { wanted: String, runs: PathBuf },
    #[error("`{wanted}` is the beginning of {count} runs; give more of it")]
    Ambiguous { wanted: String, count: usize },
    #[error("the run {} can't be read: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("no run in {} has a best epoch yet", .0.display())]
    NoBest(PathBuf),
    #[error("can't read the runs in {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
}

/// Why a run can't be read, if it can't, and what to do about it.
pub(super) fn readable(folder: &RunFolder) -> Result<(), LookupError> {
    folder.read_status().map(drop).map_err(|error| LookupError::Damaged {
        path: folder.path().to_owned(),
        why: format!(
            "{}; a newer version may be able to, and `chestxr-tui runs rm {}` deletes it",
            one_line(&format!("{error:#}"), 300),
            folder.id()
        ),
    })
}
