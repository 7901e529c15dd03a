//! Unknown labels are left out, condition by condition: against torchmetrics' `ignore_index` and scikit-learn on what a mask
//! by hand leaves (`tests/reference/unknown_golden.py`).

use std::collections::BTreeMap;

use chestxr_tui::label::UNKNOWN;
use chestxr_tui::metrics::{
    Basis, Bootstrap, Chosen, CutPoints, DEFAULT_THRESHOLD, EpochAccumulator, Evaluation, Predictions,
    Subject, ThresholdRule, Thresholds, bce_with_logits, known_normal_scores, normal_scores, paired_delong,
    sigmoid, temperature,
};
use serde::Deserialize;

use super::{NO_INTERVALS, SINGLE, assert_same};

#[derive(Deserialize)]
struct Unknown {
    n: usize,
    c: usize,
    labels: Vec<i8>,
    logits: Vec<f32>,
    other_logits: Vec<f32>,
    weights: Vec<u32>,
    conditions: Vec<Condition>,
    micro: Micro,
    normal: Normal,
    bce: f64,
    delong: (Vec<f64>, Vec<Vec<f64>>),
}

#[derive(Deserialize)]
struct Condition {
    known: u64,
    tn: Option<u64>,
    fp: Option<u64>,
    #[serde(rename = "fn")]
    fn_: Option<u64>,
    tp: Option<u64>,
    auroc: Option<f64>,
    auprc: Option<f64>,
    brier: Option<f64>,
    ece: Option<f64>,
    weighted_auroc: Option<f64>,
    weighted_auprc: Option<f64>,
}

#[derive(Deserialize)]
struct Micro {
    accuracy: f64,
    precision: f64,
    recall: f64,
    f1: f64,
    auroc: f64,
    auprc: f64,
    subset_accuracy: f64,
}

#[derive(Deserialize)]
struct Normal {
    known: u64,
    auroc: f64,
}

fn golden() -> Unknown {
    serde_json::from_str(include_str!("../golden/unknown.json")).expect("the golden file's layout")
}

impl Unknown {
    fn labels(&self) -> Vec<u8> {
        self.labels.iter().map(|label| label.cast_unsigned()).collect()
    }

    fn probabilities(&self) -> Vec<f32> {
        self.logits.iter().map(|logit| sigmoid(*logit)).collect()
    }

    fn evaluate(&self, classes: usize) -> Evaluation {
        let first = |values: &[f32]| -> Vec<f32> {
            values.chunks(self.c).flat_map(|row| &row[..classes]).copied().collect()
        };
        let labels: Vec<u8> = self.labels().chunks(self.c).flat_map(|row| row[..classes].to_vec()).collect();
        let (probabilities, logits) = (first(&self.probabilities()), first(&self.logits));
        let table = Predictions::new(&probabilities, &labels, classes).expect("a table");
        let names: Vec<String> = (0..classes).map(|class| format!("c{class}")).collect();
        let half = Chosen { threshold: DEFAULT_THRESHOLD, by: Basis::Default };
        let thresholds = Thresholds {
            rule: ThresholdRule::default(),
            split: "val".to_owned(),
            epoch: None,
            conditions: BTreeMap::new(),
            normal: half,
            temperature: Some(1.0),
        };
        let subject = Subject {
            probabilities: table,
            logits: Some(&logits),
            conditions: &names,
            thresholds: &thresholds,
            split: "test",
        };
        Evaluation::new(&subject, NO_INTERVALS)
    }
}

#[test]
fn figures_of_every_condition_speak_of_its_known_labels_alone() {
    let golden = golden();
    let evaluation = golden.evaluate(golden.c);
    for (class, expected) in golden.conditions.iter().enumerate() {
        let ours = &evaluation.per_condition[&format!("c{class}")];
        let counts = ours.counts;
        assert_eq!((counts.total(), ours.unknown), (expected.known, golden.n as u64 - expected.known));
        let theirs = [expected.tn, expected.fp, expected.fn_, expected.tp].map(|count| count.unwrap_or(0));
        assert_eq!([counts.tn, counts.fp, counts.fn_, counts.tp], theirs, "condition {class}");
        assert_same("AUROC", ours.auroc, expected.auroc, 1e-12);
        assert_same("AUPRC", ours.auprc, expected.auprc, 1e-12);
        assert_same("Brier", ours.brier, expected.brier, 1e-9);
        assert_same("ECE", ours.ece, expected.ece, SINGLE);
    }
    let micro = &evaluation.micro_average;
    let expected = &golden.micro;
    for (what, ours, theirs) in [
        ("accuracy", micro.accuracy, expected.accuracy),
        ("precision", micro.precision, expected.precision),
        ("recall", micro.recall, expected.recall),
        ("F1", micro.f1, expected.f1),
        ("AUROC", micro.auroc, expected.auroc),
        ("AUPRC", micro.auprc, expected.auprc),
        ("exact match", micro.subset_accuracy, expected.subset_accuracy),
    ] {
        assert_same(what, ours, Some(theirs), SINGLE);
    }
    let mean = (0..3).filter_map(|class| golden.conditions[class].auroc).sum::<f64>() / 3.0;
    assert_same("macro AUROC", evaluation.macro_average.average.values.auroc, Some(mean), 1e-12);
    assert_eq!(evaluation.macro_average.n_conditions, 3);
}

