//! Images and labels from anywhere: one file per source, one [`Dataset`] out. Upload to a device is the
//! trainer's; nothing here knows tensors.

pub mod check;
mod class_folders;
mod data_source;
mod demographics;
pub mod dicom_folder;
pub mod image_file;
mod image_hash;
pub mod images;
pub mod labels;
pub mod listing;
pub mod memory;
pub mod nih;
pub mod npz;
pub mod part;
pub mod patient_key;
pub mod phantom;
pub mod progress;
pub mod registry;
pub mod row;
pub mod source;
mod source_error;
pub mod sources;
pub mod split;
pub mod stats;
pub mod store;
pub mod table;
mod table_error;

mod archive_parts;
mod cache;
mod error;
mod keep;
mod regions;
pub mod sheet;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use cache::Cache;
pub use error::DataError;
use images::{Images, Labels};
use labels::LabelSet;
use listing::Loaded;
use part::Part;
pub use phantom::Bounds;
use progress::Watch;
pub use regions::Region;
pub use sheet::Skipped;
use source::Source;
use stats::SplitStats;

use crate::config::{DataSection, Memory};

/// A part of the data with its own purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Images that the weights are fitted to.
    Train,
    /// Images that choose the best epoch and the thresholds.
    Val,
    /// Images that nothing was chosen on.
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

/// The seed of the phantom's images. Fixed: a run's seed must not change what its images are.
pub const PHANTOM_SEED: u64 = 2017;

/// Images and labels of three splits.
#[derive(Clone, Debug)]
pub struct Dataset {
    source: Source,
    labels: LabelSet,
    parts: [Part; 3],
    stats: [SplitStats; 3],
    digest: String,
    notes: Vec<String>,
    skipped: Vec<Skipped>,
}

impl Dataset {
    /// Reads or makes the images that `section` names.
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
        // A configuration was checked where it came in; what is no amount counts as none given.
        let budget = memory::budget(section.memory.parse().unwrap_or(Memory::Auto));
        let kind = source.kind();
        if !section.keep.trim().is_empty() && !kind.has_table() {
            return Err(DataError::NothingToFilter {
                from: source.to_string(),
                known: sources::usage_with_table(),
            });
        }
        let mut loaded = kind.load(source.argument(), section, budget, watch)?;
        if section.limit > 0 && section.limit < loaded.parts[0].labels.len() {
            loaded.parts[0].truncate(section.limit);
        }
        Ok(Self::of_parts(source, loaded))
    }

    /// The data set of these parts.
    pub(crate) fn of_parts(source: Source, Loaded { labels, parts, notes, skipped }: Loaded) -> Self {
        let digest = digest(&parts);
        let stats = std::array::from_fn(|split| stats::split_stats(&parts[split].labels));
        Self { source, labels, parts, stats, digest, notes, skipped }
    }

    /// The same images with the labels of `keys`, in that order: those of a run that knows other ones, or the same in
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
        let other = |missing: String| DataError::OtherLabels { from: self.source.to_string(), missing };
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

    /// What a person should know of how the images were read and divided, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Rows of the table that were not taken, by line.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Where the images came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The conditions of the label columns.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Images and labels of a split.
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

    /// Height and width of the images in pixels; `None` for a table of labels alone.
    pub fn image_size(&self) -> Option<(usize, usize)> {
        self.parts[0].images.as_ref().map(|images| (images.height(), images.width()))
    }

    /// Bytes of all images.
    pub fn image_bytes(&self) -> usize {
        self.parts.iter().filter_map(|part| part.images.as_ref()).map(Images::bytes).sum()
    }

    /// Bytes of the images that stay in memory at most, where that is less than all of them.
    pub fn memory_bound(&self) -> Option<u64> {
        self.parts.iter().filter_map(|part| part.images.as_ref()).find_map(Images::memory_bound)
    }

    /// Whether images are read from disk as they are needed.
    pub fn is_mapped(&self) -> bool {
        self.parts.iter().filter_map(|part| part.images.as_ref()).any(Images::is_mapped)
    }

    /// The same with all images in memory, whatever they take.
    ///
    /// # Errors
    /// When images come from a cache that is damaged.
    pub fn resident(&self) -> std::io::Result<Self> {
        let mut all = self.clone();
        for part in &mut all.parts {
            part.images = part.images.as_ref().map(Images::resident).transpose()?;
        }
        Ok(all)
    }

    /// Takes images that are read from disk out of this process's memory; with `forgotten` out of the system's as well.
    pub fn release_pages(&self, forgotten: bool) {
        self.parts
            .iter()
            .filter_map(|part| part.images.as_ref())
            .for_each(|images| images.release_pages(forgotten));
    }

    /// Images and labels of a split for training or testing.
    ///
    /// # Errors
    /// When the data set is a table of labels alone or the split is empty.
    pub fn trainable(&self, split: Split) -> Result<(&Images, &Labels), DataError> {
        let part = self.part(split);
        let images = part.images.as_ref().ok_or_else(|| DataError::NoImages(self.source.to_string()))?;
        if images.is_empty() {
            return Err(DataError::EmptySplit { split, from: self.source.to_string() });
        }
        Ok((images, &part.labels))
    }
}

/// Hashes the fingerprints of all images and all label rows.
fn digest(parts: &[Part; 3]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        if let Some(images) = &part.images {
            let shape = [images.len(), images.height(), images.width()];
            hasher.update(format!("{shape:?}").as_bytes());
            images.hashes().iter().for_each(|hash| {
                hasher.update(hash);
            });
        }
        hasher.update(format!("[{}]", part.labels.len()).as_bytes());
        hasher.update(part.labels.values());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
