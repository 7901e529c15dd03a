//! `data clean`: removes the files of interrupted imports.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::store;
use chestxr_tui::text::{bytes, one_line};

use crate::commands::Exit;

/// Removes every incomplete import that no process is writing.
pub fn run(as_json: bool) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let mut freed = 0;
    for part in store::unfinished(&AppPaths::new(None).images) {
        let removed = part.free().with_context(|| format!("can't remove {}", part.path.display()))?;
        if removed {
            freed += part.bytes;
        }
        if as_json {
            let line = json!({"unfinished": part.path, "of": part.of, "bytes": part.bytes, "freed": removed});
            writeln!(out, "{line}")?;
        } else {
            let what = if removed { "freed" } else { "in use by a running import" };
            writeln!(out, "{:>9}  {}  {what}", bytes(part.bytes), one_line(&part.of, 200))?;
        }
    }
    if !as_json {
        writeln!(out, "{} freed", bytes(freed))?;
    }
    Ok(Exit::Done)
}
