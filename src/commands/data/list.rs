//! `data list`: what is known by name, and what of it is here.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::registry;
use chestxr_tui::dataset::store::{self, Unfinished};
use chestxr_tui::text::{bytes, one_line};

use crate::commands::Exit;

/// Lists the registry and the cache.
pub fn run(as_json: bool) -> Result<Exit> {
    let registry = registry::Registry::get();
    let images = AppPaths::new(None).images;
    let (kept, unfinished) = (store::listed(&images), store::unfinished(&images));
    let mut out = std::io::stdout().lock();
    if as_json {
        for (name, entry) in registry.entries() {
            let files: Vec<_> = entry
                .files
                .iter()
                .map(|file| {
                    let here = registry::chestmnist(file.size).ok();
                    json!({"size": file.size, "url": file.url, "md5": file.md5, "here": here})
                })
                .collect();
            let line = json!({
                "name": name, "about": entry.about, "licence": entry.licence, "citation": entry.citation,
                "home": entry.home, "source": entry.source, "layout": entry.layout, "files": files,
            });
            writeln!(out, "{line}")?;
        }
        for (path, of, size) in kept {
            writeln!(out, "{}", json!({"kept": path, "of": of, "bytes": size}))?;
        }
        for Unfinished { path, of, bytes, live } in unfinished {
            let line = json!({"unfinished": path, "of": of, "bytes": bytes, "live": live});
            writeln!(out, "{line}")?;
        }
        return Ok(Exit::Done);
    }
    for (name, entry) in registry.entries() {
        writeln!(out, "{name:<12}{}", entry.name)?;
        let mut say = |what: &str, text: &str| match text.is_empty() {
            true => Ok(()),
            false => writeln!(out, "{:<12}{what:<9}{text}", ""),
        };
        say("", &entry.about)?;
        say("terms", &entry.licence)?;
        say("cite", &entry.citation)?;
        say("home", &entry.home)?;
        say("source", &format!("--data {}", entry.source))?;
        say("layout", &entry.layout)?;
        say("mind", &entry.warning)?;
        for file in &entry.files {
            let place = match registry::chestmnist(file.size) {
                Ok(path) => format!("here: {}", path.display()),
                Err(_) => format!("not here; chestxr-tui data fetch {name} --size {}", file.size),
            };
            say("", &format!("{:>4} px  {place}", file.size))?;
        }
        writeln!(out)?;
    }
    if !kept.is_empty() {
        writeln!(out, "Images kept from other sources (made again when needed, so they may be deleted):")?;
        for (path, of, size) in kept {
            writeln!(out, "{:>9}  {}  {}", bytes(size), one_line(&of, 200), path.display())?;
        }
    }
    if !unfinished.is_empty() {
        writeln!(
            out,
            "Imports that broke off (they go on when the same images are asked for; `data clean` frees them):"
        )?;
        for part in unfinished {
            let live = if part.live { "  being read now" } else { "" };
            writeln!(out, "{:>9}  {}{live}", bytes(part.bytes), one_line(&part.of, 200))?;
        }
    }
    Ok(Exit::Done)
}
