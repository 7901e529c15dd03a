//! `nih:DIR`: ChestX-ray14 as NIH ships it.

use std::path::Path;

use crate::config::DataSection;
use crate::dataset::data_source::DataSource;
use crate::dataset::listing::Loaded;
use crate::dataset::progress::Watch;
use crate::dataset::{DataError, nih};

pub struct Nih;

impl DataSource for Nih {
    fn name(&self) -> &'static str {
        "nih"
    }

    fn usage(&self) -> &'static str {
        "nih:DIR"
    }

    fn recognizes(&self, path: &Path) -> bool {
        path.is_dir() && nih::entry_table(path).is_some()
    }

    fn has_table(&self) -> bool {
        true
    }

    fn registry_entry(&self, _argument: &str) -> Option<&'static str> {
        Some("nih")
    }

    fn load(
        &self,
        argument: &str,
        section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError> {
        nih::listing(Path::new(argument))?.load(section, budget, watch)
    }
}
