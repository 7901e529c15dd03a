//! The data set that trainer and screen share, read once.

use std::sync::{Arc, Mutex, PoisonError};

use super::source::Source;
use super::{DataError, Dataset};
use crate::config::DataSection;

/// A data set and what was asked for to get it.
type Known = (DataSection, Arc<Dataset>);

/// Keeps the last data set read, so that the next run on it starts at once and the screen shows what the
/// trainer uses. Asking for another one drops it once no run holds it any more.
#[derive(Clone, Default)]
pub struct Cache {
    last: Arc<Mutex<Option<Known>>>,
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// The data set of `section`, read now unless it was the last one read. A second caller waits for the
    /// first one's reading.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn load(&self, section: &DataSection) -> Result<Arc<Dataset>, DataError> {
        let source: Source = section.source.parse()?;
        let mut section = section.clone();
        if let Source::Npz(_) = source {
            // The films of a file have the size they have.
            section.size = 0;
        }
        section.source = source.absolute().to_string();
        // A thread that panicked while reading left nothing behind, which is right.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, dataset)) = last.as_ref()
            && *known == section
        {
            return Ok(dataset.clone());
        }
        // The old films go before the new ones come: two sets may not fit side by side.
        *last = None;
        let dataset = Arc::new(Dataset::load(&section)?);
        *last = Some((section, dataset.clone()));
        Ok(dataset)
    }
}
