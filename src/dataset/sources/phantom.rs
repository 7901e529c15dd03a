//! `phantom[:N]`: generated images.

use crate::config::DataSection;
use crate::dataset::data_source::DataSource;
use crate::dataset::listing::Loaded;
use crate::dataset::progress::Watch;
use crate::dataset::source_error::SourceError;
use crate::dataset::{DataError, made};
use crate::text::one_line;

/// Images where no number is given.
const DEFAULT_COUNT: usize = 4000;

pub struct Phantom;

impl DataSource for Phantom {
    fn name(&self) -> &'static str {
        "phantom"
    }

    fn usage(&self) -> &'static str {
        "phantom[:N]"
    }

    fn parse(&self, argument: Option<&str>) -> Result<String, SourceError> {
        let Some(text) = argument else { return Ok(DEFAULT_COUNT.to_string()) };
        match text.replace('_', "").parse::<usize>() {
            Ok(count) if (10..=10_000_000).contains(&count) => Ok(count.to_string()),
            _ => Err(SourceError::Count(one_line(text, 40))),
        }
    }

    fn is_path(&self) -> bool {
        false
    }

    fn generated(&self, argument: &str) -> Option<usize> {
        argument.parse().ok()
    }

    fn registry_entry(&self, _argument: &str) -> Option<&'static str> {
        Some("phantom")
    }

    fn load(
        &self,
        argument: &str,
        section: &DataSection,
        budget: u64,
        watch: &Watch,
    ) -> Result<Loaded, DataError> {
        let count = self.generated(argument).unwrap_or(DEFAULT_COUNT);
        made::phantom_parts(count, section.size, budget, watch)
    }
}
