//! Everything that a split's predictions come to: the content of `evaluation.json`.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::average::{MetricValues, PerMetric, macro_average, samples_average, weighted_average};
use super::bootstrap::{Bootstrap, Draw, Resampled, Resampling, interval};
use super::calibration::{Calibration, at_temperature};
use super::{
    Confusion, CutPoints, DEFAULT_THRESHOLD, Mean, NORMAL_CLASSES, Predictions, Ranking, Thresholds,
    normal_scores,
};
use crate::label::{known, known_pairs};

/// A 95 % interval.
pub type Interval = [f64; 2];

/// A split's numbers. `None` (`null`) is what the split leaves undefined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The split that is evaluated.
    pub split: String,
    /// Images.
    pub n: usize,
    /// The epoch of the weights; `None` for predictions from elsewhere.
    pub epoch: Option<usize>,
    /// The conditions in the order of their columns.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// The probability above which a condition is called.
    pub thresholds: BTreeMap<String, f32>,
    /// The rule behind them and the split it was computed on.
    #[serde(default)]
    pub threshold_rule: String,
    /// The split that the thresholds were chosen on.
    #[serde(default)]
    pub threshold_split: String,
    /// Figures of each condition, by its key.
    pub per_condition: BTreeMap<String, ConditionEvaluation>,
    /// Unweighted means over the conditions.
    #[serde(rename = "macro")]
    pub macro_average: MacroEvaluation,
    /// Means over the conditions, weighted by their support.
    pub weighted: Average,
    /// Each image by itself, averaged over the images.
    pub samples: Average,
    /// All image-condition pairs together.
    #[serde(rename = "micro")]
    pub micro_average: MicroEvaluation,
    /// How well images without any condition are told from the others.
    pub normal_detection: NormalEvaluation,
    /// Figures as MedMNIST's own evaluator computes them.
    pub medmnist: MedMnistEvaluation,
    /// Calibration of the probabilities.
    pub calibration: CalibrationEvaluation,
    /// What the intervals rest on; `None` without intervals.
    pub bootstrap: Option<BootstrapEvaluation>,
}

/// One condition's numbers at its threshold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConditionEvaluation {
    /// Images with the condition.
    pub support: u64,
    /// Images whose label of the condition is unknown: every figure leaves them out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u64,
    /// Share of images with the condition, 0 to 1; `None` without images.
    pub prevalence: Option<f64>,
    /// Area under the ROC curve, 0 to 1; `None` unless there are positives and negatives.
    pub auroc: Option<f64>,
    /// Its percentile bootstrap interval.
    pub auroc_ci: Option<Interval>,
    /// Average precision (scikit-learn's step-wise sum), 0 to 1; `None` without positives.
    pub auprc: Option<f64>,
    /// Its percentile bootstrap interval.
    pub auprc_ci: Option<Interval>,
    /// An image is predicted positive where its probability is above this, 0 to 1.
    pub threshold: f32,
    /// Counts at the threshold.
    #[serde(flatten)]
    pub counts: Confusion,
    /// TP / (TP + FP); `None` where nothing is predicted positive.
    pub precision: Option<f64>,
    /// Its percentile bootstrap interval.
    pub precision_ci: Option<Interval>,
    /// TP / (TP + FN); `None` without positives.
    pub recall: Option<f64>,
    /// Its percentile bootstrap interval.
    pub recall_ci: Option<Interval>,
    /// TN / (TN + FP); `None` without negatives.
    pub specificity: Option<f64>,
    /// Its percentile bootstrap interval.
    pub specificity_ci: Option<Interval>,
    /// Negative predictive value, TN / (TN + FN); `None` where nothing is predicted negative.
    pub npv: Option<f64>,
    /// 2 TP / (2 TP + FP + FN); `None` where all three are 0.
    pub f1: Option<f64>,
    /// Its percentile bootstrap interval.
    pub f1_ci: Option<Interval>,
    /// Matthews correlation coefficient, -1 to 1; `None` where a margin of the table is 0.
    pub mcc: Option<f64>,
    /// Mean of recall and specificity; `None` unless there are positives and negatives.
    pub balanced_accuracy: Option<f64>,
    /// Brier score: mean squared difference of probability and label, 0 (best) to 1.
    pub brier: Option<f64>,
    /// Expected calibration error over equal-width bins, 0 (best) to 1.
    pub ece: Option<f64>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Means, and over how many values each was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// The averages; `None` where no condition is defined.
    #[serde(flatten)]
    pub values: PerMetric<Option<f64>>,
    /// Over how many conditions each average speaks.
    pub defined: PerMetric<usize>,
}

