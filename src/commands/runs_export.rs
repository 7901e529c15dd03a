//! `runs export --mlflow DIR`

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::evaluation;
use chestxr_tui::runs::{self, RunFolder};
use chestxr_tui::tracking;

use super::{Exit, Misuse};
use crate::cli::ExportRunsArgs;

/// Writes the named runs, or all, into a file store of MLflow's.
pub fn run(args: &ExportRunsArgs, sets: &[String], paths: &AppPaths, json: bool) -> Result<Exit> {
    let folders = match args.runs.is_empty() {
        true => runs::list(&paths.runs)?
            .iter()
            .map(|run| RunFolder::open(&run.path))
            .collect::<Result<Vec<_>>>()?,
        false => args.runs.iter().map(|run| Ok(runs::find(&paths.runs, run)?)).collect::<Result<_>>()?,
    };
    if folders.is_empty() {
        return Err(Misuse(format!("there are no runs in {} to export", paths.runs.display())).into());
    }
    let mut out = std::io::stdout().lock();
    for folder in folders {
        let mut config = folder.read_config()?;
        sets.iter()
            .filter(|set| set.trim_start().starts_with("tracking."))
            .try_for_each(|set| config.set_pair(set))?;
        let model = evaluation::model_to_send(&folder)?;
        let written = tracking::export(&folder, &config.tracking, model, &args.mlflow)
            .with_context(|| format!("can't export run {}", folder.id()))?;
        match json {
            true => writeln!(out, "{}", json!({"run": folder.id(), "folder": written}))?,
            false => writeln!(out, "{}  {}", folder.id(), written.display())?,
        }
    }
    if !json {
        writeln!(
            out,
            "To look at them: mlflow migrate-filestore --source {} --target sqlite:///runs.db, then mlflow server \
             --backend-store-uri sqlite:///runs.db",
            args.mlflow.display()
        )?;
    }
    Ok(Exit::Done)
}
