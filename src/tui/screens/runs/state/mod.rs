//! The list of runs and the queue: the row under the cursor, marks, deleted runs, the line being typed.

pub mod beside;
mod marks;
mod request;

use std::path::PathBuf;
use std::sync::Arc;

use tui_input::Input;

use crate::config::{FIELDS, RunConfig};
use crate::runs::{Discarded, EpochRecord, Filter, Measure, RunSummary, SortBy, Waiting, differing};
use crate::tui::format::rate;

pub use marks::{Beside, Mark, Marks, Part, SideBySide};
pub use request::{Change, Details, Done, Listed, RunsRequest, Settled};

/// Settings with a column of their own.
const HAVE_COLUMNS: [&str; 4] = ["run.name", "model.arch", "data.source", "optimizer.epochs"];

/// A setting's column is no wider, in characters.
const WIDEST_SETTING: usize = 18;

/// The list as read last.
#[derive(Debug, Default)]
pub enum Listing {
    /// Never read yet.
    #[default]
    Unread,
    /// Read, the newest first.
    Ready(Vec<Arc<RunSummary>>),
    /// Not readable, and why.
    Failed(String),
}

/// The epochs of a run.
#[derive(Debug, Default)]
pub enum Epochs {
    #[default]
    Unread,
    Ready(Vec<EpochRecord>),
    Failed(String),
}

/// What is being typed about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Name,
    Tags,
    Note,
}

/// A line being typed about a run.
#[derive(Clone, Debug)]
pub struct Typed {
    pub ask: Ask,
    pub run: PathBuf,
    /// The initial text of the line.
    pub offered: String,
    pub line: Input,
}

/// Widths in characters that the longest texts of the shown runs need, and the settings that differ between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Widths {
    pub name: usize,
    pub network: usize,
    pub data: usize,
    pub tags: usize,
    /// Places in [`FIELDS`], with their widths.
    pub settings: Vec<(usize, usize)>,
}

/// Runs that wait for their turn.
#[derive(Debug, Default)]
pub struct QueueState {
    pub waiting: Vec<Waiting>,
    /// The next starts when a run ends.
    pub going: bool,
    /// A run was taken from it and sent to the trainer, and hasn't started.
    pub taken: bool,
    /// Seconds until it is read again, after it couldn't be read.
    pub again_in: Option<u32>,
    /// It was requested by key, so an empty queue is reported.
    pub by_hand: bool,
    /// The runs that waited at the start were reported.
    pub told: bool,
}

/// The runs screen.
#[derive(Debug, Default)]
pub struct RunsState {
    pub listing: Listing,
    /// Folders that the list as read last doesn't have yet.
    pub unread: usize,
    /// Runs that can't be read.
    pub damaged: usize,
    /// The list is being read.
    pub request: bool,
    /// It was requested again meanwhile.
    pub again: bool,
    pub queue: QueueState,
    /// The chosen row: what waits in the queue first, then the runs that pass the filter.
    pub row: usize,
    /// What a run must be, as typed: see [`Filter::parse`].
    filter: Input,
    /// The filter is being typed.
    pub filtering: bool,
    pub sort: SortBy,
    pub reverse: bool,
    pub measure: Measure,
    /// Places in the list of the runs that are shown, in their order.
    view: Vec<usize>,
    widths: Widths,
    /// Whose epochs and details are here.
    pub read: Option<PathBuf>,
    pub epochs: Epochs,
    pub bytes: Option<u64>,
    pub tested: Option<(f64, Option<[f64; 2]>)>,
    /// The chosen run has the whole screen.
    pub opened: bool,
    pub marks: Marks,
    pub typed: Option<Typed>,
    /// Runs that a dialog offers to delete, and the bytes to be freed once they are counted.
    pub doomed: Option<(Vec<PathBuf>, Option<u64>)>,
    /// The waiting run that a question offers to remove from the queue.
    pub doomed_waiting: Option<Box<Waiting>>,
    /// Runs deleted here, the last one last.
    pub discarded: Vec<Discarded>,
}

impl RunsState {
    /// All runs of the list.
    pub fn all(&self) -> &[Arc<RunSummary>] {
        match &self.listing {
            Listing::Ready(all) => all,
            _ => &[],
        }
    }

    /// The runs that pass the filter, in the order they are shown.
    pub fn shown(&self) -> impl ExactSizeIterator<Item = &RunSummary> + Clone {
        self.view.iter().map(|place| &*self.all()[*place])
    }

    /// The waiting runs; a filter shows runs alone.
    pub fn waiting(&self) -> &[Waiting] {
        if self.filter.value().is_empty() { &self.queue.waiting } else { &[] }
    }

    /// Rows of the table.
    pub fn rows(&self) -> usize {
        self.waiting().len() + self.view.len()
    }

    /// The run under the cursor.
    pub fn chosen(&self) -> Option<&RunSummary> {
        let row = self.row.checked_sub(self.waiting().len())?;
        self.view.get(row).map(|place| &*self.all()[*place])
    }

    /// What of the queue is under the cursor.
    pub fn chosen_waiting(&self) -> Option<&Waiting> {
        self.waiting().get(self.row)
    }

