//! `data clean`: frees what imports left that broke off.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::store;
use chestxr_tui::text::{bytes, one_line};

use crate::commands::Exit;

/// Removes every part that nobody is at work on.
pub fn run(as_json: bool) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let mut freed = 0;
    for part in store::unfinished(&AppPaths::new(None).images) {
        let gone = part.free().with_context(|| format!("can't remove {}", part.path.display()))?;
        if gone {
            freed += part.bytes;
        }
        if as_json {
            let line = json!({"unfinished": part.path, "of": part.of, "bytes": part.bytes, "freed": gone});
            writeln!(out, "{line}")?;
        } else {
            let what = if gone { "freed" } else { "being read now, so it stays" };
            writeln!(out, "{:>9}  {}  {what}", bytes(part.bytes), one_line(&part.of, 200))?;
        }
    }
    if !as_json {
        writeln!(out, "{} freed", bytes(freed))?;
    }
    Ok(Exit::Done)
}
