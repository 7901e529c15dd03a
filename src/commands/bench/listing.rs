//! Time to list a directory of many runs.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use chestxr_tui::config::RunConfig;
use chestxr_tui::runs::{Best, Catalog, EpochRecord, Provenance, RunFolder, RunState, Status};
use chestxr_tui::text::thousands;

use super::{MedianRange, ScratchDir};

/// Runs in the directory.
const RUNS: usize = 2000;
/// Epochs of each run.
const EPOCHS: usize = 50;
/// Runs on the first page of the Runs screen.
const FIRST: usize = 200;

/// Times to list many runs, starting with an empty cache.
#[derive(Debug, Serialize)]
pub struct ListingTimes {
    runs: usize,
    /// The newest, for the first page of the screen.
    runs_first_ms: MedianRange,
    /// All runs.
    runs_list_ms: MedianRange,
    /// All runs again, unchanged.
    runs_again_ms: MedianRange,
    /// Metrics of all runs, from their event logs.
    runs_numbers_ms: MedianRange,
}

impl ListingTimes {
    /// The figures as text.
    pub fn line(&self) -> String {
        format!(
            "{} runs: first page {:.0} ms, all {:.0} ms, refresh {:.0} ms, metrics {:.0} ms",
            thousands(self.runs as u64),
            self.runs_first_ms.median,
            self.runs_list_ms.median,
            self.runs_again_ms.median,
            self.runs_numbers_ms.median
        )
    }
}

/// Creates the runs and lists them.
pub fn measure(repeats: usize) -> Result<ListingTimes> {
    let runs = ScratchDir::new()?;
    fill(&runs.0).with_context(|| format!("can't create runs in {}", runs.0.display()))?;
    // A directory modified within the resolution of its timestamp is read again: wait until that is over.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let [mut first, mut list, mut again, mut numbers]: [Vec<f64>; 4] = Default::default();
    let timed = |times: &mut Vec<f64>, work: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        let started = Instant::now();
        work()?;
        times.push(1e3 * started.elapsed().as_secs_f64());
        Ok(())
    };
    for _ in 0..repeats {
        let mut catalog = Catalog::new(&runs.0);
        timed(&mut first, &mut || Ok(catalog.glance(FIRST).map(drop)?))?;
        let mut catalog = Catalog::new(&runs.0);
        timed(&mut list, &mut || Ok(catalog.refresh().map(drop)?))?;
        timed(&mut again, &mut || Ok(catalog.refresh().map(drop)?))?;
        timed(&mut numbers, &mut || {
            catalog.measure(usize::MAX);
            Ok(())
        })?;
    }
    Ok(ListingTimes {
        runs: RUNS,
        runs_first_ms: MedianRange::of(first)?,
        runs_list_ms: MedianRange::of(list)?,
        runs_again_ms: MedianRange::of(again)?,
        runs_numbers_ms: MedianRange::of(numbers)?,
    })
}

/// Creates one run, and copies it: each file of a run is synced to disk when created, which takes long.
fn fill(runs: &Path) -> Result<()> {
    let now = jiff::Zoned::now();
    let folder = RunFolder::create(runs, &RunConfig::default(), &now)?;
    folder.write_config(&RunConfig::default(), &Provenance::default())?;
    for epoch in 1..=EPOCHS {
        let value = Some(0.5 + epoch as f64 / 200.0);
        let record = EpochRecord {
            epoch,
            val_auroc_macro: value,
            val_loss: value,
            train_loss: value,
            ..EpochRecord::default()
        };
        folder.append_epoch(&record)?;
    }
    let mut status = Status::starting(now.timestamp());
    (status.state, status.epoch) = (RunState::Finished, EPOCHS);
    status.best = Some(Best { metric: "val_auroc_macro".to_owned(), value: 0.75, epoch: EPOCHS });
    folder.write_status(&status)?;
    let files: Vec<_> = std::fs::read_dir(folder.path())?
        .flatten()
        .filter_map(|entry| Some((entry.file_name(), std::fs::read(entry.path()).ok()?)))
        .collect();
    for number in 1..RUNS {
        let copy = runs.join(format!("20200101-{number:06}-chestnet-s-{number:04x}"));
        std::fs::create_dir(&copy)?;
        for (name, bytes) in &files {
            std::fs::write(copy.join(name), bytes)?;
        }
    }
    Ok(())
}
