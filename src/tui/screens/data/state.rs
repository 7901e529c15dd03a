//! The data set as the data screen looks at it.

use std::sync::Arc;

use crate::config::DataSection;
use crate::dataset::check::Report;
use crate::dataset::part::GroupBy;
use crate::dataset::progress::Progress;
use crate::dataset::registry::Entry;
use crate::dataset::stats::Pairs;
use crate::dataset::{Dataset, Split};
use crate::label::is_normal;

/// The view model of a data set, computed once in the background.
#[derive(Debug)]
pub struct DataView {
    /// Images and labels.
    pub dataset: Arc<Dataset>,
    /// Rows of the class table: `None` for the normal class, then columns by their count.
    pub rows: Vec<Option<usize>>,
    /// Images with both conditions of a pair, over all splits.
    pub pairs: Pairs,
    /// For each row, its images: split and index.
    pub images: Vec<Vec<(Split, u32)>>,
    /// Images by view, sex and age: of all splits, then of each.
    people: [Vec<Group>; 4],
}

/// Images that have something but findings in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `view PA`, `sex F`, `age 18-39`.
    pub name: String,
    pub images: usize,
    /// Those without any condition.
    pub normal: usize,
}

impl DataView {
    /// Counts what the screen shows. Takes a while on large sets: not for the event loop.
    pub fn new(dataset: Arc<Dataset>) -> Self {
        let classes = dataset.labels().len();
        let total = |column: usize| -> usize {
            Split::ALL.iter().filter_map(|split| dataset.stats(*split).positives.get(column)).sum()
        };
        let mut columns: Vec<usize> = (0..classes).collect();
        columns.sort_by_key(|column| std::cmp::Reverse(total(*column)));
        let rows: Vec<Option<usize>> = std::iter::once(None).chain(columns.into_iter().map(Some)).collect();

        let mut pairs = Pairs::of_none(classes);
        let mut images = vec![Vec::new(); classes + 1];
        for split in Split::ALL {
            let part = dataset.part(split);
            pairs.add(&part.labels);
            if part.images.is_none() {
                continue;
            }
            for (index, row) in part.labels.rows().enumerate() {
                let index = index as u32;
                if is_normal(row) == Some(true) {
                    images[classes].push((split, index));
                }
                for (column, _) in row.iter().enumerate().filter(|(_, label)| **label == 1) {
                    images[column].push((split, index));
                }
            }
        }
        let images =
            rows.iter().map(|row| std::mem::take(&mut images[row.unwrap_or(classes)])).collect::<Vec<_>>();
        let people = [None, Some(Split::Train), Some(Split::Val), Some(Split::Test)]
            .map(|split| people(&dataset, split));
        Self { dataset, rows, pairs, images, people }
    }

    /// Images by view, sex and age, of a split or of all; empty where the source has no such columns.
    pub fn people(&self, split: Option<Split>) -> &[Group] {
        &self.people[split.map_or(0, |split| split as usize + 1)]
    }

    /// A row's name.
    pub fn name(&self, row: usize) -> &str {
        match self.rows.get(row) {
            Some(Some(column)) => self.dataset.labels().get(*column).map_or("", |condition| &condition.name),
            Some(None) => "Normal",
            None => "",
        }
    }

    /// Images of a row in a split.
    pub fn count(&self, row: usize, split: Split) -> usize {
        let stats = self.dataset.stats(split);
        match self.rows.get(row) {
            Some(Some(column)) => stats.positives.get(*column).copied().unwrap_or(0),
            Some(None) => stats.normal,
            None => 0,
        }
    }

    /// Images of a split, or of all, of which a row's label is known.
    pub fn known(&self, row: usize, split: Option<Split>) -> usize {
        let own = |split: Split| match self.rows.get(row) {
            Some(Some(column)) => self.dataset.stats(split).known(*column),
            _ => self.dataset.stats(split).normal_known(),
        };
        split.map_or_else(|| Split::ALL.into_iter().map(own).sum(), own)
    }

