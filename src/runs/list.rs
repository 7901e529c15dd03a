//! Finding runs again: all of a folder, or the one a person means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::damaged::readable;
use super::{Annotations, Catalog, Measured, RunFolder, RunId, RunState, Status, Tracked};
use crate::config::{Mode, Monitor, RunConfig};

/// What a list of runs shows of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    pub id: RunId,
    pub path: PathBuf,
    /// The state as it really is: a run whose process is gone is `interrupted`.
    pub state: RunState,
    pub status: Status,
    /// `None` when `run.toml` is missing or damaged.
    pub config: Option<RunConfig>,
    /// What a person says of it; nothing when `about.json` is damaged.
    #[serde(flatten)]
    pub about: Annotations,
    pub tracked: Tracked,
    /// `None` until [`Catalog::measure`] has looked.
    #[serde(skip)]
    pub measured: Option<Measured>,
}

impl RunSummary {
    /// The name a person gave it, else that of its settings; may be empty.
    pub fn name(&self) -> &str {
        let own = || self.config.as_ref().map_or("", |config| config.run.name.as_str());
        self.about.name.as_deref().unwrap_or_else(own)
    }
}

/// Why a run wasn't found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    #[error(
        "the name of a run is empty; give an id or its beginning, its last four digits, last, best or its folder"
    )]
    Unnamed,
    #[error("there are no runs in {}; start one with `chestxr-tui train`", .0.display())]
    NoRuns(PathBuf),
    #[error("no run in {} begins with `{wanted}`; `chestxr-tui runs list` shows them", runs.display())]
    Unknown { wanted: String, runs: PathBuf },
    #[error("`{wanted}` is the beginning of {count} runs; give more of it")]
    Ambiguous { wanted: String, count: usize },
    #[error("the run {} can't be read: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("no run in {} has a best epoch yet", .0.display())]
    NoBest(PathBuf),
    #[error("can't read the runs in {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
}

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
    // Every id begins with it, and a single run would be meant: of a variable that isn't set, say.
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
