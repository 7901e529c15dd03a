//! `runs compare`: runs on the same images, with intervals and p-values of the differences.

use std::io::Write;

use anyhow::Result;

use chestxr_tui::config::AppPaths;
use chestxr_tui::evaluation::{ComparedRun, SideBySide, difference_cells, means, write_comparison};
use chestxr_tui::metrics::FEW_POSITIVES;
use chestxr_tui::runs;
use chestxr_tui::text::{one_line, thousands};

use super::{Exit, UsageError};
use crate::cli::CompareArgs;

/// Differences with a p-value below this are marked.
const ALPHA: f64 = 0.05;

/// Compares the runs and prints the tables; writes files with --out.
pub fn run(args: &CompareArgs, paths: &AppPaths, json: bool) -> Result<Exit> {
    let folders = args.runs.iter().map(|run| runs::find(&paths.runs, run));
    let folders = folders.collect::<Result<Vec<_>, _>>()?;
    for (index, folder) in folders.iter().enumerate() {
        if folders[..index].iter().any(|other| other.path() == folder.path()) {
            return Err(UsageError(format!("run {}: given twice; give each run once", folder.id())).into());
        }
    }
    let compared_runs = folders.iter().map(|folder| ComparedRun::read(folder, args.split));
    let side = SideBySide::new(compared_runs.collect::<Result<_>>()?, args.split, args.bootstrap)?;
    let written = args.out.as_deref().map(|out| write_comparison(&side, out)).transpose()?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", side.to_json())?;
        return Ok(Exit::Done);
    }
    tables(&mut out, &side)?;
    settings(&mut out, &side)?;
    if let (Some(files), Some(folder)) = (written, &args.out) {
        writeln!(out, "\nwrote {} to {}", files.join(", "), folder.display())?;
    }
    Ok(Exit::Done)
}

fn tables(out: &mut impl Write, side: &SideBySide) -> std::io::Result<()> {
    let first = &side.runs[0];
    for (run, comparison) in side.runs.iter().skip(1).zip(&side.against_first) {
        writeln!(out, "{} compared with {}, {} images", run.id, first.id, side.split)?;
        let short = |id: &str| id.rsplit('-').next().unwrap_or(id).to_owned();
        let line = |out: &mut dyn Write, name: &str, images: &str, cells: [&str; 5], mark: &str| {
            let [a, b, difference, ci, p] = cells;
            writeln!(out, "{name:<20} {images:>8} {a:>6} {b:>6} {difference:>10} {ci:>17} {p:>7}{mark}")
        };
        let heading = [short(&first.id), short(&run.id)];
        let heading = [heading[0].as_str(), heading[1].as_str(), "difference", "95 %", "p"];
        line(out, "AUROC", "positive", heading, "")?;
        for (label, condition) in side.labels.iter().zip(&comparison.conditions) {
            let cells = difference_cells(&condition.auroc, condition.p_holm);
            let mark = if condition.p_holm.is_some_and(|p| p < ALPHA) { " *" } else { "" };
            let name = one_line(&label.name, 20);
            line(out, &name, &thousands(condition.support as u64), cells.each_ref().map(|c| &c[..]), mark)?;
        }
        writeln!(out)?;
        line(out, "means", "images", heading, "")?;
        for (name, difference) in means(comparison) {
            let cells = difference_cells(difference, difference.p);
            let mark = if difference.p.is_some_and(|p| p < ALPHA) { " *" } else { "" };
            let images = thousands(comparison.images as u64);
            line(out, name, &images, cells.each_ref().map(|c| &c[..]), mark)?;
        }
        writeln!(
            out,
            "\nconditions: DeLong's test, p-values corrected for {} tests (Holm), none under {FEW_POSITIVES} positive images; \
             means: {} resamples by {}{}; * p < 0.05\n",
            comparison.tested(),
            comparison.resamples,
            comparison.unit,
            if comparison.unit == "images" { " (patients unknown: intervals are too narrow)" } else { "" }
        )?;
    }
    Ok(())
}

fn settings(out: &mut impl Write, side: &SideBySide) -> std::io::Result<()> {
    if side.settings.is_empty() {
        return writeln!(out, "The settings are equal.");
    }
    let width = |values: &mut dyn Iterator<Item = usize>| values.max().unwrap_or(0);
    let key = width(&mut side.settings.iter().map(|setting| setting.key.len()));
    writeln!(out, "settings that differ")?;
    for setting in &side.settings {
        let values: Vec<String> = setting
            .values
            .iter()
            .map(|value| if value.is_empty() { "empty".to_owned() } else { one_line(value, 60) })
            .collect();
        writeln!(out, "  {:<key$}  {}", setting.key, values.join("  |  "))?;
    }
    Ok(())
}
