//! `runs list`, `runs show`

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::{AppPaths, RunConfig};
use chestxr_tui::runs::{self, EpochRecord, RunSummary};
use chestxr_tui::text::{clock, one_line};

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
            Some(best) => (format!("{:.4}", best.value), one_line(&best.metric, 20)),
            None => ("–".to_owned(), "–".to_owned()),
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
    // A run says what it can even when a part of it is damaged.
    let config = folder.read_config();
    let epochs = folder.read_epochs()?;
    let mut out = std::io::stdout().lock();
    if json {
        let evaluation = folder.read_evaluation("test").ok();
        let state = status.honest_state();
        let line = json!({
            "id": folder.id(), "path": folder.path(), "state": state, "status": status,
            "config": config.ok(), "epochs": epochs, "evaluation": evaluation,
        });
        writeln!(out, "{line}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "run      {}", folder.id())?;
    writeln!(out, "folder   {}", folder.path().display())?;
    let shown = |text: &str| one_line(text, 400);
    let reason = status.reason.as_deref().map_or(String::new(), |reason| format!(": {}", shown(reason)));
    writeln!(out, "state    {}{reason}", status.honest_state())?;
    if let Ok(provenance) = folder.read_provenance() {
        let [train, val, test] = provenance.films;
        let [height, width] = provenance.film_size;
        let (source, arch) = match &config {
            Ok(config) => (config.data.source.as_str(), config.model.arch.name()),
            Err(_) => ("unknown", "unknown"),
        };
        writeln!(out, "data     {source}, {train} / {val} / {test} films of {height} x {width} px")?;
        let (device, libtorch) = (shown(&provenance.device), shown(&provenance.libtorch));
        let (parameters, threads) = (provenance.parameters, provenance.threads);
        let place = format!("on {device} with {threads} threads, libtorch {libtorch}");
        writeln!(out, "model    {arch}, {parameters} parameters, {place}")?;
    }
    if let Some(best) = &status.best {
        writeln!(out, "best     {} {:.4} after epoch {}", shown(&best.metric), best.value, best.epoch)?;
    }
    if let Ok(evaluation) = folder.read_evaluation("test") {
        let number = |value: Option<f64>| value.map_or("undefined".to_owned(), |value| format!("{value:.4}"));
        let mean = &evaluation.macro_average;
        let (auroc, auprc) = (number(mean.average.values.auroc), number(mean.average.values.auprc));
        writeln!(
            out,
            "test     macro AUROC {auroc}, macro AUPRC {auprc} over {} conditions",
            mean.n_conditions
        )?;
    }
    match &config {
        Ok(config) => changes(&mut out, config)?,
        Err(error) => writeln!(out, "config   {}", shown(&format!("{error:#}")))?,
    }
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
            or_empty(&default.get(field))
        )?;
    }
    Ok(())
}

fn or_empty(value: &str) -> &str {
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
