//! The data set that trainer and screen share, read once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::data_source::Stamp;
use super::progress::{Progress, Watch};
use super::source::Source;
use super::{DataError, Dataset};
use crate::config::DataSection;

/// A data set, the request it was loaded for, and its file's stamp then.
type Known = (DataSection, Option<Stamp>, Arc<Dataset>);

/// Keeps the last data set read, so that the next run on it starts at once and the screen shows what the
/// trainer uses. Asking for another one drops it once no run holds it any more.
#[derive(Clone, Default)]
pub struct Cache {
    last: Arc<Mutex<Option<Known>>>,
    /// What is being read now: a second caller for the same waits, others don't.
    reading: Arc<Mutex<Vec<Key>>>,
}

/// The key of a data set: its section and the stamp of its file.
type Key = (DataSection, Option<Stamp>);

/// Takes its key out of the list when the reading ends, by a panic too.
struct Reading<'a> {
    list: &'a Mutex<Vec<Key>>,
    key: &'a Key,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        lock(self.list).retain(|key| key != self.key);
    }
}

/// The value behind the lock. A thread that panicked while it had the lock left a whole value behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// A cache that has this data set already, as the answer to `section`.
    ///
    /// # Errors
    /// When the section's source is no source.
    pub fn holding(section: &DataSection, dataset: Arc<Dataset>) -> Result<Self, DataError> {
        let (section, stamp) = plain(section)?;
        Ok(Self { last: Arc::new(Mutex::new(Some((section, stamp, dataset)))), ..Self::default() })
    }

    /// The data set of `section`, read now unless it was the last one read and its file is as it was. A second caller for
    /// the same data set waits for the first one's reading.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn load(&self, section: &DataSection) -> Result<Arc<Dataset>, DataError> {
        self.load_watched(section, &|_| true)
    }

    /// The same, telling how far it is; `watch` ends it by `false`.
    ///
    /// # Errors
    /// As [`Dataset::load_watched`].
    pub fn load_watched(&self, section: &DataSection, watch: &Watch) -> Result<Arc<Dataset>, DataError> {
        let key = plain(section)?;
        loop {
            {
                let mut reading = lock(&self.reading);
                // Looked at under the lock of the list: between the two another caller may have finished.
                if let Some((known, stamp, dataset)) = lock(&self.last).as_ref()
                    && (known, stamp) == (&key.0, &key.1)
                {
                    return Ok(dataset.clone());
                }
                if !reading.contains(&key) {
                    reading.push(key.clone());
                    break;
                }
            }
            if !watch(Progress { doing: "waiting", done: 0, total: 0 }) {
                return Err(DataError::Stopped);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _reading = Reading { list: &self.reading, key: &key };
        // The old images go before the new ones come: two sets may not fit side by side.
        *lock(&self.last) = None;
        let started = std::time::Instant::now();
        let (section, stamp) = &key;
        let outcome = Dataset::load_watched(section, watch);
        let seconds = started.elapsed().as_secs_f64();
        match &outcome {
            Ok(_) => tracing::info!(source = section.source, seconds, "data loaded"),
            Err(error) => tracing::warn!(source = section.source, "data not loaded: {error}"),
        }
        let dataset = Arc::new(outcome?);
        *lock(&self.last) = Some((section.clone(), *stamp, dataset.clone()));
        Ok(dataset)
    }
}

/// The request in the form that distinguishes data sets, and the stamp of its file now.
fn plain(section: &DataSection) -> Result<Key, DataError> {
    let source: Source = section.source.parse()?;
    let mut section = section.clone();
    if !source.is_sized() {
        // The images of a file have the size they have.
        section.size = 0;
    }
    section.source = source.absolute().to_string();
    // No time of a folder shows what changed in it: a new run reads its tables again.
    let stamp = source.fingerprint();
    Ok((section, stamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Split;
    use crate::dataset::npz::Writer;

    fn write(path: &std::path::Path, count: usize) {
        let mut writer = Writer::create(path).expect("a file");
        for split in Split::ALL {
            let (images, labels) = (vec![7; count * 64], vec![1; count * 14]);
            writer = writer.array_u8(&format!("{split}_images"), &[count, 8, 8], &images).expect("images");
            writer = writer.array_u8(&format!("{split}_labels"), &[count, 14], &labels).expect("labels");
        }
        writer.finish().expect("written");
    }

    #[test]
    fn a_file_is_read_once_and_again_when_it_changed_or_went_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("images.npz");
        let section = DataSection { source: path.display().to_string(), ..DataSection::default() };
        let cache = Cache::new();
        write(&path, 2);
        let first = cache.load(&section).expect("it reads");
        assert!(Arc::ptr_eq(&first, &cache.load(&section).expect("it is known")));
        write(&path, 3);
        let second = cache.load(&section).expect("it reads again");
        assert_eq!(second.part(Split::Train).labels.len(), 3);
        std::fs::remove_file(&path).expect("removed");
        assert!(cache.load(&section).is_err());
    }
}
