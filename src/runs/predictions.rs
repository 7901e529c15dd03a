//! Predictions of a split: `predictions_<split>.npz`.

use std::path::Path;

use crate::dataset::npz::{Archive, Limits, NpzError, Writer};
use crate::metrics::Predictions;

/// A split's logits, probabilities and labels, row by row in the split's order.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitPredictions {
    /// `float32 N,C`; empty where only probabilities are known.
    pub logits: Vec<f32>,
    /// `float32 N,C`, in 0..=1.
    pub probabilities: Vec<f32>,
    /// `uint8 N,C`, 0 or 1.
    pub labels: Vec<u8>,
    /// C.
    pub classes: usize,
    /// Which patient each image is of, where that is known.
    pub patients: Option<Vec<u32>>,
    /// The epoch of the weights; `None` for predictions from elsewhere.
    pub epoch: Option<usize>,
}

impl SplitPredictions {
    /// Those of some images, in this order.
    pub fn subset(&self, images: &[usize]) -> Self {
        fn rows<T: Copy>(values: &[T], images: &[usize], classes: usize) -> Vec<T> {
            // Where only probabilities are known there are no logits.
            if values.is_empty() {
                return Vec::new();
            }
            images.iter().flat_map(|image| &values[image * classes..(image + 1) * classes]).copied().collect()
        }
        Self {
            logits: rows(&self.logits, images, self.classes),
            probabilities: rows(&self.probabilities, images, self.classes),
            labels: rows(&self.labels, images, self.classes),
            classes: self.classes,
            patients: self
                .patients
                .as_ref()
                .map(|patients| images.iter().map(|image| patients[*image]).collect()),
            epoch: self.epoch,
        }
    }
}

/// Why predictions can't be had from a file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum PredictionsFileError {
    #[error(transparent)]
    Npz(#[from] NpzError),
    #[error("{path}: `{array}` has shape {found:?} and should have {wanted}")]
    Shape { path: String, array: String, found: Vec<usize>, wanted: String },
    #[error(
        "{path}: `{array}` holds {value} in row {row}; a probability is between 0 and 1 (of logits, give the sigmoid)"
    )]
    Range { path: String, array: String, row: usize, value: f32 },
    #[error("{path}: `{array}` {rows}; remove these images, or predict them again")]
    NoNumbers { path: String, array: String, rows: RowsWithoutNumbers },
    #[error("{path}: `{array}` holds {value} in row {row}; a label is 0, 1, or -1 (unknown)")]
    Label { path: String, array: String, row: usize, value: i64 },
    #[error("{path} has no array `{array}`, only {present}; {cure}")]
    Missing { path: String, array: String, present: String, cure: &'static str },
}

/// Images whose probabilities are not all numbers (NaN), so that nothing can be evaluated with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsWithoutNumbers {
    /// In the split's order, from 0.
    rows: Vec<usize>,
    /// Of so many.
    of: usize,
}

impl std::fmt::Display for RowsWithoutNumbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMED: usize = 10;
        let named: Vec<String> = self.rows.iter().take(NAMED).map(usize::to_string).collect();
        let more = match self.rows.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (many, rows) = (self.rows.len(), if self.rows.len() == 1 { "row" } else { "rows" });
        write!(f, "holds NaN for {many} of {} images, in {rows} {}{more}", self.of, named.join(", "))
    }
}

/// The rows of `probabilities` (`N,classes`) that hold NaN; `None` where all are numbers.
fn rows_without_numbers(probabilities: &[f32], classes: usize) -> Option<RowsWithoutNumbers> {
    let rows = probabilities.chunks_exact(classes.max(1));
    let of = rows.len();
    let rows: Vec<usize> =
        rows.enumerate().filter(|(_, row)| row.iter().any(|p| p.is_nan())).map(|(index, _)| index).collect();
    (!rows.is_empty()).then_some(RowsWithoutNumbers { rows, of })
}

/// Names of the arrays of a split in a file from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct ArrayNames<'a> {
    /// `float N,C`: probabilities. The first of these that is there.
    pub probabilities: &'a [&'a str],
    /// 0, 1, or -1 where unknown; `N,C`.
    pub labels: &'a str,
    /// Numbers or texts, N; optional.
    pub patients: &'a str,
}

const LIMITS: Limits = Limits { max_bytes: 4 << 30 };

impl SplitPredictions {
    /// Number of images, N.
    pub fn len(&self) -> usize {
        self.labels.len() / self.classes.max(1)
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Images whose probabilities are not all numbers; `None` where there are none.
    pub fn without_numbers(&self) -> Option<RowsWithoutNumbers> {
        rows_without_numbers(&self.probabilities, self.classes)
    }

    /// Probabilities and labels as a table; it is empty where they don't fit each other, which neither reading nor
    /// predicting leaves.
    pub fn table(&self) -> Predictions<'_> {
        Predictions::new(&self.probabilities, &self.labels, self.classes)
            .unwrap_or_else(|_| Predictions::empty(self.classes))
    }

