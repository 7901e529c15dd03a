//! The program: parses arguments, resolves the configuration, runs the command, and turns an error into a message and
//! an exit code.

mod cli;
mod commands;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use chestxr_tui::config::{AppPaths, RunConfig, ServerUri, ServerUriError, TrackingSection};
use chestxr_tui::dataset::Cache;
use chestxr_tui::dataset::source::Source;
use chestxr_tui::evaluation;
use chestxr_tui::runs::{self, RunFolder};
use chestxr_tui::tracking::{Uploader, environment};
use chestxr_tui::train::{Command, Trainer};
use chestxr_tui::{logging, native, panics, sentence, tui};

use cli::{Cli, CliCommand, Direction, Global, QueueCommand, RunsCommand, TrackCommand};
use commands::{Exit, UsageError};

fn main() -> ExitCode {
    native::tune_allocator();
    native::fix_cublas_workspace();
    panics::install_panic_hook(logging::report_panic);
    // Before the command line, whose help asks libtorch for its version.
    match check_surroundings().and_then(|()| run(Cli::from_command_line())) {
        Ok(exit) => exit.into(),
        Err(error) => {
            // A reader such as `head` that closes the pipe early is not an error.
            if commands::is_broken_pipe(&error) {
                return Exit::Done.into();
            }
            let said = sentence::of_error(&error);
            tracing::error!("{said}");
            commands::print_error(&format!("chestxr-tui: {said}"));
            commands::exit_of(&error).into()
        }
    }
}

/// Whether the process was started in a directory that no longer exists.
static DIRECTORY_IS_GONE: AtomicBool = AtomicBool::new(false);

/// Leaves a directory that no longer exists: oneMKL, which libtorch brings, ends the process there with a message of its own
/// before `main` begins, so this runs before the constructors of libraries.
#[cfg(target_os = "linux")]
#[used]
// SAFETY: the loader calls what this section has, with the C library at work; see `leave_missing_directory`.
#[unsafe(link_section = ".preinit_array")]
static BEFORE_LIBRARIES: extern "C" fn() = leave_missing_directory;

#[cfg(target_os = "linux")]
extern "C" fn leave_missing_directory() {
    let mut room = [0_u8; 8192];
    // SAFETY: two system calls, one of which fills at most the room it is given; the other reads a constant text.
    let left = unsafe {
        libc::getcwd(room.as_mut_ptr().cast(), room.len()).is_null()
            && *libc::__errno_location() == libc::ENOENT
            && libc::chdir(c"/".as_ptr()) == 0
    };
    DIRECTORY_IS_GONE.store(left, Ordering::Relaxed);
}

/// What would end the process without a sentence: a write beyond the limit of `ulimit -f` is an error instead of a signal, and
/// nothing can be written into a directory that no longer exists.
fn check_surroundings() -> Result<()> {
    // SAFETY: ignoring a signal touches no memory, and no other thread runs yet.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    if DIRECTORY_IS_GONE.load(Ordering::Relaxed) {
        anyhow::bail!("the working directory no longer exists; change to one that does and start again");
    }
    Ok(())
}

/// Starts the log for commands that do work; `completions` and `settings` only print.
fn start_log(command: Option<&CliCommand>, global: &Global, paths: &AppPaths) -> Result<()> {
    if let Some(CliCommand::Completions { .. } | CliCommand::Settings { .. }) = command {
        return Ok(());
    }
    logging::init(&paths.state, global.log.as_ref()).context("can't open the log file of --log")?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        commit = env!("CHESTXR_COMMIT"),
        process = std::process::id(),
        "start"
    );
    Ok(())
}

