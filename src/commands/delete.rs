//! `runs rm` and `runs gc`: delete runs and leftovers, and report the bytes freed.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::runs::{self, RunFolder};
use chestxr_tui::text::{bytes, one_line};

use super::{Exit, UsageError, print_error};

/// Deletes runs permanently, after confirmation unless `yes`.
pub fn remove(paths: &AppPaths, names: &[String], yes: bool, json: bool) -> Result<Exit> {
    let folders = names.iter().map(|name| runs::find_even_damaged(&paths.runs, name));
    let mut folders = folders.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by(|a, b| a.path().cmp(b.path()));
    folders.dedup_by(|a, b| a.path() == b.path());
    // Check all before deleting any.
    for folder in &folders {
        drop(folder.lock_for_deletion()?);
    }
    let sizes: Vec<u64> = folders.iter().map(RunFolder::bytes).collect();
    let total = bytes(sizes.iter().sum());
    if !yes {
        if !io::stdin().is_terminal() {
            return Err(UsageError(
                "runs rm: stdin is not a terminal, so it can't ask for confirmation; add --yes".into(),
            )
            .into());
        }
        for (folder, size) in folders.iter().zip(&sizes) {
            print_error(&format!("{}  {}", describe(folder), bytes(*size)));
        }
        let runs = if folders.len() == 1 { "it".to_owned() } else { format!("these {} runs", folders.len()) };
        if !confirm(&format!("Delete {runs} permanently and free {total}? [y/N] "))? {
            print_error("nothing was deleted");
            return Ok(Exit::Done);
        }
    }
    let mut out = io::stdout().lock();
    for (folder, size) in folders.iter().zip(&sizes) {
        // Moved out of the list first: a kill in between leaves a leftover for `runs gc`, not half a run.
        folder.discard()?.purge()?;
        if json {
            writeln!(out, "{}", json!({"id": folder.id(), "path": folder.path(), "bytes": size}))?;
        } else {
            writeln!(out, "deleted {}, {}", folder.id(), bytes(*size))?;
        }
    }
    if !json && folders.len() > 1 {
        writeln!(out, "freed {total}")?;
    }
    Ok(Exit::Done)
}

fn describe(folder: &RunFolder) -> String {
    let about = folder.read_annotations().unwrap_or_default();
    let name = about.name.or_else(|| folder.read_config().ok().map(|config| config.run.name));
    let name = name.filter(|name| !name.is_empty()).map_or(String::new(), |name| format!(" ({name})"));
    let state = match folder.read_status() {
        Ok(status) => format!("{} after {} epochs", status.actual_state(), status.epoch),
        Err(_) => "damaged".to_owned(),
    };
    format!("{}{}, {state}", folder.id(), one_line(&name, 80))
}

fn confirm(question: &str) -> Result<bool> {
    write!(io::stderr(), "{question}")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("can't read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Removes leftovers, or with `dry_run` only lists them.
pub fn collect(paths: &AppPaths, dry_run: bool, json: bool) -> Result<Exit> {
    let leftovers = runs::leftovers(&paths.runs, SystemTime::now())?;
    let mut out = io::stdout().lock();
    let (mut removed, mut freed) = (0, 0);
    let mut exit = Exit::Done;
    for leftover in &leftovers {
        let shown = leftover.path.strip_prefix(&paths.runs).unwrap_or(&leftover.path);
        let removable = leftover.kept.is_none();
        if removable
            && !dry_run
            && let Err(error) = leftover.remove()
        {
            print_error(&format!("{error:#}"));
            exit = Exit::Failed;
            continue;
        }
        if removable {
            freed += leftover.bytes;
            removed += 1;
        }
        if json {
            let mut line = json!({"path": leftover.path, "what": leftover.what, "bytes": leftover.bytes});
            line["removed"] = json!(removable && !dry_run);
            line["kept"] = json!(leftover.kept);
            writeln!(out, "{line}")?;
        } else {
            let name = one_line(&shown.display().to_string(), 200);
            let kept = leftover.kept.map_or(String::new(), |why| format!(": not removed, {why}"));
            writeln!(out, "{:>9}  {}, {name}{kept}", bytes(leftover.bytes), leftover.what)?;
        }
    }
    if !json {
        writeln!(out, "{}", summary(removed, freed, dry_run, &paths.runs))?;
    }
    Ok(exit)
}

fn summary(removed: usize, freed: u64, dry_run: bool, runs: &Path) -> String {
    match (removed, dry_run) {
        (0, _) => format!("no leftovers in {}", runs.display()),
        (_, true) => format!("{} would be freed; omit --dry-run to remove them", bytes(freed)),
        (_, false) => format!("freed {}", bytes(freed)),
    }
}
