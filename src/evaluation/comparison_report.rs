//! What runs side by side leave in a folder: `comparison.md`, `comparison.json` and three kinds of figures.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::compare::{Comparison, Difference};
use super::compared_runs::{ComparedRun, SideBySide};
use crate::files::replace_file;
use crate::metrics::{CutPoints, FEW_POSITIVES, Interval};
use crate::report::figures::{
    Curve, DifferenceRow, Estimate, FigureError, MetricPanel, OverlayPanel, difference_plot, learning_curves,
    roc_overlay,
};
use crate::report::{table, thinned};
use crate::runs::METRICS;
use crate::text::thousands;

/// Points of a curve that are visible at the size it is drawn.
const POINTS: usize = 400;

/// What the learning curves show, by key in `metrics.jsonl`.
const CURVES: &[&str] =
    &["train_loss", "val_loss_unweighted", "val_auroc_macro", "val_auprc_macro", "val_f1_score", "lr"];

/// Writes all of it; the folder is made where it isn't there. Gives the files' names in order.
///
/// # Errors
/// When a figure can't be drawn or a file can't be written.
pub fn write_comparison(side: &SideBySide, out: &Path) -> Result<Vec<String>> {
    std::fs::create_dir_all(out).with_context(|| format!("can't make the folder {}", out.display()))?;
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("comparison.md".into(), markdown(side).into_bytes()),
        ("comparison.json".into(), serde_json::to_vec_pretty(&side.to_json())?),
    ];
    let figures: Vec<(String, Result<Vec<u8>, FigureError>)> = figure_files(side)
        .into_par_iter()
        .map(|(name, figure)| {
            let drawn = match figure {
                Figure::Differences(other) => differences(side, other),
                Figure::Roc => roc(side),
                Figure::Learning => learning(side),
            };
            (name, drawn)
        })
        .collect();
    for (name, drawn) in figures {
        let bytes = drawn.with_context(|| format!("can't draw {name}"))?;
        files.push((name, bytes));
    }
    for (name, bytes) in &files {
        let path = out.join(name);
        replace_file(&path, bytes).with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

enum Figure {
    /// Number n of the others against the first.
    Differences(usize),
    Roc,
    Learning,
}

fn figure_files(side: &SideBySide) -> Vec<(String, Figure)> {
    let mut files: Vec<(String, Figure)> = (0..side.against_first.len())
        .map(|other| (differences_file(side, other), Figure::Differences(other)))
        .collect();
    files.push(("roc_curves.png".into(), Figure::Roc));
    files.push(("learning_curves.png".into(), Figure::Learning));
    files
}

fn differences_file(side: &SideBySide, other: usize) -> String {
    match side.against_first.len() {
        1 => "differences.png".into(),
        _ => format!("differences_{}.png", crate::text::file_part(&side.runs[other + 1].id)),
    }
}

fn subtitle(side: &SideBySide) -> String {
    let images = side.runs.first().map_or(0, |run| run.predictions.len());
    format!("{} split, {} images", side.split, thousands(images as u64))
}

fn differences(side: &SideBySide, other: usize) -> Result<Vec<u8>, FigureError> {
    let rows: Vec<DifferenceRow> = side
        .labels
        .iter()
        .zip(&side.against_first[other].conditions)
        .map(|(label, condition)| DifferenceRow {
            name: label.name.clone(),
            difference: Estimate { value: condition.auroc.difference, interval: condition.auroc.ci },
            p: condition.p_holm,
        })
        .collect();
    difference_plot(&rows, &side.runs[0].title, &side.runs[other + 1].title, &subtitle(side))
}

fn titles(side: &SideBySide) -> Vec<String> {
    side.runs.iter().map(|run| run.title.clone()).collect()
}

fn roc(side: &SideBySide) -> Result<Vec<u8>, FigureError> {
    let panels: Vec<OverlayPanel> = side
        .labels
        .iter()
        .enumerate()
        .map(|(class, label)| {
            let cuts: Vec<Option<CutPoints>> =
                side.runs.iter().map(|run| CutPoints::of_class(&run.predictions.table(), class)).collect();
            let curve = |cuts: &CutPoints| curve(thinned(cuts.roc(), POINTS));
            OverlayPanel {
                name: label.name.clone(),
                curves: cuts.iter().map(|cuts| cuts.as_ref().map(curve).unwrap_or_default()).collect(),
                aurocs: std::iter::once(side.against_first[0].conditions[class].auroc.a)
                    .chain(side.against_first.iter().map(|other| other.conditions[class].auroc.b))
                    .collect(),
            }
        })
        .collect();
    roc_overlay(&panels, &titles(side), &subtitle(side))
}

fn curve(points: Vec<(f64, f64)>) -> Curve {
    let (x, y) = points.into_iter().unzip();
    Curve { x, y }
}

fn learning(side: &SideBySide) -> Result<Vec<u8>, FigureError> {
    let of_run = |run: &ComparedRun, key: &str| {
        let Some(metric) = METRICS.iter().find(|metric| metric.key == key) else { return Curve::default() };
        let known = run.epochs.iter().filter_map(|epoch| Some((epoch.epoch as f64, (metric.get)(epoch)?)));
        curve(known.collect())
    };
    let panels: Vec<MetricPanel> = METRICS
        .iter()
        .filter(|metric| CURVES.contains(&metric.key))
        .map(|metric| MetricPanel {
            title: match metric.key.split_once('_') {
                Some(("train", _)) => format!("training {}", metric.label),
                Some(("val", _)) => format!("validation {}", metric.label),
                _ => metric.label.to_owned(),
            },
            curves: side.runs.iter().map(|run| of_run(run, metric.key)).collect(),
        })
        .collect();
    learning_curves(&panels, &titles(side), "by epoch")
}

/// Three digits, `–` where undefined.
fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.3}"))
}

