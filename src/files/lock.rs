//! Advisory locks on files, released by the system when the process that has them ends. Some network file systems have
//! none: there it is [`Lock::Unsupported`], and each caller decides what protects it instead.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// What came of an attempt to lock a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The lock is ours until the file is closed.
    Acquired,
    /// Another process has it.
    Busy,
    /// The file system has no locks.
    Unsupported,
}

impl Lock {
    /// Tries to take the exclusive lock of `file` without waiting.
    ///
    /// # Errors
    /// When locking fails for another reason than a missing lock facility.
    pub fn try_exclusive(file: &File) -> io::Result<Self> {
        outcome(file.try_lock())
    }

    /// Tries to take a shared lock of `file` without waiting: two readers do not exclude each other, and NFS gives no
    /// other lock for reading.
    ///
    /// # Errors
    /// As [`Lock::try_exclusive`].
    pub fn try_shared(file: &File) -> io::Result<Self> {
        outcome(file.try_lock_shared())
    }

    /// Waits for the exclusive lock of `file`; `Acquired` or `Unsupported`.
    ///
    /// # Errors
    /// As [`Lock::try_exclusive`].
    pub fn exclusive(file: &File) -> io::Result<Self> {
        outcome(file.lock().map_err(TryLockError::Error))
    }

    /// Waits for a shared lock of `file`; `Acquired` or `Unsupported`.
    ///
    /// # Errors
    /// As [`Lock::try_exclusive`].
    pub fn shared(file: &File) -> io::Result<Self> {
        outcome(file.lock_shared().map_err(TryLockError::Error))
    }
}

/// Whether some process has locked the file at `path`; `None` without such a file, or where it can't be locked.
pub fn is_locked(path: &Path) -> Option<bool> {
    match Lock::try_shared(&File::open(path).ok()?).ok()? {
        Lock::Acquired => Some(false),
        Lock::Busy => Some(true),
        Lock::Unsupported => None,
    }
}

fn outcome(attempt: Result<(), TryLockError>) -> io::Result<Lock> {
    match attempt {
        Ok(()) => Ok(Lock::Acquired),
        Err(TryLockError::WouldBlock) => Ok(Lock::Busy),
        Err(TryLockError::Error(error)) if is_unsupported(&error) => Ok(Lock::Unsupported),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether an error means that the file system has no locks.
fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || matches!(error.raw_os_error(), Some(libc::ENOLCK | libc::ENOSYS | libc::EOPNOTSUPP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_others_until_its_file_is_closed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lock");
        let [first, second] = [(); 2].map(|()| File::create(&path).expect("created"));
        assert_eq!(Lock::try_exclusive(&first).expect("lockable"), Lock::Acquired);
        assert_eq!(Lock::try_exclusive(&second).expect("lockable"), Lock::Busy);
        assert_eq!(is_locked(&path), Some(true));
        drop(first);
        assert_eq!(is_locked(&path), Some(false));
        assert_eq!(Lock::exclusive(&second).expect("lockable"), Lock::Acquired);
        assert_eq!(is_locked(&folder.path().join("none")), None);
    }

    #[test]
    fn a_file_system_without_locks_is_no_error() {
        for number in [libc::ENOLCK, libc::ENOSYS, libc::EOPNOTSUPP] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(
                outcome(Err(TryLockError::Error(error))).expect("no error"),
                Lock::Unsupported,
                "{number}"
            );
        }
        assert!(outcome(Err(TryLockError::Error(io::Error::from_raw_os_error(libc::EIO)))).is_err());
    }
}
