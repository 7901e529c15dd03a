//! From an evaluation to what each figure is drawn from.

use super::figures::{self as figure, *};
use super::{ReportError, Sheet};
use crate::label::known_pairs;
use crate::metrics::{
    Calibration, ConditionEvaluation, Cooccurrence, CutPoints, Interval, NORMAL_CLASSES, at_temperature,
    known_normal_scores,
};

type Png = Result<Vec<u8>, ReportError>;

/// A figure's file and how it is drawn.
pub(super) struct Figure {
    pub file: &'static str,
    pub draw: fn(&Sheet) -> Png,
}

/// Every figure but the conditions' confusion matrices. The first names are the predecessor's.
pub(super) const FIGURES: &[Figure] = &[
    Figure { file: "auc_by_condition.png", draw: auc },
    Figure { file: "class_metrics.png", draw: class_metrics },
    Figure { file: "condition_support.png", draw: support },
    Figure { file: "normal_detection.png", draw: normal },
    Figure { file: "normal_detection_matrix.png", draw: normal_matrix },
    Figure { file: "roc_curves.png", draw: roc },
    Figure { file: "pr_curves.png", draw: precision_recall },
    Figure { file: "calibration.png", draw: calibration },
    Figure { file: "threshold_curves.png", draw: thresholds },
    Figure { file: "cooccurrence.png", draw: cooccurrence },
];

/// Points of a curve that are visible at the size it is drawn.
const POINTS: usize = 400;
/// Bars of a histogram.
const BARS: usize = 30;

fn estimate(value: Option<f64>, interval: Option<Interval>) -> Estimate {
    Estimate { value, interval }
}

fn subtitle(sheet: &Sheet) -> String {
    let images = crate::text::thousands(sheet.evaluation.n as u64);
    format!("{}, {} split, {images} images", sheet.title, sheet.evaluation.split)
}

fn named<'a>(sheet: &'a Sheet) -> impl Iterator<Item = (String, &'a ConditionEvaluation)> {
    let names = sheet.labels.iter().map(|condition| condition.name.clone());
    names.zip(sheet.evaluation.iter().map(|(_, numbers)| numbers))
}

/// Conditions by falling AUROC, those without one last.
fn by_auroc<'a>(sheet: &'a Sheet) -> Vec<(String, &'a ConditionEvaluation)> {
    let mut rows: Vec<_> = named(sheet).collect();
    rows.sort_by(|a, b| b.1.auroc.unwrap_or(-1.0).total_cmp(&a.1.auroc.unwrap_or(-1.0)));
    rows
}

fn auc(sheet: &Sheet) -> Png {
    let rows: Vec<AucRow> = by_auroc(sheet)
        .into_iter()
        .map(|(name, c)| AucRow { name, auroc: estimate(c.auroc, c.auroc_ci), support: c.support })
        .collect();
    let mean = &sheet.evaluation.macro_average;
    let mean = estimate(mean.average.values.auroc, mean.auroc_ci);
    Ok(figure::auc_by_condition(&rows, &mean, &subtitle(sheet))?)
}

fn class_metrics(sheet: &Sheet) -> Png {
    let rows: Vec<ClassRow> = by_auroc(sheet)
        .into_iter()
        .map(|(name, c)| ClassRow {
            name,
            precision: c.precision,
            recall: c.recall,
            f1: c.f1,
            threshold: f64::from(c.threshold),
        })
        .collect();
    Ok(figure::class_metrics(&rows, &subtitle(sheet))?)
}

fn support(sheet: &Sheet) -> Png {
    let row =
        |name, c: &ConditionEvaluation| SupportRow { name, positives: c.support, total: c.counts.total() };
    let mut rows: Vec<SupportRow> = named(sheet).map(|(name, c)| row(name, c)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.positives));
    rows.insert(0, row("Normal".to_owned(), &sheet.evaluation.normal_detection.numbers));
    Ok(figure::condition_support(&rows, &subtitle(sheet))?)
}

/// The confusion matrix of condition number `class`.
pub(super) fn matrix(sheet: &Sheet, class: usize) -> Png {
    let Some((name, c)) = named(sheet).nth(class) else {
        // Files are made from the same label set, so there is such a condition.
        return Err(ReportError::NoCondition(class));
    };
    let (absent, present) = (format!("no {}", name.to_lowercase()), name.to_lowercase());
    let threshold = f64::from(c.threshold);
    Ok(figure::confusion_matrix(&name, [&absent, &present], &c.counts, threshold, &subtitle(sheet))?)
}

fn normal_matrix(sheet: &Sheet) -> Png {
    let c = &sheet.evaluation.normal_detection.numbers;
    let title = "Normal against any finding";
    let threshold = f64::from(c.threshold);
    Ok(figure::confusion_matrix(title, NORMAL_CLASSES, &c.counts, threshold, &subtitle(sheet))?)
}

fn normal(sheet: &Sheet) -> Png {
    let pairs = known_normal_scores(&sheet.predictions);
    let c = &sheet.evaluation.normal_detection.numbers;
    let mut bars = [vec![0; BARS], vec![0; BARS]];
    for (score, is_normal) in pairs.iter().filter(|(score, _)| score.is_finite()) {
        let bar = ((score.clamp(0.0, 1.0) * BARS as f32) as usize).min(BARS - 1);
        bars[usize::from(*is_normal)][bar] += 1;
    }
    let [any, normal] = bars;
    let roc = CutPoints::new(pairs).map(|cuts| curve(thinned(cuts.roc(), POINTS))).unwrap_or_default();
    let point = (c.specificity.map_or(0.0, |s| 1.0 - s), c.recall.unwrap_or(0.0));
    let auroc = estimate(c.auroc, c.auroc_ci);
    let threshold = f64::from(c.threshold);
    Ok(figure::normal_detection(&roc, &auroc, point, &normal, &any, threshold, &subtitle(sheet))?)
}

