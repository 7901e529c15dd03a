//! The metrics against scikit-learn's and torchmetrics' figures (`tests/reference/metrics_golden.py`), and the cases that
//! are decided here: undefined values, refused input, one evaluation an epoch.

use chestxr_tui::metrics::{
    Confusion, EpochAccumulator, Mean, Micro, MultilabelReport, Predictions, PredictionsError, Ranking,
    auroc, average_precision, bce_with_logits, sigmoid,
};
use serde::Deserialize;

/// Equal but for the last bits of a few f64 operations.
const EXACT: f64 = 1e-12;
/// Equal as far as a float32 division in the reference can tell.
const SINGLE: f64 = 1e-6;

#[derive(Deserialize)]
struct Golden {
    binary: Vec<BinaryCase>,
    multilabel: Vec<MultilabelCase>,
}

#[derive(Deserialize)]
struct BinaryCase {
    name: String,
    scores: Vec<f32>,
    labels: String,
    at: Vec<AtThreshold>,
    auroc: Option<f64>,
    average_precision: Option<f64>,
}

#[derive(Deserialize)]
struct AtThreshold {
    threshold: f32,
    counts: Confusion,
    accuracy: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    specificity: Option<f64>,
    f1: Option<f64>,
}

#[derive(Deserialize)]
struct MultilabelCase {
    name: String,
    rows: usize,
    classes: usize,
    labels: String,
    probabilities: Option<Vec<f32>>,
    logits: Option<Vec<f32>>,
    sigmoid_first_row: Option<Vec<f32>>,
    bce: Option<f64>,
    auroc: Vec<Option<f64>>,
    auprc: Vec<Option<f64>>,
    auroc_macro: Mean,
    auprc_macro: Mean,
    micro: Micro,
    micro_torchmetrics: Option<Micro>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/metrics.json")).expect("the golden file has the shape above")
}

fn labels(digits: &str) -> Vec<u8> {
    digits.bytes().map(|digit| digit - b'0').collect()
}

#[track_caller]
fn assert_same(what: &str, ours: Option<f64>, theirs: Option<f64>, within: f64) {
    let same = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= within,
        (None, None) => true,
        _ => false,
    };
    assert!(same, "{what}: ours {ours:?}, reference {theirs:?}");
}

#[track_caller]
fn assert_same_micro(what: &str, ours: Micro, theirs: Micro, within: f64) {
    for (name, ours, theirs) in [
        ("accuracy", ours.accuracy, theirs.accuracy),
        ("precision", ours.precision, theirs.precision),
        ("recall", ours.recall, theirs.recall),
        ("f1", ours.f1, theirs.f1),
    ] {
        assert_same(&format!("{what}: micro {name}"), Some(ours), Some(theirs), within);
    }
}

#[track_caller]
fn assert_same_mean(what: &str, ours: Mean, theirs: Mean) {
    assert_same(what, ours.value, theirs.value, EXACT);
    assert_eq!((ours.defined, ours.of), (theirs.defined, theirs.of), "{what}: conditions in the mean");
}

#[test]
fn rankings_are_scikit_learns() {
    for case in golden().binary {
        let labels = labels(&case.labels);
        assert_same(&case.name, auroc(&case.scores, &labels), case.auroc, EXACT);
        assert_same(&case.name, average_precision(&case.scores, &labels), case.average_precision, EXACT);
    }
}

#[test]
fn counts_and_ratios_are_scikit_learns() {
    for case in golden().binary {
        let labels = labels(&case.labels);
        for at in case.at {
            let what = format!("{} at {}", case.name, at.threshold);
            let counts = Confusion::at(&case.scores, &labels, at.threshold);
            assert_eq!(counts, at.counts, "{what}");
            assert_same(&format!("{what}: accuracy"), counts.accuracy(), at.accuracy, EXACT);
            assert_same(&format!("{what}: precision"), counts.precision(), at.precision, EXACT);
            assert_same(&format!("{what}: recall"), counts.recall(), at.recall, EXACT);
            assert_same(&format!("{what}: specificity"), counts.specificity(), at.specificity, EXACT);
            assert_same(&format!("{what}: f1"), counts.f1(), at.f1, EXACT);
        }
    }
}

