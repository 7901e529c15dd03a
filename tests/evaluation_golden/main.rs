//! Evaluations against what scikit-learn, torchmetrics, scipy and exact arithmetic say of the same images
//! (`tests/reference/evaluation_golden.py`), and what is ours to decide: resamples, threads, NaN scores.

use std::collections::{BTreeMap, HashMap};

use chestxr_tui::dataset::npz::{Archive, Limits};
use chestxr_tui::metrics::{
    Average, Basis, Bootstrap, Calibration, Chosen, ConditionEvaluation, Confusion, Cooccurrence, CutPoint,
    CutPoints, DEFAULT_THRESHOLD, Draw, Evaluation, PerMetric, Predictions, Resampled, Resampling, Subject,
    ThresholdRule, Thresholds, Units, Weight, at_temperature, auroc, bce_at_temperature, delong, holm,
    interval, normal_scores, paired_delong, temperature,
};
use serde::Deserialize;
use support::splitmix;

#[path = "../support/mod.rs"]
mod support;

mod bootstrap;
mod calibration;
mod cases;
mod comparison;
mod problems;
mod unknown;

use cases::*;

/// Equal but for the last bits of a few f64 operations.
const EXACT: f64 = 1e-12;
/// Equal as far as float32 sums in the reference can tell.
const SINGLE: f64 = 1e-6;
/// The same sums in another order, or an optimum found another way.
const CLOSE: f64 = 1e-9;

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/evaluation.json"))
        .expect("the golden file has the shape above")
}

fn labels(digits: &str) -> Vec<u8> {
    digits.bytes().map(|digit| digit - b'0').collect()
}

/// N x C images with a threshold a condition.
struct Images {
    c: usize,
    scores: Vec<f32>,
    labels: Vec<u8>,
    thresholds: Vec<f32>,
}

impl Images {
    fn of(problem: &Problem) -> Self {
        let (n, c) = (problem.n, problem.c);
        let thresholds = problem.thresholds.clone();
        let images = match problem.seed {
            Some(seed) => {
                let made = splitmix::problem(seed);
                assert_eq!((made.n, made.c, Some(made.k_sum)), (n, c, problem.k_sum), "{}", problem.name);
                assert_eq!(made.thresholds, thresholds, "{}", problem.name);
                Self { c, scores: made.scores, labels: made.labels, thresholds }
            }
            None => Self {
                c,
                scores: problem.scores.clone().expect("scores are written out"),
                labels: labels(problem.labels.as_deref().expect("labels are written out")),
                thresholds,
            },
        };
        assert_eq!(images.scores.len(), n * c, "{}", problem.name);
        images
    }

    /// The images of the problem of this name.
    fn named(problems: &[Problem], name: &str) -> Self {
        Self::of(problems.iter().find(|problem| problem.name == name).expect(name))
    }

    fn table(&self) -> Predictions<'_> {
        Predictions::new(&self.scores, &self.labels, self.c).expect("whole rows")
    }

    fn evaluate(&self, resampling: Resampling) -> Evaluation {
        let names: Vec<String> = (0..self.c).map(|class| format!("c{class:02}")).collect();
        let chosen = |threshold: f32| Chosen { threshold, by: Basis::Hand };
        let thresholds = Thresholds {
            rule: ThresholdRule::default(),
            split: "val".to_owned(),
            epoch: None,
            conditions: names.iter().cloned().zip(self.thresholds.iter().map(|t| chosen(*t))).collect(),
            normal: chosen(DEFAULT_THRESHOLD),
            temperature: None,
        };
        let subject = Subject {
            probabilities: self.table(),
            logits: None,
            conditions: &names,
            thresholds: &thresholds,
            split: "test",
        };
        Evaluation::new(&subject, resampling)
    }

    fn bootstrap(&self, patients: Option<&[u32]>) -> Bootstrap {
        let table = self.table();
        Bootstrap::new(&table, &self.thresholds, normal_scores(&table), DEFAULT_THRESHOLD, patients)
    }
}

const NO_INTERVALS: Resampling = Resampling { count: 0, seed: 0, patients: None };

#[track_caller]
fn assert_same(what: &str, ours: Option<f64>, theirs: Option<f64>, within: f64) {
    let same = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= within,
        (None, None) => true,
        _ => false,
    };
    assert!(same, "{what}: ours {ours:?}, reference {theirs:?}");
}

/// The same up to a share of the number itself.
#[track_caller]
fn assert_same_share(what: &str, ours: Option<f64>, theirs: Option<f64>, share: f64) {
    assert_same(what, ours, theirs, share * theirs.unwrap_or(0.0).abs());
}

#[track_caller]
fn assert_same_points(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}: points");
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_same(&format!("{what}, point {index}"), Some(*ours), Some(*theirs), EXACT);
    }
}

/// What the reference's key of a mean is called here.
fn metric<T: Copy>(values: &PerMetric<T>, key: &str) -> T {
    match key {
        "auroc" => values.auroc,
        "auprc" => values.auprc,
        "precision" => values.precision,
        "recall" => values.recall,
        "specificity" => values.specificity,
        "f1" => values.f1,
        "mcc" => values.mcc,
        "balanced_accuracy" => values.balanced_accuracy,
        _ => panic!("no mean of {key} is taken"),
    }
}

