//! `folders:DIR`: images in folders named after their class.

use std::path::Path;

use crate::config::DataSection;
use crate::dataset::data_source::DataSource;
use crate::dataset::listing::Loaded;
use crate::dataset::progress::Watch;
use crate::dataset::{DataError, class_folders};

pub struct Folders;

impl DataSource for Folders {
    fn name(&self) -> &'static str {
        "folders"
    }

    fn usage(&self) -> &'static str {
        "folders:DIR"
    }

    fn recognizes(&self, path: &Path) -> bool {
        path.is_dir() && class_folders::recognizes(path)
    }

    fn has_table(&self) -> bool {
        true
    }

    fn load(
        &self,
        argument: &str,
        section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError> {
        class_folders::listing(Path::new(argument))?.load(section, budget, watch)
    }
}
