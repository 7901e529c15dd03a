//! The commands that end at once, one file each; headless training among them.

pub mod annotate;
pub mod augment;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod data;
pub mod doctor;
pub mod evaluate;
pub mod explain;
pub mod export;
pub mod follow;
pub mod inline;
pub mod predict;
pub mod progress;
pub mod queue;
pub mod runs;
pub mod runs_export;
pub mod tidy;
pub mod track;
pub mod train;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use chestxr_tui::config::{ConfigError, RunConfig};
use chestxr_tui::dataset::DataError;
use chestxr_tui::dataset::source::SourceError;
use chestxr_tui::runs::LookupError;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    Misused,
    /// By a signal, after the checkpoint was written.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Misused => 2,
            Exit::Interrupted => 130,
        })
    }
}

/// A command used in a way that can't work; the text says what to do instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misuse(pub String);

/// Whether an error lies in what was typed or in what happened.
pub fn exit_of(error: &anyhow::Error) -> Exit {
    let misused = error.is::<ConfigError>()
        || error.is::<SourceError>()
        || error.is::<Misuse>()
        || matches!(error.downcast_ref(), Some(LookupError::Unnamed))
        || error.downcast_ref::<DataError>().is_some_and(DataError::is_usage);
    if misused { Exit::Misused } else { Exit::Failed }
}

/// Says something on stderr, fit for a terminal. Nothing happens when stderr is gone: a complaint about that
/// would have no place to go either.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", chestxr_tui::text::one_line(text, 2000));
}

/// Whether an error is only that nobody reads our output any more.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Takes those of the settings given as options that say where a run is told of: the others are what it was trained with.
///
/// # Errors
/// When there is no such setting or the value isn't allowed.
pub fn set_tracking(config: &mut RunConfig, sets: &[String]) -> Result<(), ConfigError> {
    sets.iter()
        .filter(|set| set.trim_start().starts_with("tracking."))
        .try_for_each(|set| config.set_pair(set))
}

/// The workbench needs a terminal on both ends.
pub fn require_terminal() -> Result<(), Misuse> {
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Misuse(
        "the workbench needs a terminal and this is none; add --no-ui to train without the screen".into(),
    ))
}
