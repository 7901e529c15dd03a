//! `csv:FILE`: a table of image files and labels.

use std::path::Path;

use crate::config::DataSection;
use crate::dataset::data_source::{DataSource, Stamp, stamp};
use crate::dataset::listing::Loaded;
use crate::dataset::progress::Watch;
use crate::dataset::{DataError, table};

pub struct Csv;

impl DataSource for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn usage(&self) -> &'static str {
        "csv:FILE"
    }

    fn recognizes(&self, path: &Path) -> bool {
        let text = path.to_string_lossy().to_lowercase();
        !path.is_dir() && [".csv", ".tsv", ".csv.gz", ".tsv.gz"].iter().any(|ending| text.ends_with(ending))
    }

    fn has_table(&self) -> bool {
        true
    }

    fn fingerprint(&self, argument: &str) -> Option<Stamp> {
        stamp(argument)
    }

    fn load(
        &self,
        argument: &str,
        section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError> {
        table::listing(Path::new(argument), section)?.load(section, budget, watch)
    }
}
