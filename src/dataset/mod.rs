//! Images and labels from anywhere: one file per source, one [`Dataset`] out. Upload to a device is the
//! trainer's; nothing here knows tensors.

pub mod check;
pub mod dicom_folder;
pub mod films;
pub mod labels;
pub mod listing;
pub mod memory;
pub mod nih;
pub mod npz;
pub mod part;
pub mod phantom;
pub mod picture;
pub mod progress;
pub mod registry;
pub mod source;
pub mod split;
pub mod stats;
pub mod store;
pub mod table;

mod cache;
mod keep;
mod regions;
mod sheet;

use std::fmt;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use cache::Cache;
use films::{Films, Labels};
use labels::LabelSet;
use listing::{Loaded, TableError};
use part::Part;
pub use phantom::Bounds;
use picture::PictureError;
use progress::Watch;
pub use regions::Region;
use source::Source;
use stats::SplitStats;
use store::{Asked, Made, StoreError};

use crate::config::{AppPaths, DataSection, Memory};

/// Bytes one array of a file may unpack to: far above ChestMNIST at 224 px (5.6 GB), below what would take
/// a machine down unseen.
const MAX_ARRAY_BYTES: u64 = 64 << 30;

/// A part of the data with its own purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    /// All splits in order.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// The split of this name.
    ///
    /// # Errors
    /// A sentence, when there is none.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|split| split.name() == name);
        found.ok_or_else(|| "there are train, val and test".to_owned())
    }

    /// `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Films and labels of three splits.
#[derive(Clone, Debug)]
pub struct Dataset {
    source: Source,
    labels: LabelSet,
    parts: [Part; 3],
    stats: [SplitStats; 3],
    digest: String,
    notes: Vec<String>,
}

/// Why films can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(transparent)]
    Source(#[from] source::SourceError),
    #[error(transparent)]
    Npz(#[from] npz::NpzError),
    #[error(transparent)]
    Phantom(#[from] phantom::SizeOutOfRange),
    #[error(transparent)]
    Keep(#[from] keep::KeepError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Pictures(#[from] StoreError<PictureError>),
    #[error(transparent)]
    Drawn(#[from] StoreError<phantom::SizeOutOfRange>),
    #[error(transparent)]
    Unpacked(#[from] StoreError<npz::NpzError>),
    #[error("reading films was stopped; what was read is kept, so that the next time goes on from there")]
    Stopped,
    #[error("there is no ChestMNIST of {0} px; set data.size to 28, 64, 128 or 224")]
    NoSuchSize(usize),
    #[error(
        "ChestMNIST of {size} px is not here yet; get it with `chestxr-tui data fetch chestmnist --size {size}`, or \
         put {file} into {folder} yourself"
    )]
    NotFetched { size: usize, file: String, folder: String },
    #[error(
        "the films of {from} say nothing about {missing}, which the run's network tells; add such labels"
    )]
    OtherLabels { from: Source, missing: String },
    #[error("`data.where` needs films with a table (nih:, csv: or dicom:); {0} has none")]
    NothingToFilter(Source),
    #[error(
        "{0} holds labels but no films: `data info` can count it, training needs train_images, val_images and test_images"
    )]
    NoFilms(Source),
    #[error("the {split} split of {from} is empty; training needs films in all three splits")]
    EmptySplit { split: Split, from: Source },
}

impl DataError {
    /// Whether the words of the request are wrong rather than what they point to.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Source(_)
                | Self::Phantom(_)
                | Self::Keep(_)
                | Self::NoSuchSize(_)
                | Self::NothingToFilter(_)
        )
    }
}

impl Dataset {
    /// Reads or makes the films that `section` names.
    ///
    /// # Errors
    /// When the source is unknown, or its files are missing or unfit; each in one sentence.
    pub fn load(section: &DataSection) -> Result<Self, DataError> {
        Self::load_watched(section, &|_| true)
    }

    /// The same, telling how far it is; `watch` ends it by `false`.
    ///
    /// # Errors
    /// As [`Dataset::load`]; also when `watch` ends it.
    pub fn load_watched(section: &DataSection, watch: &Watch) -> Result<Self, DataError> {
        let source: Source = section.source.parse()?;
        // A configuration was checked where it came in; what is no amount counts as none said.
        let budget = memory::budget(section.memory.parse().unwrap_or(Memory::Auto));
        let of_table = !matches!(source, Source::Phantom(_) | Source::ChestMnist | Source::Npz(_));
        if !section.keep.trim().is_empty() && !of_table {
            return Err(DataError::NothingToFilter(source));
        }
        let Loaded { labels, mut parts, notes } = match &source {
            Source::Phantom(count) => phantom_parts(*count, section.size, budget, watch)?,
            Source::ChestMnist => npz_parts(&registry::chestmnist(section.size)?, budget, watch)?,
            Source::Npz(path) => npz_parts(path, budget, watch)?,
            Source::Nih(folder) => nih::listing(folder)?.load(section, budget, watch)?,
            Source::Csv(table) => table::listing(table, &section.columns)?.load(section, budget, watch)?,
            Source::Dicom(folder) => {
                dicom_folder::listing(folder, &section.columns)?.load(section, budget, watch)?
            }
        };
        if section.limit > 0 && section.limit < parts[0].labels.len() {
            parts[0].truncate(section.limit);
        }
        let digest = digest(&parts);
        let stats = std::array::from_fn(|split| stats::split_stats(&parts[split].labels));
        Ok(Self { source, labels, parts, stats, digest, notes })
    }

