//! Which files of a run are sent, under which paths, and which of them the server lacks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use super::ledger::SentFile;
use crate::runs::RunFolder;

/// Where the run's own files lie among its artifacts; those of `artifacts/` lie at the root, as the predecessor's did.
const OWN: &str = "run";

/// A file to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outgoing {
    /// Its path in the run's folder, with `/`.
    pub path: String,
    /// Its path among the run's artifacts.
    pub target: String,
    pub file: SentFile,
}

/// What differs from what was sent.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Files whose content does.
    pub outgoing: Vec<Outgoing>,
    /// Files that were only written anew, by their paths in the run's folder.
    pub touched: Vec<(String, SentFile)>,
}

/// The files that changed since they were sent. `checkpoints` takes the weights in.
///
/// # Errors
/// When a folder or file can't be read.
pub(super) fn changed(
    folder: &RunFolder,
    checkpoints: bool,
    sent: &BTreeMap<String, SentFile>,
) -> Result<Changes> {
    let mut found = Vec::new();
    walk(folder.path(), "", &mut |path| {
        if let Some(target) = target(path, checkpoints) {
            found.push((path.to_owned(), target));
        }
    })?;
    found.sort();
    let mut changes = Changes::default();
    for (path, target) in found {
        let full = folder.path().join(&path);
        let meta = fs::metadata(&full).with_context(|| format!("can't read {}", full.display()))?;
        let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.map_or(0, |time| time.as_nanos() as i128);
        let before = sent.get(&path);
        if before.is_some_and(|before| before.bytes == meta.len() && before.modified == modified) {
            continue;
        }
        let hash = hash(&full)?;
        let file = SentFile { bytes: meta.len(), modified, hash };
        match before.is_some_and(|before| before.hash == file.hash) {
            true => changes.touched.push((path, file)),
            false => changes.outgoing.push(Outgoing { path, target, file }),
        }
    }
    Ok(changes)
}

fn hash(path: &Path) -> Result<String> {
    let mut hash = blake3::Hasher::new();
    let file = File::open(path).with_context(|| format!("can't read {}", path.display()))?;
    hash.update_reader(file).with_context(|| format!("can't read {}", path.display()))?;
    Ok(hash.finalize().to_hex().chars().take(32).collect())
}

/// Where a file goes, if it is one that is sent.
fn target(path: &str, checkpoints: bool) -> Option<String> {
    if let Some(artifact) = path.strip_prefix("artifacts/") {
        return Some(artifact.to_owned());
    }
    let wanted = match path.split_once('/') {
        None => {
            path.ends_with(".jsonl")
                || path.ends_with(".npz")
                || path.starts_with("evaluation")
                || matches!(path, "run.toml" | "status.json" | "about.json")
        }
        Some(("checkpoints", name)) => {
            name == "thresholds.json" || (checkpoints && !name.starts_with("epoch-"))
        }
        Some(_) => false,
    };
    wanted.then(|| format!("{OWN}/{path}"))
}

/// Every file below a folder by its path, folders and files whose names begin with a dot left out.
fn walk(folder: &Path, prefix: &str, take: &mut impl FnMut(&str)) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), take)?;
        } else if kind.is_file() {
            take(&path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_at_the_root_and_weights_are_sent_on_request() {
        let go = |path| target(path, false);
        assert_eq!(go("artifacts/explanations/a.png").as_deref(), Some("explanations/a.png"));
        assert_eq!(go("metrics.jsonl").as_deref(), Some("run/metrics.jsonl"));
        assert_eq!(go("checkpoints/thresholds.json").as_deref(), Some("run/checkpoints/thresholds.json"));
        assert_eq!(go("checkpoints/best.safetensors"), None);
        assert_eq!(go("tracking.json"), None);
        assert_eq!(go("model/model.onnx"), None, "the model goes its own way");
        assert!(target("checkpoints/last.state", true).is_some());
        assert_eq!(target("checkpoints/epoch-0003.safetensors", true), None, "best is one of them already");
    }
}