#[test]
fn an_image_is_normal_or_not_only_where_that_is_known() {
    let golden = golden();
    let normal = golden.evaluate(3).normal_detection.numbers;
    assert_eq!(normal.counts.total(), golden.normal.known);
    assert_same("AUROC", normal.auroc, Some(golden.normal.auroc), SINGLE);
    // With a condition that is unknown everywhere no image is known to be normal.
    let normal = golden.evaluate(4).normal_detection.numbers;
    assert_eq!((normal.support, normal.auroc), (0, None));
}

#[test]
fn resamples_leave_unknown_labels_out() {
    let golden = golden();
    let (probabilities, labels) = (golden.probabilities(), golden.labels());
    let table = Predictions::new(&probabilities, &labels, golden.c).expect("a table");
    let bootstrap = Bootstrap::new(&table, &[0.5; 4], normal_scores(&table), DEFAULT_THRESHOLD, None);
    let drawn = bootstrap.resample(&golden.weights);
    for (class, expected) in golden.conditions.iter().enumerate() {
        let known = |value: f64| (!value.is_nan()).then_some(value);
        assert_same("AUROC", known(drawn.conditions[class].auroc), expected.weighted_auroc, 1e-12);
        assert_same("AUPRC", known(drawn.conditions[class].auprc), expected.weighted_auprc, 1e-12);
    }
}

#[test]
fn delong_cross_entropy_and_thresholds_leave_them_out() {
    let golden = golden();
    let labels = golden.labels();
    let column =
        |values: &[f32]| -> Vec<f32> { values.chunks(golden.c).map(|row| sigmoid(row[0])).collect() };
    let first: Vec<u8> = labels.chunks(golden.c).map(|row| row[0]).collect();
    let (a, b) = (column(&golden.logits), column(&golden.other_logits));
    let tested = paired_delong(&a, &b, &first).expect("both kinds of images");
    let (areas, covariances) = &golden.delong;
    for (what, ours, theirs) in [
        ("first area", tested.a.auroc, areas[0]),
        ("second area", tested.b.auroc, areas[1]),
        ("first variance", tested.a.variance, covariances[0][0]),
        ("second variance", tested.b.variance, covariances[1][1]),
        ("covariance", tested.covariance, covariances[0][1]),
    ] {
        assert_same(what, Some(ours), Some(theirs), 1e-12);
    }
    assert_same("cross-entropy", bce_with_logits(&golden.logits, &labels), Some(golden.bce), 1e-9);
    let mut epoch = EpochAccumulator::new(golden.c);
    epoch.push(&golden.logits, &labels).expect("a batch");
    assert!((epoch.micro().f1 - golden.micro.f1).abs() < SINGLE);

    // What is unknown has no say in thresholds and temperature: the same as without these elements.
    let (known_logits, known_labels): (Vec<f32>, Vec<u8>) =
        golden.logits.iter().zip(&labels).filter(|(_, label)| **label != UNKNOWN).unzip();
    assert_eq!(temperature(&golden.logits, &labels), temperature(&known_logits, &known_labels));
    let probabilities = golden.probabilities();
    let table = Predictions::new(&probabilities, &labels, golden.c).expect("a table");
    let kept: Vec<(f32, bool)> = a
        .iter()
        .zip(&first)
        .filter(|(_, label)| **label != UNKNOWN)
        .map(|(score, label)| (*score, *label == 1))
        .collect();
    assert_eq!(CutPoints::of_class(&table, 0), CutPoints::new(kept));
    assert!(known_normal_scores(&table).iter().all(|(_, normal)| !normal));
}
