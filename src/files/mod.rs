//! Files replaced atomically: a reader, also after a kill, sees the old content or the new one, never a part; and file
//! locks.

pub mod lock;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A new file beside the one it shall replace; removed again unless it gets there.
#[derive(Debug)]
pub struct Replacement {
    target: PathBuf,
    part: PathBuf,
    done: bool,
}

impl Replacement {
    /// Makes a new, empty file in the folder of `target`.
    ///
    /// # Errors
    /// When `target` names a folder, or its folder isn't there or can't be written.
    pub fn beside(target: &Path) -> io::Result<(Self, File)> {
        if target.file_name().is_none() || target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it names a folder, not a file"));
        }
        let mut number = 0_u32;
        loop {
            // The number of this process keeps two of them from writing into one file.
            let part = target.with_file_name(format!(".{}-{number}.part", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&part) {
                Ok(file) => return Ok((Self { target: target.to_owned(), part, done: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => {
                    number += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the new file lies until it takes its place.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// Sees the content onto the disk, then the name.
    ///
    /// # Errors
    /// The file system's error; the target is then unchanged.
    pub fn put_in_place(mut self) -> io::Result<()> {
        File::open(&self.part)?.sync_all()?;
        fs::rename(&self.part, &self.target)?;
        self.done = true;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.done {
            // Nothing to be done where even that fails; its name shows what it is.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Replaces `path` by `bytes`.
///
/// # Errors
/// The file system's error; `path` is then unchanged.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (replacement, mut file) = Replacement::beside(path)?;
    file.write_all(bytes)?;
    replacement.put_in_place()
}

/// Whether `path` is still a name of the file that is open: a lock on one that lost its name keeps nobody out.
pub fn is_named(file: &File, path: &Path) -> bool {
    let place = |found: io::Result<fs::Metadata>| found.ok().map(|found| (found.dev(), found.ino()));
    place(file.metadata()).is_some_and(|ours| place(fs::metadata(path)) == Some(ours))
}

/// A path with a leading `~/`, which no shell expands behind a colon or an equals sign, from the home directory.
pub fn from_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) if !home.is_empty() => format!("{}/{rest}", home.trim_end_matches('/')),
        _ => path.to_owned(),
    }
}

/// Bytes that this user may still write where `path` lies; `None` where the system gives no answer.
pub fn free_space(path: &Path) -> Option<u64> {
    disk(path).map(|disk| disk.free)
}

/// A file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes in all.
    pub total: u64,
    /// What this user may still write.
    pub free: u64,
}

/// The file system that `path` lies on; `None` where the system gives no answer.
pub fn disk(path: &Path) -> Option<Disk> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: a path that ends with 0, and room for the answer, which is read only if the call filled it.
    let found = unsafe {
        if libc::statvfs(path.as_ptr(), found.as_mut_ptr()) != 0 {
            return None;
        }
        found.assume_init()
    };
    // The types differ between systems.
    #[allow(clippy::unnecessary_cast)]
    let [total, free] = [found.f_blocks as u64, found.f_bavail as u64]
        .map(|blocks| blocks.saturating_mul(found.f_frsize as u64));
    Some(Disk { total, free })
}

/// Whether the file at `path` was changed last more than `age` before `now`; false where that can't be told.
pub fn older(path: &Path, now: std::time::SystemTime, age: std::time::Duration) -> bool {
    let changed = std::fs::symlink_metadata(path).and_then(|meta| meta.modified());
    changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|since| since > age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("status.json");
        replace_file(&path, b"old").expect("written");
        let (unfinished, mut file) = Replacement::beside(&path).expect("a part");
        file.write_all(b"ne").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"old");
        drop(unfinished);
        replace_file(&path, b"new").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing is left over");
    }
}
