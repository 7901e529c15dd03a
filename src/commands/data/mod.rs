//! `data`: list, clean, info, fetch, check, show and convert.

mod check;
mod clean;
mod convert;
mod fetch;
mod info;
mod list;
mod show;

use anyhow::Result;

use chestxr_tui::config::RunConfig;
use chestxr_tui::dataset::Dataset;

use super::{Exit, check_output, progress};
use crate::cli::{DataCommand, Global};

/// Runs a command on data sets.
pub fn run(command: DataCommand, global: &Global, config: &RunConfig) -> Result<Exit> {
    let (section, json) = (&config.data, global.json);
    match command {
        DataCommand::List => list::run(json),
        DataCommand::Clean => clean::run(json),
        DataCommand::Info { source, verbose } => info::info(section, source, verbose, json),
        DataCommand::Fetch(args) => fetch::run(&args, json),
        DataCommand::Check { source } => check::run(section, source, json),
        DataCommand::Show(args) => show::run(&args, global, section),
        DataCommand::Convert { source, out, size, force } => {
            check_output(&out, force)?;
            convert::run(section, source, &out, size, json)
        }
    }
}

/// Loads `source`, or the data source of the settings.
fn load(section: &chestxr_tui::config::DataSection, source: Option<String>, quiet: bool) -> Result<Dataset> {
    let mut section = section.clone();
    section.source = source.unwrap_or(section.source);
    Ok(progress::load(&section, quiet)?)
}
