//! What a sync works with and what it reports.

use std::path::PathBuf;

use super::client::HttpClient;
use crate::runs::RunFolder;

/// Makes a run's model folder, when it has weights to make it of.
pub type MakeModel<'a> = &'a (dyn Fn(&RunFolder) -> anyhow::Result<Option<PathBuf>> + Sync);

/// What was sent in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Settings, tags, names and states.
    pub words: usize,
    /// Epochs, samples and results.
    pub rows: usize,
    /// Number of files sent.
    pub files: usize,
    /// Bytes sent.
    pub bytes: u64,
    /// The finished model went too.
    pub model: bool,
    /// What the run still has to send: epochs that no checkpoint holds yet don't count.
    pub pending: usize,
    /// The run is over and all of it is there.
    pub is_complete: bool,
}

/// Progress of a sync, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many rows are still to go.
    Rows(usize),
    /// This file goes now, and so many after it.
    File(String, usize),
    /// The model as an MLflow model.
    Model,
}

/// One server, and what is needed to send runs to it.
pub struct Client<'a> {
    /// Connection to the server.
    pub client: &'a HttpClient<'a>,
    /// Writes the MLflow model of a run.
    pub make_model: MakeModel<'a>,
    /// Told of progress.
    pub tell: &'a (dyn Fn(Progress) + 'a),
}
