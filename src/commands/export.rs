//! `export`: a run's network as ONNX, safetensors or an MLflow model.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use chestxr_tui::config::AppPaths;
use chestxr_tui::evaluation::Weights;
use chestxr_tui::evaluation::export::Package;
use chestxr_tui::files::replace_file;
use chestxr_tui::runs::{self, RunId};
use chestxr_tui::text::bytes;

use super::{Exit, UsageError};
use crate::cli::{ExportArgs, ExportFormat, Global};

/// Writes the network and prints its path.
pub fn run(args: &ExportArgs, global: &Global, paths: &AppPaths) -> Result<Exit> {
    let folder = runs::find(&paths.runs, &args.run)?;
    let which = args.weights.into();
    let out = target(args.out.as_deref(), folder.id(), args.format, which);
    // Before reading the weights, which takes longer.
    if !args.force && would_overwrite(&out, args.format) {
        return Err(UsageError(format!(
            "{}: exists already; replace it with --force, or name another output with --out",
            out.display()
        ))
        .into());
    }
    let package = Package::open(&folder, which)?;
    let size = match args.format {
        ExportFormat::Onnx => write(&out, &package.onnx()?)?,
        ExportFormat::Safetensors => write(&out, &package.safetensors()?)?,
        ExportFormat::Mlflow => {
            package.mlflow(&out)?;
            directory_size(&out)?
        }
    };
    let mut stdout = std::io::stdout().lock();
    if global.json {
        let weights = if which == Weights::Best { "best" } else { "last" };
        let line = json!({
            "run": folder.id(), "weights": weights, "epoch": package.epoch(), "path": out, "bytes": size,
        });
        writeln!(stdout, "{line}")?;
    } else {
        writeln!(stdout, "{} ({}, epoch {})", out.display(), bytes(size), package.epoch())?;
    }
    Ok(Exit::Done)
}

/// The output path: --out, or a file named after the run in the directory of --out or in the current one.
fn target(out: Option<&Path>, run: &RunId, format: ExportFormat, which: Weights) -> PathBuf {
    let which = if which == Weights::Best { "" } else { "-last" };
    let name = match format {
        ExportFormat::Onnx => format!("{run}{which}.onnx"),
        ExportFormat::Safetensors => format!("{run}{which}.safetensors"),
        ExportFormat::Mlflow => format!("{run}{which}-mlflow"),
    };
    match out {
        None => name.into(),
        // An MLflow model is a directory itself; a file goes into the directory.
        Some(folder) if format != ExportFormat::Mlflow && folder.is_dir() => folder.join(name),
        Some(path) => path.to_owned(),
    }
}

/// Whether writing would replace something.
fn would_overwrite(out: &Path, format: ExportFormat) -> bool {
    match format {
        ExportFormat::Mlflow if out.is_dir() => {
            std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some())
        }
        _ => out.symlink_metadata().is_ok(),
    }
}

/// Writes a file atomically; returns its size in bytes.
fn write(out: &Path, content: &[u8]) -> Result<u64> {
    replace_file(out, content).with_context(|| format!("can't write {}", out.display()))?;
    Ok(content.len() as u64)
}

/// Bytes of the files in a directory.
fn directory_size(out: &Path) -> Result<u64> {
    let sizes = std::fs::read_dir(out)?.map(|entry| Ok(entry?.metadata()?.len()));
    sizes.sum::<Result<u64, std::io::Error>>().with_context(|| format!("can't read {}", out.display()))
}
