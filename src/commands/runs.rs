//! `runs list`, `runs show`

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::{AppPaths, RunConfig};
use chestxr_tui::runs::{self, EpochRecord, RunSummary};
use chestxr_tui::text::clock;

use super::Exit;

/// Lists all runs, the newest first.
pub fn list(paths: &AppPaths, json: bool) -> Result<Exit> {
    let all = runs::list(&paths.runs)?;
    let mut out = std::io::stdout().lock();
    if json {
        for run in &all {
            writeln!(out, "{}", serde_json::to_string(run)?)?;
        }
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        writeln!(out, "No runs in {} yet; `chestxr-tui train` starts one.", paths.runs.display())?;
        return Ok(Exit::Done);
    }
    writeln!(out, "{:<42} {:<12} {:>6} {:>7}  {:<20} {:>8}", "run", "state", "epochs", "best", "of", "time")?;
    for run in &all {
        let RunSummary { id, state, status, .. } = run;
        let (value, metric) = match &status.best {
            Some(best) => (format!("{:.4}", best.value), best.metric.as_str()),
            None => ("–".to_owned(), "–"),
        };
        let time = clock(status.seconds());
        writeln!(out, "{id:<42} {state:<12} {:>6} {value:>7}  {metric:<20} {time:>8}", status.epoch)?;
    }
    Ok(Exit::Done)
}

/// Shows one run: how it stands, what it was, what its epochs brought.
pub fn show(paths: &AppPaths, wanted: &str, json: bool) -> Result<Exit> {
    let folder = runs::find(&paths.runs, wanted)?;
    let status = folder.read_status()?;
    let config = folder.read_config()?;
    let epochs = folder.read_epochs()?;
    let mut out = std::io::stdout().lock();
    if json {
        let evaluation = folder.read_evaluation().ok();
        let state = status.honest_state();
        let line = json!({
            "id": folder.id(), "path": folder.path(), "state": state, "status": status,
            "config": config, "epochs": epochs, "evaluation": evaluation,
        });
        writeln!(out, "{line}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "run      {}", folder.id())?;
    writeln!(out, "folder   {}", folder.path().display())?;
    let reason = status.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
    writeln!(out, "state    {}{reason}", status.honest_state())?;
    if let Ok(provenance) = folder.read_provenance() {
        let [train, val, test] = provenance.films;
        let [height, width] = provenance.film_size;
        writeln!(
            out,
            "data     {}, {train} / {val} / {test} films of {height} x {width} px",
            config.data.source
        )?;
        writeln!(
            out,
            "model    {}, {} parameters, on {} with {} threads, libtorch {}",
            config.model.arch,
            provenance.parameters,
            provenance.device,
            provenance.threads,
            provenance.libtorch
        )?;
    }
    if let Some(best) = &status.best {
        writeln!(out, "best     {} {:.4} after epoch {}", best.metric, best.value, best.epoch)?;
    }
    if let Ok(evaluation) = folder.read_evaluation() {
        let number = |value: Option<f64>| value.map_or("undefined".to_owned(), |value| format!("{value:.4}"));
        let mean = &evaluation.macro_average;
        let (auroc, auprc) = (number(mean.auroc), number(mean.auprc));
        writeln!(
            out,
            "test     macro AUROC {auroc}, macro AUPRC {auprc} over {} conditions",
            mean.n_conditions
        )?;
    }
    changes(&mut out, &config)?;
    table(&mut out, &epochs)?;
    Ok(Exit::Done)
}

fn changes(out: &mut impl Write, config: &RunConfig) -> std::io::Result<()> {
    let default = RunConfig::default();
    for (index, field) in config.changed().into_iter().enumerate() {
        let head = if index == 0 { "changed  " } else { "         " };
        writeln!(
            out,
            "{head}{} = {} (default {})",
            field.key,
            config.get(field),
            shown(&default.get(field))
        )?;
    }
    Ok(())
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "empty" } else { value }
}

fn table(out: &mut impl Write, epochs: &[EpochRecord]) -> std::io::Result<()> {
    if epochs.is_empty() {
        return writeln!(out, "\nNo epoch is done yet.");
    }
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    writeln!(
        out,
        "\n{:>5} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>5} {:>8}",
        "epoch", "train loss", "val loss", "AUROC", "AUPRC", "F1", "rate", "wait", "films/s"
    )?;
    for r in epochs {
        writeln!(
            out,
            "{:>5} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>5} {:>8.0}",
            r.epoch,
            number(r.train_loss),
            number(r.val_loss),
            number(r.val_auroc_macro),
            number(r.val_auprc_macro),
            number(r.val_f1_score),
            r.lr,
            r.wait_count,
            r.images_per_second
        )?;
    }
    Ok(())
}
