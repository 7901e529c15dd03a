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

mod support;

/// Equal but for the last bits of a few f64 operations.
const EXACT: f64 = 1e-12;
/// Equal as far as float32 sums in the reference can tell.
const SINGLE: f64 = 1e-6;
/// The same sums in another order, or an optimum found another way.
const CLOSE: f64 = 1e-9;

type Numbers = Vec<Option<f64>>;

#[derive(Deserialize)]
struct Golden {
    ece_boundaries: Vec<f32>,
    problems: Vec<Problem>,
    curves: Vec<CurveCase>,
    bootstrap: Vec<BootstrapCase>,
    delong: Vec<DelongCase>,
    holm: Vec<HolmCase>,
    temperature: Vec<TemperatureCase>,
    cooccurrence: Vec<CooccurrenceCase>,
}

#[derive(Deserialize)]
struct Problem {
    name: String,
    n: usize,
    c: usize,
    seed: Option<u64>,
    k_sum: Option<u64>,
    labels: Option<String>,
    scores: Option<Vec<f32>>,
    thresholds: Vec<f32>,
    #[serde(flatten)]
    expected: Expected,
}

/// What the reference says of a table.
#[derive(Deserialize)]
struct Expected {
    conditions: Conditions,
    #[serde(rename = "macro")]
    macro_average: BTreeMap<String, (Option<f64>, usize)>,
    weighted: BTreeMap<String, Option<f64>>,
    micro: BTreeMap<String, Option<f64>>,
    samples: BTreeMap<String, (Option<f64>, usize)>,
    subset_accuracy: f64,
    medmnist: MedMnist,
    normal: Normal,
}

#[derive(Deserialize)]
struct Conditions {
    support: Vec<u64>,
    prevalence: Numbers,
    auroc: Numbers,
    auprc: Numbers,
    tn: Vec<u64>,
    fp: Vec<u64>,
    #[serde(rename = "fn")]
    fn_: Vec<u64>,
    tp: Vec<u64>,
    precision: Numbers,
    recall: Numbers,
    specificity: Numbers,
    npv: Numbers,
    f1: Numbers,
    mcc: Numbers,
    balanced_accuracy: Numbers,
    brier: Numbers,
    ece: Numbers,
    ece_f64: Numbers,
    best_f1: Numbers,
    best_youden: Numbers,
    best_specificity_95: Numbers,
    best_specificity_50: Numbers,
}

#[derive(Deserialize)]
struct MedMnist {
    auc: Option<f64>,
    acc: f64,
}

#[derive(Deserialize)]
struct Normal {
    support: u64,
    auroc: Option<f64>,
    auprc: Option<f64>,
    #[serde(flatten)]
    counts: Confusion,
    precision: Option<f64>,
    recall: Option<f64>,
    specificity: Option<f64>,
    npv: Option<f64>,
    f1: Option<f64>,
    mcc: Option<f64>,
    balanced_accuracy: Option<f64>,
    accuracy: f64,
    no_call: [u64; 4],
}

#[derive(Deserialize)]
struct CurveCase {
    name: String,
    conditions: Vec<Curves>,
}

