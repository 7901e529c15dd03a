//! StderrBar bars on stderr.

use std::sync::OnceLock;

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::{DataError, Dataset};
use chestxr_tui::runs::RunFolder;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Global;

/// Loads the data set of `section`, with a progress bar once that takes long; `quiet` hides it.
///
/// # Errors
/// When the source can't be read.
pub fn load(section: &DataSection, quiet: bool) -> Result<Dataset, DataError> {
    let bar: OnceLock<StderrBar> = OnceLock::new();
    let loaded = Dataset::load_watched(section, &|progress| {
        bar.get_or_init(|| StderrBar::start(progress.doing, progress.total, quiet)).set(progress.done)
    });
    if let Some(bar) = bar.get() {
        bar.finish();
    }
    loaded
}

/// Loads another data set for a run's network: with its image size and conditions, and the `data.*` settings of `--set`.
///
/// # Errors
/// When the run or the source can't be read, or a setting is wrong.
pub fn load_for(folder: &RunFolder, source: &str, global: &Global) -> anyhow::Result<Dataset> {
    let provenance = folder.read_provenance()?;
    let mut config = folder.read_config()?;
    // The run's settings for its own table don't apply to another one.
    config.data =
        DataSection { source: source.to_owned(), size: provenance.image_size[0], ..DataSection::default() };
    for set in global.sets.iter().filter(|set| set.trim_start().starts_with("data.")) {
        config.set_pair(set)?;
    }
    if let Some(memory) = &global.memory {
        config.set("data.memory", memory)?;
    }
    Ok(load(&config.data, global.json)?.labelled(&provenance.conditions)?)
}

/// A progress bar; invisible where stderr is not a terminal.
pub struct StderrBar(ProgressBar);

impl StderrBar {
    /// A bar over `count` items, labelled `what`.
    pub fn start(what: &str, count: usize, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(count as u64) };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(chestxr_tui::text::one_line(what, 40));
        Self(bar)
    }

    /// Sets the number of finished items. Returns true, as callbacks that may stop the work expect.
    pub fn set(&self, done: usize) -> bool {
        self.0.set_position(done as u64);
        true
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
