//! The trait of data sources.

use std::path::Path;
use std::time::SystemTime;

use super::DataError;
use super::listing::Loaded;
use super::progress::Watch;
use super::source_error::SourceError;
use crate::config::DataSection;

/// Length and time of the last change of a file: shows whether a file changed since it was read.
pub type Stamp = (u64, SystemTime);

/// A kind of data source: one file in `sources` and one row of its table. `argument` is what stands after the colon.
pub trait DataSource: Sync {
    /// What stands before the colon, `npz`.
    fn name(&self) -> &'static str;

    /// How it is written, for help and messages: `npz:FILE`.
    fn usage(&self) -> &'static str;

    /// The argument, checked and completed; `None` where the name stands alone.
    ///
    /// # Errors
    /// When the argument is missing or is none.
    fn parse(&self, argument: Option<&str>) -> Result<String, SourceError> {
        match argument {
            Some(path) if !path.is_empty() => Ok(path.to_owned()),
            _ => Err(SourceError::NoPath(self.name())),
        }
    }

    /// Whether a bare path is of this kind.
    fn recognizes(&self, _path: &Path) -> bool {
        false
    }

    /// Whether the argument is a path.
    fn is_path(&self) -> bool {
        true
    }

    /// Whether its images are made at `data.size`, rather than having a size of their own.
    fn is_sized(&self) -> bool {
        true
    }

    /// Whether it has a table that `data.where` filters.
    fn has_table(&self) -> bool {
        false
    }

    /// How many images are generated, for a source that generates them.
    fn generated(&self, _argument: &str) -> Option<usize> {
        None
    }

    /// The file's stamp, where one file is the whole source.
    fn fingerprint(&self, _argument: &str) -> Option<Stamp> {
        None
    }

    /// The name of its entry in the registry of data sets.
    fn registry_entry(&self, _argument: &str) -> Option<&'static str> {
        None
    }

    /// Reads or makes its images. Images above `budget` bytes are mapped; `watch` sees the progress and ends it by `false`.
    ///
    /// # Errors
    /// When files are missing or unfit, or `watch` ends it.
    fn load(
        &self,
        argument: &str,
        section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError>;
}

/// The stamp of the file at `path`.
pub fn stamp(path: &str) -> Option<Stamp> {
    std::fs::metadata(path).and_then(|file| Ok((file.len(), file.modified()?))).ok()
}