    /// The same films with the labels of `keys`, in that order: those of a run that knows other ones, or the same in
    /// another order.
    ///
    /// # Errors
    /// When one of them isn't there.
    pub fn labelled(mut self, keys: &[String]) -> Result<Self, DataError> {
        let own = self.labels.keys();
        if own == keys {
            return Ok(self);
        }
        let places: Vec<Option<usize>> =
            keys.iter().map(|key| own.iter().position(|its| its == key)).collect();
        let missing: Vec<&str> = keys
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_none())
            .map(|(key, _)| key.as_str())
            .collect();
        let other = |missing: String| DataError::OtherLabels { from: self.source.clone(), missing };
        if !missing.is_empty() {
            return Err(other(crate::text::one_line(&missing.join(", "), 200)));
        }
        let places: Vec<usize> = places.into_iter().flatten().collect();
        for part in &mut self.parts {
            let values = part.labels.rows().flat_map(|row| places.iter().map(|place| row[*place])).collect();
            part.labels = Labels::new(values, keys.len()).ok_or_else(|| other("anything".to_owned()))?;
            part.about.boxes.retain_mut(|(_, class, _)| {
                match places.iter().position(|place| place == class) {
                    Some(place) => {
                        *class = place;
                        true
                    }
                    None => false,
                }
            });
        }
        self.labels = LabelSet::of_keys(keys);
        self.stats = std::array::from_fn(|split| stats::split_stats(&self.parts[split].labels));
        self.digest = digest(&self.parts);
        Ok(self)
    }

    /// What a person should know of how the films were read and divided, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where the films came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The conditions of the label columns.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Films and labels of a split.
    pub fn part(&self, split: Split) -> &Part {
        &self.parts[split as usize]
    }

    /// Counts of a split.
    pub fn stats(&self, split: Split) -> &SplitStats {
        &self.stats[split as usize]
    }

    /// A hash of all pixels and label rows, 32 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Height and width of the films in pixels; `None` for a table of labels alone.
    pub fn film_size(&self) -> Option<(usize, usize)> {
        self.parts[0].films.as_ref().map(|films| (films.height(), films.width()))
    }

    /// Bytes of all films.
    pub fn film_bytes(&self) -> usize {
        self.parts.iter().filter_map(|part| part.films.as_ref()).map(Films::bytes).sum()
    }

    /// Bytes of the films that stay in memory at most, where that is less than all of them.
    pub fn memory_bound(&self) -> Option<u64> {
        self.parts.iter().filter_map(|part| part.films.as_ref()).find_map(Films::memory_bound)
    }

    /// Whether films are read from disk as they are needed.
    pub fn is_mapped(&self) -> bool {
        self.parts.iter().filter_map(|part| part.films.as_ref()).any(Films::is_mapped)
    }

    /// The same with all films in memory, whatever they take.
    pub fn resident(&self) -> Self {
        let mut all = self.clone();
        for part in &mut all.parts {
            part.films = part.films.as_ref().map(Films::resident);
        }
        all
    }

    /// Takes films that are read from disk out of this process's memory; with `forgotten` out of the system's as well.
    pub fn let_go(&self, forgotten: bool) {
        self.parts.iter().filter_map(|part| part.films.as_ref()).for_each(|films| films.let_go(forgotten));
    }

    /// Films and labels of a split for training or testing.
    ///
    /// # Errors
    /// When the data set is a table of labels alone or the split is empty.
    pub fn trainable(&self, split: Split) -> Result<(&Films, &Labels), DataError> {
        let part = self.part(split);
        let films = part.films.as_ref().ok_or_else(|| DataError::NoFilms(self.source.clone()))?;
        if films.is_empty() {
            return Err(DataError::EmptySplit { split, from: self.source.clone() });
        }
        Ok((films, &part.labels))
    }
}

/// The seed of the phantom's films. Fixed: a run's seed must not change what its films are.
pub const PHANTOM_SEED: u64 = 2017;

/// Training and validation films of so many phantoms: 70 % and 10 %, as ChestMNIST is split; the rest are for
/// testing.
fn phantom_counts(count: usize) -> (usize, usize) {
    (count * 7 / 10, count / 10)
}

