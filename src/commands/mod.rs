//! The commands without a screen, one file each; headless training included.

pub mod annotate;
pub mod augment;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod data;
pub mod delete;
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
pub mod settings;
pub mod track;
pub mod train;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use chestxr_tui::config::{ConfigError, RunConfig};
use chestxr_tui::dataset::DataError;
use chestxr_tui::dataset::source::SourceError;
use chestxr_tui::runs::LookupError;

/// Exit status of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Done,
    /// 1
    Failed,
    /// 2: wrong arguments, settings or source.
    UsageError,
    /// 130: by a signal, after the checkpoint was written.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::UsageError => 2,
            Exit::Interrupted => 130,
        })
    }
}

/// Arguments that contradict each other or name something unknown; the message has the correction.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// [`Exit::UsageError`] for errors in arguments and settings, else [`Exit::Failed`].
pub fn exit_of(error: &anyhow::Error) -> Exit {
    let is_usage = error.is::<ConfigError>()
        || error.is::<SourceError>()
        || error.is::<UsageError>()
        || matches!(error.downcast_ref(), Some(LookupError::Unnamed))
        || error.downcast_ref::<DataError>().is_some_and(DataError::is_usage);
    if is_usage { Exit::UsageError } else { Exit::Failed }
}

/// Prints a line to stderr, without control characters. A closed stderr is ignored: there is nowhere to report it.
pub fn print_error(text: &str) {
    let _ = writeln!(io::stderr(), "{}", chestxr_tui::text::one_line(text, 2000));
}

/// Whether the error is a closed output pipe.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Applies the `tracking.*` settings among `sets`: the other settings of a run are those it was trained with.
///
/// # Errors
/// When a setting is unknown or its value is not allowed.
pub fn set_tracking(config: &mut RunConfig, sets: &[String]) -> Result<(), ConfigError> {
    sets.iter()
        .filter(|set| set.trim_start().starts_with("tracking."))
        .try_for_each(|set| config.set_pair(set))
}

/// Checks that an output file may be written: it doesn't exist, or --force was given. To be called before the work
/// that makes its content.
///
/// # Errors
/// When the file exists and `force` is false.
pub fn check_output(out: &Path, force: bool) -> Result<(), UsageError> {
    // A pipe or a device such as /dev/stdout is written to, not replaced.
    let replaced =
        out.symlink_metadata().is_ok_and(|found| found.is_file() || found.is_symlink() || found.is_dir());
    if replaced && !force && !out.starts_with("/dev") {
        return Err(UsageError(format!(
            "{}: exists already; replace it with --force, or name another file",
            out.display()
        )));
    }
    Ok(())
}

/// Checks that stdin and stdout are terminals, as the workbench needs.
///
/// # Errors
/// When one of them is not.
pub fn require_terminal() -> Result<(), UsageError> {
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            return Err(UsageError(
                "TERM=dumb: the workbench needs a terminal that can move its cursor; use another one, or add --no-ui to \
                 train without the screen"
                    .into(),
            ));
        }
        return Ok(());
    }
    Err(UsageError(
        "the workbench needs a terminal, and stdin or stdout is not one; add --no-ui to train without the screen"
            .into(),
    ))
}