    /// Writes `logits`, `probabilities`, `labels`, `index` (`int64 N`, the image's place in its split) and, where
    /// they are known, `patient` (`int64 N`) and `epoch` (`int64`). Equal predictions give equal bytes.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&self, path: &Path) -> Result<(), NpzError> {
        let shape = [self.len(), self.classes];
        let index: Vec<i64> = (0..self.len() as i64).collect();
        let mut writer = Writer::create(path)?
            .array_f32("logits", &shape, &self.logits)?
            .array_f32("probabilities", &shape, &self.probabilities)?
            .labels("labels", &shape, &self.labels)?
            .array_i64("index", &[self.len()], &index)?;
        if let Some(patients) = &self.patients {
            let patients: Vec<i64> = patients.iter().map(|patient| i64::from(*patient)).collect();
            writer = writer.array_i64("patient", &[self.len()], &patients)?;
        }
        if let Some(epoch) = self.epoch {
            writer = writer.array_i64("epoch", &[], &[epoch as i64])?;
        }
        writer.finish()
    }

    /// Reads what [`SplitPredictions::write`] wrote.
    ///
    /// # Errors
    /// When the file can't be read or isn't such a file.
    pub fn read(path: &Path) -> Result<Self, PredictionsFileError> {
        let names = ArrayNames { probabilities: &["probabilities"], labels: "labels", patients: "patient" };
        let archive = Archive::open(path, LIMITS)?;
        let mut read = Self::from_archive(&archive, path, &names)?;
        let logits = archive.read_f32("logits")?;
        if logits.values.len() != read.probabilities.len() {
            return Err(shape(path, "logits", &logits.shape, "the shape of `probabilities`"));
        }
        read.logits = logits.values;
        if archive.contains("epoch") {
            read.epoch =
                archive.read_i64("epoch")?.values.first().and_then(|epoch| usize::try_from(*epoch).ok());
        }
        Ok(read)
    }

    /// Reads any network's predictions; they have no logits.
    ///
    /// # Errors
    /// When the file can't be read, lacks an array, or holds what is no probability or no label.
    pub fn from_archive(
        archive: &Archive,
        path: &Path,
        names: &ArrayNames,
    ) -> Result<Self, PredictionsFileError> {
        let named = names.probabilities.iter().find(|name| archive.contains(name));
        let Some(&probs) = named else {
            return Err(missing(
                archive,
                path,
                names.probabilities.first().unwrap_or(&"probs"),
                "it holds the probabilities, float32 N,C",
            ));
        };
        if !archive.contains(names.labels) {
            return Err(missing(archive, path, names.labels, "name the array of labels with --labels NAME"));
        }
        let probabilities = archive.read_f32(probs)?;
        let [rows, classes] = probabilities.shape[..] else {
            return Err(shape(path, probs, &probabilities.shape, "two axes, images and conditions"));
        };
        if classes == 0 {
            return Err(shape(path, probs, &probabilities.shape, "at least one condition"));
        }
        if let Some(rows) = rows_without_numbers(&probabilities.values, classes) {
            return Err(PredictionsFileError::NoNumbers { path: shown(path), array: probs.into(), rows });
        }
        let bad = probabilities.values.iter().position(|p| !(0.0..=1.0).contains(p));
        if let Some(at) = bad {
            let (row, value) = (at / classes, probabilities.values[at]);
            return Err(PredictionsFileError::Range { path: shown(path), array: probs.into(), row, value });
        }
        let labels = archive.read_i64(names.labels)?;
        if labels.shape != [rows, classes] {
            return Err(shape(
                path,
                names.labels,
                &labels.shape,
                &format!("{rows},{classes} as `{probs}` has"),
            ));
        }
        if let Some(at) = labels.values.iter().position(|label| !(-1..=1).contains(label)) {
            let (row, value) = (at / classes, labels.values[at]);
            return Err(PredictionsFileError::Label {
                path: shown(path),
                array: names.labels.into(),
                row,
                value,
            });
        }
        let patients = read_patients(archive, path, names.patients, rows)?;
        Ok(Self {
            logits: Vec::new(),
            probabilities: probabilities.values,
            labels: labels.values.into_iter().map(|label| label as i8 as u8).collect(),
            classes,
            patients,
            epoch: None,
        })
    }
}

fn read_patients(
    archive: &Archive,
    path: &Path,
    name: &str,
    rows: usize,
) -> Result<Option<Vec<u32>>, PredictionsFileError> {
    if !archive.contains(name) {
        return Ok(None);
    }
    let patients = archive.read_groups(name)?;
    if patients.shape != [rows] {
        return Err(shape(path, name, &patients.shape, &format!("{rows} values, one an image")));
    }
    Ok(Some(patients.values))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn shape(path: &Path, array: &str, found: &[usize], wanted: &str) -> PredictionsFileError {
    PredictionsFileError::Shape {
        path: shown(path),
        array: array.into(),
        found: found.to_vec(),
        wanted: wanted.into(),
    }
}

fn missing(archive: &Archive, path: &Path, array: &str, cure: &'static str) -> PredictionsFileError {
    let present: Vec<&str> = archive.names().collect();
    PredictionsFileError::Missing {
        path: shown(path),
        array: array.into(),
        present: crate::text::one_line(&present.join(", "), 200),
        cure,
    }
}