#[derive(Deserialize)]
struct Curves {
    fpr: Option<Vec<f64>>,
    tpr: Option<Vec<f64>>,
    precision: Option<Vec<f64>>,
    recall: Option<Vec<f64>>,
    pr_thresholds: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct BootstrapCase {
    name: String,
    indices: Vec<Vec<usize>>,
    images: ResampledCase,
    patients: Vec<u32>,
    patient_indices: Vec<Vec<u32>>,
    by_patient: ResampledCase,
}

#[derive(Deserialize)]
struct ResampledCase {
    auroc: Vec<Numbers>,
    auprc: Vec<Numbers>,
    f1: Vec<Numbers>,
    macro_auroc: Numbers,
    normal_auroc: Numbers,
    interval: Intervals,
}

/// The 2.5th and the 97.5th percentile, and over how many resamples.
type Percentiles = Option<(f64, f64, usize)>;

#[derive(Deserialize)]
struct Intervals {
    auroc: Vec<Percentiles>,
    auprc: Vec<Percentiles>,
    f1: Vec<Percentiles>,
    macro_auroc: Percentiles,
    normal_auroc: Percentiles,
}

#[derive(Deserialize)]
struct DelongCase {
    name: String,
    n: usize,
    seed: Option<u64>,
    k_sum_a: Option<u64>,
    k_sum_b: Option<u64>,
    labels: Option<String>,
    scores_a: Option<Vec<f32>>,
    scores_b: Option<Vec<f32>>,
    auc_a: Option<f64>,
    auc_b: Option<f64>,
    var_a: Option<f64>,
    var_b: Option<f64>,
    cov: Option<f64>,
    ci_a: Option<[f64; 2]>,
    ci_b: Option<[f64; 2]>,
    var_diff: Option<f64>,
    z: Option<f64>,
    p: Option<f64>,
}

#[derive(Deserialize)]
struct HolmCase {
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

#[derive(Deserialize)]
struct TemperatureCase {
    name: String,
    n: usize,
    c: usize,
    seed: Option<u64>,
    k_sum: Option<i64>,
    labels: Option<String>,
    logits: Option<Vec<f32>>,
    t: f64,
    at_bound: Option<String>,
    bce_before: f64,
    bce_after: f64,
    ece_before: f64,
    ece_before_f64: f64,
    ece_after: f64,
    ece_after_f64: f64,
}

#[derive(Deserialize)]
struct CooccurrenceCase {
    name: String,
    labelled: Vec<Vec<u64>>,
    called: Vec<Vec<u64>>,
}

#[derive(Deserialize)]
struct ChexnetFile {
    chexnet: Chexnet,
}

#[derive(Deserialize)]
struct Chexnet {
    n: usize,
    c: usize,
    thresholds: Vec<f32>,
    #[serde(flatten)]
    expected: Expected,
    delong: ChexnetDelong,
}

#[derive(Deserialize)]
struct ChexnetDelong {
    auc: Vec<f64>,
    var: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/evaluation.json")).expect("the golden file has the shape above")
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

#[test]
fn the_generator_is_the_published_one() {
    assert_eq!(chestxr_tui::random::SplitMix64::new(1_234_567).next_u64(), 6_457_827_717_110_365_317);
}

#[test]
fn every_problem_comes_to_the_references_numbers() {
    let problems = golden().problems;
    assert_eq!(problems.len(), 225);
    for problem in &problems {
        assert_evaluated(&problem.name, &Images::of(problem), &problem.expected);
    }
}

/// What a rule makes the most of.
struct Aim {
    rule: ThresholdRule,
    value: fn(&Confusion) -> Option<f64>,
    /// The share of positives that has to be found for a cut to count.
    recall: f64,
    /// What calling nothing comes to, where the reference counts that as a cut.
    nothing: Option<f64>,
}

fn youden(counts: &Confusion) -> Option<f64> {
    Some(counts.recall()? + counts.specificity()? - 1.0)
}

/// The best over all cuts is the reference's, and the rule's threshold reaches the best over those cuts that a
/// threshold of at least 0 can make: all but the one that lets scores of 0 through.
#[track_caller]
fn assert_best(what: &str, cuts: &CutPoints, aim: &Aim, theirs: Option<f64>) {
    let value = |cut: &CutPoint| {
        let enough = cut.counts.recall().is_some_and(|recall| recall >= aim.recall);
        (aim.value)(&cut.counts).filter(|_| enough)
    };
    let most = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::max);
    let best = most(&mut cuts.iter().filter_map(|cut| value(&cut)));
    let with_nothing = most(&mut best.into_iter().chain(best.and(aim.nothing)));
    assert_same(what, with_nothing, theirs, EXACT);

