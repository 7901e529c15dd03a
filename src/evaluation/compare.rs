//! Runs on the same images: which is better, by how much, and whether that could be chance.

use rayon::prelude::*;
use serde::Serialize;

use super::record::SEED;
use crate::dataset::labels::LabelSet;
use crate::label::PRESENT;
use crate::metrics::{
    Bootstrap, DEFAULT_THRESHOLD, Draw, FEW_POSITIVES, Interval, Predictions, Thresholds, auroc,
    average_precision, holm, interval, normal_scores, paired_delong,
};
use crate::runs::SplitPredictions;

/// A run's predictions and thresholds.
#[derive(Clone, Copy, Debug)]
pub struct ComparisonInput<'a> {
    /// Probabilities and labels of the split.
    pub predictions: &'a SplitPredictions,
    /// `None`: .5 for all.
    pub thresholds: Option<&'a Thresholds>,
}

/// What b has over a.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Images that both runs have predictions for.
    pub images: usize,
    /// In label order.
    pub conditions: Vec<ConditionDifference>,
    /// Macro AUROC of both.
    pub macro_auroc: Difference,
    /// Macro AUPRC of both.
    pub macro_auprc: Difference,
    /// Macro F1 of both, each at its own thresholds.
    pub macro_f1: Difference,
    /// Resamples behind the three.
    pub resamples: usize,
    /// `patients` or `images`.
    pub unit: &'static str,
}

impl Comparison {
    /// Conditions that could be tested, which is how many tests Holm's correction is for.
    pub fn tested(&self) -> usize {
        self.conditions.iter().filter(|condition| condition.p_holm.is_some()).count()
    }
}

/// A number of both, and the difference b - a.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Value of the first run, 0 to 1; `None` where it is undefined.
    pub a: Option<f64>,
    /// Value of the second run.
    pub b: Option<f64>,
    /// `b - a`, -1 to 1.
    pub difference: Option<f64>,
    /// 95 %.
    pub ci: Option<Interval>,
    /// Two-sided.
    pub p: Option<f64>,
}

/// A condition's AUROC of both.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ConditionDifference {
    /// Key of the condition.
    pub condition: String,
    /// Images with the condition.
    pub support: usize,
    /// Images whose label of the condition is known.
    pub known: usize,
    /// DeLong's test.
    pub auroc: Difference,
    /// Its p corrected for the number of tested conditions (Holm); `None` where fewer than
    /// [`FEW_POSITIVES`] images have the condition or lack it.
    pub p_holm: Option<f64>,
    /// AUPRC of both runs, 0 to 1.
    pub auprc: [Option<f64>; 2],
    /// F1 of both runs at their own thresholds, 0 to 1.
    pub f1: [Option<f64>; 2],
}

/// Why two runs can't be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// They have different numbers of images or conditions.
    #[error("they were evaluated on different numbers of images or conditions")]
    Shape,
    /// They have different labels for the same rows.
    #[error("their images have different labels, so they aren't the same images")]
    Labels,
}

/// Compares two runs on the same images. By condition with DeLong's test and Holm's correction; the means by a
/// paired bootstrap (the same resamples for both), over patients where they are known.
///
/// # Errors
/// When the images aren't the same.
pub fn compare(
    a: ComparisonInput,
    b: ComparisonInput,
    labels: &LabelSet,
    resamples: usize,
) -> Result<Comparison, NotComparable> {
    let (of_a, of_b) = (a.predictions, b.predictions);
    if of_a.classes != of_b.classes || of_a.len() != of_b.len() || labels.len() != of_a.classes {
        return Err(NotComparable::Shape);
    }
    if of_a.labels != of_b.labels {
        return Err(NotComparable::Labels);
    }
    let keys = labels.keys();
    let levels = |input: ComparisonInput| match input.thresholds {
        Some(thresholds) => thresholds.of(&keys),
        None => vec![DEFAULT_THRESHOLD; keys.len()],
    };
    let (levels_a, levels_b) = (levels(a), levels(b));
    let (table_a, table_b) = (of_a.table(), of_b.table());
    let mut conditions: Vec<ConditionDifference> = (0..keys.len())
        .into_par_iter()
        .map(|class| {
            let (truth, scores_a) = column(&table_a, class);
            let (_, scores_b) = column(&table_b, class);
            let f1 = |table: &Predictions, level: f32| {
                crate::metrics::Confusion::of_pairs(table.column(class), level).f1()
            };
            let tested = paired_delong(&scores_a, &scores_b, &truth);
            let (auroc_a, auroc_b) = (auroc(&scores_a, &truth), auroc(&scores_b, &truth));
            ConditionDifference {
                condition: keys[class].clone(),
                support: truth.iter().filter(|label| **label == PRESENT).count(),
                known: truth.len(),
                auroc: Difference {
                    a: auroc_a,
                    b: auroc_b,
                    difference: auroc_a.zip(auroc_b).map(|(a, b)| b - a),
                    ci: tested.map(|tested| tested.difference_ci),
                    p: tested.and_then(|tested| tested.p),
                },
                p_holm: None,
                auprc: [&scores_a, &scores_b].map(|scores| average_precision(scores, &truth)),
                f1: [f1(&table_a, levels_a[class]), f1(&table_b, levels_b[class])],
            }
        })
        .collect();
    // Conditions with few positive or few negative images have no valid test, and none to correct for.
    let tested = |condition: &ConditionDifference| {
        let fewer = condition.support.min(condition.known - condition.support) as u64;
        condition.auroc.p.filter(|_| fewer >= FEW_POSITIVES)
    };
    let corrected = holm(&conditions.iter().map(tested).collect::<Vec<_>>());
    for (condition, p) in conditions.iter_mut().zip(corrected) {
        condition.p_holm = p;
    }

    let patients = of_a.patients.as_deref().or(of_b.patients.as_deref());
    let bootstrap = |table: &Predictions, levels: &[f32]| {
        Bootstrap::new(table, levels, normal_scores(table), DEFAULT_THRESHOLD, patients)
    };
    let (boot_a, boot_b) = (bootstrap(&table_a, &levels_a), bootstrap(&table_b, &levels_b));
    let (draws_a, draws_b) = (boot_a.run(resamples, SEED), boot_b.run(resamples, SEED));
    let whole = vec![1; of_a.len()];
    let (whole_a, whole_b) = (boot_a.resample(&whole), boot_b.resample(&whole));
    let paired = |number: fn(&Draw) -> f64| {
        let differences = draws_a.iter().zip(&draws_b).map(|(a, b)| number(b) - number(a)).collect();
        bootstrapped(number(&whole_a), number(&whole_b), differences)
    };
    Ok(Comparison {
        images: of_a.len(),
        conditions,
        macro_auroc: paired(|draw| draw.macro_of(|numbers| numbers.auroc)),
        macro_auprc: paired(|draw| draw.macro_of(|numbers| numbers.auprc)),
        macro_f1: paired(|draw| draw.macro_of(|numbers| numbers.f1)),
        resamples,
        unit: if patients.is_some() { "patients" } else { "images" },
    })
}