    /// A run of the list by its folder.
    pub fn find(&self, path: &std::path::Path) -> Option<&Arc<RunSummary>> {
        self.all().iter().find(|run| run.path == path)
    }

    /// The chosen run's epochs; empty while they are being read.
    pub fn chosen_epochs(&self) -> &[EpochRecord] {
        match (&self.epochs, self.chosen()) {
            (Epochs::Ready(epochs), Some(run)) if self.read.as_ref() == Some(&run.path) => epochs,
            _ => &[],
        }
    }

    /// What was typed as a filter.
    pub fn filter(&self) -> &Input {
        &self.filter
    }

    /// How wide the columns are, and which settings have one.
    pub fn widths(&self) -> &Widths {
        &self.widths
    }

    /// Replaces the list; the cursor stays on the same run or place of the queue.
    pub fn take(&mut self, runs: Vec<Arc<RunSummary>>, waiting: Vec<Waiting>) {
        // Every second brings a list, and mostly the same one.
        if let Listing::Ready(before) = &self.listing
            && before.len() == runs.len()
            && before.iter().zip(&runs).all(|(a, b)| Arc::ptr_eq(a, b))
            && self.queue.waiting == waiting
        {
            return;
        }
        let same = self.follow(|state| {
            state.listing = Listing::Ready(runs);
            state.queue.waiting = waiting;
        });
        self.opened &= same;
    }

    /// The list can't be read.
    pub fn fail(&mut self, why: String) {
        self.listing = Listing::Failed(why);
        self.arrange();
        self.row = self.row.min(self.rows().saturating_sub(1));
    }

    /// Shows only the runs that pass; the cursor goes to the first of them.
    pub fn set_filter(&mut self, line: Input) {
        if line.value() == self.filter.value() {
            // Only the cursor moved: the selected run stays.
            self.filter = line;
            return;
        }
        self.filter = line;
        self.arrange();
        self.row = 0;
    }

    /// Sorts by something, from its natural end, or turns that round when it is sorted by it already.
    pub fn sort_by(&mut self, by: SortBy) {
        self.follow(|state| {
            state.reverse = state.sort == by && !state.reverse;
            state.sort = by;
        });
    }

    /// Looks at another number of the runs.
    pub fn set_measure(&mut self, measure: Measure) {
        self.follow(|state| state.measure = measure);
    }

    /// Changes the list; the cursor stays on its row. Returns whether that is still there.
    fn follow(&mut self, change: impl FnOnce(&mut Self)) -> bool {
        let run = self.chosen().map(|run| run.path.clone());
        let number = self.chosen_waiting().map(|waiting| waiting.number);
        change(self);
        self.arrange();
        let waiting = self.waiting().len();
        let same = match (run, number) {
            (Some(path), _) => self.shown().position(|run| run.path == path).map(|row| waiting + row),
            (_, Some(number)) => self.waiting().iter().position(|waiting| waiting.number == number),
            _ => None,
        };
        self.row = same.unwrap_or(self.row).min(self.rows().saturating_sub(1));
        same.is_some()
    }

    /// Filters and sorts anew, and measures the columns: all that a frame needs of the whole list.
    fn arrange(&mut self) {
        let (filter, all) = (Filter::parse(self.filter.value()), self.all());
        let mut view: Vec<usize> = (0..all.len()).filter(|place| filter.passes(&all[*place])).collect();
        // Stable, so that equal ones stay the newest first.
        view.sort_by(|a, b| self.sort.compare(&all[*a], &all[*b], self.measure, self.reverse));
        let shown = || view.iter().map(|place| &*all[*place]);
        let longest = |text: fn(&RunSummary) -> usize| shown().map(text).max().unwrap_or(0);
        let letters = |text: &str| crate::text::width(text);
        let settings = differing(shown().filter_map(|run| run.measured.as_ref()));
        let settings = settings
            .into_iter()
            .filter(|place| !HAVE_COLUMNS.contains(&FIELDS[*place].key))
            .map(|place| {
                let width = |value: &str| letters(&setting_text(place, value));
                let values = shown().filter_map(|run| run.measured.as_ref()?.changed(place).map(width));
                let default = width(&RunConfig::defaults()[place]);
                let head = FIELDS[place].short().len().min(WIDEST_SETTING);
                (place, values.fold(default, usize::max).max(head).min(WIDEST_SETTING))
            })
            .collect();
        let widths = Widths {
            name: longest(|run| crate::text::width(run.name())),
            network: longest(|run| run.config.as_ref().map_or(1, |config| config.model.arch.name().len())),
            data: longest(|run| {
                run.config.as_ref().map_or(1, |config| crate::text::width(short_source(&config.data.source)))
            }),
            tags: longest(|run| run.about.tags.iter().map(|tag| crate::text::width(tag) + 1).sum()),
            settings,
        };
        (self.view, self.widths) = (view, widths);
    }
}

/// A setting's value as a table writes it.
pub fn setting_text(place: usize, value: &str) -> String {
    let is_rate = FIELDS[place].key == "optimizer.lr";
    value.parse().ok().filter(|_| is_rate).map_or_else(|| value.to_owned(), rate)
}

/// A source without the folders before its file.
pub fn short_source(source: &str) -> &str {
    source.trim_end_matches('/').rsplit('/').next().unwrap_or(source)
}
