//! A row of a table before its file is found.

use crate::dataset::row::Given;

/// What a table says of an image.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// The row's line, from 1.
    pub line: u64,
    /// The file as the table names it.
    pub path: String,
    /// 0, 1 or unknown for each condition.
    pub labels: Vec<u8>,
    pub patient: Option<String>,
    pub split: Option<Given>,
    pub sex: Option<String>,
    /// Years.
    pub age: Option<u16>,
    pub view: Option<String>,
    /// Label column and x, y, width, height in pixels of the picture.
    pub boxes: Vec<(usize, [f32; 4])>,
}
