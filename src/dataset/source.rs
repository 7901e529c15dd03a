//! A data source as a user names it: `npz:FILE`, `phantom:500`, or a bare path, whose kind is recognized.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::str::FromStr;

use super::data_source::{DataSource, Stamp};
use super::registry::{Entry, Registry};
use super::sources::{OF_ANY_FILE, SOURCES, usage, usage_with_table};
use crate::files::from_home;
use crate::text::one_line;

pub use super::source_error::SourceError;

/// A source, parsed: its kind and its argument.
#[derive(Clone)]
pub struct Source {
    kind: &'static dyn DataSource,
    argument: String,
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        let shown = || one_line(text, 80);
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        if let Some(kind) = SOURCES.into_iter().find(|kind| kind.name() == name) {
            let argument = kind.parse(argument)?;
            return Ok(Self { kind, argument: if kind.is_path() { from_home(&argument) } else { argument } });
        }
        let text = &from_home(text);
        let path = Path::new(text);
        if let Some(kind) = SOURCES.into_iter().find(|kind| kind.recognizes(path)) {
            return Ok(Self { kind, argument: text.to_owned() });
        }
        match text.as_str() {
            _ if path.is_dir() => Err(SourceError::Folder { text: shown(), known: usage_with_table() }),
            _ if path.is_file() => Ok(Self { kind: OF_ANY_FILE, argument: text.clone() }),
            _ if text.contains(['/', '.']) => Err(SourceError::NoFile { text: shown(), known: usage() }),
            _ => Err(SourceError::Unknown { text: shown(), known: usage() }),
        }
    }
}

impl Source {
    /// Its kind.
    pub fn kind(&self) -> &'static dyn DataSource {
        self.kind
    }

    /// What stands after the colon; empty without.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// The same source in words that mean it from any folder: relative paths become absolute ones.
    pub fn absolute(&self) -> Self {
        let path = std::path::absolute(&self.argument).ok().filter(|_| self.kind.is_path());
        let argument = path.map_or_else(|| self.argument.clone(), |path| path.display().to_string());
        Self { argument, ..self.clone() }
    }

    /// Whether its images are made at `data.size`, rather than having a size of their own.
    pub fn is_sized(&self) -> bool {
        self.kind.is_sized()
    }

    /// How many images are generated, for a source that generates them.
    pub fn generated(&self) -> Option<usize> {
        self.kind.generated(&self.argument)
    }

    /// Its entry in the registry of known data sets, if it is one of them.
    pub fn registry_entry(&self) -> Option<&'static Entry> {
        Registry::get().entry(self.kind.registry_entry(&self.argument)?)
    }

    /// The stamp of its file, where one file is the whole source.
    pub fn fingerprint(&self) -> Option<Stamp> {
        self.kind.fingerprint(&self.argument)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if self.argument.is_empty() { Ok(()) } else { write!(f, ":{}", self.argument) }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (self.kind.name(), &self.argument) == (other.kind.name(), &other.argument)
    }
}

impl Eq for Source {}

impl Hash for Source {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind.name(), &self.argument).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Source {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_source_is_read_as_it_is_written() {
        for text in ["phantom:500", "npz:a/b.npz", "chestmnist", "nih:a", "csv:a/b.csv", "dicom:c"] {
            assert_eq!(parsed(text).to_string(), text);
        }
        assert_eq!(parsed("phantom"), parsed("phantom:4000"));
        assert!(Path::new(parsed("npz:x.npz").absolute().argument()).is_absolute());
        assert_eq!(parsed("chestmnist").absolute(), parsed("chestmnist"));
        assert_eq!(parsed("x.npz"), parsed("npz:x.npz"), "a bare path");
        assert_eq!(parsed("images.csv"), parsed("csv:images.csv"), "a bare path");
    }

    #[test]
    fn a_text_that_names_no_source_is_answered_with_those_that_do() {
        let message = |text: &str| text.parse::<Source>().expect_err(text).to_string();
        assert!(message("chest").contains("phantom[:N], chestmnist, npz:FILE"));
        assert!(message("").contains("phantom[:N]"));
        assert!(message("phantom:9").contains("from 10"));
        assert!(message("no/such/file").contains("no data source or file"));
        assert!(message("npz:").contains("lacks its path"));
        assert!(message("chestmnist:64").contains("takes no argument"));
        let empty = tempfile::tempdir().expect("a folder");
        assert!(
            message(&empty.path().display().to_string())
                .contains("write nih:DIR, csv:FILE, dicom:DIR or folders:DIR")
        );
    }
}
