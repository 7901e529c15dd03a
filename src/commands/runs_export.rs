//! `runs export`: runs as an MLflow file store.

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

/// Writes the named runs, or all, to an MLflow file store. A run that can't be written is reported, and the others are
/// still written.
pub fn run(args: &ExportRunsArgs, sets: &[String], paths: &AppPaths, json: bool) -> Result<Exit> {
    let is_mlruns = |store: &&Path| store.file_name().is_some_and(|name| name == "mlruns");
    if [Some(args.mlflow.as_path()), args.at.as_deref()].iter().flatten().any(is_mlruns) {
        return Err(UsageError(
            "--mlflow: MLflow servers refuse to start next to a directory named mlruns; choose another name"
                .into(),
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
        return Err(
            UsageError(format!("runs export: no runs in {}; train one first", paths.runs.display())).into()
        );
    }
    // Wrong settings are wrong for every run: check them once.
    set_tracking(&mut RunConfig::default(), sets)?;
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Done;
    for path in named {
        let written = match export(&path, args, sets) {
            Ok(written) => written,
            Err(error) => {
                print_error(&format!("warning: run {} not exported: {error:#}", path.display()));
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
            "To open them: mlflow migrate-filestore --source {there} --target sqlite:///runs.db, then mlflow server \
             --backend-store-uri sqlite:///runs.db. {} must stay in place: MLflow reads figures and models there.",
            args.at
                .as_deref()
                .map_or("The directory".to_owned(), |at| format!("Copy it to {}; it", at.display()))
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
