//! A bar on stderr for work that takes a while.

use std::sync::OnceLock;

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::{DataError, Dataset};
use chestxr_tui::runs::RunFolder;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Global;

/// Reads the images of `section`, with a bar once that takes a while.
pub fn load(section: &DataSection, quiet: bool) -> Result<Dataset, DataError> {
    let bar: OnceLock<Bar> = OnceLock::new();
    let loaded = Dataset::load_watched(section, &|progress| {
        bar.get_or_init(|| Bar::start(progress.doing, progress.total, quiet)).at(progress.done)
    });
    if let Some(bar) = bar.get() {
        bar.end();
    }
    loaded
}

/// Images from elsewhere for a run's network: made at its size, with its labels. What `--set data.…` says holds.
pub fn load_for(folder: &RunFolder, source: &str, global: &Global) -> anyhow::Result<Dataset> {
    let provenance = folder.read_provenance()?;
    let mut config = folder.read_config()?;
    // How the run's own table was read says nothing about another one.
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

/// A bar; invisible where stderr is no terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar over `count` things called `what`.
    pub fn start(what: &str, count: usize, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(count as u64) };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(chestxr_tui::text::one_line(what, 40));
        Self(bar)
    }

    /// So many are done; always true, for whoever asks whether to go on.
    pub fn at(&self, done: usize) -> bool {
        self.0.set_position(done as u64);
        true
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