/// A class's known labels with their scores, in row order.
fn column(table: &Predictions, class: usize) -> (Vec<u8>, Vec<f32>) {
    table.column(class).map(|(score, label)| (u8::from(label), score)).unzip()
}

/// A difference with its percentile interval. The p-value is twice the share of resamples on the rarer side of 0,
/// one added above and below so that it is never 0 (Davison & Hinkley 1997, 4.2).
fn bootstrapped(a: f64, b: f64, differences: Vec<f64>) -> Difference {
    let known = |value: f64| (!value.is_nan()).then_some(value);
    let (below, above, all) =
        differences.iter().filter(|d| !d.is_nan()).fold((0, 0, 0), |(below, above, all), d| {
            (below + usize::from(*d <= 0.0), above + usize::from(*d >= 0.0), all + 1)
        });
    let p = (all > 0).then(|| (2.0 * (below.min(above) + 1) as f64 / (all + 1) as f64).min(1.0));
    Difference { a: known(a), b: known(b), difference: known(b - a), ci: interval(differences), p }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(noise: f32) -> SplitPredictions {
        let labels: Vec<u8> = (0..200).map(|image| u8::from(image % 5 == 0)).collect();
        let scattered = |image: usize| (image * 37 % 100) as f32 / 100.0;
        let probabilities = labels
            .iter()
            .enumerate()
            .map(|(image, label)| {
                (f32::from(*label) * (1.0 - noise) + scattered(image) * noise).clamp(0.0, 1.0)
            })
            .collect();
        SplitPredictions {
            logits: Vec::new(),
            probabilities,
            labels,
            classes: 1,
            patients: None,
            epoch: None,
        }
    }

    #[test]
    fn a_condition_with_few_positives_is_not_tested_however_clear_it_looks() {
        let labels = LabelSet::of_width(1);
        for (positives, is_tested) in [(2, false), (9, false), (10, true)] {
            let with_few = |good: bool| {
                let mut of_run = predictions(0.5);
                of_run.labels = (0..200).map(|image| u8::from(image < positives)).collect();
                let ranked = of_run.labels.iter().enumerate().map(|(image, label)| {
                    let noise = (image * 37 % 100) as f32 / 400.0;
                    if good { f32::from(*label) * 0.7 + noise } else { noise * 2.0 }
                });
                of_run.probabilities = ranked.collect();
                of_run
            };
            let (good, bad) = (with_few(true), with_few(false));
            let [a, b] = [&bad, &good].map(|predictions| ComparisonInput { predictions, thresholds: None });
            let found = compare(a, b, &labels, 50).expect("the same images");
            assert_eq!(found.conditions[0].p_holm.is_some(), is_tested, "{positives} positives");
            assert_eq!(found.tested(), usize::from(is_tested));
            assert!(found.conditions[0].auroc.difference.is_some(), "the difference itself is shown");
        }
    }

    #[test]
    fn the_better_run_is_found_better_and_a_run_equals_itself() {
        let (good, bad, labels) = (predictions(0.3), predictions(0.9), LabelSet::of_width(1));
        let of = |predictions| ComparisonInput { predictions, thresholds: None };
        let found = compare(of(&bad), of(&good), &labels, 200).expect("the same images");
        assert!(found.conditions[0].auroc.difference > Some(0.05));
        assert!(found.conditions[0].p_holm < Some(0.01) && found.macro_auroc.p < Some(0.02));
        let same = compare(of(&good), of(&good), &labels, 200).expect("the same images");
        assert_eq!((same.conditions[0].auroc.difference, same.conditions[0].p_holm), (Some(0.0), Some(1.0)));
        assert_eq!((same.macro_auroc.ci, same.macro_auroc.p), (Some([0.0, 0.0]), Some(1.0)));
        let mut other = good.clone();
        other.labels[3] = 1;
        assert_eq!(compare(of(&good), of(&other), &labels, 10), Err(NotComparable::Labels));
    }
}
