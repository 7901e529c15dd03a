//! Time and memory to load the images.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::{Cache, Dataset, Split};
use chestxr_tui::text::{bytes, thousands};

use super::peak_memory;

/// Time and memory to load the images.
#[derive(Debug, Serialize)]
pub struct LoadingTimes {
    images: usize,
    /// Bytes of pixels and labels, uncompressed.
    raw_bytes: usize,
    load_seconds: f64,
    /// Peak resident memory in bytes after loading, and before.
    peak_memory: u64,
    memory_before: u64,
}

impl LoadingTimes {
    /// The figures as text.
    pub fn line(&self, source: &str) -> String {
        format!(
            "{source}: {} images, {} raw, loaded in {:.2} s, peak memory {} ({} before)",
            thousands(self.images as u64),
            bytes(self.raw_bytes as u64),
            self.load_seconds,
            bytes(self.peak_memory),
            bytes(self.memory_before)
        )
    }
}

/// Loads the images for the other parts.
pub fn measure(section: &DataSection, cache: &Cache) -> Result<(LoadingTimes, Arc<Dataset>)> {
    let memory_before = peak_memory();
    let started = Instant::now();
    let dataset = cache.load(section)?;
    let load_seconds = started.elapsed().as_secs_f64();
    let labels = Split::ALL.map(|split| &dataset.part(split).labels);
    let loading = LoadingTimes {
        images: labels.iter().map(|labels| labels.len()).sum(),
        raw_bytes: dataset.image_bytes() + labels.iter().map(|labels| labels.values().len()).sum::<usize>(),
        load_seconds,
        peak_memory: peak_memory(),
        memory_before,
    };
    Ok((loading, dataset))
}
