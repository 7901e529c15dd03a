//! `chestmnist`: ChestMNIST at `data.size`, from the cache of downloads.

use crate::config::DataSection;
use crate::dataset::data_source::DataSource;
use crate::dataset::listing::Loaded;
use crate::dataset::progress::Watch;
use crate::dataset::registry::Registry;
use crate::dataset::source_error::SourceError;
use crate::dataset::{DataError, archive_parts};
use crate::text::one_line;

pub struct ChestMnist;

impl DataSource for ChestMnist {
    fn name(&self) -> &'static str {
        "chestmnist"
    }

    fn usage(&self) -> &'static str {
        "chestmnist"
    }

    fn parse(&self, argument: Option<&str>) -> Result<String, SourceError> {
        match argument {
            None => Ok(String::new()),
            Some(text) => Err(SourceError::Argument { name: self.name(), argument: one_line(text, 40) }),
        }
    }

    fn is_path(&self) -> bool {
        false
    }

    fn registry_entry(&self, _argument: &str) -> Option<&'static str> {
        Some("chestmnist")
    }

    fn load(
        &self,
        _argument: &str,
        section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError> {
        let entry = Registry::get().entry(self.name()).ok_or(DataError::NoImages(self.name().to_owned()))?;
        archive_parts::npz_parts(&entry.local_file(section.size)?, budget, watch)
    }
}
