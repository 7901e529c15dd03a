//! Images and labels from anywhere: one file per source, one [`Dataset`] out. Upload to a device is the
//! trainer's; nothing here knows tensors.

pub mod films;
pub mod labels;
pub mod npz;
pub mod part;
pub mod phantom;
pub mod picture;
pub mod source;
pub mod stats;

mod cache;
mod regions;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use cache::Cache;
use films::{Films, Labels};
use labels::LabelSet;
use part::Part;
pub use regions::Region;
use source::Source;
use stats::SplitStats;

use crate::config::DataSection;

/// Bytes one array of a file may unpack to: far above ChestMNIST at 224 px (5.6 GB), below what would take
/// a machine down unseen.
const MAX_ARRAY_BYTES: u64 = 64 << 30;

/// A part of the data with its own purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
        matches!(self, Self::Source(_) | Self::Phantom(_))
    }
}

impl Dataset {
    /// Reads or makes the films that `section` names.
    ///
    /// # Errors
    /// When the source is unknown, or its file is missing or unfit; each in one sentence.
    pub fn load(section: &DataSection) -> Result<Self, DataError> {
        let source: Source = section.source.parse()?;
        let labels = LabelSet::chest_xray_14();
        let mut parts = match &source {
            Source::Phantom(count) => phantom_parts(*count, section.size)?,
            Source::Npz(path) => {
                let limits = npz::Limits { max_bytes: MAX_ARRAY_BYTES };
                let archive = npz::read_medmnist(path, labels.len(), limits)?;
                [archive.train, archive.val, archive.test]
            }
        };
        if section.limit > 0 && section.limit < parts[0].labels.len() {
            parts[0].labels.truncate(section.limit);
            if let Some(films) = &mut parts[0].films {
                films.truncate(section.limit);
            }
            if let Some(patients) = &mut parts[0].patients {
                patients.truncate(section.limit);
            }
        }
        let digest = digest(&parts);
        let stats = std::array::from_fn(|split| stats::split_stats(&parts[split].labels));
        Ok(Self { source, labels, parts, stats, digest })
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

    /// Bytes of all films in memory.
    pub fn film_bytes(&self) -> usize {
        self.parts.iter().filter_map(|part| part.films.as_ref()).map(|films| films.pixels().len()).sum()
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

fn phantom_parts(count: usize, size: usize) -> Result<[Part; 3], DataError> {
    let (train, val) = phantom_counts(count);
    let part = |first: usize, count: usize| -> Result<Part, DataError> {
        let (films, labels) = phantom::films(PHANTOM_SEED, first as u64, count, size)?;
        Ok(Part { films: Some(films), labels, patients: None })
    };
    Ok([part(0, train)?, part(train, val)?, part(train + val, count - train - val)?])
}

fn digest(parts: &[Part; 3]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        if let Some(films) = &part.films {
            let shape = [films.len(), films.height(), films.width()];
            hasher.update(format!("{shape:?}").as_bytes());
            hasher.update_rayon(films.pixels());
        }
        hasher.update(format!("[{}]", part.labels.len()).as_bytes());
        hasher.update(part.labels.values());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
