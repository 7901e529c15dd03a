//! `runs export --mlflow DIR`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::{AppPaths, RunConfig};
use chestxr_tui::evaluation;
use chestxr_tui::runs::{self, RunFolder};
use chestxr_tui::tracking;

use super::{Exit, UsageError, print_error, set_tracking};
use crate::cli::ExportRunsArgs;

/// Writes the named runs, or all, into a file store of MLflow's. One that can't be written doesn't keep the others away.
pub fn run(args: &ExportRunsArgs, sets: &[String], paths: &AppPaths, json: bool) -> Result<Exit> {
    let is_theirs = |store: &&Path| store.file_name().is_some_and(|name| name == "mlruns");
    if [Some(args.mlflow.as_path()), args.at.as_deref()].iter().flatten().any(is_theirs) {
        return Err(UsageError(
            "a folder named mlruns makes later servers of MLflow refuse to start beside it; choose another name".into(),
        )
        .into());
    }
    let named = match args.runs.is_empty() {
        true => runs::list(&paths.runs)?.into_iter().map(|run| run.path).collect::<Vec<_>>(),
        false => {
            let find = |run: &String| Ok(runs::find(&paths.runs, run)?.path().to_owned());
            args.runs.iter().map(find).collect::<Result<_>>()?
        }
    };
    if named.is_empty() {
        return Err(UsageError(format!("there are no runs in {} to export", paths.runs.display())).into());
    }
    // Settings that can't be are wrong for each of them.
    set_tracking(&mut RunConfig::default(), sets)?;
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Done;
    for path in named {
        let written = match export(&path, args, sets) {
            Ok(written) => written,
            Err(error) => {
                print_error(&format!("warning: can't export run {}: {error:#}", path.display()));
                exit = Exit::Failed;
                continue;
            }
        };
        let run = path.file_name().unwrap_or_default().to_string_lossy();
        match json {
            true => writeln!(out, "{}", json!({"run": run, "folder": written}))?,
            false => writeln!(out, "{run}  {}", written.display())?,
        }
    }
    if !json {
        let there = args.at.as_deref().unwrap_or(&args.mlflow).display();
        writeln!(
            out,
            "To look at them: mlflow migrate-filestore --source {there} --target sqlite:///runs.db, then mlflow server \
             --backend-store-uri sqlite:///runs.db. {} must stay where it is: figures and models are found there.",
            args.at
                .as_deref()
                .map_or("The folder".to_owned(), |at| format!("Put it at {}; it", at.display()))
        )?;
    }
    Ok(exit)
}

fn export(path: &Path, args: &ExportRunsArgs, sets: &[String]) -> Result<PathBuf> {
    let folder = RunFolder::open(path)?;
    let mut config = folder.read_config()?;
    set_tracking(&mut config, sets)?;
    let model = evaluation::model_to_send(&folder)?;
    tracking::export(&folder, &config.tracking, model, &args.mlflow, args.at.as_deref())
}
