//! `runs list`, `runs show`.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::{AppPaths, RunConfig};
use chestxr_tui::runs::{
    self, Catalog, EpochRecord, Filter, Measure, RunFolder, RunSummary, SortBy, Tracked,
};
use chestxr_tui::text::{bytes, clock, counted, one_line};

use super::{Exit, print_error};
use crate::cli::ListArgs;

/// Lists runs, newest first by default.
pub fn list(paths: &AppPaths, args: &ListArgs, json: bool) -> Result<Exit> {
    let mut catalog = Catalog::new(&paths.runs);
    catalog.refresh()?;
    let filter = Filter::parse(args.filter.as_deref().unwrap_or_default());
    if !filter.is_empty() || matches!(args.sort, SortBy::Value | SortBy::Setting(_)) {
        catalog.measure(usize::MAX);
    }
    let everything = catalog.all();
    let mut all: Vec<&RunSummary> = everything.iter().map(|run| &**run).collect();
    all.retain(|run| {
        let state = args.state.is_none_or(|state| run.state == state);
        state && args.tag.iter().all(|tag| run.about.tags.contains(tag)) && filter.passes(run)
    });
    all.sort_by(|a, b| args.sort.compare(a, b, Measure::default(), args.reverse));
    for damaged in runs::damaged(&paths.runs, &everything) {
        print_error(&format!("warning: {damaged}"));
    }
    let mut out = std::io::stdout().lock();
    if json {
        for run in all {
            writeln!(out, "{}", to_json(run)?)?;
        }
        return Ok(Exit::Done);
    }
    if everything.is_empty() {
        writeln!(out, "No runs in {} yet; `chestxr-tui train` starts one.", paths.runs.display())?;
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        writeln!(out, "No match among {} runs.", everything.len())?;
        return Ok(Exit::Done);
    }
    let head = ["run", "name", "state", "epochs", "best", "of", "time", "tags"];
    let mut line = |cells: [&str; 8]| {
        let [id, name, state, epochs, value, metric, time, tags] = cells;
        let text =
            format!("{id:<42} {name:<16} {state:<12} {epochs:>6} {value:>7}  {metric:<20} {time:>8}  {tags}");
        writeln!(out, "{}", text.trim_end())
    };
    line(head)?;
    for run in all {
        let status = &run.status;
        let (value, metric) = match &status.best {
            Some(best) => (format!("{:.4}", best.value), one_line(&best.metric, 20)),
            None => ("–".to_owned(), "–".to_owned()),
        };
        let name = one_line(run.name(), 16);
        let (epochs, time) = (status.epoch.to_string(), clock(status.seconds()));
        let tags = run.about.tags.join(" ");
        line([run.id.as_str(), &name, run.state.name(), &epochs, &value, &metric, &time, &tags])?;
    }
    Ok(Exit::Done)
}

/// A run of the list as JSON, with its name, training time in seconds and size in bytes.
fn to_json(run: &RunSummary) -> Result<serde_json::Value> {
    let mut line = serde_json::to_value(run)?;
    line["name"] = json!(run.name());
    line["seconds"] = json!(run.status.seconds());
    line["bytes"] = json!(RunFolder::open(&run.path).map_or(0, |folder| folder.bytes()));
    Ok(line)
}

/// Shows one run: state, settings and the metrics of its epochs.
pub fn show(paths: &AppPaths, run: &str, json: bool) -> Result<Exit> {
    let folder = runs::find(&paths.runs, run)?;
    let status = folder.read_status()?;
    // A damaged file doesn't prevent showing the others.
    let config = folder.read_config();
    let about = folder.read_annotations();
    let why = |error: &anyhow::Error| one_line(&format!("{error:#}"), 400);
    let about_damaged = about.as_ref().err().map(why);
    let about = about.unwrap_or_default();
    let configured = || config.as_ref().map_or("", |config| config.run.name.as_str());
    let name = about.name.as_deref().unwrap_or_else(configured);
    let (epochs, damaged) = folder.salvage_epochs();
    let epochs_damaged = damaged.as_ref().map(why);
    let mut out = std::io::stdout().lock();
    if json {
        let evaluation = folder.read_evaluation("test").ok();
        let (state, seconds) = (status.actual_state(), status.seconds());
        let damaged: Vec<String> =
            [config.as_ref().err().map(why), about_damaged, epochs_damaged].into_iter().flatten().collect();
        let line = json!({
            "id": folder.id(), "path": folder.path(), "state": state, "status": status,
            "name": name, "tags": about.tags, "note": about.note, "bytes": folder.bytes(),
            "tracked": folder.tracked(), "seconds": seconds, "damaged": damaged,
            "config": config.ok(), "epochs": epochs, "evaluation": evaluation,
        });
        writeln!(out, "{line}")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "run      {}", folder.id())?;
    let shown = |text: &str| one_line(text, 400);
    if !name.is_empty() {
        writeln!(out, "name     {}", shown(name))?;
    }
    writeln!(out, "folder   {}, {}", folder.path().display(), bytes(folder.bytes()))?;
    let reason = status.reason.as_deref().map_or(String::new(), |reason| format!(": {}", shown(reason)));
    writeln!(out, "state    {}{reason}", status.actual_state())?;
    if !about.tags.is_empty() {
        writeln!(out, "tags     {}", about.tags.join(" "))?;
    }
    for (index, line) in about.note.lines().enumerate() {
        writeln!(out, "{} {line}", if index == 0 { "note    " } else { "        " })?;
    }
    if let Some(damaged) = about_damaged {
        writeln!(out, "annotations {damaged}")?;
    }
    match folder.tracked() {
        Tracked::Off => {}
        Tracked::Failed(reason) => writeln!(out, "tracking not uploaded: {reason}")?,
        other => writeln!(out, "tracking {}", other.word())?,
    }
    if let Ok(provenance) = folder.read_provenance() {
        let [train, val, test] = provenance.images;
        let [height, width] = provenance.image_size;
        let (source, arch) = match &config {
            Ok(config) => (config.data.source.as_str(), config.model.arch.name()),
            Err(_) => ("unknown", "unknown"),
        };
        writeln!(out, "data     {source}, {train} / {val} / {test} images of {height} x {width} px")?;
        let (device, libtorch) = (shown(&provenance.device), shown(&provenance.libtorch));
        let parameters = provenance.parameters;
        let threads = counted(provenance.threads, "thread", "threads");
        let machine = format!("on {device} with {threads}, libtorch {libtorch}");
        writeln!(out, "model    {arch}, {parameters} parameters, {machine}")?;
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
        Err(error) => writeln!(out, "config   {}", why(error))?,
    }
    if let Some(damaged) = epochs_damaged {
        writeln!(out, "epochs   {damaged}; the other epochs follow")?;
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
        return writeln!(out, "\nNo epoch has finished yet.");
    }
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    writeln!(
        out,
        "\n{:>5} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>5} {:>8}",
        "epoch", "train loss", "val loss", "AUROC", "AUPRC", "F1", "rate", "wait", "images/s"
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