impl From<PerMetric<Mean>> for Average {
    fn from(means: PerMetric<Mean>) -> Self {
        Self { values: means.map(|mean| mean.value), defined: means.map(|mean| mean.defined) }
    }
}

/// Unweighted means over the conditions for which a number is defined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MacroEvaluation {
    /// The averages and their counts.
    #[serde(flatten)]
    pub average: Average,
    /// Percentile bootstrap interval of the average AUROC.
    pub auroc_ci: Option<Interval>,
    /// Percentile bootstrap interval of the average AUPRC.
    pub auprc_ci: Option<Interval>,
    /// Percentile bootstrap interval of the average F1.
    pub f1_ci: Option<Interval>,
    /// Conditions the mean AUROC is over.
    pub n_conditions: usize,
}

/// Over all image-condition pairs at the thresholds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MicroEvaluation {
    /// Share of right decisions, 0 to 1.
    pub accuracy: Option<f64>,
    /// TP / (TP + FP), 0 to 1.
    pub precision: Option<f64>,
    /// TP / (TP + FN), 0 to 1.
    pub recall: Option<f64>,
    /// F1, 0 to 1.
    pub f1: Option<f64>,
    /// Area under the ROC curve, 0 to 1.
    pub auroc: Option<f64>,
    /// Average precision, 0 to 1.
    pub auprc: Option<f64>,
    /// The share of images whose known labels are all predicted (exact match), among images with one at least.
    pub subset_accuracy: Option<f64>,
}

/// Normal images against all others, ranked by 1 - the greatest probability. Positive is normal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NormalEvaluation {
    /// The negative class, then the positive one.
    pub classes: [String; 2],
    /// Share of right decisions at the threshold, 0 to 1; `None` without images.
    pub accuracy: Option<f64>,
    /// The figures of a condition, for "no condition" as the positive class.
    #[serde(flatten)]
    pub numbers: ConditionEvaluation,
}

/// MedMNIST's evaluator: means over the labels of AUROC and of accuracy at .5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MedMnistEvaluation {
    /// Mean AUROC over the conditions, 0 to 1.
    pub auc: Option<f64>,
    /// Share of right labels over all conditions at 0.5, 0 to 1.
    pub acc: Option<f64>,
}

/// Expected calibration error over all image-condition pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibrationEvaluation {
    /// From the validation images.
    pub temperature: Option<f64>,
    /// Expected calibration error of the probabilities as they are, 0 to 1.
    pub ece_before: Option<f64>,
    /// The same after temperature scaling.
    pub ece_after: Option<f64>,
}

/// What was drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BootstrapEvaluation {
    /// Number of bootstrap resamples.
    pub resamples: usize,
    /// Their seed.
    pub seed: u64,
    /// `patients` or `images`.
    pub unit: String,
    /// How many of them there are.
    pub units: usize,
}

/// What is evaluated.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// N x C.
    pub probabilities: Predictions<'a>,
    /// N x C, of the same images; `None` where only probabilities are known.
    pub logits: Option<&'a [f32]>,
    /// C names.
    pub conditions: &'a [String],
    /// A threshold for each condition.
    pub thresholds: &'a Thresholds,
    /// Name of the split.
    pub split: &'a str,
}

