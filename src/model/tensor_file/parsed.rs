//! The bytes of a safetensors file, taken apart and compared with their checksum, without libtorch.

use std::io;

use safetensors::tensor::{SafeTensors, TensorView};

use crate::text::one_line;

/// The key of the checksum in the metadata.
pub(super) const CHECKSUM: &str = "blake3";
/// Longest message of the format's reader in a sentence, in characters.
const LONGEST_REASON: usize = 200;

/// Why a file gives no tensors.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error says what it is")]
pub enum TensorFileError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it is no safetensors file ({0})")]
    Format(String),
    #[error("its checksum doesn't match, so it was changed after it was written")]
    Checksum,
}

/// The tensors in the bytes of a file. One without a checksum, as other programs write it, is taken as it is.
///
/// # Errors
/// When they are of another format, or aren't what was written.
pub fn parse(bytes: &[u8]) -> Result<SafeTensors<'_>, TensorFileError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| format_error(&error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| format_error(&error))?;
    let written = header.metadata().as_ref().and_then(|metadata| metadata.get(CHECKSUM));
    if let Some(written) = written {
        let views = file.tensors();
        if *written != checksum(views.iter().map(|(name, view)| (name.as_str(), view))) {
            return Err(TensorFileError::Checksum);
        }
    }
    Ok(file)
}

/// An error of the format's reader as a sentence.
pub(super) fn format_error(error: &dyn std::fmt::Display) -> TensorFileError {
    TensorFileError::Format(one_line(&error.to_string(), LONGEST_REASON))
}

/// The BLAKE3, in hexadecimal digits, of each tensor's name, kind, shape and bytes, in the order of the names: the format
/// doesn't keep the order in which tensors were written.
pub(super) fn checksum<'a>(tensors: impl Iterator<Item = (&'a str, &'a TensorView<'a>)>) -> String {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_by_key(|(name, _)| *name);
    let mut hasher = blake3::Hasher::new();
    for (name, view) in tensors {
        hasher.update(format!("{name}\n{:?} {:?}\n", view.dtype(), view.shape()).as_bytes());
        hasher.update_rayon(view.data());
    }
    hasher.finalize().to_hex().to_string()
}
