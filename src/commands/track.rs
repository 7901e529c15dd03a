//! `track sync`: syncs runs to MLflow servers.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};

use chestxr_tui::config::{AppPaths, ServerUri, TrackingSection};
use chestxr_tui::runs::{self, RunFolder};
use chestxr_tui::text::bytes;
use chestxr_tui::tracking::{
    Client, HttpClient, Ledger, Patience, Progress, Report, TrackingError, environment,
};

use super::{Exit, UsageError, print_error, set_tracking};
use crate::cli::SyncArgs;

/// Syncs the named runs, or all that have something to upload: each to its own server, or to the one of --to.
pub fn run(args: &SyncArgs, sets: &[String], paths: &AppPaths, json: bool) -> Result<Exit> {
    let named = match args.runs.is_empty() {
        true => runs::list(&paths.runs)?.into_iter().map(|run| run.path).collect::<Vec<PathBuf>>(),
        false => {
            let find = |run: &String| Ok(runs::find(&paths.runs, run)?.path().to_owned());
            args.runs.iter().map(find).collect::<Result<_>>()?
        }
    };
    // Parsed here and not by clap, whose error message would repeat a password.
    let to = args.to.as_ref().map(|to| to.parse::<ServerUri>()).transpose();
    let to = to.map_err(|error| UsageError(format!("--to: {error}")))?;
    let jobs = jobs(&named, args, to.as_ref(), sets)?;
    if jobs.is_empty() {
        let why = if named.is_empty() { "there are no runs" } else { "no run names a server" };
        return Err(UsageError(format!(
            "track sync: {why}; name a server with --to http://host:5000 or MLFLOW_TRACKING_URI, or train with \
             --set tracking.mlflow_uri=http://host:5000"
        ))
        .into());
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("can't watch for signals")?;
    }
    let keep_going = || !stop.load(Ordering::Relaxed);
    let mut exit = Exit::Done;
    for SyncJob { folder, server, tracking } in jobs {
        let outcome = send(&folder, server.clone(), &tracking, Patience::ASKED, &keep_going);
        print_outcome(&folder, &server, &outcome, json)?;
        match outcome {
            Err(TrackingError::Stopped) => return Ok(Exit::Interrupted),
            Err(_) => exit = Exit::Failed,
            Ok(_) => {}
        }
    }
    Ok(exit)
}

struct SyncJob {
    folder: RunFolder,
    server: ServerUri,
    tracking: TrackingSection,
}

/// The runs to sync with their servers: that of --to, else of the run's settings, else the one it was last synced to, else
/// that of the environment.
fn jobs(named: &[PathBuf], args: &SyncArgs, to: Option<&ServerUri>, sets: &[String]) -> Result<Vec<SyncJob>> {
    let mut jobs = Vec::new();
    for path in named {
        let folder = RunFolder::open(path)?;
        // A damaged run is an error when it was named; among all runs it is skipped.
        let mut tracking = match folder.read_config() {
            Ok(mut config) => {
                set_tracking(&mut config, sets)?;
                config.tracking
            }
            Err(error) if args.runs.is_empty() => {
                print_error(&format!("warning: run {} skipped: {error:#}", folder.id()));
                continue;
            }
            Err(error) => return Err(error),
        };
        crate::name_experiment(&mut tracking);
        let server = match to {
            Some(to) => Some(to.clone()),
            None => match Ledger::read(&folder)?.server(&tracking) {
                None if tracking.mlflow_uri.is_empty() => crate::server_of_environment()?,
                own => own,
            },
        };
        jobs.extend(server.map(|server| SyncJob { folder, server, tracking }));
    }
    Ok(jobs)
}

/// Syncs one run, with a progress bar on stderr when that is a terminal.
///
/// # Errors
/// When the server can't be reached or rejects an upload, or the run can't be read.
pub fn send(
    folder: &RunFolder,
    server: ServerUri,
    tracking: &TrackingSection,
    patience: Patience,
    keep_going: &(dyn Fn() -> bool + Sync),
) -> Result<Report, TrackingError> {
    // indicatif hides the bar when stderr is not a terminal.
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar.set_message(format!("{server}: {}", folder.id()));
    let tell = |progress: Progress| {
        bar.set_message(match progress {
            Progress::Rows(left) => format!("{}: metrics, {left} rows left", folder.id().short()),
            Progress::File(path, left) => format!("{}: {path}, {left} files left", folder.id().short()),
            Progress::Model => format!("{}: the model", folder.id().short()),
        });
    };
    let outcome = HttpClient::new(server, patience, environment, keep_going).and_then(|client| {
        let sender =
            Client { client: &client, make_model: &chestxr_tui::evaluation::model_to_send, tell: &tell };
        sender.run(folder, tracking, &mut None)
    });
    bar.finish_and_clear();
    match &outcome {
        Ok(_) => tracing::info!(run = %folder.id(), "sync"),
        Err(error) => tracing::warn!(run = %folder.id(), "sync failed: {error}"),
    }
    outcome
}

fn print_outcome(
    folder: &RunFolder,
    server: &ServerUri,
    outcome: &Result<Report, TrackingError>,
    json: bool,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match outcome {
        Ok(report) if json => {
            let line = json!({"run": folder.id(), "server": server.as_str(), "sent": report});
            writeln!(out, "{line}")
        }
        Err(error) if json => {
            let line = json!({"run": folder.id(), "server": server.as_str(), "error": error.to_string()});
            writeln!(out, "{line}")
        }
        Ok(report) => writeln!(out, "{}  {}", folder.id(), summary(report)),
        Err(error) => {
            print_error(&format!("chestxr-tui: {}: {error}", folder.id()));
            Ok(())
        }
    }
}

/// What was uploaded, in one line.
fn summary(report: &Report) -> String {
    let state = if report.is_complete { "complete" } else { "continues" };
    let mut sent = Vec::new();
    if report.rows > 0 {
        sent.push(format!("{} rows", report.rows));
    }
    if report.files > 0 {
        sent.push(format!("{} files ({})", report.files, bytes(report.bytes)));
    }
    if report.model {
        sent.push("the model".to_owned());
    }
    match sent.is_empty() {
        true if report.words > 0 => format!("{state}: only annotations were new"),
        true => format!("{state}, nothing new"),
        false => format!("{state}: {} sent", sent.join(", ")),
    }
}
