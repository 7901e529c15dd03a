//! The golden files.

use super::*;

pub type Numbers = Vec<Option<f64>>;

#[derive(Deserialize)]
pub struct Golden {
    pub ece_boundaries: Vec<f32>,
    pub problems: Vec<Problem>,
    pub curves: Vec<CurveCase>,
    pub bootstrap: Vec<BootstrapCase>,
    pub delong: Vec<DelongCase>,
    pub holm: Vec<HolmCase>,
    pub temperature: Vec<TemperatureCase>,
    pub cooccurrence: Vec<CooccurrenceCase>,
}

#[derive(Deserialize)]
pub struct Problem {
    pub name: String,
    pub n: usize,
    pub c: usize,
    pub seed: Option<u64>,
    pub k_sum: Option<u64>,
    pub labels: Option<String>,
    pub scores: Option<Vec<f32>>,
    pub thresholds: Vec<f32>,
    #[serde(flatten)]
    pub expected: Expected,
}

/// What the reference says of a table.
#[derive(Deserialize)]
pub struct Expected {
    pub conditions: Conditions,
    #[serde(rename = "macro")]
    pub macro_average: BTreeMap<String, (Option<f64>, usize)>,
    pub weighted: BTreeMap<String, Option<f64>>,
    pub micro: BTreeMap<String, Option<f64>>,
    pub samples: BTreeMap<String, (Option<f64>, usize)>,
    pub subset_accuracy: f64,
    pub medmnist: MedMnist,
    pub normal: Normal,
}

#[derive(Deserialize)]
pub struct Conditions {
    pub support: Vec<u64>,
    pub prevalence: Numbers,
    pub auroc: Numbers,
    pub auprc: Numbers,
    pub tn: Vec<u64>,
    pub fp: Vec<u64>,
    #[serde(rename = "fn")]
    pub fn_: Vec<u64>,
    pub tp: Vec<u64>,
    pub precision: Numbers,
    pub recall: Numbers,
    pub specificity: Numbers,
    pub npv: Numbers,
    pub f1: Numbers,
    pub mcc: Numbers,
    pub balanced_accuracy: Numbers,
    pub brier: Numbers,
    pub ece: Numbers,
    pub ece_f64: Numbers,
    pub best_f1: Numbers,
    pub best_youden: Numbers,
    pub best_specificity_95: Numbers,
    pub best_specificity_50: Numbers,
}

#[derive(Deserialize)]
pub struct MedMnist {
    pub auc: Option<f64>,
    pub acc: f64,
}

#[derive(Deserialize)]
pub struct Normal {
    pub support: u64,
    pub auroc: Option<f64>,
    pub auprc: Option<f64>,
    #[serde(flatten)]
    pub counts: Confusion,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub specificity: Option<f64>,
    pub npv: Option<f64>,
    pub f1: Option<f64>,
    pub mcc: Option<f64>,
    pub balanced_accuracy: Option<f64>,
    pub accuracy: f64,
    pub no_call: [u64; 4],
}

#[derive(Deserialize)]
pub struct CurveCase {
    pub name: String,
    pub conditions: Vec<Curves>,
}

#[derive(Deserialize)]
pub struct Curves {
    pub fpr: Option<Vec<f64>>,
    pub tpr: Option<Vec<f64>>,
    pub precision: Option<Vec<f64>>,
    pub recall: Option<Vec<f64>>,
    pub pr_thresholds: Option<Vec<f32>>,
}

#[derive(Deserialize)]
pub struct BootstrapCase {
    pub name: String,
    pub indices: Vec<Vec<usize>>,
    pub images: ResampledCase,
    pub patients: Vec<u32>,
    pub patient_indices: Vec<Vec<u32>>,
    pub by_patient: ResampledCase,
}

#[derive(Deserialize)]
pub struct ResampledCase {
    pub auroc: Vec<Numbers>,
    pub auprc: Vec<Numbers>,
    pub f1: Vec<Numbers>,
    pub macro_auroc: Numbers,
    pub normal_auroc: Numbers,
    pub interval: Intervals,
}

/// The 2.5th and the 97.5th percentile, and over how many resamples.
pub type Percentiles = Option<(f64, f64, usize)>;

#[derive(Deserialize)]
pub struct Intervals {
    pub auroc: Vec<Percentiles>,
    pub auprc: Vec<Percentiles>,
    pub f1: Vec<Percentiles>,
    pub macro_auroc: Percentiles,
    pub normal_auroc: Percentiles,
}

#[derive(Deserialize)]
pub struct DelongCase {
    pub name: String,
    pub n: usize,
    pub seed: Option<u64>,
    pub k_sum_a: Option<u64>,
    pub k_sum_b: Option<u64>,
    pub labels: Option<String>,
    pub scores_a: Option<Vec<f32>>,
    pub scores_b: Option<Vec<f32>>,
    pub auc_a: Option<f64>,
    pub auc_b: Option<f64>,
    pub var_a: Option<f64>,
    pub var_b: Option<f64>,
    pub cov: Option<f64>,
    pub ci_a: Option<[f64; 2]>,
    pub ci_b: Option<[f64; 2]>,
    pub var_diff: Option<f64>,
    pub z: Option<f64>,
    pub p: Option<f64>,
}

#[derive(Deserialize)]
pub struct HolmCase {
    pub p: Vec<f64>,
    pub adjusted: Vec<f64>,
}

#[derive(Deserialize)]
pub struct TemperatureCase {
    pub name: String,
    pub n: usize,
    pub c: usize,
    pub seed: Option<u64>,
    pub k_sum: Option<i64>,
    pub labels: Option<String>,
    pub logits: Option<Vec<f32>>,
    pub t: f64,
    pub at_bound: Option<String>,
    pub bce_before: f64,
    pub bce_after: f64,
    pub ece_before: f64,
    pub ece_before_f64: f64,
    pub ece_after: f64,
    pub ece_after_f64: f64,
}

#[derive(Deserialize)]
pub struct CooccurrenceCase {
    pub name: String,
    pub labelled: Vec<Vec<u64>>,
    pub called: Vec<Vec<u64>>,
}

#[derive(Deserialize)]
pub struct ChexnetFile {
    pub chexnet: Chexnet,
}

#[derive(Deserialize)]
pub struct Chexnet {
    pub n: usize,
    pub c: usize,
    pub thresholds: Vec<f32>,
    #[serde(flatten)]
    pub expected: Expected,
    pub delong: ChexnetDelong,
}

#[derive(Deserialize)]
pub struct ChexnetDelong {
    pub auc: Vec<f64>,
    pub var: Vec<f64>,
    pub low: Vec<f64>,
    pub high: Vec<f64>,
}
