//! The list of runs, and the one of them that is looked at.

use std::path::PathBuf;

use crate::runs::{EpochRecord, RunSummary};

/// The list as read last.
#[derive(Debug, Default)]
pub enum Listing {
    /// Never read yet.
    #[default]
    Unread,
    /// Read.
    Ready(Vec<RunSummary>),
    /// Not readable, and why.
    Failed(String),
}

/// The epochs of the run under the cursor.
#[derive(Debug, Default)]
pub enum Epochs {
    #[default]
    Unread,
    Ready(Vec<EpochRecord>),
    Failed(String),
}

/// The runs screen.
#[derive(Debug, Default)]
pub struct RunsState {
    pub listing: Listing,
    /// The list is being read.
    pub asked: bool,
    /// It was asked for once more meanwhile.
    pub again: bool,
    /// The chosen row among the runs that pass the filter.
    pub row: usize,
    /// Letters that a run must have in id, name, network or source.
    pub filter: String,
    /// The filter is being typed.
    pub filtering: bool,
    /// Whose epochs `epochs` are.
    pub read: Option<PathBuf>,
    pub epochs: Epochs,
    /// The chosen run has the whole screen.
    pub opened: bool,
}

impl RunsState {
    /// The runs that pass the filter.
    pub fn shown(&self) -> Vec<&RunSummary> {
        let Listing::Ready(all) = &self.listing else { return Vec::new() };
        let wanted = self.filter.to_lowercase();
        all.iter().filter(|run| wanted.is_empty() || words(run).contains(&wanted)).collect()
    }

    /// The run under the cursor.
    pub fn chosen(&self) -> Option<&RunSummary> {
        self.shown().get(self.row).copied()
    }

    /// The chosen run's epochs; empty while they are being read.
    pub fn chosen_epochs(&self) -> &[EpochRecord] {
        match (&self.epochs, self.chosen()) {
            (Epochs::Ready(epochs), Some(run)) if self.read.as_ref() == Some(&run.path) => epochs,
            _ => &[],
        }
    }

    /// Takes a new list and keeps the cursor on the same run.
    pub fn take(&mut self, runs: Vec<RunSummary>) {
        let before = self.chosen().map(|run| run.path.clone());
        self.listing = Listing::Ready(runs);
        let shown = self.shown();
        let (count, same) =
            (shown.len(), before.and_then(|path| shown.iter().position(|run| run.path == path)));
        self.row = same.unwrap_or(self.row).min(count.saturating_sub(1));
        self.opened &= same.is_some();
    }
}

fn words(run: &RunSummary) -> String {
    let mut words = format!("{} {}", run.id, run.state);
    if let Some(config) = &run.config {
        words.push_str(&format!(" {} {} {}", config.run.name, config.model.arch, config.data.source));
    }
    words.to_lowercase()
}
