//! `runs tag`, `runs note`, `runs rename`: annotations of a run.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::runs::{self, Annotations, RunFolder};

use super::{Exit, UsageError};

/// Adds and removes tags, and prints the resulting ones.
pub fn tag(paths: &AppPaths, run: &str, changes: &[String], json: bool) -> Result<Exit> {
    let (folder, mut annotations) = read(paths, run)?;
    annotations.change_tags(changes.iter().map(String::as_str)).map_err(UsageError)?;
    if !changes.is_empty() {
        folder.write_annotations(&annotations)?;
    }
    let tags = if annotations.tags.is_empty() { "no tags".to_owned() } else { annotations.tags.join(" ") };
    print(&folder, &annotations, &tags, json)
}

/// Sets the note, or prints it.
pub fn note(paths: &AppPaths, run: &str, text: Option<&str>, json: bool) -> Result<Exit> {
    let (folder, mut annotations) = read(paths, run)?;
    if let Some(text) = text {
        annotations.set_note(text);
        folder.write_annotations(&annotations)?;
    }
    let note = if annotations.note.is_empty() { "no note" } else { &annotations.note };
    print(&folder, &annotations, note, json)
}

/// Renames the run; an empty name restores that of its settings.
pub fn rename(paths: &AppPaths, run: &str, name: &str, json: bool) -> Result<Exit> {
    let (folder, mut annotations) = read(paths, run)?;
    annotations.rename(name);
    folder.write_annotations(&annotations)?;
    let text = match &annotations.name {
        Some(name) => format!("renamed to {name}"),
        None => "name restored from its settings".to_owned(),
    };
    print(&folder, &annotations, &text, json)
}

fn read(paths: &AppPaths, run: &str) -> Result<(RunFolder, Annotations)> {
    let folder = runs::find(&paths.runs, run)?;
    let annotations = folder.read_annotations()?;
    Ok((folder, annotations))
}

fn print(folder: &RunFolder, annotations: &Annotations, text: &str, json: bool) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    if json {
        let line = json!({"id": folder.id(), "name": annotations.name, "tags": annotations.tags, "note": annotations.note});
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{}: {text}", folder.id())?;
    }
    Ok(Exit::Done)
}
