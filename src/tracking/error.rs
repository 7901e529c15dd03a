//! Why a server doesn't know of a run yet, one sentence each.

use std::path::PathBuf;
use std::time::Duration;

/// Why something couldn't be sent.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum TrackingError {
    /// Nobody answers, or the line breaks.
    #[error(
        "the MLflow server {server} can't be reached ({why}); what was not sent stays in the run's folder"
    )]
    Unreachable { server: String, why: String },
    /// The server is there and has no time or is out of order.
    #[error(
        "the MLflow server {server} answers {status} ({why}{}); what was not sent stays in the run's folder",
        again(*wait)
    )]
    OutOfOrder {
        server: String,
        status: u16,
        why: String,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// Who we are isn't known there.
    #[error(
        "the MLflow server {server} answers {status}: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or \
         MLFLOW_TRACKING_TOKEN, of somebody who may write there; then `chestxr-tui track sync` sends what is missing"
    )]
    Login { server: String, status: u16 },
    /// Something else answers there.
    #[error("{server} does not answer as an MLflow server does ({found}); check tracking.mlflow_uri")]
    NotMlflow { server: String, found: String },
    /// It sends us on to somewhere else, where the login must not go unasked.
    #[error("{server} sends on to {to}; if MLflow is there, set tracking.mlflow_uri to that address")]
    Moved { server: String, to: String },
    /// Somebody on the way takes nothing of that size.
    #[error(
        "the MLflow server {server} doesn't take {what}: it is too large for what stands in front of it; raise the \
         limit there (nginx: client_max_body_size), then `chestxr-tui track sync` sends it"
    )]
    TooLarge { server: String, what: String },
    /// The server understood and refuses.
    #[error("the MLflow server refuses {what}: {why}")]
    Refused { what: String, code: String, why: String },
    /// Files can't be handed to the server itself.
    #[error(
        "the MLflow server keeps files at {root} and doesn't take them itself; start it with --serve-artifacts, or set \
         another server"
    )]
    NoFiles { root: String },
    /// The environment names something that can't be used.
    #[error("{name}: {why}")]
    Environment { name: &'static str, why: String },
    /// The run's own folder can't be read or written.
    #[error("{0}")]
    Folder(String),
    /// Another process sends this run.
    #[error("another process is sending the run {}; wait until it is done, or end it, then try again", path.display())]
    Busy { path: PathBuf },
    /// The one who watches had enough.
    #[error("stopped; what was not sent stays in the run's folder")]
    Stopped,
}

impl TrackingError {
    /// Whether the same may well work a little later without anybody's doing.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::OutOfOrder { .. } | Self::Busy { .. } | Self::Stopped)
    }

    /// How long the server wants to be left alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::OutOfOrder { wait, .. } => *wait,
            _ => None,
        }
    }

    /// The same error with what was sent or requested.
    pub(super) fn about(mut self, about: &str) -> Self {
        if let Self::Refused { what, .. } | Self::TooLarge { what, .. } = &mut self {
            about.clone_into(what);
        }
        self
    }

    /// Whether the server refused with this code of MLflow's.
    pub(super) fn is_code(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}

/// A pause as part of a sentence; nothing for one that nobody has to know of.
fn again(wait: Option<Duration>) -> String {
    match wait.map(|wait| wait.as_secs()) {
        None | Some(0) => String::new(),
        Some(seconds) => format!("; again after {seconds} s"),
    }
}

impl From<anyhow::Error> for TrackingError {
    fn from(error: anyhow::Error) -> Self {
        Self::Folder(crate::text::one_line(&format!("{error:#}"), 600))
    }
}
