//! The files of a store and its header.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(super) const IMAGES: &str = "images.u8";
pub(super) const RECORDS: &str = "images.bin";
pub(super) const LABELS: &str = "labels.u8";
pub(super) const HEADER: &str = "store.json";
/// The header of a part, which isn't complete yet.
pub(super) const ASKED: &str = "asked.json";
/// Bytes of an image's record: its hash, then width and height of the image file that it was made from.
pub(super) const RECORD: usize = 24;

/// What is doubtful about images, a line of JSON each; a store without such images has no line in it, or no such file.
pub(super) const DOUBTS: &str = "doubts.jsonl";

/// A line of `doubts.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Doubt {
    /// The image's number in the store, from 0.
    pub image: usize,
    /// What its file says and how it was taken, a clause.
    pub how: String,
}

/// The doubts in a folder, in the order of their images; none where there is no such file. What is no doubt ends them: the
/// rest of a line that was cut.
pub(super) fn doubts_in(folder: &Path) -> Vec<Doubt> {
    let text = fs::read_to_string(folder.join(DOUBTS)).unwrap_or_default();
    text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

/// What a store is, in its `store.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    pub(super) images: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// What it was made of, in words.
    pub(super) of: String,
    /// Images that could not be made and are black.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) failures: Vec<Failure>,
}

/// An image that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its number in the store, from 0.
    pub image: usize,
    /// Why, one sentence.
    pub why: String,
}

/// The description in the file `name` of a folder.
pub(super) fn header_of(folder: &Path, name: &str) -> Option<Header> {
    serde_json::from_slice(&fs::read(folder.join(name)).ok()?).ok()
}
