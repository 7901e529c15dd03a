//! Listing runs, and finding one by id, prefix, `last`, `best` or path.

use std::path::Path;
use std::sync::Arc;

use super::summary::{LookupError, RunSummary, readable};
use super::{Catalog, RunFolder, RunId};
use crate::config::{Mode, Monitor};

/// All runs of a folder, the newest first. Folders that hold no run are passed over; no folder, no runs.
///
/// # Errors
/// When the folder exists but can't be read.
pub fn list(runs: &Path) -> Result<Vec<RunSummary>, LookupError> {
    let found = Catalog::new(runs).refresh()?;
    Ok(found.into_iter().map(Arc::unwrap_or_clone).collect())
}

/// The run a person means: an id, a unique beginning or end of one, `last`, `best`, or a path.
///
/// # Errors
/// When no run or more than one is meant.
pub fn find(runs: &Path, wanted: &str) -> Result<RunFolder, LookupError> {
    let open = |path: &Path| {
        let why = |error: anyhow::Error| LookupError::Damaged {
            path: path.to_owned(),
            why: crate::text::one_line(&format!("{error:#}"), 300),
        };
        let folder = RunFolder::open(path).map_err(why)?;
        readable(&folder)?;
        Ok(folder)
    };
    // Every id begins with it, and a single run would be meant: for example by a variable that isn't set.
    if wanted.trim().is_empty() {
        return Err(LookupError::Unnamed);
    }
    if wanted.contains(std::path::MAIN_SEPARATOR) && Path::new(wanted).is_dir() {
        return open(Path::new(wanted));
    }
    // A folder of exactly that name is meant, even when it is too damaged to be listed.
    if RunId::try_from(wanted.to_owned()).is_ok() && runs.join(wanted).is_dir() {
        return open(&runs.join(wanted));
    }
    let all = list(runs)?;
    let unknown =
        || LookupError::Unknown { wanted: crate::text::one_line(wanted, 60), runs: runs.to_owned() };
    let chosen = match wanted {
        "last" => all.first().ok_or_else(|| LookupError::NoRuns(runs.to_owned()))?,
        "best" => best(&all).ok_or_else(|| LookupError::NoBest(runs.to_owned()))?,
        _ => {
            let like = |run: &&RunSummary| run.id.as_str().starts_with(wanted) || run.id.short() == wanted;
            let matching: Vec<_> = all.iter().filter(like).collect();
            match matching[..] {
                [run] => run,
                [] => return Err(unknown()),
                _ => {
                    return Err(LookupError::Ambiguous { wanted: wanted.to_owned(), count: matching.len() });
                }
            }
        }
    };
    open(&chosen.path)
}

/// The run with the best monitored value among those that watched what the newest run with a best watched:
/// values of different metrics can't be compared.
fn best(all: &[RunSummary]) -> Option<&RunSummary> {
    let newest = all.iter().find(|run| run.status.best.is_some())?;
    let metric = &newest.status.best.as_ref()?.metric;
    let smaller_is_better = Monitor::from_name(metric).is_some_and(|monitor| monitor.mode() == Mode::Min);
    all.iter()
        .filter_map(|run| {
            run.status.best.as_ref().filter(|best| best.metric == *metric).map(|best| (run, best.value))
        })
        .max_by(|a, b| if smaller_is_better { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) })
        .map(|(run, _)| run)
}
