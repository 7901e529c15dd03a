//! `dicom:DIR`: a directory of DICOM files with a table of labels.

use std::path::Path;

use crate::config::DataSection;
use crate::dataset::data_source::DataSource;
use crate::dataset::listing::Loaded;
use crate::dataset::progress::Watch;
use crate::dataset::{DataError, dicom_folder};

pub struct Dicom;

impl DataSource for Dicom {
    fn name(&self) -> &'static str {
        "dicom"
    }

    fn usage(&self) -> &'static str {
        "dicom:DIR"
    }

    fn recognizes(&self, path: &Path) -> bool {
        path.is_dir() && dicom_folder::label_table(path).is_some()
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
        dicom_folder::listing(Path::new(argument), section)?.load(section, budget, watch)
    }
}
