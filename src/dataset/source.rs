//! Where films come from, as a person names it: `phantom[:N]`, `npz:PATH`, or a bare path.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Films of a `phantom` of no stated size.
pub const DEFAULT_PHANTOMS: usize = 4000;

/// A source of films, parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// So many generated films, over all three splits.
    Phantom(usize),
    /// A file in MedMNIST's layout.
    Npz(PathBuf),
}

/// A text that names no source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{0}` names no data source; write phantom, phantom:N or npz:PATH")]
    Unknown(String),
    #[error("phantom:N takes a whole number from 10 to 10000000, not `{0}`")]
    Count(String),
    #[error("npz: lacks its file; write npz:PATH")]
    NoPath,
    #[error("there is no data source or file `{0}`; write phantom, phantom:N or npz:PATH")]
    NoFile(String),
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        let shown = || crate::text::one_line(text, 80);
        match text.split_once(':') {
            None if text == "phantom" => Ok(Self::Phantom(DEFAULT_PHANTOMS)),
            Some(("phantom", count)) => match count.replace('_', "").parse() {
                Ok(count) if (10..=10_000_000).contains(&count) => Ok(Self::Phantom(count)),
                _ => Err(SourceError::Count(crate::text::one_line(count, 40))),
            },
            Some(("npz", "")) => Err(SourceError::NoPath),
            Some(("npz", path)) => Ok(Self::Npz(PathBuf::from(path))),
            _ if text.is_empty() => Err(SourceError::Unknown(String::new())),
            _ if text.ends_with(".npz") || Path::new(text).is_file() => Ok(Self::Npz(PathBuf::from(text))),
            _ if text.contains(['/', '.']) => Err(SourceError::NoFile(shown())),
            _ => Err(SourceError::Unknown(shown())),
        }
    }
}

impl Source {
    /// The same source in words that mean it from any folder: relative paths become absolute ones.
    pub fn absolute(&self) -> Self {
        match self {
            Self::Npz(path) => Self::Npz(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            Self::Phantom(_) => self.clone(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phantom(count) => write!(f, "phantom:{count}"),
            Self::Npz(path) => write!(f, "npz:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_is_written() {
        for text in ["phantom:500", "npz:a/b.npz"] {
            assert_eq!(text.parse::<Source>().expect(text).to_string(), text);
        }
        assert_eq!("phantom".parse::<Source>().expect("known"), Source::Phantom(DEFAULT_PHANTOMS));
        assert!(matches!(Source::Npz("x.npz".into()).absolute(), Source::Npz(path) if path.is_absolute()));
        assert_eq!("x.npz".parse::<Source>().expect("a bare path"), Source::Npz("x.npz".into()));
    }

    #[test]
    fn what_names_no_source_is_told_what_does() {
        let message = |text: &str| text.parse::<Source>().expect_err(text).to_string();
        assert!(message("chest").contains("phantom, phantom:N or npz:PATH"));
        assert!(message("phantom:9").contains("from 10"));
        assert!(message("no/such/file").contains("no data source or file"));
        assert!(message("npz:").contains("lacks its file"));
    }
}
