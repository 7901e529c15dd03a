//! Errors of texts that are not data sources.

/// A text that is not a data source.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum SourceError {
    #[error("`{text}` names no data source; write {known}")]
    Unknown { text: String, known: String },
    #[error("{name}:N takes a whole number from {from} to {to}, not `{text}`")]
    Count { name: &'static str, from: usize, to: usize, text: String },
    #[error("{0}: lacks its path; write {0}:PATH")]
    NoPath(&'static str),
    #[error("{name} takes no argument, not `{argument}`")]
    Argument { name: &'static str, argument: String },
    #[error("there is no data source or file `{text}`; write {known}")]
    NoFile { text: String, known: String },
    #[error("the folder `{text}` is not recognized as a data source; write {known}")]
    Folder { text: String, known: String },
}
