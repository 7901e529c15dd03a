//! Data sets in MedMNIST's layout: `train_images`, `train_labels` and likewise `val`, `test`.

use std::path::Path;

use super::super::images::{Images, Labels};
use super::super::part::Part;
use super::archive::{Archive, Limits, count, integers};
use super::dtype::Dtype;
use super::entry::EntryReader;
use super::error::{Fault, NpzError};
use super::npy::ArrayInfo;
use crate::label::UNKNOWN;

/// Everything of a MedMNIST-style archive.
#[derive(Clone, Debug, PartialEq)]
pub struct MedMnist {
    /// What the network learns from.
    pub train: Part,
    /// What is watched while it learns.
    pub val: Part,
    /// The array with its labels.
    pub test: Part,
}

/// A MedMNIST-style archive whose headers were checked, before any image is read.
pub struct Opened {
    archive: Archive,
    plans: [Plan; 3],
    conditions: Option<Vec<String>>,
}

/// A split's arrays by name.
#[derive(Clone, Copy)]
struct Split {
    images: &'static str,
    labels: &'static str,
    /// Ours, not MedMNIST's; optional.
    patients: &'static str,
}

/// In the order of `MedMnist`'s parts.
const SPLITS: [Split; 3] = [
    Split { images: "train_images", labels: "train_labels", patients: "train_patient" },
    Split { images: "val_images", labels: "val_labels", patients: "val_patient" },
    Split { images: "test_images", labels: "test_labels", patients: "test_patient" },
];

/// The headers of a split's arrays.
struct Plan {
    split: Split,
    /// Header of the images; `None` without images.
    images: Option<ArrayInfo>,
    /// Height and width; `None` without images.
    size: Option<(usize, usize)>,
    labels: ArrayInfo,
    /// Label rows, and columns.
    rows: usize,
    classes: usize,
    /// Memory its arrays will take.
    bytes: u64,
}

/// Reads the images (`uint8 N,H,W` or `N,H,W,1`) and labels (`bool`, `uint8`, `int32` or `int64`, `N,classes` of 0
/// and 1) of the three splits, each array straight into its one allocation, the splits in parallel. An archive of
/// labels alone gives parts without images. `train_patient`, `val_patient` and `test_patient` (numbers or texts, one a
/// image) are read where they are there. Other arrays are left alone; val and test may be empty.
///
/// All headers are checked before the first image is read. Without `classes` the width of the labels is how many
/// there are.
///
/// # Errors
/// One sentence that names the file, the array, what is wrong and what to do; the first in the order of the splits.
pub fn read_medmnist(path: &Path, classes: Option<usize>, limits: Limits) -> Result<MedMnist, NpzError> {
    Opened::open(path, classes, limits)?.read()
}

impl Opened {
    /// Opens an archive and checks the headers of all its arrays.
    ///
    /// # Errors
    /// As [`read_medmnist`].
    pub fn open(path: &Path, classes: Option<usize>, limits: Limits) -> Result<Self, NpzError> {
        let archive = Archive::open(path, limits)?;
        let conditions = match archive.contains(CONDITIONS) {
            true => Some(archive.read_text(CONDITIONS)?.values),
            false => None,
        };
        let plans = plan(&archive, classes.or(conditions.as_ref().map(Vec::len)))?;
        Ok(Self { archive, plans, conditions })
    }

    /// Names of the label columns, where the archive has them (`conditions`, text).
    pub fn conditions(&self) -> Option<&[String]> {
        self.conditions.as_deref()
    }

    /// Label columns.
    pub fn classes(&self) -> usize {
        self.plans[0].classes
    }

    /// Images of each split; `None` without images.
    pub fn images(&self) -> Option<[usize; 3]> {
        self.plans[0].size?;
        Some([0, 1, 2].map(|split| self.plans[split].rows))
    }

    /// Height and width of the images; `None` without images.
    pub fn image_size(&self) -> Option<(usize, usize)> {
        self.plans[0].size
    }

    /// Reads everything into memory.
    ///
    /// # Errors
    /// As [`read_medmnist`].
    pub fn read(&self) -> Result<MedMnist, NpzError> {
        let [train, val, test] = &self.plans;
        let read = |plan: &Plan| plan.read(&self.archive, true);
        // Inflating is the slow part and can't be split within an array; val and test together take less than train.
        let (train, (val, test)) = rayon::join(|| read(train), || (read(val), read(test)));
        Ok(MedMnist { train: train?, val: val?, test: test? })
    }