    let reachable = most(&mut cuts.iter().filter(|cut| cut.score > 0.0).filter_map(|cut| value(&cut)));
    let chosen = cuts.choose(aim.rule);
    let reached = chosen.and_then(|threshold| {
        let counts = cuts.counts(threshold);
        assert!(threshold >= 0.0 && counts.recall().is_some_and(|recall| recall >= aim.recall), "{what}");
        (aim.value)(&counts)
    });
    assert_same(&format!("{what}, reached at {chosen:?}"), reached, reachable, EXACT);
    let Some(best) = best.filter(|best| reached.is_none_or(|reached| reached < best - EXACT)) else { return };
    // Only calling every image is that good, and images that score exactly 0 can't be called.
    let good: Vec<CutPoint> =
        cuts.iter().filter(|cut| value(cut).is_some_and(|value| value > best - EXACT)).collect();
    let everything = |cut: &CutPoint| cut.score == 0.0 && (cut.counts.tn, cut.counts.fn_) == (0, 0);
    assert!(good.len() == 1 && everything(&good[0]), "{what}: {good:?} was in reach, {chosen:?} was chosen");
}

#[track_caller]
fn assert_optima(name: &str, images: &Images, expected: &Conditions) {
    for class in 0..images.c {
        let cuts = CutPoints::of_class(&images.table(), class).expect("no score is NaN");
        let f1 = Aim { rule: ThresholdRule::MaxF1, value: Confusion::f1, recall: 0.0, nothing: None };
        let j = Aim { rule: ThresholdRule::Youden, value: youden, recall: 0.0, nothing: Some(0.0) };
        let finds = |recall: f64| Aim {
            rule: ThresholdRule::Sensitivity(recall),
            value: Confusion::specificity,
            recall,
            nothing: None,
        };
        for (key, aim, theirs) in [
            ("F1", f1, &expected.best_f1),
            ("Youden's J", j, &expected.best_youden),
            ("specificity at .95", finds(0.95), &expected.best_specificity_95),
            ("specificity at .5", finds(0.5), &expected.best_specificity_50),
        ] {
            if cuts.positives() == 0 {
                assert_eq!((cuts.choose(aim.rule), theirs[class]), (None, None), "{name}, {class}: {key}");
            } else {
                assert_best(&format!("{name}, condition {class}: {key}"), &cuts, &aim, theirs[class]);
            }
        }
    }
}

#[test]
fn a_rule_reaches_the_best_that_any_cut_can() {
    for problem in &golden().problems {
        assert_optima(&problem.name, &Images::of(problem), &problem.expected.conditions);
    }
}

#[test]
fn curves_have_scikit_learns_points() {
    let golden = golden();
    for case in &golden.curves {
        let images = Images::named(&golden.problems, &case.name);
        assert_eq!(case.conditions.len(), images.c, "{}", case.name);
        for (class, theirs) in case.conditions.iter().enumerate() {
            let what = format!("{}, condition {class}", case.name);
            let cuts = CutPoints::of_class(&images.table(), class).expect("no score is NaN");
            let (fpr, tpr): (Vec<f64>, Vec<f64>) = cuts.roc().into_iter().unzip();
            assert_same_points(&format!("{what}: fpr"), &fpr, theirs.fpr.as_deref().unwrap_or(&[]));
            assert_same_points(&format!("{what}: tpr"), &tpr, theirs.tpr.as_deref().unwrap_or(&[]));

            // scikit-learn goes from the lowest score up and ends at a made-up (recall 0, precision 1).
            let (mut recall, mut precision): (Vec<f64>, Vec<f64>) =
                cuts.precision_recall().into_iter().unzip();
            recall.reverse();
            precision.reverse();
            let Some(scores) = &theirs.pr_thresholds else {
                assert!(recall.is_empty() && theirs.recall.is_none(), "{what}");
                continue;
            };
            recall.push(0.0);
            precision.push(1.0);
            assert_same_points(&format!("{what}: recall"), &recall, theirs.recall.as_deref().unwrap_or(&[]));
            let expected = theirs.precision.as_deref().unwrap_or(&[]);
            assert_same_points(&format!("{what}: precision"), &precision, expected);
            let mut ours: Vec<f32> = cuts.iter().map(|cut| cut.score).collect();
            ours.reverse();
            assert_eq!(&ours, scores, "{what}");
        }
    }
}

/// A number of a resample, `None` where it is NaN.
fn defined(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

#[track_caller]
fn assert_interval(what: &str, values: &[f64], theirs: Percentiles) {
    let ours = interval(values.iter().copied());
    let count = values.iter().filter(|value| !value.is_nan()).count();
    assert_eq!(count, theirs.map_or(0, |theirs| theirs.2), "{what}: resamples that define it");
    assert_same(&format!("{what}: low"), ours.map(|ours| ours[0]), theirs.map(|theirs| theirs.0), EXACT);
    assert_same(&format!("{what}: high"), ours.map(|ours| ours[1]), theirs.map(|theirs| theirs.1), EXACT);
}

#[track_caller]
fn assert_series(what: &str, ours: &[f64], theirs: &[Option<f64>], percentiles: Percentiles) {
    assert_eq!(ours.len(), theirs.len(), "{what}: resamples");
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_same(&format!("{what}, resample {index}"), defined(*ours), *theirs, EXACT);
    }
    assert_interval(what, ours, percentiles);
}

#[track_caller]
fn assert_resampled(what: &str, bootstrap: &Bootstrap, weights: &[Vec<Weight>], theirs: &ResampledCase) {
    let draws: Vec<Draw> = weights.iter().map(|weights| bootstrap.resample(weights)).collect();
    let over = |number: &dyn Fn(&Draw) -> f64| draws.iter().map(number).collect::<Vec<f64>>();
    type Number = fn(&Resampled) -> f64;
    let each: [(&str, Number, &[Numbers], &[Percentiles]); 3] = [
        ("auroc", |numbers| numbers.auroc, &theirs.auroc, &theirs.interval.auroc),
        ("auprc", |numbers| numbers.auprc, &theirs.auprc, &theirs.interval.auprc),
        ("f1", |numbers| numbers.f1, &theirs.f1, &theirs.interval.f1),
    ];
    for (key, number, values, intervals) in each {
        for (class, percentiles) in intervals.iter().enumerate() {
            let expected: Numbers = values.iter().map(|row| row[class]).collect();
            let ours = over(&|draw| number(&draw.conditions[class]));
            assert_series(&format!("{what}: {key} of condition {class}"), &ours, &expected, *percentiles);
        }
    }
    let ours = over(&|draw| draw.macro_of(|numbers| numbers.auroc));
    assert_series(&format!("{what}: macro"), &ours, &theirs.macro_auroc, theirs.interval.macro_auroc);
    let ours = over(&|draw| draw.normal.auroc);
    assert_series(&format!("{what}: normal"), &ours, &theirs.normal_auroc, theirs.interval.normal_auroc);
}

#[test]
fn a_resample_of_images_comes_to_what_its_images_do() {
    let golden = golden();
    for case in &golden.bootstrap {
        let images = Images::named(&golden.problems, &case.name);
        let bootstrap = images.bootstrap(None);
        let weights: Vec<Vec<Weight>> =
            case.indices.iter().map(|drawn| bootstrap.units().weights(drawn.iter().copied())).collect();
        assert_resampled(&case.name, &bootstrap, &weights, &case.images);
    }
}

#[test]
fn a_resample_of_patients_takes_all_of_their_images() {
    let golden = golden();
    for case in &golden.bootstrap {
        let images = Images::named(&golden.problems, &case.name);
        let bootstrap = images.bootstrap(Some(&case.patients));
        // Units are numbered as their patients first appear, the reference's draws are patients.
        let mut units = HashMap::new();
        for patient in &case.patients {
            let next = units.len();
            units.entry(*patient).or_insert(next);
        }
        assert_eq!(bootstrap.units().len(), units.len(), "{}", case.name);
        let of_images = Units::new(case.patients.len(), None);
        let weights: Vec<Vec<Weight>> = case
            .patient_indices
            .iter()
            .map(|drawn| {
                let weights = bootstrap.units().weights(drawn.iter().map(|patient| units[patient]));
                let images_of = |wanted: &u32| {
                    let wanted = *wanted;
                    let images = case.patients.iter().enumerate();
                    images.filter(move |(_, patient)| **patient == wanted).map(|(image, _)| image)
                };
                assert_eq!(weights, of_images.weights(drawn.iter().flat_map(images_of)), "{}", case.name);
                weights
            })
            .collect();
        assert_resampled(&format!("{}, by patient", case.name), &bootstrap, &weights, &case.by_patient);
    }
}

#[test]
fn delongs_variances_are_those_of_exact_arithmetic() {
    for case in golden().delong {
        let what = &case.name;
        let (labels, a, b) = match case.seed {
            Some(seed) => {
                let made = splitmix::pair(seed);
                assert_eq!(
                    [Some(made.k_sums[0]), Some(made.k_sums[1])],
                    [case.k_sum_a, case.k_sum_b],
                    "{what}"
                );
                (made.labels, made.a, made.b)
            }
            None => {
                let written = "it is written out";
                let labels = labels(&case.labels.expect(written));
                (labels, case.scores_a.expect(written), case.scores_b.expect(written))
            }
        };
        assert_eq!((labels.len(), a.len(), b.len()), (case.n, case.n, case.n), "{what}");
        for (network, scores, auc, var, ci) in
            [("a", &a, case.auc_a, case.var_a, case.ci_a), ("b", &b, case.auc_b, case.var_b, case.ci_b)]
        {
            let what = format!("{what}, {network}");
            assert_same(&what, auroc(scores, &labels), auc, EXACT);
            let ours = delong(scores, &labels);
            assert_same(&what, ours.map(|ours| ours.auroc), auc.filter(|_| var.is_some()), EXACT);
            assert_same_share(&format!("{what}: variance"), ours.map(|ours| ours.variance), var, CLOSE);
            for end in [0, 1] {
                let bound = ours.map(|ours| ours.interval()[end]);
                assert_same(&format!("{what}: interval"), bound, ci.map(|ci| ci[end]), CLOSE);
            }
        }
        let ours = paired_delong(&a, &b, &labels);
        assert_same(&format!("{what}: covariance"), ours.map(|ours| ours.covariance), case.cov, EXACT);
        let variance = ours.map(|ours| ours.a.variance + ours.b.variance - 2.0 * ours.covariance);
        assert_same(&format!("{what}: variance of the difference"), variance, case.var_diff, EXACT);
        let difference = case.auc_b.zip(case.auc_a).map(|(b, a)| b - a).filter(|_| case.var_a.is_some());
        assert_same(&format!("{what}: difference"), ours.map(|ours| ours.difference), difference, EXACT);
        assert_same(&format!("{what}: z"), ours.and_then(|ours| ours.z), case.z, CLOSE);
        assert_same_share(&format!("{what}: p"), ours.and_then(|ours| ours.p), case.p, CLOSE);
        for (end, side) in [-1.0, 1.0].into_iter().enumerate() {
            let theirs = difference.zip(case.var_diff);
            let theirs =
                theirs.map(|(difference, var)| difference + side * 1.959_963_984_540_054 * var.sqrt());
            let bound = ours.map(|ours| ours.difference_ci[end]);
            assert_same(&format!("{what}: interval of the difference"), bound, theirs, CLOSE);
        }
    }
}

#[test]
fn holms_adjusted_values_are_statsmodels() {
    for case in golden().holm {
        let given: Numbers = case.p.iter().copied().map(Some).collect();
        let ours = holm(&given);
        assert_eq!(ours.len(), case.adjusted.len());
        for (ours, theirs) in ours.into_iter().zip(&case.adjusted) {
            assert_same(&format!("{:?}", case.p), ours, Some(*theirs), EXACT);
        }
        // What is undefined keeps its place and changes nothing.
        let with_a_gap: Numbers = std::iter::once(None).chain(given).collect();
        let ours = holm(&with_a_gap);
        assert_eq!(ours[0], None);
        assert_eq!(ours.into_iter().flatten().count(), case.adjusted.len());
    }
}

#[test]
fn a_temperature_costs_least() {
    for case in golden().temperature {
        let what = &case.name;
        let (labels, logits) = match case.seed {
            Some(seed) => {
                let made = splitmix::logits(seed);
                assert_eq!((made.n, made.c, Some(made.k_sum)), (case.n, case.c, case.k_sum), "{what}");
                (made.labels, made.logits)
            }
            None => {
                let written = "it is written out";
                (self::labels(&case.labels.expect(written)), case.logits.expect(written))
            }
        };
        let ours = temperature(&logits, &labels);
        assert_same(&format!("{what}: T"), ours, Some(case.t), SINGLE);
        let ours = ours.expect("it is defined");
        assert_eq!(ours == 0.05 || ours == 20.0, case.at_bound.is_some(), "{what}: an end of the range");
        for (when, t, bce, ece, ece_f64) in [
            ("before", 1.0, case.bce_before, case.ece_before, case.ece_before_f64),
            ("after", ours, case.bce_after, case.ece_after, case.ece_after_f64),
        ] {
            let cost = bce_at_temperature(&logits, &labels, t);
            assert_same(&format!("{what}: cost {when}"), cost, Some(bce), CLOSE);
            let probabilities = at_temperature(&logits, t);
            let pairs = probabilities.iter().zip(&labels).map(|(p, label)| (*p, *label != 0));
            let ours = Calibration::new(pairs).and_then(|bins| bins.ece());
            assert_same(&format!("{what}: ece {when}, torchmetrics"), ours, Some(ece), SINGLE);
            assert_same(&format!("{what}: ece {when}"), ours, Some(ece_f64), SINGLE);
        }
    }
}

#[test]
fn a_bin_starts_at_torchs_boundary() {
    let boundaries = golden().ece_boundaries;
    let bin = |probability: f32| {
        let bins = Calibration::new([(probability, true)]).expect("a probability").bins;
        bins.iter().position(|bin| bin.count == 1).expect("it is in one of them")
    };
    for (index, boundary) in boundaries.iter().enumerate() {
        assert_eq!(bin(*boundary), index, "{boundary}");
        if index > 0 {
            assert_eq!(bin(boundary.next_down()), index - 1, "just below {boundary}");
        }
    }
}

#[test]
fn conditions_come_together_as_often_as_counted() {
    let golden = golden();
    for case in &golden.cooccurrence {
        let images = Images::named(&golden.problems, &case.name);
        let ours = Cooccurrence::new(&images.table(), &images.thresholds);
        assert_eq!(ours.labelled, case.labelled, "{}", case.name);
        assert_eq!(ours.called, case.called, "{}", case.name);
    }
}

#[test]
fn a_published_networks_predictions_come_to_its_published_numbers() {
    let Some(folder) = support::real_images() else { return };
    let file = include_str!("golden/evaluation_chexnet.json");
    let golden =
        serde_json::from_str::<ChexnetFile>(file).expect("the golden file has the shape above").chexnet;
    let archive =
        Archive::open(&folder.join("chexnet_predictions.npz"), Limits::default()).expect("it opens");
    let scores = archive.read_f32("probs").expect("probabilities").values;
    let labels = archive.read_u8("labels_chestmnist").expect("labels").values;
    let published = archive.read_f64("auc_chestmnist_labels").expect("AUROCs").values;
    let images = Images { c: golden.c, scores, labels, thresholds: golden.thresholds };
    assert_eq!(images.scores.len(), golden.n * golden.c);
    assert_evaluated("chexnet", &images, &golden.expected);
    assert_optima("chexnet", &images, &golden.expected.conditions);
    let ours = images.evaluate(NO_INTERVALS);
    assert_same("macro AUROC", ours.macro_average.average.values.auroc, Some(0.83792), 5e-6);
    for (class, (_, numbers)) in ours.iter().enumerate() {
        let what = format!("condition {class}");
        assert_same(&what, numbers.auroc, Some(published[class]), 1e-9);
        let (scores, labels): (Vec<f32>, Vec<u8>) =
            images.table().column(class).map(|(score, label)| (score, u8::from(label))).unzip();
        let delong = delong(&scores, &labels).expect("both classes are there");
        let [low, high] = delong.interval();
        assert_same(&what, Some(delong.auroc), Some(golden.delong.auc[class]), EXACT);
        assert_same_share(&what, Some(delong.variance), Some(golden.delong.var[class]), CLOSE);
        assert_same(&what, Some(low), Some(golden.delong.low[class]), CLOSE);
        assert_same(&what, Some(high), Some(golden.delong.high[class]), CLOSE);
    }
}

/// A problem whose images are enough for intervals that mean something.
fn some_images() -> Images {
    let made = splitmix::problem(1000);
    Images { c: made.c, scores: made.scores, labels: made.labels, thresholds: made.thresholds }
}

#[test]
fn a_seed_gives_the_same_intervals_on_any_number_of_threads() {
    let images = some_images();
    let on = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| images.evaluate(Resampling { count: 50, seed, patients: None }))
    };
    let one = on(1, 7);
    assert!(
        one.iter().any(|(_, numbers)| numbers.auroc_ci.is_some()) && one.macro_average.auroc_ci.is_some()
    );
    assert_eq!(one, on(2, 7));
    assert_ne!(one, on(1, 8), "another seed draws other images");
}

