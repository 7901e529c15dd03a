//! Data sets in MedMNIST's layout: `train_images`, `train_labels` and likewise `val`, `test`.

use std::path::Path;

use rayon::prelude::*;

use super::super::films::{Films, Labels};
use super::super::part::Part;
use super::archive::{Archive, Limits, count, integers};
use super::error::{Fault, NpzError};
use super::npy::Dtype;

/// Everything of a MedMNIST-style archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MedMnist {
    /// What the network learns from.
    pub train: Part,
    /// What is watched while it learns.
    pub val: Part,
    /// What it is judged by.
    pub test: Part,
}

/// A split's arrays by name.
#[derive(Clone, Copy)]
struct Split {
    images: &'static str,
    labels: &'static str,
}

/// In the order of `MedMnist`'s parts.
const SPLITS: [Split; 3] = [
    Split { images: "train_images", labels: "train_labels" },
    Split { images: "val_images", labels: "val_labels" },
    Split { images: "test_images", labels: "test_labels" },
];

/// What the headers say of a split.
struct Plan {
    split: Split,
    /// Height and width; `None` without films.
    size: Option<(usize, usize)>,
    rows: usize,
    /// Memory its arrays will take.
    bytes: u64,
}

/// Reads the films (`uint8 N,H,W` or `N,H,W,1`) and labels (`bool`, `uint8`, `int32` or `int64`, `N,classes` of 0
/// and 1) of the three splits, each array straight into its one allocation, the splits in parallel. An archive of
/// labels alone gives parts without films. Other arrays are left alone; val and test may be empty.
///
/// All headers are checked before the first film is read.
///
/// # Errors
/// One sentence that names the file, the array, what is wrong and what to do; the first in the order of the splits.
pub fn read_medmnist(path: &Path, classes: usize, limits: Limits) -> Result<MedMnist, NpzError> {
    let archive = Archive::open(path, limits)?;
    let plans = plan(&archive, classes)?;
    let parts: Vec<_> = plans.par_iter().map(|plan| plan.read(&archive)).collect();
    let mut parts = parts.into_iter();
    let mut next = || parts.next().unwrap_or_else(|| Err(NpzError::of_file(path, Fault::NotZip))); // three plans, three parts
    Ok(MedMnist { train: next()?, val: next()?, test: next()? })
}

/// Checks the headers of all arrays, alone and against each other.
fn plan(archive: &Archive, classes: usize) -> Result<[Plan; 3], NpzError> {
    let file_error = |fault| archive.error("", fault);
    let with_films = SPLITS.iter().any(|split| archive.contains(split.images));
    let arrays =
        |split: &Split| if with_films { vec![split.images, split.labels] } else { vec![split.labels] };
    archive.require(&SPLITS.iter().flat_map(arrays).collect::<Vec<_>>()).map_err(file_error)?;

    let [train, val, test] = SPLITS.map(|split| split.plan(archive, with_films, classes));
    let plans = [train?, val?, test?];
    for plan in &plans[1..] {
        if let (Some(found), Some(wanted)) = (plan.size, plans[0].size)
            && found != wanted
        {
            let fault = Fault::FilmSize { found, other: plans[0].split.images, wanted };
            return Err(archive.error(plan.split.images, fault));
        }
    }
    if plans[0].rows == 0 {
        return Err(archive.error(plans[0].split.labels, Fault::EmptyTrain));
    }
    let needs = plans.iter().fold(0_u64, |sum, plan| sum.saturating_add(plan.bytes));
    match archive.limits().max_bytes {
        limit if needs > limit => Err(file_error(Fault::TooBigTogether { needs, limit })),
        _ => Ok(plans),
    }
}

impl Split {
    fn plan(self, archive: &Archive, with_films: bool, classes: usize) -> Result<Plan, NpzError> {
        let films = with_films.then(|| self.film_shape(archive)).transpose()?;
        let rows = self.label_rows(archive, classes)?;
        let label_bytes = (rows as u64).saturating_mul(classes as u64);
        let Some([count, height, width]) = films else {
            return Ok(Plan { split: self, size: None, rows, bytes: label_bytes });
        };
        if count != rows {
            let fault = Fault::Count { labels: rows, films: count, images: self.images };
            return Err(archive.error(self.labels, fault));
        }
        // `Archive::info` found this product within the limits.
        let bytes = label_bytes.saturating_add((count * height * width) as u64);
        Ok(Plan { split: self, size: Some((height, width)), rows, bytes })
    }

    /// N, H, W of the films.
    fn film_shape(self, archive: &Archive) -> Result<[usize; 3], NpzError> {
        let info = archive.info(self.images)?;
        let wanted = "grey films, N,H,W or N,H,W,1";
        let found = info.shape;
        let checked = match (info.dtype, found.as_slice()) {
            (Dtype::U8, &[_, height, width] | &[_, height, width, 1]) if height == 0 || width == 0 => {
                Err(Fault::Dimensions { found, wanted: "films of at least 1x1" })
            }
            (Dtype::U8, _) if info.column_major => Err(Fault::Fortran),
            (Dtype::U8, &[count, height, width] | &[count, height, width, 1]) => Ok([count, height, width]),
            (Dtype::U8, &[_, _, _, 3 | 4]) => Err(Fault::Colour(found)),
            (Dtype::U8, _) => Err(Fault::Dimensions { found, wanted }),
            (dtype, _) => Err(Fault::FilmDtype(dtype)),
        };
        checked.map_err(|fault| archive.error(self.images, fault))
    }

    /// N of the label rows.
    fn label_rows(self, archive: &Archive, classes: usize) -> Result<usize, NpzError> {
        let info = archive.info(self.labels)?;
        let checked = match (info.dtype, info.shape.as_slice()) {
            (Dtype::Bool | Dtype::U8 | Dtype::I32 | Dtype::I64, &[rows, columns]) if columns == classes => {
                Ok(rows)
            }
            (Dtype::Bool | Dtype::U8 | Dtype::I32 | Dtype::I64, &[_, found]) => {
                Err(Fault::Classes { found, wanted: classes })
            }
            (Dtype::Bool | Dtype::U8 | Dtype::I32 | Dtype::I64, _) => {
                Err(Fault::Dimensions { found: info.shape, wanted: "one row a film, N,conditions" })
            }
            (found, _) => Err(Fault::Dtype { found, wanted: "uint8 or int64, 0 or 1 for each condition" }),
        };
        checked.map_err(|fault| archive.error(self.labels, fault))
    }
}

impl Plan {
    fn read(&self, archive: &Archive) -> Result<Part, NpzError> {
        let Split { images, labels } = self.split;
        let array = archive.read(labels, |info, entry| {
            integers(info, entry, |index, value| match value {
                0 => Ok(0),
                1 => Ok(1),
                _ => {
                    let place = info.place(index);
                    Err(Fault::Label { value, row: place[0], column: place[1] }) // two axes: `label_rows` saw to it
                }
            })
        })?;
        let classes = array.shape[1];
        // Can't fail: every value was checked, and the classes asked for are more than none.
        let changed = |name| archive.error(name, Fault::Damaged("it changed while it was read"));
        let labels = Labels::new(array.values, classes).ok_or_else(|| changed(labels))?;
        let Some((height, width)) = self.size else { return Ok(Part { films: None, labels }) };
        let pixels = archive.read(images, |info, entry| entry.bytes(count(info)?))?.values;
        let films = Films::new(pixels, height, width).ok_or_else(|| changed(images))?;
        Ok(Part { films: Some(films), labels })
    }
}
