//! Imports that broke off: what they left behind, and how it is freed. One is resumed when the same images are requested
//! again; images that changed since are never requested again, so their part would stay for ever.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::layout::{ASKED, Header, IMAGES, LABELS, RECORD, RECORDS, header_of};
use crate::files::is_named;
use crate::files::lock::{Lock, is_locked};
use crate::text::thousands;

/// The part of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its folder.
    pub path: PathBuf,
    /// What it is a part of, in words.
    pub of: String,
    /// Its length, in bytes.
    pub bytes: u64,
    /// Whether somebody is at work on it now.
    pub live: bool,
}

/// The parts that lie in a cache.
pub fn unfinished(cache: &Path) -> Vec<Unfinished> {
    let Ok(entries) = fs::read_dir(cache) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new("part")) && path.is_dir())
        .map(|path| {
            let length = |name: &str| fs::metadata(path.join(name)).map_or(0, |file| file.len());
            let done = thousands(length(RECORDS) / RECORD as u64);
            let of = match header_of(&path, ASKED) {
                Some(Header { images, height, width, of, .. }) => {
                    format!("{done} of {} images of {height} x {width} px, {of}", thousands(images as u64))
                }
                None => format!("{done} images"),
            };
            let live = is_locked(&lock_of(&path)) == Some(true);
            Unfinished { of, bytes: [IMAGES, RECORDS, LABELS].map(length).iter().sum(), live, path }
        })
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

impl Unfinished {
    /// Removes it. False when somebody is at work on it.
    ///
    /// # Errors
    /// When it can't be removed.
    pub fn free(&self) -> io::Result<bool> {
        let name = lock_of(&self.path);
        let lock = File::create(&name)?;
        if Lock::try_exclusive(&lock)? == Lock::Busy || !is_named(&lock, &name) {
            return Ok(false);
        }
        fs::remove_dir_all(&self.path)?;
        // A process that waits for the lock checks whether the file still has its name.
        fs::remove_file(&name)?;
        Ok(true)
    }
}

fn lock_of(part: &Path) -> PathBuf {
    part.with_extension("lock")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::store::{ImportRequest, Made, StoreError, build};

    fn request<'a>(cache: &'a Path, fingerprint: &'a str) -> ImportRequest<'a> {
        let of = "a table";
        ImportRequest {
            cache,
            fingerprint,
            of,
            doing: "importing",
            count: 1000,
            image: (2, 2),
            labels: 0,
            budget: 1 << 30,
            skip: false,
        }
    }

    /// Imports until `watch` returns `false`.
    fn import(
        request: &ImportRequest,
        watch: &(dyn Fn(usize) -> bool + Sync),
    ) -> Result<(), StoreError<std::fmt::Error>> {
        let mut make = |numbers: std::ops::Range<usize>| {
            numbers
                .map(|number| {
                    Ok(Made {
                        pixels: vec![number as u8; 4],
                        labels: Vec::new(),
                        picture: (9, 9),
                        doubts: Vec::new(),
                    })
                })
                .collect()
        };
        build(request, &mut make, &|progress| watch(progress.done)).map(drop)
    }

    #[test]
    fn what_broke_off_is_listed_and_freed_and_what_is_whole_stays() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        import(&request(cache.path(), "whole"), &|_| true).expect("imported");
        let stopped = import(&request(cache.path(), "broken off"), &|done| done == 0);
        assert!(matches!(stopped, Err(StoreError::Stopped)));
        let found = unfinished(cache.path());
        let [part] = found.as_slice() else { panic!("{found:?}") };
        assert!(part.of.ends_with("of 1,000 images of 2 x 2 px, a table") && !part.of.starts_with("0 "));
        assert!(part.bytes > 0 && !part.live);
        assert!(part.free().expect("removed"));
        assert_eq!(unfinished(cache.path()), []);
        assert_eq!(super::super::listed(cache.path()).len(), 1);
        // Nothing is in the way of the next attempt.
        import(&request(cache.path(), "broken off"), &|_| true).expect("imported");
    }

    #[test]
    fn what_is_being_imported_is_not_taken() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let watch = |done: usize| {
            if done > 0 {
                let found = unfinished(cache.path());
                assert!(found.len() == 1 && found[0].live, "{found:?}");
                assert!(!found[0].free().expect("nothing was done"));
            }
            true
        };
        import(&request(cache.path(), "live"), &watch).expect("imported to the end");
        assert_eq!(unfinished(cache.path()), []);
    }
}