/// Points as a curve.
fn curve(points: Vec<(f64, f64)>) -> Curve {
    let (x, y) = points.into_iter().unzip();
    Curve { x, y }
}

/// At most about `count` of the points, the first and the last among them: those that have moved far enough from
/// the one kept before.
pub fn thinned(points: Vec<(f64, f64)>, count: usize) -> Vec<(f64, f64)> {
    // A curve in the unit square is at most 2 long where it only rises.
    let step = 2.0 / count as f64;
    let last = points.len().saturating_sub(1);
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, point) in points.into_iter().enumerate() {
        let far = kept.last().is_none_or(|k| (point.0 - k.0).abs() + (point.1 - k.1).abs() >= step);
        if far || index == last {
            kept.push(point);
        }
    }
    kept
}

/// Each condition's cut points; `None` where a score is NaN.
fn cuts(sheet: &Sheet, class: usize) -> Option<CutPoints> {
    CutPoints::of_class(&sheet.predictions, class)
}

fn roc(sheet: &Sheet) -> Png {
    let panels: Vec<RocPanel> = named(sheet)
        .enumerate()
        .map(|(class, (name, c))| RocPanel {
            name,
            curve: cuts(sheet, class).map(|cuts| curve(thinned(cuts.roc(), POINTS))).unwrap_or_default(),
            auroc: estimate(c.auroc, c.auroc_ci),
            operating_point: c.specificity.map(|s| 1.0 - s).zip(c.recall),
        })
        .collect();
    Ok(figure::roc_curves(&panels, &subtitle(sheet))?)
}

fn precision_recall(sheet: &Sheet) -> Png {
    let panels: Vec<PrPanel> = named(sheet)
        .enumerate()
        .map(|(class, (name, c))| PrPanel {
            name,
            curve: cuts(sheet, class)
                .map(|cuts| curve(thinned(cuts.precision_recall(), POINTS)))
                .unwrap_or_default(),
            auprc: estimate(c.auprc, c.auprc_ci),
            operating_point: c.recall.zip(c.precision),
            prevalence: c.prevalence.unwrap_or(f64::NAN),
        })
        .collect();
    Ok(figure::pr_curves(&panels, &subtitle(sheet))?)
}

fn reliability(pairs: impl Iterator<Item = (f32, bool)>) -> Reliability {
    let Some(calibration) = Calibration::new(pairs) else { return Reliability::default() };
    let bin = |bin: &crate::metrics::CalibrationBin| {
        Some(Bin { mean_predicted: bin.mean_predicted()?, observed: bin.observed()?, count: bin.count })
    };
    Reliability { bins: calibration.bins.iter().filter_map(bin).collect(), ece: calibration.ece() }
}

fn calibration(sheet: &Sheet) -> Png {
    let pooled = |scores: &[f32]| reliability(known_pairs(scores, sheet.predictions.labels()));
    let temperature = sheet.evaluation.calibration.temperature;
    let after = sheet.logits.zip(temperature).map(|(logits, by)| pooled(&at_temperature(logits, by)));
    let panels: Vec<CalibrationPanel> = named(sheet)
        .enumerate()
        .map(|(class, (name, _))| CalibrationPanel {
            name,
            reliability: reliability(sheet.predictions.column(class)),
        })
        .collect();
    let before = pooled(sheet.predictions.scores());
    Ok(figure::calibration(
        &before,
        &after.unwrap_or_default(),
        temperature.unwrap_or(1.0),
        &panels,
        &subtitle(sheet),
    )?)
}

fn thresholds(sheet: &Sheet) -> Png {
    // Even steps of the square root: the figure's axis.
    let levels: Vec<f32> = (0..=200).map(|step| (step as f32 / 200.0).powi(2)).collect();
    let panels: Vec<ThresholdPanel> = named(sheet)
        .enumerate()
        .map(|(class, (name, c))| {
            let mut panel = ThresholdPanel {
                name,
                thresholds: Vec::new(),
                f1: Vec::new(),
                precision: Vec::new(),
                recall: Vec::new(),
                chosen: f64::from(c.threshold),
            };
            for level in
                cuts(sheet, class).iter().flat_map(|cuts| levels.iter().map(|l| (*l, cuts.counts(*l))))
            {
                let (level, counts) = level;
                let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
                panel.thresholds.push(f64::from(level));
                panel.f1.push(or_nan(counts.f1()));
                panel.precision.push(or_nan(counts.precision()));
                panel.recall.push(or_nan(counts.recall()));
            }
            panel
        })
        .collect();
    Ok(figure::threshold_curves(&panels, &subtitle(sheet))?)
}

fn cooccurrence(sheet: &Sheet) -> Png {
    let levels = sheet.thresholds.of(&sheet.labels.keys());
    let counted = Cooccurrence::new(&sheet.predictions, &levels);
    let names: Vec<String> = sheet.labels.iter().map(|condition| condition.name.clone()).collect();
    Ok(figure::cooccurrence(&names, &counted.labelled, &counted.called, &subtitle(sheet))?)
}