fn phantom_parts(count: usize, size: usize, budget: u64, watch: &Watch) -> Result<Loaded, DataError> {
    let (train, val) = phantom_counts(count);
    let ranges = [(0, train), (train, val), (train + val, count - train - val)];
    let labels = LabelSet::chest_xray_14();
    let loaded = |[train, val, test]: [Part; 3]| Loaded {
        labels: labels.clone(),
        parts: [train, val, test],
        notes: Vec::new(),
    };
    if (count * size * size) as u64 <= budget {
        let part = |(first, count): (usize, usize)| -> Result<Part, DataError> {
            let (films, labels) = phantom::films(PHANTOM_SEED, first as u64, count, size)?;
            Ok(Part::new(Some(films), labels, None))
        };
        let [train, val, test] = ranges.map(part);
        return Ok(loaded([train?, val?, test?]));
    }
    phantom::film(PHANTOM_SEED, 0, size)?;
    let make = |number: usize| -> Result<Made, phantom::SizeOutOfRange> {
        let film = phantom::film(PHANTOM_SEED, number as u64, size)?;
        Ok(Made { pixels: film.pixels, labels: film.labels, picture: (size as u32, size as u32) })
    };
    let asked = Asked {
        cache: &AppPaths::new(None).films,
        // Drawing may change with the program.
        fingerprint: &format!("phantom {} {PHANTOM_SEED} {count}", env!("CARGO_PKG_VERSION")),
        of: &format!("phantom:{count}"),
        doing: "drawing",
        count,
        film: (size, size),
        labels: labels.len(),
        budget,
    };
    let (store, values) =
        store::build(&asked, &mut |numbers| numbers.into_par_iter().map(make).collect(), watch)?;
    let part = |(first, count): (usize, usize)| {
        let films = Films::mapped(store.clone(), (first as u32..(first + count) as u32).collect());
        let rows = values[first * labels.len()..(first + count) * labels.len()].to_vec();
        Labels::new(rows, labels.len()).map(|rows| Part::new(films, rows, None))
    };
    match ranges.map(part) {
        [Some(train), Some(val), Some(test)] => Ok(loaded([train, val, test])),
        // Only if somebody else wrote into the cache.
        _ => Err(DataError::Stopped),
    }
}

/// The parts of an archive; its films stay in a store where they are more than `budget`.
fn npz_parts(path: &Path, budget: u64, watch: &Watch) -> Result<Loaded, DataError> {
    let opened = npz::Opened::open(path, None, npz::Limits { max_bytes: MAX_ARRAY_BYTES })?;
    let mut keys: Vec<String> =
        opened.conditions().into_iter().flatten().map(|name| labels::key_of(name)).collect();
    let names = keys.len();
    keys.sort();
    keys.dedup();
    let labels = match opened.conditions() {
        // Names that mean the same, or nothing, tell no columns apart.
        Some(given) if keys.len() == names && keys.iter().all(|key| !key.is_empty()) => {
            LabelSet::of_keys(&given.iter().map(|name| labels::key_of(name)).collect::<Vec<_>>())
        }
        _ => LabelSet::of_width(opened.classes()),
    };
    let parts = match (opened.films(), opened.film_size()) {
        (Some(counts), Some(film)) if (counts.iter().sum::<usize>() * film.0 * film.1) as u64 > budget => {
            unpacked(path, &opened, counts, film, budget, watch)?
        }
        _ => {
            let npz::MedMnist { train, val, test } = opened.read()?;
            [train, val, test]
        }
    };
    Ok(Loaded { labels, parts, notes: Vec::new() })
}

/// The parts of an archive whose films are unpacked into a store.
fn unpacked(
    path: &Path,
    opened: &npz::Opened,
    counts: [usize; 3],
    film: (usize, usize),
    budget: u64,
    watch: &Watch,
) -> Result<[Part; 3], DataError> {
    let area = film.0 * film.1;
    let mut stream = opened.stream();
    let mut skip = true;
    let mut make = |numbers: std::ops::Range<usize>| {
        let mut pixels = vec![0; area];
        if std::mem::take(&mut skip) {
            // An earlier attempt got so far.
            for _ in 0..numbers.start {
                if let Err(error) = stream.next_film(&mut pixels) {
                    return vec![Err(error)];
                }
            }
        }
        let one = |_| {
            let mut pixels = vec![0; area];
            let made = stream.next_film(&mut pixels);
            made.map(|()| Made { pixels, labels: Vec::new(), picture: (film.1 as u32, film.0 as u32) })
        };
        numbers.map(one).collect()
    };
    let asked = Asked {
        cache: &AppPaths::new(None).films,
        fingerprint: &listing::file_print(path),
        of: &path.display().to_string(),
        doing: "unpacking",
        count: counts.iter().sum(),
        film,
        labels: 0,
        budget,
    };
    let (store, _) = store::build(&asked, &mut make, watch)?;
    let mut first = 0_u32;
    let mut parts = opened.read_labels()?;
    for (part, count) in parts.iter_mut().zip(counts) {
        part.films = Films::mapped(store.clone(), (first..first + count as u32).collect());
        first += count as u32;
    }
    Ok(parts)
}

/// Hashes the fingerprints of all films and all label rows.
fn digest(parts: &[Part; 3]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        if let Some(films) = &part.films {
            let shape = [films.len(), films.height(), films.width()];
            hasher.update(format!("{shape:?}").as_bytes());
            films.hashes().iter().for_each(|hash| {
                hasher.update(hash);
            });
        }
        hasher.update(format!("[{}]", part.labels.len()).as_bytes());
        hasher.update(part.labels.values());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
