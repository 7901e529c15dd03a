//! The program: parse, resolve, hand over, and turn what went wrong into a sentence and an exit code.

mod cli;
mod commands;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use chestxr_tui::config::{AppPaths, RunConfig};
use chestxr_tui::dataset::Cache;
use chestxr_tui::dataset::source::Source;
use chestxr_tui::train::Trainer;
use chestxr_tui::{native, tui};

use cli::{Cli, Command, DataCommand, Global, RunsCommand};
use commands::Exit;

fn main() -> ExitCode {
    native::tune_allocator();
    let cli = Cli::parse();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            // A reader such as `head` that has seen enough is no failure of ours.
            if commands::is_broken_pipe(&error) {
                return Exit::Done.into();
            }
            commands::complain(&format!("chestxr-tui: {error:#}"));
            commands::exit_of(&error).into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit> {
    let Cli { command, global } = cli;
    let config = configured(&global)?;
    let paths = AppPaths::new(global.runs_dir.as_deref());
    let json = global.json;
    match command {
        None | Some(Command::Train) if global.no_ui => commands::train::run(config, &paths, json),
        None => workbench(config, paths, &global, false),
        Some(Command::Train) => workbench(config, paths, &global, true),
        Some(Command::Data(DataCommand::Info { source })) => commands::data::info(&config.data, source, json),
        Some(Command::Data(DataCommand::Convert { source, out })) => {
            commands::data::convert(&config.data, source, &out)
        }
        Some(Command::Runs(RunsCommand::List)) => commands::runs::list(&paths, json),
        Some(Command::Runs(RunsCommand::Show { run })) => commands::runs::show(&paths, &run, json),
        Some(Command::Doctor) => commands::doctor::run(&paths, json),
        Some(Command::Completions { shell }) => commands::completions::run(shell),
    }
}

/// The configuration as files and options make it. The short options are settings by another name.
fn configured(global: &Global) -> Result<RunConfig> {
    let mut sets = global.sets.clone();
    sets.extend(global.data.iter().map(|source| format!("data.source={source}")));
    sets.extend(global.device.iter().map(|device| format!("run.device={device}")));
    let config = RunConfig::resolve(global.config.as_deref(), &sets)?;
    config.data.source.parse::<Source>()?;
    Ok(config)
}

fn workbench(config: RunConfig, paths: AppPaths, global: &Global, start: bool) -> Result<Exit> {
    commands::require_terminal()?;
    let cache = Cache::new();
    let trainer =
        Trainer::spawn(paths.runs.clone(), cache.clone()).context("can't start the trainer's thread")?;
    let options = tui::Options { config, paths, theme: global.theme.clone(), start };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(match runtime.block_on(tui::run(options, trainer, cache))? {
        tui::Left::ByChoice => Exit::Done,
        tui::Left::BySignal => Exit::Interrupted,
    })
}
