//! A row of a table: one image, its labels, patient, split, demographics and boxes.

use std::path::PathBuf;

use super::Split;

/// Which split a source puts an image into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// This one.
    Split(Split),
    /// Training or validation, which is left to us (NIH's `train_val_list`).
    TrainVal,
}

/// An image of a table.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The file of the image.
    pub path: PathBuf,
    /// The line of the table that names it, from 1.
    pub line: u64,
    /// A value for each condition: 0, 1 or unknown.
    pub labels: Vec<u8>,
    /// The hash of the patient's id, where that is known.
    pub patient: Option<String>,
    /// The split that the source puts it into, if it does.
    pub split: Option<Given>,
    /// `F`, `M`, `O` or the source's own value.
    pub sex: Option<String>,
    /// Years.
    pub age: Option<u16>,
    /// Projection: `PA`, `AP`, …
    pub view: Option<String>,
    /// Label column and x, y, width, height in pixels of the picture.
    pub boxes: Vec<(usize, [f32; 4])>,
    /// Width and height of the picture that the boxes were drawn on, where the file may be a resized copy of it.
    pub boxes_on: Option<(u32, u32)>,
}
