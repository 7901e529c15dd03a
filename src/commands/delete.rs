//! `runs rm` and `runs gc`: what is deleted, and how many bytes that frees.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::runs::{self, RunFolder};
use chestxr_tui::text::{bytes, one_line};

use super::{Exit, UsageError, print_error};

/// Deletes runs for good, after a yes.
pub fn remove(paths: &AppPaths, wanted: &[String], yes: bool, json: bool) -> Result<Exit> {
    let folders = wanted.iter().map(|wanted| runs::find_even_damaged(&paths.runs, wanted));
    let mut folders = folders.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by(|a, b| a.path().cmp(b.path()));
    folders.dedup_by(|a, b| a.path() == b.path());
    // Before anything goes: all or nothing.
    for folder in &folders {
        drop(folder.hold_to_delete()?);
    }
    let sizes: Vec<u64> = folders.iter().map(RunFolder::bytes).collect();
    let total = bytes(sizes.iter().sum());
    if !yes {
        if !io::stdin().is_terminal() {
            return Err(
                UsageError("deleting asks first, and nobody is there to answer; add --yes".into()).into()
            );
        }
        for (folder, size) in folders.iter().zip(&sizes) {
            print_error(&format!("{}  {}", describe(folder), bytes(*size)));
        }
        let runs = if folders.len() == 1 { "it".to_owned() } else { format!("these {} runs", folders.len()) };
        if !agreed(&format!("Delete {runs} for good and free {total}? [y/N] "))? {
            print_error("nothing was deleted");
            return Ok(Exit::Done);
        }
    }
    let mut out = io::stdout().lock();
    for (folder, size) in folders.iter().zip(&sizes) {
        // Out of the list first: a kill in between leaves something for `runs gc`, not a half of a run.
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
    let about = folder.read_about().unwrap_or_default();
    let name = about.name.or_else(|| folder.read_config().ok().map(|config| config.run.name));
    let name = name.filter(|name| !name.is_empty()).map_or(String::new(), |name| format!(" ({name})"));
    let stands = match folder.read_status() {
        Ok(status) => format!("{} after {} epochs", status.honest_state(), status.epoch),
        Err(_) => "damaged".to_owned(),
    };
    format!("{}{}, {stands}", folder.id(), one_line(&name, 80))
}

fn agreed(question: &str) -> Result<bool> {
    write!(io::stderr(), "{question}")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("can't read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Removes what nobody needs any more, or only tells it.
pub fn collect(paths: &AppPaths, dry_run: bool, json: bool) -> Result<Exit> {
    let found = runs::leftovers(&paths.runs, SystemTime::now())?;
    let mut out = io::stdout().lock();
    let (mut gone, mut freed) = (0, 0);
    let mut exit = Exit::Done;
    for left in &found {
        let shown = left.path.strip_prefix(&paths.runs).unwrap_or(&left.path);
        let goes = left.kept.is_none();
        if goes
            && !dry_run
            && let Err(error) = left.remove()
        {
            print_error(&format!("{error:#}"));
            exit = Exit::Failed;
            continue;
        }
        if goes {
            freed += left.bytes;
            gone += 1;
        }
        if json {
            let mut line = json!({"path": left.path, "what": left.what, "bytes": left.bytes});
            line["removed"] = json!(goes && !dry_run);
            line["kept"] = json!(left.kept);
            writeln!(out, "{line}")?;
        } else {
            let name = one_line(&shown.display().to_string(), 200);
            let kept = left.kept.map_or(String::new(), |why| format!(": kept, {why}"));
            writeln!(out, "{:>9}  {}, {name}{kept}", bytes(left.bytes), left.what)?;
        }
    }
    if !json {
        writeln!(out, "{}", sum(gone, freed, dry_run, &paths.runs))?;
    }
    Ok(exit)
}

fn sum(found: usize, freed: u64, dry_run: bool, runs: &Path) -> String {
    match (found, dry_run) {
        (0, _) => format!("nothing to clear away in {}", runs.display()),
        (_, true) => format!("{} would be freed; without --dry-run they are", bytes(freed)),
        (_, false) => format!("freed {}", bytes(freed)),
    }
}