fn run(cli: Cli) -> Result<Exit> {
    let Cli { command, global } = cli;
    let paths = AppPaths::new(global.runs_dir.as_deref());
    let json = global.json;
    start_log(command.as_ref(), &global, &paths)?;
    // Now, and not by the first loop that uses them, which could only panic.
    rayon::ThreadPoolBuilder::new().build_global().context("can't start worker threads")?;
    if let Some(CliCommand::Train { resume: Some(run), .. }) = &command {
        let (config, folder) = resumed(&global, &paths, run)?;
        let request =
            Command::Start { config: Box::new(config.clone()), resume: Some(folder.path().to_owned()) };
        return match global.no_ui {
            true => commands::train::run(request, &paths, json),
            false => workbench(config, paths, &global, Some(request)),
        };
    }
    if let Some(CliCommand::Train { queue: true, .. }) = &command {
        if global.config.is_some() || !sets(&global).is_empty() {
            let text = "train --queue: queued runs have their own settings; to queue a run with these, use `runs queue add`";
            return Err(UsageError(text.into()).into());
        }
        return commands::queue::train_all(&paths, json);
    }
    let config = configured(&global, matches!(command, None | Some(CliCommand::Train { .. })))?;
    let start = || Command::Start { config: Box::new(config.clone()), resume: None };
    match command {
        Some(CliCommand::Train { find_lr: true, .. }) => {
            let request = Command::FindLr { config: Box::new(config.clone()) };
            match global.no_ui {
                true => commands::train::run(request, &paths, json),
                false => workbench(config, paths, &global, Some(request)),
            }
        }
        None | Some(CliCommand::Train { .. }) if global.no_ui => commands::train::run(start(), &paths, json),
        None => workbench(config, paths, &global, None),
        Some(CliCommand::Train { .. }) => workbench(config.clone(), paths, &global, Some(start())),
        Some(CliCommand::Evaluate(args)) => commands::evaluate::run(&args, &global, &paths),
        Some(CliCommand::Predict(args)) => commands::predict::run(&args, &global, &paths),
        Some(CliCommand::Explain(args)) => commands::explain::run(&args, &global, &paths),
        Some(CliCommand::Export(args)) => commands::export::run(&args, &global, &paths),
        Some(CliCommand::Augment(args)) => commands::augment::run(&args, &global, &config),
        Some(CliCommand::Data(command)) => commands::data::run(command, &global, &config),
        Some(CliCommand::Track(TrackCommand::Sync(args))) => {
            commands::track::run(&args, &sets(&global), &paths, json)
        }
        Some(CliCommand::Runs(command)) => runs_command(command, &config, &sets(&global), &paths, json),
        Some(CliCommand::Bench(args)) => commands::bench::run(&args, config, &sets(&global), json),
        Some(CliCommand::Doctor) => commands::doctor::run(&paths, global.graphics, global.log.as_ref(), json),
        Some(CliCommand::Settings { json_schema }) => commands::settings::run(json_schema, json),
        Some(CliCommand::Completions { shell }) => commands::completions::run(shell),
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
        RunsCommand::Rm { runs, yes } => commands::delete::remove(paths, &runs, yes, json),
        RunsCommand::Gc { dry_run } => commands::delete::collect(paths, dry_run, json),
        RunsCommand::Queue { change: None } => commands::queue::list(paths, json),
        RunsCommand::Queue { change: Some(change) } => match change {
            QueueCommand::Add => commands::queue::add(paths, config, json),
            QueueCommand::Rm { numbers } => commands::queue::remove(paths, &numbers),
            QueueCommand::Move { number, to } => {
                commands::queue::move_run(paths, number, to == Direction::Earlier)
            }
        },
        RunsCommand::Export(args) => commands::runs_export::run(&args, sets, paths, json),
    }
}

/// The configuration from the file and the options; for a new run, also from MLflow's environment variables.
fn configured(global: &Global, new_run: bool) -> Result<RunConfig> {
    let mut config = RunConfig::resolve(global.config.as_deref(), &sets(global))?;
    if new_run {
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

/// The tracking server of `MLFLOW_TRACKING_URI`. MLflow's databases and directories, which are not servers, count as none,
/// and it is said that they do.
fn server_of_environment() -> Result<Option<ServerUri>, UsageError> {
    match environment("MLFLOW_TRACKING_URI").map(|given| given.parse()) {
        None => Ok(None),
        Some(Err(ServerUriError::NoServer)) => {
            let text = "MLFLOW_TRACKING_URI names no server (http:// or https://), so new runs are not tracked; set \
                        tracking.mlflow_uri to a server's address, or to none to leave this line out";
            tracing::warn!("{text}");
            commands::print_error(text);
            Ok(None)
        }
        Some(Ok(server)) => Ok(Some(server)),
        Some(Err(error)) => Err(UsageError(format!("MLFLOW_TRACKING_URI: {error}"))),
    }
}

/// Takes the experiment of `MLFLOW_EXPERIMENT_NAME` where the settings have the default.
fn name_experiment(tracking: &mut TrackingSection) {
    if let Some(name) = environment("MLFLOW_EXPERIMENT_NAME")
        && tracking.experiment == TrackingSection::default().experiment
    {
        tracking.experiment = name;
    }
}

/// All settings given as options, as `key=value`: those of --set, then those of --data, --memory and --device.
fn sets(global: &Global) -> Vec<String> {
    let mut sets = global.sets.clone();
    sets.extend(global.data.iter().map(|source| format!("data.source={source}")));
    sets.extend(global.memory.iter().map(|memory| format!("data.memory={memory}")));
    sets.extend(global.device.iter().map(|device| format!("run.device={device}")));
    sets
}

/// The run to resume, and its settings with the changes of --set.
fn resumed(global: &Global, paths: &AppPaths, run: &str) -> Result<(RunConfig, RunFolder)> {
    if global.config.is_some() {
        return Err(UsageError(
            "--config: a resumed run has its own settings; omit --config, or start a new run with it".into(),
        )
        .into());
    }
    let folder = runs::find(&paths.runs, run)?;
    let mut config = folder.read_config()?;
    let own = config.clone();
    for given in sets(global) {
        config.set_pair(&given)?;
    }
    config.validate()?;
    own.check_resumable(&config)?;
    Ok((config, folder))
}

fn workbench(config: RunConfig, paths: AppPaths, global: &Global, start: Option<Command>) -> Result<Exit> {
    commands::require_terminal()?;
    let cache = Cache::new();
    let trainer =
        Trainer::spawn(paths.runs.clone(), cache.clone()).context("can't start the trainer's thread")?;
    // Before the terminal switches to the alternate screen, so that an error here is visible.
    let _uploader = Uploader::spawn(paths.runs.clone(), evaluation::model_to_send)
        .context("can't start the thread that syncs runs to MLflow")?;
    let options =
        tui::Options { config, paths, theme: global.theme.clone(), graphics: global.graphics, start };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start the event loop")?;
    Ok(match runtime.block_on(tui::run(options, trainer, cache))? {
        tui::Left::ByChoice => Exit::Done,
        tui::Left::BySignal => Exit::Interrupted,
    })
}