#[test]
fn multilabel_reports_are_the_references() {
    for case in golden().multilabel {
        let labels = labels(&case.labels);
        let probabilities = case.probabilities.clone().unwrap_or_else(|| {
            let logits = case.logits.as_ref().expect("a case has probabilities or logits");
            logits.iter().map(|&logit| sigmoid(logit)).collect()
        });
        let table = Predictions::new(&probabilities, &labels, case.classes).expect("a golden case is whole");
        let report = MultilabelReport::new(&table);
        assert_eq!((report.rows, report.nan_scores), (case.rows, 0), "{}", case.name);
        for class in 0..case.classes {
            let what = format!("{}, class {class}", case.name);
            assert_same(&format!("{what}: AUROC"), report.auroc[class], case.auroc[class], EXACT);
            assert_same(&format!("{what}: AUPRC"), report.auprc[class], case.auprc[class], EXACT);
        }
        assert_same_mean(&format!("{}: macro AUROC", case.name), report.auroc_macro, case.auroc_macro);
        assert_same_mean(&format!("{}: macro AUPRC", case.name), report.auprc_macro, case.auprc_macro);
        assert_same_micro(&case.name, report.micro, case.micro, EXACT);
        if let Some(torchmetrics) = case.micro_torchmetrics {
            assert_same_micro(&format!("{} (torchmetrics)", case.name), report.micro, torchmetrics, SINGLE);
        }
    }
}

#[test]
fn sigmoid_and_cross_entropy_are_torchs() {
    for case in golden().multilabel {
        let (Some(logits), Some(first_row)) = (case.logits, case.sigmoid_first_row) else { continue };
        for (&logit, theirs) in logits.iter().zip(first_row) {
            let ours = sigmoid(logit);
            assert!((ours - theirs).abs() <= 4.0 * f32::EPSILON * theirs, "{}: sigmoid({logit})", case.name);
        }
        assert_same(&case.name, bce_with_logits(&logits, &labels(&case.labels)), case.bce, EXACT);
    }
}

#[test]
fn an_epoch_in_batches_is_evaluated_as_one() {
    for case in golden().multilabel {
        let Some(logits) = case.logits else { continue };
        let labels = labels(&case.labels);
        let mut epoch = EpochAccumulator::new(case.classes);
        let batch = 7 * case.classes;
        for (logits, labels) in logits.chunks(batch).zip(labels.chunks(batch)) {
            epoch.push(logits, labels).expect("a batch of whole rows");
        }
        assert_eq!((epoch.rows(), epoch.logits(), epoch.labels()), (case.rows, &logits[..], &labels[..]));
        assert_same_mean(&case.name, epoch.compute().auroc_macro, case.auroc_macro);
        assert_same_micro(&case.name, epoch.compute().micro, case.micro, EXACT);
        assert_eq!(epoch.micro(), epoch.compute().micro, "{}", case.name);
        assert_same(&case.name, epoch.bce(), case.bce, EXACT);
    }
}

#[test]
fn an_empty_epoch_has_no_values_and_no_panic() {
    for classes in [0, 3] {
        let epoch = EpochAccumulator::new(classes);
        let report = epoch.compute();
        let nothing = Mean { value: None, defined: 0, of: classes };
        assert_eq!((report.auroc_macro, report.auprc_macro, epoch.bce()), (nothing, nothing, None));
        assert_eq!(epoch.micro(), Micro::default());
    }
}

#[test]
fn a_refused_batch_leaves_the_epoch_as_it_was() {
    let mut epoch = EpochAccumulator::new(2);
    epoch.push(&[0.5, -0.5], &[1, 0]).expect("one whole row");
    assert_eq!(epoch.push(&[0.5, 0.5], &[1]), Err(PredictionsError::LengthsDiffer { scores: 2, labels: 1 }));
    assert_eq!(epoch.push(&[0.5; 3], &[1, 0, 1]), Err(PredictionsError::BrokenRow { values: 3, classes: 2 }));
    assert_eq!(
        epoch.push(&[0.5; 4], &[1, 0, 1, 2]),
        Err(PredictionsError::LabelNotBinary { row: 1, class: 1, value: 2 })
    );
    assert_eq!(epoch.rows(), 1);
    assert_eq!(EpochAccumulator::new(0).push(&[], &[]), Err(PredictionsError::NoClasses));
}