    /// Reads all but the images.
    ///
    /// # Errors
    /// As [`read_medmnist`].
    pub fn read_labels(&self) -> Result<[Part; 3], NpzError> {
        let [train, val, test] = &self.plans;
        let read = |plan: &Plan| plan.read(&self.archive, false);
        Ok([read(train)?, read(val)?, read(test)?])
    }

    /// All images one after another, split after split.
    pub fn stream(&self) -> ImageStream<'_> {
        ImageStream { opened: self, split: 0, left: 0, entry: None }
    }
}

/// Images of an archive one after another.
pub struct ImageStream<'a> {
    opened: &'a Opened,
    /// The split that comes when this one's images are read.
    split: usize,
    left: usize,
    entry: Option<EntryReader<'a>>,
}

impl ImageStream<'_> {
    /// Fills `out` (`H*W` bytes) with the next image.
    ///
    /// # Errors
    /// When the file is damaged, or there is no further image.
    pub fn next_image(&mut self, out: &mut [u8]) -> Result<(), NpzError> {
        let archive = &self.opened.archive;
        while self.left == 0 {
            let Some(plan) = self.opened.plans.get(self.split) else {
                return Err(archive.error("", CHANGED));
            };
            let (info, entry) = archive.begin(plan.split.images)?;
            if Some(&info) != plan.images.as_ref() {
                return Err(archive.error(plan.split.images, CHANGED));
            }
            (self.entry, self.left) = (Some(entry), plan.rows);
            self.split += 1;
        }
        let name = self.opened.plans[self.split - 1].split.images;
        let said = |fault| archive.error(name, fault);
        if let Some(entry) = &mut self.entry {
            entry.fill(out).map_err(said)?;
        }
        self.left -= 1;
        match self.entry.take() {
            // The last image of a split: what follows must be its end, with the right checksum.
            Some(entry) if self.left == 0 => entry.finish().map_err(said),
            entry => {
                self.entry = entry;
                Ok(())
            }
        }
    }
}

/// Names of the label columns; ours, not MedMNIST's.
const CONDITIONS: &str = "conditions";

