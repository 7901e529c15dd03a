//! The files of a report.

use std::borrow::Cow;

use serde_json::json;

use super::drawing::{FIGURES, matrix};
use super::results;
use super::sheet::{ReportError, Sheet};
use crate::metrics::Evaluation;

/// A file of the report.
pub struct File {
    /// Name of the file in the report's folder.
    pub name: Cow<'static, str>,
    make: Make,
}

type Make = Box<dyn Fn(&Sheet) -> Result<Vec<u8>, ReportError> + Send + Sync>;

impl File {
    /// Its content.
    ///
    /// # Errors
    /// When a figure can't be drawn.
    pub fn make(&self, sheet: &Sheet) -> Result<Vec<u8>, ReportError> {
        (self.make)(sheet)
    }
}

/// Every file of a report: `report.md`, the predecessor's two JSON files, and the figures.
pub fn files(sheet: &Sheet) -> Vec<File> {
    let fixed = |name, make: fn(&Sheet) -> Result<Vec<u8>, ReportError>| File {
        name: Cow::Borrowed(name),
        make: Box::new(make),
    };
    let mut files = vec![
        fixed("report.md", |sheet| Ok(results::markdown(sheet).into_bytes())),
        fixed("overall_metrics.json", overall),
        fixed("normal_detection_metrics.json", |sheet| pretty(&sheet.evaluation.normal_detection)),
    ];
    files.extend(FIGURES.iter().map(|figure| fixed(figure.file, figure.draw)));
    files.extend(sheet.labels.iter().enumerate().map(|(class, condition)| File {
        name: Cow::Owned(format!("confusion_matrix_{}.png", crate::text::file_part(&condition.key))),
        make: Box::new(move |sheet| matrix(sheet, class)),
    }));
    files
}

/// The predecessor's summary: micro averages by its names, and the macro means.
fn overall(sheet: &Sheet) -> Result<Vec<u8>, ReportError> {
    let Evaluation { micro_average: micro, macro_average, .. } = sheet.evaluation;
    pretty(&json!({
        "split": sheet.evaluation.split,
        "accuracy": micro.accuracy,
        "precision": micro.precision,
        "recall": micro.recall,
        "f1_score": micro.f1,
        "auroc_macro": macro_average.average.values.auroc,
        "auprc_macro": macro_average.average.values.auprc,
        "f1_macro": macro_average.average.values.f1,
        "n_conditions": macro_average.n_conditions,
    }))
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
