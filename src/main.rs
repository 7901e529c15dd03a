//! The program: parse, resolve, hand over, and turn what went wrong into a sentence and an exit code.

mod cli;
mod commands;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use chestxr_tui::config::{AppPaths, RunConfig, ServerUri, ServerUriError, TrackingSection};
use chestxr_tui::dataset::Cache;
use chestxr_tui::dataset::source::Source;
use chestxr_tui::evaluation;
use chestxr_tui::runs::{self, RunFolder};
use chestxr_tui::tracking::{Uploader, environment};
use chestxr_tui::train::{Command as TrainerCommand, Trainer};
use chestxr_tui::{native, panics, tui};

use cli::{Cli, Command, Direction, Global, QueueCommand, RunsCommand, TrackCommand};
use commands::{Exit, Misuse};

fn main() -> ExitCode {
    native::tune_allocator();
    panics::install_panic_hook();
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
    let paths = AppPaths::new(global.runs_dir.as_deref());
    let json = global.json;
    if let Some(Command::Train { resume: Some(run), .. }) = &command {
        let (config, folder) = resumed(&global, &paths, run)?;
        let request = TrainerCommand::Start {
            config: Box::new(config.clone()),
            resume: Some(folder.path().to_owned()),
        };
        return match global.no_ui {
            true => commands::train::run(request, &paths, json),
            false => workbench(config, paths, &global, Some(request)),
        };
    }
    if let Some(Command::Train { queue: true, .. }) = &command {
        if global.config.is_some() || !sets(&global).is_empty() {
            let text = "the runs of the queue have settings of their own; `runs queue add` puts one with these there";
            return Err(Misuse(text.into()).into());
        }
        return commands::queue::work(&paths, json);
    }
    let config = configured(&global, matches!(command, None | Some(Command::Train { .. })))?;
    let start = || TrainerCommand::Start { config: Box::new(config.clone()), resume: None };
    match command {
        Some(Command::Train { find_lr: true, .. }) => {
            let request = TrainerCommand::FindLr { config: Box::new(config.clone()) };
            match global.no_ui {
                true => commands::train::run(request, &paths, json),
                false => workbench(config, paths, &global, Some(request)),
            }
        }
        None | Some(Command::Train { .. }) if global.no_ui => commands::train::run(start(), &paths, json),
        None => workbench(config, paths, &global, None),
        Some(Command::Train { .. }) => workbench(config.clone(), paths, &global, Some(start())),
        Some(Command::Evaluate(args)) => commands::evaluate::run(&args, &global, &paths),
        Some(Command::Predict(args)) => commands::predict::run(&args, &global, &paths),
        Some(Command::Explain(args)) => commands::explain::run(&args, &global, &paths),
        Some(Command::Export(args)) => commands::export::run(&args, &global, &paths),
        Some(Command::Augment(args)) => commands::augment::run(&args, &global, &config),
        Some(Command::Data(command)) => commands::data::run(command, &global, &config),
        Some(Command::Track(TrackCommand::Sync(args))) => {
            commands::track::run(&args, &sets(&global), &paths, json)
        }
        Some(Command::Runs(command)) => runs_command(command, &config, &sets(&global), &paths, json),
        Some(Command::Bench(args)) => commands::bench::run(&args, config, &sets(&global), json),
        Some(Command::Doctor) => commands::doctor::run(&paths, global.graphics, json),
        Some(Command::Completions { shell }) => commands::completions::run(shell),
    }
}