impl Evaluation {
    /// Evaluates a split. `resampling.count` 0 leaves the intervals away. Works on all cores.
    ///
    /// # Panics
    /// When there are not as many names as conditions or not as many patients as images, which are mistakes in
    /// the calling code.
    pub fn new(subject: &Subject, resampling: Resampling) -> Self {
        let Subject { probabilities, conditions, thresholds, .. } = *subject;
        assert_eq!(conditions.len(), probabilities.classes(), "a condition needs a name");
        let levels = thresholds.of(conditions);
        let mut evaluated: Vec<ConditionEvaluation> = levels
            .par_iter()
            .enumerate()
            .map(|(class, threshold)| {
                let numbers = ConditionEvaluation::new(probabilities.column(class), *threshold);
                let unknown = probabilities.rows() as u64 - numbers.counts.total();
                ConditionEvaluation { unknown, ..numbers }
            })
            .collect();
        let normal_pairs = normal_scores(&probabilities);
        let mut normal = NormalEvaluation::new(&normal_pairs, thresholds.normal.threshold);
        let rows: Vec<MetricValues> = evaluated.iter().map(ConditionEvaluation::averaged).collect();
        let support: Vec<u64> = evaluated.iter().map(|condition| condition.support).collect();
        let average = Average::from(macro_average(&rows));
        let mut macro_average =
            MacroEvaluation { average, n_conditions: average.defined.auroc, ..MacroEvaluation::default() };

        let bootstrap = (resampling.count > 0 && !normal_pairs.is_empty()).then(|| {
            let level = thresholds.normal.threshold;
            let bootstrap = Bootstrap::new(&probabilities, &levels, normal_pairs, level, resampling.patients);
            let draws = bootstrap.run(resampling.count, resampling.seed);
            for (class, condition) in evaluated.iter_mut().enumerate() {
                condition.take_intervals(&draws, |draw| draw.conditions[class]);
            }
            normal.numbers.take_intervals(&draws, |draw| draw.normal);
            let of_macro =
                |number: fn(&Resampled) -> f64| interval(draws.iter().map(|draw| draw.macro_of(number)));
            macro_average.auroc_ci = of_macro(|numbers| numbers.auroc);
            macro_average.auprc_ci = of_macro(|numbers| numbers.auprc);
            macro_average.f1_ci = of_macro(|numbers| numbers.f1);
            BootstrapEvaluation {
                resamples: resampling.count,
                seed: resampling.seed,
                unit: if resampling.patients.is_some() { "patients" } else { "images" }.to_owned(),
                units: bootstrap.units().len(),
            }
        });
        let accuracies: Vec<Option<f64>> = (0..conditions.len())
            .map(|class| Confusion::of_pairs(probabilities.column(class), DEFAULT_THRESHOLD).accuracy())
            .collect();
        Self {
            split: subject.split.to_owned(),
            n: probabilities.rows(),
            epoch: thresholds.epoch,
            conditions: conditions.to_vec(),
            thresholds: conditions.iter().cloned().zip(levels.iter().copied()).collect(),
            threshold_rule: thresholds.rule.to_string(),
            threshold_split: thresholds.split.clone(),
            weighted: weighted_average(&rows, &support).into(),
            samples: samples_average(&probabilities, &levels).into(),
            micro_average: MicroEvaluation::new(&probabilities, &levels),
            medmnist: MedMnistEvaluation {
                auc: macro_average.average.values.auroc,
                acc: Mean::over(&accuracies).value,
            },
            macro_average,
            normal_detection: normal,
            calibration: CalibrationEvaluation::new(subject),
            bootstrap,
            per_condition: conditions.iter().cloned().zip(evaluated).collect(),
        }
    }

    /// Whether its intervals take images for independent since patients are unknown, which makes them too narrow where a
    /// patient has several.
    pub fn resampled_by_image(&self) -> bool {
        self.bootstrap.as_ref().is_some_and(|bootstrap| bootstrap.unit == "images")
    }

    /// Which conditions have unknown labels, and on how many of the images; `None` where all labels are known.
    pub fn unknown_labels(&self) -> Option<String> {
        let counts = self.iter().filter(|(_, condition)| condition.unknown > 0);
        let counts: Vec<String> =
            counts.map(|(name, condition)| format!("{name} {}", condition.unknown)).collect();
        (!counts.is_empty()).then(|| format!("{} of {} images", counts.join(", "), self.n))
    }

    /// The conditions in their order, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ConditionEvaluation)> {
        let known = |name: &'_ String| self.per_condition.get_key_value(name);
        self.conditions.iter().filter_map(known).map(|(name, numbers)| (name.as_str(), numbers))
    }
}

impl ConditionEvaluation {
    /// One condition's (probability, truly positive) pairs evaluated; without intervals.
    pub fn new(pairs: impl Iterator<Item = (f32, bool)> + Clone, threshold: f32) -> Self {
        let counts = Confusion::of_pairs(pairs.clone(), threshold);
        let ranking = Ranking::new(pairs.clone());
        let calibration = Calibration::new(pairs);
        Self {
            support: counts.support(),
            prevalence: (counts.total() > 0).then(|| counts.support() as f64 / counts.total() as f64),
            auroc: ranking.as_ref().and_then(Ranking::auroc),
            auprc: ranking.as_ref().and_then(Ranking::average_precision),
            brier: calibration.as_ref().and_then(Calibration::brier),
            ece: calibration.as_ref().and_then(Calibration::ece),
            ..Self::default()
        }
        .at(threshold, counts)
    }