/// Checks the headers of all arrays, alone and against each other.
fn plan(archive: &Archive, classes: Option<usize>) -> Result<[Plan; 3], NpzError> {
    let file_error = |fault| archive.error("", fault);
    let with_images = SPLITS.iter().any(|split| archive.contains(split.images));
    let arrays =
        |split: &Split| if with_images { vec![split.images, split.labels] } else { vec![split.labels] };
    archive.require(&SPLITS.iter().flat_map(arrays).collect::<Vec<_>>()).map_err(file_error)?;

    let labels = archive.info(SPLITS[0].labels)?;
    let classes = classes.or(labels.shape.get(1).copied()).unwrap_or(0);
    let [train, val, test] = SPLITS.map(|split| split.plan(archive, with_images, classes));
    let plans = [train?, val?, test?];
    for plan in &plans[1..] {
        if let (Some(found), Some(wanted)) = (plan.size, plans[0].size)
            && found != wanted
        {
            let fault = Fault::ImageSize { found, other: plans[0].split.images, wanted };
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
    fn plan(self, archive: &Archive, with_images: bool, classes: usize) -> Result<Plan, NpzError> {
        let images = with_images.then(|| archive.info(self.images)).transpose()?;
        let shape = images.as_ref().map(image_shape).transpose();
        let shape = shape.map_err(|fault| archive.error(self.images, fault))?;
        let labels = archive.info(self.labels)?;
        let rows = label_rows(&labels, classes).map_err(|fault| archive.error(self.labels, fault))?;
        if let Some([count, ..]) = shape
            && count != rows
        {
            let fault = Fault::Count { labels: rows, count, images: self.images };
            return Err(archive.error(self.labels, fault));
        }
        // `Archive::info` found both products within the limits.
        let pixels = shape.map_or(0, |[count, height, width]| count * height * width);
        let bytes = (pixels as u64).saturating_add((rows * classes) as u64);
        let size = shape.map(|[_, height, width]| (height, width));
        Ok(Plan { split: self, images, size, labels, rows, classes, bytes })
    }
}

/// N, H, W of images.
fn image_shape(info: &ArrayInfo) -> Result<[usize; 3], Fault> {
    let dimensions = |wanted| Fault::Dimensions { found: info.shape.clone(), wanted };
    match (info.dtype, info.shape.as_slice()) {
        (Dtype::U8, &[count, height, width] | &[count, height, width, 1]) => match info.column_major {
            _ if height == 0 || width == 0 => Err(dimensions("N,H,W with images of at least 1x1")),
            true => Err(Fault::Fortran),
            false => Ok([count, height, width]),
        },
        (Dtype::U8, &[_, _, _, 3 | 4]) => Err(Fault::Colour(info.shape.clone())),
        (Dtype::U8, _) => Err(dimensions("grey images, N,H,W or N,H,W,1")),
        (dtype, _) => Err(Fault::ImageDtype(dtype)),
    }
}

/// N of label rows.
fn label_rows(info: &ArrayInfo, classes: usize) -> Result<usize, Fault> {
    match (info.dtype, info.shape.as_slice()) {
        (Dtype::Bool | Dtype::U8 | Dtype::I8 | Dtype::I32 | Dtype::I64, &[rows, columns]) => match columns {
            _ if columns == classes && classes > 0 => Ok(rows),
            found => Err(Fault::Classes { found, wanted: classes }),
        },
        (Dtype::Bool | Dtype::U8 | Dtype::I8 | Dtype::I32 | Dtype::I64, found) => {
            Err(Fault::Dimensions { found: found.to_vec(), wanted: "N,conditions with one row an image" })
        }
        (found, _) => Err(Fault::Dtype {
            found,
            wanted: "uint8, int8 or int64, 0 or 1 for each condition, -1 where it is unknown",
        }),
    }
}

/// The file isn't the one whose headers were checked.
const CHANGED: Fault = Fault::Damaged("it changed while it was read");

impl Plan {
    /// Reads the split's arrays, whose headers must still be those that were checked.
    fn read(&self, archive: &Archive, with_images: bool) -> Result<Part, NpzError> {
        let Split { images, labels, patients } = self.split;
        let values = archive.read(labels, |info, entry| {
            if *info != self.labels {
                return Err(CHANGED);
            }
            integers(info, entry, |index, value| match value {
                0 => Ok(0),
                1 => Ok(1),
                -1 => Ok(UNKNOWN),
                _ => {
                    let place = info.place(index); // two axes: `label_rows` saw to it
                    Err(Fault::Label { value, row: place[0], column: place[1] })
                }
            })
        })?;
        // Neither wrapping below fails for what was checked; if one did, it would return an error.
        let changed = |name| archive.error(name, CHANGED);
        let label_rows = Labels::new(values.values, self.classes).ok_or_else(|| changed(labels))?;
        let (mut numbers, mut names) = (None, Vec::new());
        if archive.contains(patients) {
            names = self.patients(archive)?;
            numbers = Some(groups(&names));
        }
        let (Some(wanted), Some((height, width)), true) = (&self.images, self.size, with_images) else {
            return Ok(Part::of_patients(None, label_rows, numbers, names));
        };
        let pixels = archive.read(images, |info, entry| match info == wanted {
            true => entry.bytes(count(info)?),
            false => Err(CHANGED),
        })?;
        let images = Images::new(pixels.values, height, width).ok_or_else(|| changed(images))?;
        Ok(Part::of_patients(Some(images), label_rows, numbers, names))
    }

    /// The patients' names, or their numbers as texts.
    fn patients(&self, archive: &Archive) -> Result<Vec<String>, NpzError> {
        let name = self.split.patients;
        let read = archive.read_names(name)?;
        match read.shape == [self.rows] {
            true => Ok(read.values),
            false => {
                let fault = Fault::Dimensions { found: read.shape, wanted: "N with one patient an image" };
                Err(archive.error(name, fault))
            }
        }
    }
}

/// Numbers for names in the order in which they first come.
fn groups(names: &[String]) -> Vec<u32> {
    let mut known = std::collections::HashMap::new();
    names
        .iter()
        .map(|name| {
            let next = known.len() as u32; // no more than images
            *known.entry(name.as_str()).or_insert(next)
        })
        .collect()
}
