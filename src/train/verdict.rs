//! What the best weights say of a split: predictions and first numbers, written into the run's folder.

use anyhow::{Context, Result};

use super::Event;
use crate::dataset::Split;
use crate::dataset::labels::LabelSet;
use crate::metrics::{DEFAULT_THRESHOLD, EpochAccumulator};
use crate::runs::{
    ConditionEvaluation, Evaluation, MacroEvaluation, MicroEvaluation, RunFolder, SplitPredictions,
};

/// Writes `predictions_<split>.npz` and, for the test split, `evaluation.json`; `epoch` is the one the
/// weights are of.
///
/// # Errors
/// When the folder can't be written.
pub fn write(
    folder: &RunFolder,
    split: Split,
    labels: &LabelSet,
    seen: &EpochAccumulator,
    epoch: usize,
) -> Result<Event> {
    let path = folder.predictions(split.name());
    let predictions = SplitPredictions {
        logits: seen.logits().to_vec(),
        probabilities: seen.probabilities(),
        labels: seen.labels().to_vec(),
        classes: labels.len(),
    };
    predictions.write(&path).with_context(|| format!("can't write {}", path.display()))?;
    let evaluation = evaluate(split, labels, seen, epoch);
    if split == Split::Test {
        folder.write_evaluation(&evaluation)?;
    }
    Ok(Event::Evaluated {
        split: split.name().to_owned(),
        auroc_macro: evaluation.macro_average.auroc,
        auprc_macro: evaluation.macro_average.auprc,
        n_conditions: evaluation.macro_average.n_conditions,
    })
}

fn evaluate(split: Split, labels: &LabelSet, seen: &EpochAccumulator, epoch: usize) -> Evaluation {
    let report = seen.compute();
    let threshold = f64::from(DEFAULT_THRESHOLD);
    let condition = |index: usize| {
        let confusion = report.confusion[index];
        ConditionEvaluation {
            support: confusion.support() as usize,
            prevalence: confusion.support() as f64 / confusion.total().max(1) as f64,
            auroc: report.auroc[index],
            auprc: report.auprc[index],
            threshold,
            tn: confusion.tn,
            fp: confusion.fp,
            fn_: confusion.fn_,
            tp: confusion.tp,
            precision: confusion.precision(),
            recall: confusion.recall(),
            specificity: confusion.specificity(),
            f1: confusion.f1(),
        }
    };
    Evaluation {
        split: split.name().to_owned(),
        n: seen.rows(),
        epoch,
        thresholds: labels.iter().map(|label| (label.key.clone(), threshold)).collect(),
        per_condition: labels
            .iter()
            .enumerate()
            .map(|(index, label)| (label.key.clone(), condition(index)))
            .collect(),
        macro_average: MacroEvaluation {
            auroc: report.auroc_macro.value,
            auprc: report.auprc_macro.value,
            n_conditions: report.auroc_macro.defined,
        },
        micro_average: MicroEvaluation {
            accuracy: report.micro.accuracy,
            precision: report.micro.precision,
            recall: report.micro.recall,
            f1: report.micro.f1,
        },
    }
}