    /// Images of a split, or of all.
    pub fn total(&self, split: Option<Split>) -> usize {
        match split {
            Some(split) => self.dataset.stats(split).images,
            None => Split::ALL.iter().map(|split| self.dataset.stats(*split).images).sum(),
        }
    }
}

/// Images by view, sex and age.
fn people(dataset: &Dataset, split: Option<Split>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for by in GroupBy::ALL {
        for part in Split::ALL.into_iter().filter(|its| split.is_none_or(|wanted| wanted == *its)) {
            let part = dataset.part(part);
            for (name, images) in part.about.groups(by) {
                let healthy = |image: &&usize| is_normal(part.labels.row(**image)) == Some(true);
                let normal = images.iter().filter(healthy).count();
                match groups.iter_mut().find(|group| group.name == name) {
                    Some(group) => {
                        group.images += images.len();
                        group.normal += normal;
                    }
                    None => groups.push(Group { name, images: images.len(), normal }),
                }
            }
        }
    }
    groups
}

/// State of the loading of the data.
#[derive(Debug, Default)]
pub enum Loading {
    /// Not requested.
    #[default]
    Idle,
    /// Being read since then.
    Busy(jiff::Timestamp),
    /// Read.
    Ready(Arc<DataView>),
    /// Not to be had, and why.
    Failed(String),
}

/// What the side of the data screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    #[default]
    Image,
    Pairs,
    /// Demographics and problems of the images.
    Found,
    /// Nothing but the classes, where there is room for one thing only.
    Classes,
}

/// The data screen.
#[derive(Debug, Default)]
pub struct DataState {
    /// The section requested last.
    pub section: Option<DataSection>,
    /// How far that is.
    pub loading: Loading,
    /// The split looked at; none for all three.
    pub split: Option<Split>,
    /// The chosen row.
    pub row: usize,
    /// The chosen image among those of the row.
    pub image: usize,
    pub side: Side,
    /// Progress of the loading, where the source reports it.
    pub progress: Option<Progress>,
    /// Whether boxes are outlined.
    pub boxes: bool,
    /// What is wrong with the data.
    pub report: Found,
    /// The download under way.
    pub fetching: Option<Fetching>,
}

/// How far the check of the data is.
#[derive(Debug, Default)]
pub enum Found {
    /// Not requested.
    #[default]
    Unasked,
    /// Being looked at.
    Busy,
    /// Looked at.
    Ready(Box<Report>),
}

/// A file of a data set in the registry.
#[derive(Clone, Copy, Debug)]
pub struct Download {
    pub entry: &'static Entry,
    /// Side of the images in pixels.
    pub size: usize,
}

impl PartialEq for Download {
    fn eq(&self, other: &Self) -> bool {
        (&self.entry.name, self.size) == (&other.entry.name, other.size)
    }
}

/// A download that runs.
#[derive(Debug)]
pub struct Fetching {
    pub wanted: Download,
    /// Bytes that are here, and of how many.
    pub done: u64,
    pub total: Option<u64>,
}

impl DataState {
    /// The data, once read.
    pub fn view(&self) -> Option<&Arc<DataView>> {
        match &self.loading {
            Loading::Ready(view) => Some(view),
            _ => None,
        }
    }

    /// The images that can be leafed through: of the chosen row and split.
    pub fn images(&self) -> Vec<(Split, u32)> {
        let Some(all) = self.view().and_then(|view| view.images.get(self.row)) else { return Vec::new() };
        all.iter().copied().filter(|(split, _)| self.split.is_none_or(|wanted| wanted == *split)).collect()
    }
}

impl PartialEq for DataView {
    /// Whether both are of the same images and labels.
    fn eq(&self, other: &Self) -> bool {
        self.dataset.digest() == other.dataset.digest()
    }
}
