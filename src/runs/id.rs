//! The name of a run: `20261122-201503-chestnet-s-a1b2`.

use std::fmt;
use std::path::Path;

use jiff::Zoned;
use serde::{Deserialize, Serialize};

/// A run's name: when it was made, its architecture, and four hexadecimal digits of chance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// A new name from the local time, the architecture's name and a number of chance.
    pub fn new(now: &Zoned, arch: &str, chance: u16) -> Self {
        Self(format!("{}-{arch}-{chance:04x}", now.strftime("%Y%m%d-%H%M%S")))
    }

    /// Whether `path` is a directory with a name as [`RunId::new`] makes them; another one is not taken for a run that
    /// lacks its files.
    pub(super) fn is_name_of(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let digits =
            |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = name.split('-').collect();
        let [day, time, .., chance] = parts.as_slice() else { return false };
        let hexadecimal = chance.len() == 4 && chance.bytes().all(|b| b.is_ascii_hexdigit());
        parts.len() > 3 && digits(day, 8) && digits(time, 6) && hexadecimal && path.is_dir()
    }

    /// The last four digits, enough to identify a run on a screen.
    pub fn short(&self) -> &str {
        self.0.rsplit('-').next().unwrap_or(&self.0)
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RunId {
    type Error = String;

    /// Takes any name that is safe as a folder's.
    fn try_from(text: String) -> Result<Self, String> {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > 120 || text.starts_with('.') || !text.chars().all(safe) {
            return Err(format!("`{}` is no run id", crate::text::one_line(&text, 60)));
        }
        Ok(Self(text))
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