#[test]
fn a_class_without_positives_has_no_auroc_and_is_not_in_the_mean() {
    let probabilities = [0.1, 0.9, 0.6, 0.2, 0.3, 0.8];
    let labels = [0, 1, 0, 0, 0, 1];
    let table = Predictions::new(&probabilities, &labels, 2).expect("three whole rows");
    let report = MultilabelReport::new(&table);
    assert_eq!(report.confusion[0].support(), 0);
    assert_eq!(report.auroc, [None, Some(1.0)]);
    assert_eq!(report.auprc, [None, Some(1.0)]);
    assert_eq!(report.auroc_macro, Mean { value: Some(1.0), defined: 1, of: 2 });
}

#[test]
fn a_nan_score_makes_its_condition_undefined_and_is_counted() {
    let probabilities = [0.9, f32::NAN, 0.2, 0.7, 0.1, 0.3];
    let labels = [1, 1, 0, 0, 0, 1];
    let table = Predictions::new(&probabilities, &labels, 2).expect("three whole rows");
    let report = MultilabelReport::new(&table);
    assert_eq!(report.nan_scores, 1);
    assert_eq!(report.auroc, [Some(1.0), None]);
    assert_eq!(report.auprc, [Some(1.0), None]);
    assert_eq!(report.confusion[1], Confusion { tn: 0, fp: 1, fn_: 2, tp: 0 }, "NaN is above no threshold");
    assert_eq!(auroc(&[f32::NAN, 0.5], &[1, 0]), None);
}

#[test]
fn a_diverged_loss_shows_as_not_finite() {
    assert!(bce_with_logits(&[0.0, f32::NAN], &[0, 1]).is_some_and(f64::is_nan));
    assert_eq!(bce_with_logits(&[f32::INFINITY], &[0]), Some(f64::INFINITY));
    assert_eq!(bce_with_logits(&[f32::INFINITY], &[1]), Some(0.0), "infinitely right costs nothing");
    assert_eq!(bce_with_logits(&[], &[]), None);
}

#[test]
fn infinite_scores_rank_like_any_others() {
    let scores = [f32::NEG_INFINITY, f32::MIN, -0.0, f32::MAX, f32::INFINITY];
    assert_eq!(auroc(&scores, &[0, 0, 0, 1, 1]), Some(1.0));
    assert_eq!(auroc(&scores, &[1, 1, 0, 0, 0]), Some(0.0));
}

#[test]
fn auroc_is_the_share_of_pairs_in_order() {
    for case in golden().binary {
        let labels = labels(&case.labels);
        let (mut pairs, mut won) = (0.0, 0.0);
        for (positive, _) in case.scores.iter().zip(&labels).filter(|(_, label)| **label == 1) {
            for (negative, _) in case.scores.iter().zip(&labels).filter(|(_, label)| **label == 0) {
                pairs += 1.0;
                won += if positive > negative { 1.0 } else { 0.0 };
                won += if positive == negative { 0.5 } else { 0.0 };
            }
        }
        let expected = (pairs > 0.0).then(|| won / pairs);
        assert_same(&case.name, auroc(&case.scores, &labels), expected, EXACT);
    }
}

#[test]
fn equal_scores_are_one_step_whatever_their_order() {
    let pairs = [(0.5, true), (0.25, false), (0.5, false), (0.0, true), (-0.0, false)];
    for start in 0..pairs.len() {
        let turned = pairs.iter().cycle().skip(start).take(pairs.len()).copied();
        let ranking = Ranking::new(turned).expect("no score is NaN");
        let steps: Vec<(u64, u64)> = ranking.steps().map(|step| (step.positives, step.negatives)).collect();
        assert_eq!(steps, [(1, 1), (0, 1), (1, 1)]);
    }
}

#[test]
fn counts_add_up() {
    let scores = [0.9, 0.1, 0.7, 0.4];
    let labels = [1, 0, 0, 1];
    let whole = Confusion::at(&scores, &labels, 0.5);
    let halves = [(0, 2), (2, 4)].map(|(from, to)| Confusion::at(&scores[from..to], &labels[from..to], 0.5));
    assert_eq!(halves.into_iter().sum::<Confusion>(), whole);
    assert_eq!((whole.total(), whole.support()), (4, 2));
}

#[test]
fn a_confusion_is_written_with_its_field_names() {
    let counts = Confusion { tn: 1, fp: 2, fn_: 3, tp: 4 };
    let json = serde_json::to_string(&counts).expect("four numbers");
    assert_eq!(json, r#"{"tn":1,"fp":2,"fn":3,"tp":4}"#);
}
