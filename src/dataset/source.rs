//! Where images come from, as a person names it: `phantom[:N]`, `chestmnist`, `npz:FILE`, `nih:DIR`, `csv:FILE`,
//! `dicom:DIR`, or a bare path, which is recognised by what it is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Images of a `phantom` of no stated size.
pub const DEFAULT_PHANTOMS: usize = 4000;
/// The sources, as a sentence names them.
const ALL: &str = "phantom, phantom:N, chestmnist, npz:FILE, nih:DIR, csv:FILE or dicom:DIR";

/// A source of images, parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// So many generated images, over all three splits.
    Phantom(usize),
    /// ChestMNIST in our cache, at the size that is asked for.
    ChestMnist,
    /// A file in MedMNIST's layout.
    Npz(PathBuf),
    /// A folder laid out as NIH ships ChestX-ray14.
    Nih(PathBuf),
    /// A table that names picture files and their labels.
    Csv(PathBuf),
    /// A folder of DICOM files with a table of labels.
    Dicom(PathBuf),
}

/// A text that names no source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{0}` names no data source; write {ALL}")]
    Unknown(String),
    #[error("phantom:N takes a whole number from 10 to 10000000, not `{0}`")]
    Count(String),
    #[error("{0}: lacks its path; write {0}:PATH")]
    NoPath(&'static str),
    #[error("there is no data source or file `{0}`; write {ALL}")]
    NoFile(String),
    #[error(
        "the folder `{0}` holds neither NIH's Data_Entry table nor a table of labels; write nih:DIR, csv:FILE or \
         dicom:DIR to say what it is"
    )]
    Folder(String),
}

/// A source made of its path.
type OfPath = fn(PathBuf) -> Source;

/// Sources with a path: their names, and how they are made.
const PATHS: [(&str, OfPath); 4] =
    [("npz", Source::Npz), ("nih", Source::Nih), ("csv", Source::Csv), ("dicom", Source::Dicom)];

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        let shown = || crate::text::one_line(text, 80);
        if let Some((name, rest)) = text.split_once(':') {
            if let Some((name, make)) = PATHS.into_iter().find(|(known, _)| *known == name) {
                return if rest.is_empty() { Err(SourceError::NoPath(name)) } else { Ok(make(rest.into())) };
            }
            if name == "phantom" {
                return match rest.replace('_', "").parse() {
                    Ok(count) if (10..=10_000_000).contains(&count) => Ok(Self::Phantom(count)),
                    _ => Err(SourceError::Count(crate::text::one_line(rest, 40))),
                };
            }
        }
        match text {
            "phantom" => Ok(Self::Phantom(DEFAULT_PHANTOMS)),
            "chestmnist" => Ok(Self::ChestMnist),
            "" => Err(SourceError::Unknown(String::new())),
            _ if text.ends_with(".npz") => Ok(Self::Npz(text.into())),
            _ if Path::new(text).is_dir() => {
                of_folder(Path::new(text)).ok_or_else(|| SourceError::Folder(shown()))
            }
            _ if [".csv", ".tsv"].iter().any(|ending| text.ends_with(ending)) => Ok(Self::Csv(text.into())),
            _ if Path::new(text).is_file() => Ok(Self::Npz(text.into())),
            _ if text.contains(['/', '.']) => Err(SourceError::NoFile(shown())),
            _ => Err(SourceError::Unknown(shown())),
        }
    }
}

/// What a folder is, by the tables in it.
fn of_folder(folder: &Path) -> Option<Source> {
    if super::nih::entry_table(folder).is_some() {
        return Some(Source::Nih(folder.to_owned()));
    }
    if super::dicom_folder::label_table(folder).is_some() {
        return Some(Source::Dicom(folder.to_owned()));
    }
    None
}

impl Source {
    /// The same source in words that mean it from any folder: relative paths become absolute ones.
    pub fn absolute(&self) -> Self {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        match self {
            Self::Npz(path) => Self::Npz(absolute(path)),
            Self::Nih(path) => Self::Nih(absolute(path)),
            Self::Csv(path) => Self::Csv(absolute(path)),
            Self::Dicom(path) => Self::Dicom(absolute(path)),
            Self::Phantom(_) | Self::ChestMnist => self.clone(),
        }
    }

    /// Whether its images are made at `data.size`, rather than having a size of their own.
    pub fn is_sized(&self) -> bool {
        !matches!(self, Self::Npz(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phantom(count) => write!(f, "phantom:{count}"),
            Self::ChestMnist => f.write_str("chestmnist"),
            Self::Npz(path) => write!(f, "npz:{}", path.display()),
            Self::Nih(path) => write!(f, "nih:{}", path.display()),
            Self::Csv(path) => write!(f, "csv:{}", path.display()),
            Self::Dicom(path) => write!(f, "dicom:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_is_written() {
        for text in ["phantom:500", "npz:a/b.npz", "chestmnist", "nih:a", "csv:a/b.csv", "dicom:c"] {
            assert_eq!(text.parse::<Source>().expect(text).to_string(), text);
        }
        assert_eq!("phantom".parse::<Source>().expect("known"), Source::Phantom(DEFAULT_PHANTOMS));
        assert!(matches!(Source::Npz("x.npz".into()).absolute(), Source::Npz(path) if path.is_absolute()));
        assert_eq!("x.npz".parse::<Source>().expect("a bare path"), Source::Npz("x.npz".into()));
        assert_eq!("images.csv".parse::<Source>().expect("a bare path"), Source::Csv("images.csv".into()));
    }

    #[test]
    fn what_names_no_source_is_told_what_does() {
        let message = |text: &str| text.parse::<Source>().expect_err(text).to_string();
        assert!(message("chest").contains("phantom, phantom:N, chestmnist, npz:FILE"));
        assert!(message("phantom:9").contains("from 10"));
        assert!(message("no/such/file").contains("no data source or file"));
        assert!(message("npz:").contains("lacks its path"));
        let empty = tempfile::tempdir().expect("a folder");
        assert!(message(&empty.path().display().to_string()).contains("neither NIH's"));
    }
}