#[test]
fn patients_with_several_images_are_drawn_as_one() {
    let images = some_images();
    let n = images.table().rows();
    let resampled = |patients: Option<&[u32]>| images.evaluate(Resampling { count: 50, seed: 7, patients });
    let by_image = resampled(None);
    let each_its_own: Vec<u32> = (0..n as u32).collect();
    let thirds: Vec<u32> = (0..n as u32).map(|image| image / 3).collect();
    let by_patient = resampled(Some(&thirds));
    assert_ne!(by_patient.macro_average.auroc_ci, by_image.macro_average.auroc_ci);
    let drawn = by_patient.bootstrap.expect("it is said what was drawn");
    assert_eq!((drawn.unit.as_str(), drawn.units, drawn.resamples), ("patients", n.div_ceil(3), 50));
    assert_eq!(resampled(Some(&each_its_own)).per_condition, by_image.per_condition);
}

#[test]
fn without_resamples_there_are_no_intervals() {
    let ours = some_images().evaluate(NO_INTERVALS);
    assert_eq!(ours.bootstrap, None);
    let means = &ours.macro_average;
    assert_eq!([means.auroc_ci, means.auprc_ci, means.f1_ci], [None; 3]);
    for numbers in ours.per_condition.values().chain([&ours.normal_detection.numbers]) {
        let ranked = [numbers.auroc_ci, numbers.auprc_ci];
        let counted = [numbers.precision_ci, numbers.recall_ci, numbers.specificity_ci, numbers.f1_ci];
        assert_eq!((ranked, counted), ([None; 2], [None; 4]));
    }
}

#[test]
fn a_nan_score_leaves_only_its_condition_and_normal_detection_undefined() {
    let images = some_images();
    let mut sick = some_images();
    sick.scores[5 * sick.c + 1] = f32::NAN;
    let resampling = Resampling { count: 20, seed: 7, patients: None };
    let (whole, ours) = (images.evaluate(resampling), sick.evaluate(resampling));
    assert!(
        whole.per_condition["c01"].auroc.is_some(),
        "the test needs a condition that is defined without it"
    );
    for (name, numbers) in ours.iter().filter(|(name, _)| *name != "c01") {
        assert_eq!(numbers, &whole.per_condition[name], "{name}");
    }
    for numbers in [&ours.per_condition["c01"], &ours.normal_detection.numbers] {
        assert_eq!([numbers.auroc, numbers.auprc, numbers.brier, numbers.ece], [None; 4]);
        assert_eq!([numbers.auroc_ci, numbers.auprc_ci], [None; 2]);
    }
    let defined = |evaluation: &Evaluation| evaluation.macro_average.n_conditions;
    assert_eq!(defined(&ours), defined(&whole) - 1);
    assert!(ours.macro_average.average.values.auroc.is_some());
}
