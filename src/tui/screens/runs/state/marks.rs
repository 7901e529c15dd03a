//! Runs marked to be looked at together, and what a comparison of them found.

use std::path::{Path, PathBuf};

use crate::dataset::labels::LabelSet;
use crate::evaluation::{Comparison, SettingDifference};
use crate::metrics::Interval;
use crate::runs::EpochRecord;
use crate::tui::screens::runs::state::Epochs;
use crate::tui::screens::train::charts::ChartView;

/// The most runs that can be distinguished in one chart.
pub const MOST: usize = 8;

/// A marked run. Its place, and with it colour, stroke and letter, stays until the mark is removed.
#[derive(Debug)]
pub struct Mark {
    pub path: PathBuf,
    /// From 0 to [`MOST`] - 1.
    pub place: usize,
    pub epochs: Epochs,
    /// Its epochs are requested and not read yet.
    request: bool,
}

impl Mark {
    /// Its letter, for where a colour can't be seen.
    pub fn letter(&self) -> char {
        char::from(b'a' + self.place as u8)
    }

    /// Its epochs; none while they are being read.
    pub fn records(&self) -> &[EpochRecord] {
        match &self.epochs {
            Epochs::Ready(epochs) => epochs,
            _ => &[],
        }
    }
}

/// A part of the comparison, where only one fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    #[default]
    Curves,
    Settings,
    Conditions,
}

impl Part {
    /// The one after it.
    pub fn next(self) -> Self {
        match self {
            Self::Curves => Self::Settings,
            Self::Settings => Self::Conditions,
            Self::Conditions => Self::Curves,
        }
    }
}

/// The marked runs evaluated on the same images.
#[derive(Clone, Debug)]
pub struct SideBySide {
    pub labels: LabelSet,
    /// Those that were evaluated, in the order of the marks; the others are compared with the first.
    pub runs: Vec<PathBuf>,
    /// AUROC with its interval by run, then by condition.
    pub own: Vec<Vec<(Option<f64>, Option<Interval>)>>,
    /// What each of the others has over the first.
    pub against_first: Vec<Comparison>,
    /// Why a run isn't among them.
    pub left_out: Vec<String>,
}

/// State of the comparison of the marked runs.
#[derive(Debug, Default)]
pub enum Beside {
    #[default]
    Idle,
    Busy,
    Ready(Box<SideBySide>),
    Failed(String),
}

/// Everything about marked runs.
#[derive(Debug, Default)]
pub struct Marks {
    all: Vec<Mark>,
    /// They have the whole screen.
    pub opened: bool,
    pub view: ChartView,
    pub part: Part,
    pub beside: Beside,
    /// Settings that differ, by run in the order of the marks; `None` when those of a run can't be read.
    pub settings: Option<Vec<SettingDifference>>,
    /// First row shown of the part that scrolls.
    pub row: usize,
    /// Which of the others is set against the first.
    pub other: usize,
}

impl Marks {
    /// In the order in which they were marked.
    pub fn all(&self) -> &[Mark] {
        &self.all
    }

    /// The mark of a run.
    pub fn of(&self, path: &Path) -> Option<&Mark> {
        self.all.iter().find(|mark| mark.path == path)
    }

    /// Paths in the order of the marks.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.all.iter().map(|mark| mark.path.clone()).collect()
    }

    /// Marks a run with the lowest free place, or takes its mark away: whether it is marked now; `None` when there
    /// are [`MOST`] already.
    pub fn toggle(&mut self, path: &Path) -> Option<bool> {
        if let Some(at) = self.all.iter().position(|mark| mark.path == path) {
            self.all.remove(at);
            return Some(false);
        }
        let free = (0..MOST).find(|place| self.all.iter().all(|mark| mark.place != *place))?;
        self.all.push(Mark { path: path.to_owned(), place: free, epochs: Epochs::Unread, request: false });
        Some(true)
    }

    /// The runs whose epochs were not requested yet.
    pub fn not_requested(&self) -> impl Iterator<Item = PathBuf> {
        self.all.iter().filter(|mark| !mark.request).map(|mark| mark.path.clone())
    }

    /// A run's epochs were requested.
    pub fn mark_requested(&mut self, path: &Path) {
        if let Some(mark) = self.all.iter_mut().find(|mark| mark.path == path) {
            mark.request = true;
        }
    }

    /// Settings that differ; none while those of a run can't be read.
    pub fn differences(&self) -> &[SettingDifference] {
        self.settings.as_deref().unwrap_or(&[])
    }

    /// Takes a run's epochs.
    pub fn take(&mut self, path: &Path, epochs: &Result<Vec<EpochRecord>, String>) {
        if let Some(mark) = self.all.iter_mut().find(|mark| mark.path == path) {
            mark.request = false;
            mark.epochs = match epochs {
                Ok(epochs) => Epochs::Ready(epochs.clone()),
                Err(reason) => Epochs::Failed(reason.clone()),
            };
        }
    }

    /// Keeps the marks of these runs only; whether any went.
    pub fn retain(&mut self, there: impl Fn(&Path) -> bool) -> bool {
        let before = self.all.len();
        self.all.retain(|mark| there(&mark.path));
        self.all.len() < before
    }

    /// Takes all marks away; whether there were any.
    pub fn clear(&mut self) -> bool {
        let had = !self.all.is_empty();
        *self = Self { view: std::mem::take(&mut self.view), part: self.part, ..Self::default() };
        had
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_keeps_its_letter_while_it_is_marked() {
        let mut marks = Marks::default();
        let paths: Vec<PathBuf> = (0..10).map(|number| PathBuf::from(format!("/runs/{number}"))).collect();
        let letter = |marks: &Marks, run: usize| marks.of(&paths[run]).map(Mark::letter);
        for path in &paths[..3] {
            assert_eq!(marks.toggle(path), Some(true));
        }
        assert_eq!(marks.toggle(&paths[0]), Some(false));
        assert_eq!((letter(&marks, 1), letter(&marks, 2)), (Some('b'), Some('c')));
        assert_eq!(marks.toggle(&paths[3]), Some(true));
        assert_eq!(letter(&marks, 3), Some('a'), "the lowest that is free");
        for path in &paths[4..9] {
            assert_eq!(marks.toggle(path), Some(true));
        }
        assert_eq!(marks.toggle(&paths[9]), None, "no more can be told apart");
        assert!(marks.retain(|path| path != paths[1]) && !marks.retain(|_| true));
        assert!(marks.clear() && !marks.clear());
    }
}