/// Three digits with the sign.
fn signed(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:+.3}"))
}

fn interval(ends: Option<Interval>) -> String {
    ends.map_or("–".to_owned(), |[low, high]| format!("{low:+.3} to {high:+.3}"))
}

/// A probability as papers write it.
fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "< .001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// A row of a table of differences, as text: a, b, difference, interval, p.
pub fn difference_cells(difference: &Difference, p: Option<f64>) -> [String; 5] {
    [
        number(difference.a),
        number(difference.b),
        signed(difference.difference),
        interval(difference.ci),
        p_value(p),
    ]
}

/// The means with their names.
pub fn means(comparison: &Comparison) -> [(&'static str, &Difference); 3] {
    [
        ("macro AUROC", &comparison.macro_auroc),
        ("macro AUPRC", &comparison.macro_auprc),
        ("macro F1", &comparison.macro_f1),
    ]
}

/// The comparison in Markdown.
fn markdown(side: &SideBySide) -> String {
    let first = &side.runs[0];
    let mut out = format!("# {} runs on the {}\n\n", side.runs.len(), subtitle(side));
    let rows = side.runs.iter().map(|run| {
        let epoch = run.predictions.epoch.map_or("–".to_owned(), |epoch| epoch.to_string());
        vec![run.title.clone(), run.id.clone(), epoch]
    });
    let _ = writeln!(out, "{}", table(&["run", "id", "best epoch"], rows));
    for (run, comparison) in side.runs.iter().skip(1).zip(&side.against_first) {
        let _ = writeln!(out, "## {} compared with {}\n", run.title, first.title);
        let heading = ["", "images", &first.title, &run.title, "difference", "95 %", "p"];
        let conditions = side.labels.iter().zip(&comparison.conditions).map(|(label, condition)| {
            let mut cells = vec![label.name.clone(), thousands(condition.support as u64)];
            cells.extend(difference_cells(&condition.auroc, condition.p_holm));
            cells
        });
        let means = means(comparison).map(|(name, difference)| {
            let mut cells = vec![name.to_owned(), thousands(comparison.images as u64)];
            cells.extend(difference_cells(difference, difference.p));
            cells
        });
        let _ = writeln!(out, "{}", table(&heading, conditions.chain(means)));
    }
    let comparison = &side.against_first[0];
    let _ = writeln!(
        out,
        "Conditions: AUROC, DeLong's test for two models on the same images, p corrected for the {} conditions \
         that can be tested (Holm); those under {FEW_POSITIVES} positive images are not tested. Means: paired bootstrap over {} resamples of the {}; the p-values of means aren't corrected. \
         DeLong's test takes images for independent, which two images of one patient are not. F1 at each run's \
         own thresholds.\n",
        comparison.tested(),
        thousands(comparison.resamples as u64),
        comparison.unit
    );
    let _ = writeln!(out, "## Settings that differ\n");
    if side.settings.is_empty() {
        let _ = writeln!(out, "None.\n");
    } else {
        let mut heading = vec!["setting"];
        heading.extend(side.runs.iter().map(|run| run.title.as_str()));
        let rows = side.settings.iter().map(|setting| {
            let values = setting.values.iter().map(|value| match value.as_str() {
                "" => "empty".to_owned(),
                value => value.to_owned(),
            });
            std::iter::once(setting.key.to_owned()).chain(values).collect()
        });
        let _ = writeln!(out, "{}", table(&heading, rows));
    }
    let _ = writeln!(out, "## Figures\n");
    for (name, _) in figure_files(side) {
        let _ = writeln!(out, "![{}]({name})\n", name.trim_end_matches(".png").replace('_', " "));
    }
    out
}
