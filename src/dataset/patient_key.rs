//! The names of patients in files that the program writes: hashes with a key of the user's, so that nobody without the key
//! can find a patient by hashing all ids there are.
//!
//! The key decides nothing else: neither splits nor fingerprints nor the checks of resume know it. Copied to other
//! machines, the file gives the same names there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::AppPaths;

/// Names another file for the key.
pub const VARIABLE: &str = "CHESTXR_PATIENT_KEY";
/// Bytes of the key; the file has them as hexadecimal digits.
const BYTES: usize = 32;
/// Hexadecimal digits of a name.
const DIGITS: usize = 16;

/// A key for the names of patients.
pub struct PatientKey([u8; BYTES]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum PatientKeyError {
    #[error("the key for patients' names in {} can't be read or written ({error}); set {VARIABLE} to a file that can", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} holds no key for patients' names: 64 hexadecimal digits; remove it to make a new one", path.display())]
    Content { path: PathBuf },
}

impl PatientKey {
    /// The user's key: from the file that `CHESTXR_PATIENT_KEY` names, else `patient.key` among the program's settings; made
    /// at random where there is none.
    ///
    /// # Errors
    /// When the file can't be read or written, or holds something else.
    pub fn of_user() -> Result<Self, PatientKeyError> {
        let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self::at(&path.unwrap_or_else(|| AppPaths::new(None).patient_key))
    }

    /// The key in the file at `path`, which is made where it is missing.
    ///
    /// # Errors
    /// As [`PatientKey::of_user`].
    pub fn at(path: &Path) -> Result<Self, PatientKeyError> {
        let failed = |error| PatientKeyError::Io { path: path.to_owned(), error };
        match fs::read_to_string(path) {
            Ok(text) => {
                let content = || PatientKeyError::Content { path: path.to_owned() };
                let hash = blake3::Hash::from_hex(text.trim()).map_err(|_| content())?;
                Ok(Self(*hash.as_bytes()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = blake3::Hash::from_bytes(rand::random());
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).map_err(failed)?;
                }
                // It gets its name when it is whole: another process may read it at any moment.
                let part = path.with_extension(format!("{:016x}.part", rand::random::<u64>()));
                let made = write_private(&part, &format!("{}\n", key.to_hex()))
                    .and_then(|()| name_once(&part, path));
                // One that stays is in nobody's way.
                let _ = fs::remove_file(&part);
                match made {
                    // Or another process was faster.
                    Ok(()) => Self::at(path),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::at(path),
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The name of a patient: 16 hexadecimal digits, the same for the same id and key.
    pub fn name(&self, id: &str) -> String {
        blake3::keyed_hash(&self.0, id.as_bytes()).to_hex().chars().take(DIGITS).collect()
    }
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Gives a file another name, unless that is taken. Where a file can't have two names it is renamed, which would replace one
/// that was made in the same moment.
fn name_once(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::rename(from, to),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_then_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/patient.key");
        let name = PatientKey::at(&path).expect("made").name("p1");
        assert_eq!(PatientKey::at(&path).expect("read").name("p1"), name);
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        let other = PatientKey::at(&folder.path().join("other.key")).expect("made");
        assert_ne!(other.name("p1"), name);
        assert_ne!(other.name("p1"), other.name("p2"));
        // Many at once make one, and nobody sees half of it.
        let shared = folder.path().join("shared.key");
        let at_once: Vec<String> = std::thread::scope(|scope| {
            let name = || PatientKey::at(&shared).expect("made or read").name("p1");
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(name)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(at_once.iter().all(|name| *name == at_once[0]), "{at_once:?}");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3, "something was left");
        fs::write(&path, "short").expect("written");
        assert!(matches!(PatientKey::at(&path), Err(PatientKeyError::Content { .. })));
    }
}