#[track_caller]
fn assert_same_means(what: &str, ours: &Average, theirs: &BTreeMap<String, (Option<f64>, usize)>) {
    for (key, (value, defined)) in theirs {
        let what = format!("{what} {key}");
        assert_same(&what, metric(&ours.values, key), *value, EXACT);
        assert_eq!(metric(&ours.defined, key), *defined, "{what}: values in the mean");
    }
}

#[track_caller]
fn assert_evaluated(name: &str, images: &Images, expected: &Expected) {
    let ours = images.evaluate(NO_INTERVALS);
    let conditions: Vec<&ConditionEvaluation> = ours.iter().map(|(_, numbers)| numbers).collect();
    assert_eq!((conditions.len(), ours.n), (images.c, images.scores.len() / images.c), "{name}");
    let theirs = &expected.conditions;
    for (class, ours) in conditions.into_iter().enumerate() {
        let what = format!("{name}, condition {class}");
        assert_eq!(ours.support, theirs.support[class], "{what}: support");
        let counts = Confusion {
            tn: theirs.tn[class],
            fp: theirs.fp[class],
            fn_: theirs.fn_[class],
            tp: theirs.tp[class],
        };
        assert_eq!(ours.counts, counts, "{what}");
        for (key, ours, theirs) in [
            ("prevalence", ours.prevalence, &theirs.prevalence),
            ("auroc", ours.auroc, &theirs.auroc),
            ("auprc", ours.auprc, &theirs.auprc),
            ("precision", ours.precision, &theirs.precision),
            ("recall", ours.recall, &theirs.recall),
            ("specificity", ours.specificity, &theirs.specificity),
            ("npv", ours.npv, &theirs.npv),
            ("f1", ours.f1, &theirs.f1),
            ("mcc", ours.mcc, &theirs.mcc),
            ("balanced accuracy", ours.balanced_accuracy, &theirs.balanced_accuracy),
            ("brier", ours.brier, &theirs.brier),
        ] {
            assert_same(&format!("{what}: {key}"), ours, theirs[class], EXACT);
        }
        assert_same(&format!("{what}: ece, torchmetrics"), ours.ece, theirs.ece[class], SINGLE);
        assert_same(&format!("{what}: ece"), ours.ece, theirs.ece_f64[class], CLOSE);
    }
    assert_same_means(&format!("{name}: macro"), &ours.macro_average.average, &expected.macro_average);
    assert_eq!(ours.macro_average.n_conditions, expected.macro_average["auroc"].1, "{name}");
    assert_same_means(&format!("{name}: samples"), &ours.samples, &expected.samples);
    for (key, value) in &expected.weighted {
        assert_same(&format!("{name}: weighted {key}"), metric(&ours.weighted.values, key), *value, EXACT);
    }
    let micro = &ours.micro_average;
    let keys = [
        ("auroc", micro.auroc),
        ("auprc", micro.auprc),
        ("precision", micro.precision),
        ("recall", micro.recall),
        ("f1", micro.f1),
        ("accuracy", micro.accuracy),
    ];
    assert_eq!(expected.micro.len(), keys.len(), "{name}");
    for (key, ours) in keys {
        assert_same(&format!("{name}: micro {key}"), ours, expected.micro[key], EXACT);
    }
    let subset = Some(expected.subset_accuracy);
    assert_same(&format!("{name}: subset accuracy"), micro.subset_accuracy, subset, EXACT);
    assert_same(&format!("{name}: MedMNIST's AUC"), ours.medmnist.auc, expected.medmnist.auc, EXACT);
    assert_same(&format!("{name}: MedMNIST's ACC"), ours.medmnist.acc, Some(expected.medmnist.acc), EXACT);
    assert_normal(name, images, &ours, &expected.normal);
}

#[track_caller]
fn assert_normal(name: &str, images: &Images, ours: &Evaluation, theirs: &Normal) {
    let (accuracy, ours) = (ours.normal_detection.accuracy, &ours.normal_detection.numbers);
    assert_eq!((ours.support, ours.counts), (theirs.support, theirs.counts), "{name}: normal");
    for (key, ours, theirs) in [
        ("auroc", ours.auroc, theirs.auroc),
        ("auprc", ours.auprc, theirs.auprc),
        ("precision", ours.precision, theirs.precision),
        ("recall", ours.recall, theirs.recall),
        ("specificity", ours.specificity, theirs.specificity),
        ("npv", ours.npv, theirs.npv),
        ("f1", ours.f1, theirs.f1),
        ("mcc", ours.mcc, theirs.mcc),
        ("balanced accuracy", ours.balanced_accuracy, theirs.balanced_accuracy),
        ("accuracy", accuracy, Some(theirs.accuracy)),
    ] {
        assert_same(&format!("{name}: normal {key}"), ours, theirs, EXACT);
    }
    // No number of ours, but the reference's calls are ours only if this holds too.
    let images = images.scores.chunks_exact(images.c).zip(images.labels.chunks_exact(images.c)).map(
        |(scores, labels)| {
            let called = scores.iter().zip(&images.thresholds).any(|(score, threshold)| score > threshold);
            (if called { 0.0 } else { 1.0 }, labels.iter().all(|label| *label == 0))
        },
    );
    let Confusion { tn, fp, fn_, tp } = Confusion::of_pairs(images, DEFAULT_THRESHOLD);
    assert_eq!([tn, fp, fn_, tp], theirs.no_call, "{name}: normal where no condition is called");
}