fn runs_command(
    command: RunsCommand,
    config: &RunConfig,
    sets: &[String],
    paths: &AppPaths,
    json: bool,
) -> Result<Exit> {
    match command {
        RunsCommand::List(args) => commands::runs::list(paths, &args, json),
        RunsCommand::Show { run, follow: true } => commands::follow::run(paths, &run, json),
        RunsCommand::Show { run, .. } => commands::runs::show(paths, &run, json),
        RunsCommand::Compare(args) => commands::compare::run(&args, paths, json),
        RunsCommand::Tag { run, tags } => commands::annotate::tag(paths, &run, &tags, json),
        RunsCommand::Note { run, text } => commands::annotate::note(paths, &run, text.as_deref(), json),
        RunsCommand::Rename { run, name } => commands::annotate::rename(paths, &run, &name, json),
        RunsCommand::Rm { runs, yes } => commands::tidy::remove(paths, &runs, yes, json),
        RunsCommand::Gc { dry_run } => commands::tidy::collect(paths, dry_run, json),
        RunsCommand::Queue { change: None } => commands::queue::list(paths, json),
        RunsCommand::Queue { change: Some(change) } => match change {
            QueueCommand::Add => commands::queue::add(paths, config, json),
            QueueCommand::Rm { numbers } => commands::queue::remove(paths, &numbers),
            QueueCommand::Move { number, to } => {
                commands::queue::shift(paths, number, to == Direction::Earlier)
            }
        },
        RunsCommand::Export(args) => commands::runs_export::run(&args, sets, paths, json),
    }
}

/// The configuration as files, options and, for a run that is to begin, the environment make it.
fn configured(global: &Global, begins: bool) -> Result<RunConfig> {
    let mut config = RunConfig::resolve(global.config.as_deref(), &sets(global))?;
    if begins {
        if config.tracking.mlflow_uri.is_empty()
            && let Some(server) = server_of_environment()?
        {
            config.tracking.mlflow_uri = server.to_string();
        }
        name_experiment(&mut config.tracking);
    }
    config.data.source.parse::<Source>()?;
    Ok(config)
}

/// The tracking server of the environment. Something there that is no server, as MLflow's own data bases and folders,
/// counts as none.
fn server_of_environment() -> Result<Option<ServerUri>, Misuse> {
    match environment("MLFLOW_TRACKING_URI").map(|given| given.parse()) {
        None | Some(Err(ServerUriError::NoServer)) => Ok(None),
        Some(Ok(server)) => Ok(Some(server)),
        Some(Err(error)) => Err(Misuse(format!("MLFLOW_TRACKING_URI can't be used: {error}"))),
    }
}

/// Takes the experiment of the environment where the settings leave it as it is.
fn name_experiment(tracking: &mut TrackingSection) {
    if let Some(name) = environment("MLFLOW_EXPERIMENT_NAME")
        && tracking.experiment == TrackingSection::default().experiment
    {
        tracking.experiment = name;
    }
}

/// All settings given as options, the short ones by their full names.
fn sets(global: &Global) -> Vec<String> {
    let mut sets = global.sets.clone();
    sets.extend(global.data.iter().map(|source| format!("data.source={source}")));
    sets.extend(global.memory.iter().map(|memory| format!("data.memory={memory}")));
    sets.extend(global.device.iter().map(|device| format!("run.device={device}")));
    sets
}

/// The run to go on with, and its settings with what may be changed.
fn resumed(global: &Global, paths: &AppPaths, wanted: &str) -> Result<(RunConfig, RunFolder)> {
    if global.config.is_some() {
        return Err(Misuse(
            "a run goes on with its own settings: leave --config away, or start a new run with it".into(),
        )
        .into());
    }
    let folder = runs::find(&paths.runs, wanted)?;
    let mut config = folder.read_config()?;
    let own = config.clone();
    for given in sets(global) {
        config.set_pair(&given)?;
    }
    config.validate()?;
    own.may_become(&config)?;
    Ok((config, folder))
}

fn workbench(
    config: RunConfig,
    paths: AppPaths,
    global: &Global,
    start: Option<TrainerCommand>,
) -> Result<Exit> {
    commands::require_terminal()?;
    let cache = Cache::new();
    let trainer =
        Trainer::spawn(paths.runs.clone(), cache.clone()).context("can't start the trainer's thread")?;
    // Before the terminal is taken: what goes wrong here is told on it.
    let _uploader = Uploader::spawn(paths.runs.clone(), evaluation::model_to_send)
        .context("can't start the thread that tells the tracking server")?;
    let options =
        tui::Options { config, paths, theme: global.theme.clone(), graphics: global.graphics, start };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(match runtime.block_on(tui::run(options, trainer, cache))? {
        tui::Left::ByChoice => Exit::Done,
        tui::Left::BySignal => Exit::Interrupted,
    })
}
