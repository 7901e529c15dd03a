//! Replacing a file so that a reader sees the old one or the new one, never a part.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces `path` by what `write` leaves at the temporary path it is given: flushed to disk, then renamed.
///
/// # Errors
/// What `write` or the file system says; `path` is then as it was.
pub fn replace_with<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let outcome = write(&part).and_then(|()| {
        File::open(&part)?.sync_all()?;
        fs::rename(&part, path)?;
        Ok(())
    });
    if outcome.is_err() {
        // The half-written file is of no use to anyone; that it may not exist is fine.
        let _ = fs::remove_file(&part);
    }
    outcome
}

/// Replaces `path` by `bytes`.
///
/// # Errors
/// What the file system says; `path` is then as it was.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |part| File::create(part)?.write_all(bytes))
}
