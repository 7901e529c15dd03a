//! What is wrong with a table of images.

use std::path::Path;

use crate::text::one_line;

/// A table that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TableError {
    file: String,
    what: String,
}

impl TableError {
    /// `what` is wrong with the table at `path`.
    pub fn new(path: &Path, what: impl Into<String>) -> Self {
        let what: String = what.into();
        Self { file: one_line(&path.to_string_lossy(), 300), what: one_line(&what, 800) }
    }
}
