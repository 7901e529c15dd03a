//! `data list`: known data sets, downloads and cached images.

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
    let (cached, unfinished) = (store::listed(&images), store::unfinished(&images));
    let mut out = std::io::stdout().lock();
    if as_json {
        for (name, entry) in registry.entries() {
            let files: Vec<_> = entry
                .files
                .iter()
                .map(|file| {
                    let here = file.local();
                    json!({"size": file.size, "url": file.url, "md5": file.md5, "here": here})
                })
                .collect();
            let line = json!({
                "name": name, "about": entry.about, "licence": entry.licence, "citation": entry.citation,
                "home": entry.home, "source": entry.source, "layout": entry.layout, "files": files,
            });
            writeln!(out, "{line}")?;
        }
        for (path, of, size) in cached {
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
        let mut line = |what: &str, text: &str| match text.is_empty() {
            true => Ok(()),
            false => writeln!(out, "{:<12}{what:<9}{text}", ""),
        };
        line("", &entry.about)?;
        line("terms", &entry.licence)?;
        line("cite", &entry.citation)?;
        line("home", &entry.home)?;
        line("source", &format!("--data {}", entry.source))?;
        line("layout", &entry.layout)?;
        line("warning", &entry.warning)?;
        for file in &entry.files {
            let state = match file.local() {
                Some(path) => format!("in {}", path.display()),
                None => format!("not downloaded; chestxr-tui data fetch {name} --size {}", file.size),
            };
            line("", &format!("{:>4} px  {state}", file.size))?;
        }
        writeln!(out)?;
    }
    if !cached.is_empty() {
        writeln!(out, "Cached images of other sources (may be deleted; they are built again when needed):")?;
        for (path, of, size) in cached {
            writeln!(out, "{:>9}  {}  {}", bytes(size), one_line(&of, 200), path.display())?;
        }
    }
    if !unfinished.is_empty() {
        writeln!(
            out,
            "Interrupted imports (they resume when the same source is loaded; `data clean` removes them):"
        )?;
        for part in unfinished {
            let live = if part.live { "  running" } else { "" };
            writeln!(out, "{:>9}  {}{live}", bytes(part.bytes), one_line(&part.of, 200))?;
        }
    }
    Ok(Exit::Done)
}
