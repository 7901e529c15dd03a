//! Why a text names no data source.

/// A text that names no source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{text}` names no data source; write {known}")]
    Unknown { text: String, known: String },
    #[error("phantom:N takes a whole number from 10 to 10000000, not `{0}`")]
    Count(String),
    #[error("{0}: lacks its path; write {0}:PATH")]
    NoPath(&'static str),
    #[error("{name} takes no argument, not `{argument}`")]
    Argument { name: &'static str, argument: String },
    #[error("there is no data source or file `{text}`; write {known}")]
    NoFile { text: String, known: String },
    #[error(
        "the folder `{0}` holds neither NIH's Data_Entry table nor a table of labels; write nih:DIR, csv:FILE or \
         dicom:DIR to say what it is"
    )]
    Folder(String),
}
