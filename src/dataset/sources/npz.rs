//! `npz:FILE`: an archive in MedMNIST's layout.

use std::path::Path;

use crate::config::DataSection;
use crate::dataset::data_source::{DataSource, Stamp, stamp};
use crate::dataset::listing::Loaded;
use crate::dataset::progress::Watch;
use crate::dataset::{DataError, archive_parts, registry};

pub struct Npz;

impl DataSource for Npz {
    fn name(&self) -> &'static str {
        "npz"
    }

    fn usage(&self) -> &'static str {
        "npz:FILE"
    }

    fn recognizes(&self, path: &Path) -> bool {
        path.to_string_lossy().ends_with(".npz")
    }

    fn is_sized(&self) -> bool {
        false
    }

    fn fingerprint(&self, argument: &str) -> Option<Stamp> {
        stamp(argument)
    }

    /// The data set that has a file of this name.
    fn registry_entry(&self, argument: &str) -> Option<&'static str> {
        let name = Path::new(argument).file_name()?.to_string_lossy().into_owned();
        let mut entries = registry::Registry::get().entries();
        entries.find(|(_, entry)| entry.files.iter().any(|file| file.name == name)).map(|(own, _)| own)
    }

    fn load(
        &self,
        argument: &str,
        _section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError> {
        archive_parts::npz_parts(Path::new(argument), budget, watch)
    }
}
