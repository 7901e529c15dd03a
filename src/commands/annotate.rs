//! `runs tag`, `runs note`, `runs rename`: what a person says of a run.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::runs::{self, Annotations, RunFolder};

use super::{Exit, UsageError};

/// Adds and removes tags, and tells those there are.
pub fn tag(paths: &AppPaths, wanted: &str, words: &[String], json: bool) -> Result<Exit> {
    let (folder, mut about) = read(paths, wanted)?;
    about.change_tags(words.iter().map(String::as_str)).map_err(UsageError)?;
    if !words.is_empty() {
        folder.write_about(&about)?;
    }
    let tags = if about.tags.is_empty() { "no tags".to_owned() } else { about.tags.join(" ") };
    tell(&folder, &about, &tags, json)
}

/// Replaces the note, or tells it.
pub fn note(paths: &AppPaths, wanted: &str, text: Option<&str>, json: bool) -> Result<Exit> {
    let (folder, mut about) = read(paths, wanted)?;
    if let Some(text) = text {
        about.set_note(text);
        folder.write_about(&about)?;
    }
    let note = if about.note.is_empty() { "no note" } else { &about.note };
    tell(&folder, &about, note, json)
}

/// Gives the run another name; an empty one gives back that of its settings.
pub fn rename(paths: &AppPaths, wanted: &str, name: &str, json: bool) -> Result<Exit> {
    let (folder, mut about) = read(paths, wanted)?;
    about.rename(name);
    folder.write_about(&about)?;
    let said = match &about.name {
        Some(name) => format!("is now called {name}"),
        None => "has the name of its settings again".to_owned(),
    };
    tell(&folder, &about, &said, json)
}

fn read(paths: &AppPaths, wanted: &str) -> Result<(RunFolder, Annotations)> {
    let folder = runs::find(&paths.runs, wanted)?;
    let about = folder.read_about()?;
    Ok((folder, about))
}

fn tell(folder: &RunFolder, about: &Annotations, text: &str, json: bool) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    if json {
        let line = json!({"id": folder.id(), "name": about.name, "tags": about.tags, "note": about.note});
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "{}: {text}", folder.id())?;
    }
    Ok(Exit::Done)
}