    /// The same with another threshold; what a threshold moves loses its interval.
    pub fn at(mut self, threshold: f32, counts: Confusion) -> Self {
        self.threshold = threshold;
        self.counts = counts;
        self.precision = counts.precision();
        self.recall = counts.recall();
        self.specificity = counts.specificity();
        self.npv = counts.npv();
        self.f1 = counts.f1();
        self.mcc = counts.mcc();
        self.balanced_accuracy = counts.balanced_accuracy();
        (self.precision_ci, self.recall_ci, self.specificity_ci, self.f1_ci) = (None, None, None, None);
        self
    }

    fn averaged(&self) -> MetricValues {
        MetricValues::new(self.auroc, self.auprc, &self.counts)
    }

    fn take_intervals(&mut self, draws: &[Draw], of: impl Fn(&Draw) -> Resampled) {
        let over = |number: fn(&Resampled) -> f64| interval(draws.iter().map(|draw| number(&of(draw))));
        self.auroc_ci = over(|numbers| numbers.auroc);
        self.auprc_ci = over(|numbers| numbers.auprc);
        self.precision_ci = over(|numbers| numbers.precision);
        self.recall_ci = over(|numbers| numbers.recall);
        self.specificity_ci = over(|numbers| numbers.specificity);
        self.f1_ci = over(|numbers| numbers.f1);
    }
}

impl NormalEvaluation {
    fn new(pairs: &[(f32, Option<bool>)], threshold: f32) -> Self {
        let known = pairs.iter().filter_map(|(score, normal)| Some((*score, (*normal)?)));
        let numbers = ConditionEvaluation::new(known, threshold);
        let unknown = pairs.len() as u64 - numbers.counts.total();
        let numbers = ConditionEvaluation { brier: None, ece: None, unknown, ..numbers };
        Self { classes: NORMAL_CLASSES.map(str::to_owned), accuracy: numbers.counts.accuracy(), numbers }
    }
}

impl MicroEvaluation {
    fn new(probabilities: &Predictions, thresholds: &[f32]) -> Self {
        let pairs = || {
            let labelled = probabilities.scores().iter().zip(probabilities.labels());
            let levels = thresholds.iter().cycle();
            labelled.zip(levels).filter_map(|((score, label), level)| Some((*score, known(*label)?, *level)))
        };
        let counts: Confusion =
            pairs().map(|(score, label, level)| Confusion::of_pairs([(score, label)], level)).sum();
        let ranking = Ranking::new(pairs().map(|(score, label, _)| (score, label)));
        let classes = probabilities.classes();
        let images =
            probabilities.scores().chunks_exact(classes).zip(probabilities.labels().chunks_exact(classes));
        let labelled = images.filter(|(_, labels)| labels.iter().any(|label| known(*label).is_some()));
        let (mut images, mut right) = (0_usize, 0_usize);
        for (scores, labels) in labelled {
            let mut decided = scores.iter().zip(labels).zip(thresholds);
            images += 1;
            right += usize::from(decided.all(|((score, label), level)| {
                known(*label).is_none_or(|positive| (score > level) == positive)
            }));
        }
        Self {
            accuracy: counts.accuracy(),
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            auroc: ranking.as_ref().and_then(Ranking::auroc),
            auprc: ranking.as_ref().and_then(Ranking::average_precision),
            subset_accuracy: (images > 0).then(|| right as f64 / images as f64),
        }
    }
}

impl CalibrationEvaluation {
    fn new(subject: &Subject) -> Self {
        let temperature = subject.thresholds.temperature;
        let labels = subject.probabilities.labels();
        let ece = |probabilities: &[f32]| Calibration::new(known_pairs(probabilities, labels))?.ece();
        let after = subject.logits.zip(temperature).map(|(logits, by)| at_temperature(logits, by));
        Self {
            temperature,
            ece_before: ece(subject.probabilities.scores()),
            ece_after: after.and_then(|after| ece(&after)),
        }
    }
}

impl CutPoints {
    /// A condition's numbers at another threshold, by look-up.
    pub fn evaluated(&self, before: &ConditionEvaluation, threshold: f32) -> ConditionEvaluation {
        before.clone().at(threshold, self.counts(threshold))
    }
}
