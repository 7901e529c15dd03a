//! The partial file of a download, beside its target.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checksum::Running;
use super::error::{DownloadError, shown};
use super::{Order, Watch};
use crate::files::is_named;
use crate::files::lock::Lock;

/// What a part is a part of.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Version {
    url: String,
    /// The server's mark of the content: a strong ETag, else the time of its last change.
    mark: Option<String>,
}

/// A part that only we write to, as long as this lives.
pub(super) struct Part {
    path: PathBuf,
    note: PathBuf,
    file: File,
    done: u64,
    version: Version,
    /// Of what came so far.
    hash: Option<Running>,
    /// Whether it came in several answers, or from an earlier run.
    pieced: bool,
}

impl Part {
    /// Opens the part of `target`: what is known to belong to the order, else an empty one.
    pub(super) fn open(order: &Order, target: &Path, watch: &mut Watch) -> Result<Self, DownloadError> {
        let Some(name) = target.file_name().filter(|_| !target.is_dir()) else {
            let error = io::Error::new(io::ErrorKind::IsADirectory, "it names a folder, not a file");
            return Err(DownloadError::file(target, error));
        };
        let beside = |ending: &str| {
            let mut name = OsString::from(name);
            name.push(ending);
            target.with_file_name(name)
        };
        let (path, note) = (beside(".part"), beside(".part.json"));
        let failed = |error| DownloadError::file(&path, error);
        fs::create_dir_all(target.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        let Some(file) = lock(&path).map_err(failed)? else {
            return Err(DownloadError::Busy { path: target.to_owned() });
        };
        let done = file.metadata().map_err(failed)?.len();
        let known: Option<Version> = fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let url = shown(order.url);
        let known = known.filter(|known| known.url == url);
        let unknown = known.is_none();
        let version = known.unwrap_or(Version { url, mark: None });
        let hash = order.checksum.as_ref().map(Running::new);
        let mut part = Self { path: path.clone(), note, file, done, version, hash, pieced: done > 0 };
        if unknown || !part.can_resume(order) {
            part.restart(order)?;
        }
        part.hash_what_is_there(order, watch)?;
        Ok(part)
    }

    fn hash_what_is_there(&mut self, order: &Order, watch: &mut Watch) -> Result<(), DownloadError> {
        let Some(hash) = self.hash.as_mut().filter(|_| self.done > 0) else { return Ok(()) };
        let failed = |error| DownloadError::file(&self.path, error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            if !watch(self.done, order.size) {
                return Err(DownloadError::Stopped);
            }
            match self.file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(()),
                read => hash.add(&buffer[..read]),
            }
        }
    }

    /// Bytes that are there.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// The server's mark of the content it is a part of.
    pub(super) fn mark(&self) -> Option<&str> {
        self.version.mark.as_deref()
    }

    /// Whether a wrong content can come from putting pieces together.
    pub(super) fn is_pieced(&self) -> bool {
        self.pieced
    }

    /// Whether more can be added: only where the server's mark or a checksum tells pieces of two contents apart.
    pub(super) fn can_resume(&self, order: &Order) -> bool {
        self.done == 0 || self.version.mark.is_some() || order.checksum.is_some()
    }

    /// Whether an answer with that mark can belong to it; servers exist that don't know `If-Range`.
    pub(super) fn may_be(&self, mark: Option<&str>) -> bool {
        match (self.mark(), mark) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        }
    }

    /// Its checksum, in hexadecimal digits.
    pub(super) fn digest(&self) -> Option<String> {
        self.hash.clone().map(Running::hex)
    }

    /// Forgets what came so far.
    pub(super) fn restart(&mut self, order: &Order) -> Result<(), DownloadError> {
        self.file.set_len(0).map_err(|error| self.failed(error))?;
        (self.done, self.version.mark, self.pieced) = (0, None, false);
        self.hash = order.checksum.as_ref().map(Running::new);
        Ok(())
    }

    /// Notes what content the bytes to come belong to; the first ones decide.
    pub(super) fn begin(&mut self, mark: Option<String>) -> Result<(), DownloadError> {
        if self.done > 0 {
            self.pieced = true;
            return Ok(());
        }
        self.version.mark = mark;
        let note = serde_json::to_vec(&self.version).map_err(|error| self.failed(error.into()))?;
        // A note that a crash cuts short reads as none, so the part is begun anew.
        fs::write(&self.note, note).map_err(|error| DownloadError::file(&self.note, error))
    }

    /// Adds what came.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(|error| self.failed(error))?;
        if let Some(hash) = &mut self.hash {
            hash.add(bytes);
        }
        self.done += bytes.len() as u64;
        Ok(())
    }

    /// What an error of the file system means for it.
    pub(super) fn failed(&self, error: io::Error) -> DownloadError {
        DownloadError::file(&self.path, error)
    }

    /// Removes a part that has no content to resume from.
    pub(super) fn remove_if_empty(&self) {
        if self.file.metadata().is_ok_and(|found| found.len() == 0) {
            // Nothing to be done where even that fails; the next download begins anew with it.
            let _ = fs::remove_file(&self.note);
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Sees the content onto the disk, then the name.
    pub(super) fn put_in_place(self, target: &Path) -> Result<(), DownloadError> {
        let failed = |error| DownloadError::file(target, error);
        self.file.sync_all().map_err(failed)?;
        fs::rename(&self.path, target).map_err(failed)?;
        // It only tells of the part, which is gone.
        let _ = fs::remove_file(&self.note);
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// Opens and locks a part; `None` when somebody else holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    // The process that had the lock may just have finished the file, and the lock is then on that one: look again.
    for _ in 0..10 {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        // Without locks the checksum detects what two downloads at once have mixed.
        if Lock::try_exclusive(&file)? == Lock::Busy {
            return Ok(None);
        }
        if is_named(&file, path) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}
