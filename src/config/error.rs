//! What can be wrong with a configuration, each in one sentence.

use std::path::PathBuf;

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum ConfigError {
    #[error("there is no setting `{key}`{}", hint(nearest))]
    UnknownKey { key: String, nearest: Option<&'static str> },
    #[error("`{key}` can't be `{value}`: it takes {allowed}{}", hint(nearest))]
    BadValue { key: &'static str, value: String, allowed: String, nearest: Option<&'static str> },
    #[error("`--set {given}` lacks a value; write it as --set section.key=value")]
    NoValue { given: String },
    #[error("can't read the configuration {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{}: {message}", path.display())]
    NotToml { path: PathBuf, message: String },
    #[error("{}: {error}", path.display())]
    InFile { path: PathBuf, error: Box<ConfigError> },
    #[error("{0}")]
    Conflict(String),
    #[error("there is no theme `{name}`; there are {}", known.join(", "))]
    UnknownTheme { name: String, known: Vec<String> },
}
