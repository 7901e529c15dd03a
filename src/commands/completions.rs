//! `completions`: completion scripts for shells.

use std::io::Write;

use anyhow::Result;

use super::Exit;
use crate::cli::command;

/// Prints a completion script.
pub fn run(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "chestxr-tui", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Done)
}
