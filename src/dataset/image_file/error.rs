//! Errors of image files, each a sentence with the file, the fault and what to do.

use std::io;
use std::path::Path;

use crate::text::{bytes, one_line};

/// Why a picture couldn't be read or found; its `Display` is one sentence for the user.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {subject} {fault}", subject = fault.subject())]
pub struct ImageFileError {
    /// The path as it was given, fit for a terminal.
    pub file: String,
    /// What is wrong.
    pub fault: Fault,
}

impl ImageFileError {
    /// A fault of the file or folder at `path`.
    pub(super) fn new(path: &Path, fault: Fault) -> Self {
        Self { file: one_line(&path.to_string_lossy(), usize::MAX), fault }
    }
}

/// What is wrong; each variant's `Display` continues the sentence after "the file" or "the folder".
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of a variant says what it is")]
pub enum Fault {
    // The path.
    #[error("doesn't exist; check its path")]
    Missing,
    #[error("can't be read: no permission; allow it with chmod u+r")]
    Denied,
    #[error("can't be read ({0}); check its path and the disk")]
    Io(io::Error),
    #[error("is a device or a pipe; save the picture as an ordinary file first")]
    NotFile,
    #[error("is no picture; name the files in it")]
    Folder,
    #[error("can't be read: no permission; allow it with chmod u+rx")]
    FolderDenied,
    #[error("can't be listed ({0}); check its path and the disk")]
    FolderIo(io::Error),
    #[error("has no files except hidden ones; give a folder with images")]
    NoFiles,

    // The kind of file.
    #[error("is empty (0 bytes); copy it again")]
    Empty,
    #[error("is text that begins with `{0}`, not a picture; give a PNG, JPEG or DICOM image")]
    Text(String),
    #[error("is a web page, as a failed download leaves it, not a picture; download the picture itself")]
    WebPage,
    #[error("is a Git LFS pointer, not the picture; `git lfs pull` gets the picture itself")]
    LfsPointer,
    #[error("is a numpy archive, not a picture; pass it as the npz file of a data set")]
    Npz,
    #[error("is {0}, and only PNG, JPEG and DICOM are read; save the image as PNG")]
    Other(&'static str),
    #[error("is neither PNG nor JPEG nor DICOM; check that it is an image and save it as PNG")]
    Unknown,

    // DICOM.
    #[error("is DICOM in {name}, which isn't read; decompress it first ({hint})")]
    DicomSyntax { name: String, hint: &'static str },
    #[error("is DICOM of {what}, not a projection X-ray; leave it out")]
    DicomModality { what: String },
    #[error("is DICOM in colour ({0}), which no radiograph is; leave it out, or export it as grey PNG")]
    DicomColour(String),
    #[error("holds {0} DICOM frames, and only single images are read; export the one you want as PNG")]
    DicomFrames(u32),
    #[error("is DICOM with {0} bits for a pixel, and only 8 and 16 are read; export it as 16-bit PNG")]
    DicomBits(u16),
    #[error(
        "is DICOM without a picture (a directory, a report, or cut short); leave it out or copy it again"
    )]
    DicomNoPicture,

    // The picture.
    #[error("is a {0} that is cut short; copy or download it again")]
    CutShort(&'static str),
    #[error("is a damaged {format} ({what}); copy or download it again")]
    Damaged { format: &'static str, what: String },
    #[error("is a {format} of a kind that can't be read ({what}); save it as a grey PNG of 8 or 16 bits")]
    Unsupported { format: &'static str, what: String },
    #[error("is {width}x{height} pixels by its header, too small to use; export it again")]
    ZeroSize { width: u32, height: u32 },
    #[error("is {width}x{height} pixels, more than the {limit} allowed for a side; reduce it first")]
    TooWide { width: u32, height: u32, limit: u32 },
    #[error(
        "is {width}x{height} pixels and needs {} of memory, more than the {} allowed; it may be a decompression bomb, so reduce it first if you trust it",
        bytes(*needs), bytes(*limit)
    )]
    TooBig { width: u32, height: u32, needs: u64, limit: u64 },
    #[error("unpacks to more than the {} of memory allowed; get it from a source you trust", bytes(*.0))]
    Memory(u64),
    #[error("is {} long, more than the {} allowed; reduce the picture first", bytes(*long), bytes(*limit))]
    TooLong { long: u64, limit: u64 },
}

impl Fault {
    /// The beginning of the sentence.
    fn subject(&self) -> &'static str {
        match self {
            Fault::Folder | Fault::FolderDenied | Fault::FolderIo(_) | Fault::NoFiles => "the folder",
            _ => "the file",
        }
    }

    /// What kept a file from being opened or read.
    pub(super) fn of_file(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Fault::Missing,
            io::ErrorKind::PermissionDenied => Fault::Denied,
            _ => Fault::Io(error),
        }
    }

    /// What kept a folder from being listed.
    pub(super) fn of_folder(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Fault::FolderDenied,
            _ => Fault::FolderIo(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_file_without_its_control_characters() {
        let error = ImageFileError::new(Path::new("a\u{1b}[2J\nb.png"), Fault::Empty);
        assert_eq!(error.to_string(), "a [2J b.png: the file is empty (0 bytes); copy it again");
    }

    #[test]
    fn a_fault_of_a_folder_speaks_of_the_folder() {
        let error = ImageFileError::new(Path::new("images"), Fault::NoFiles);
        assert!(error.to_string().starts_with("images: the folder has no files"));
    }

    #[test]
    fn sizes_in_a_sentence_read_as_people_write_them() {
        let fault = Fault::TooBig { width: 20_000, height: 20_000, needs: 400_000_000, limit: 268_435_456 };
        assert!(fault.to_string().contains("needs 400.0 MB of memory, more than the 268.4 MB allowed"));
    }
}
