//! Errors of checkpoints, each a sentence with a remedy.

use std::io;
use std::path::Path;

use crate::text::printable;

/// Why a checkpoint couldn't be read; its `Display` is one sentence for the user.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {fault}")]
pub struct PthError {
    /// The file's path as it was given, fit for a terminal.
    pub file: String,
    /// What is wrong.
    pub fault: Fault,
}

impl PthError {
    pub(super) fn new(path: &Path, fault: Fault) -> Self {
        Self { file: printable(&path.to_string_lossy(), usize::MAX), fault }
    }
}

/// What is wrong. Names within are fit for a terminal already.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of a variant says what it is")]
pub enum Fault {
    // The file.
    #[error("the file can't be read ({0}); check its path and permissions")]
    Io(io::Error),
    #[error("this is a folder, a device or a pipe; give an ordinary file that torch.save wrote")]
    NotFile,
    #[error("the file is empty; copy or download it again")]
    Empty,
    #[error("the file is not a PyTorch checkpoint (not a zip archive); give a file that torch.save wrote")]
    NotZip,
    #[error("the file is cut short (the zip directory at its end is missing); copy or download it again")]
    CutShort,
    #[error("the file's zip directory is damaged ({0}); copy or download the file again")]
    Directory(&'static str),
    #[error(
        "the file's part `{part}` {why}; copy or download the file again, or save it anew with torch.save"
    )]
    Part { part: String, why: &'static str },
    #[error(
        "the file is a zip archive but not a PyTorch checkpoint (it has no data.pkl); give a file that \
         torch.save wrote"
    )]
    NotTorch,
    #[error(
        "the file is a TorchScript program, not a state dict; in Python, save its weights alone: \
         torch.save(torch.jit.load(path).state_dict(), 'weights.pth')"
    )]
    TorchScript,
    #[error(
        "the file was written by a big-endian machine; load it with PyTorch on an ordinary one and \
         save it again"
    )]
    BigEndian,

    // The pickle.
    #[error("the file's list of tensors is damaged at byte {at} ({why}); copy or download the file again")]
    Pickle { at: usize, why: &'static str },
    #[error(
        "the file's list of tensors has instruction {opcode:#04x} at byte {at}, which torch.save \
         doesn't write; save the model's state_dict() with torch.save"
    )]
    Opcode { at: usize, opcode: u8 },
    #[error("the file has too much besides its tensors; save model.state_dict() alone with torch.save")]
    TooLong,

    // What it describes.
    #[error("the file holds {found} instead of a state dict; in Python, save model.state_dict() instead")]
    NotDict { found: String },
    #[error("the file holds no tensors by name, only {found}; in Python, save model.state_dict() instead")]
    NoTensors { found: String },
    #[error("tensor `{name}` is damaged ({why}); copy or download the file again")]
    Tensor { name: String, why: &'static str },
    #[error(
        "tensor `{name}` is of a kind that can't be read ({kind}); save the model again with \
         plain float32 tensors"
    )]
    Odd { name: String, kind: String },
    #[error(
        "tensor `{name}` repeats values ({count} of {stored} stored), as expanded tensors do; save it again \
         after .contiguous()"
    )]
    Expanded { name: String, count: u64, stored: u64 },
    #[error(
        "the tensors need {needs} bytes and {limit} are allowed for a file of this size; save them again, \
         each after .clone()"
    )]
    TooBig { needs: u64, limit: u64 },
    #[error(
        "tensor `{name}` needs {needs} bytes of memory, which this machine can't give; take a smaller model"
    )]
    Memory { name: String, needs: u64 },
}

/// Longest name that a sentence repeats, in characters.
const LONGEST_NAME: usize = 80;
/// Most names that a sentence lists.
const MOST_NAMES: usize = 8;

/// A name from a file as a sentence may repeat it.
pub(super) fn shown(name: &str) -> String {
    printable(name, LONGEST_NAME)
}

/// The first few of `names`, quoted.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().take(MOST_NAMES).map(|name| format!("`{}`", shown(name))).collect();
    match (quoted.is_empty(), names.len().saturating_sub(MOST_NAMES)) {
        (true, _) => "an empty dict".to_owned(),
        (false, 0) => quoted.join(", "),
        (false, more) => format!("{} and {more} more", quoted.join(", ")),
    }
}
