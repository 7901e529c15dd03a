//! Runs compared side by side: read from their directories, each compared with the first, with the settings that differ.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::compare::{Comparison, ComparisonInput, compare};
use crate::config::{FIELDS, RunConfig};
use crate::dataset::Split;
use crate::dataset::labels::LabelSet;
use crate::metrics::Thresholds;
use crate::runs::{EpochRecord, RunFolder, SplitPredictions};

/// A run with the predictions of its best weights on a split.
#[derive(Clone, Debug)]
pub struct ComparedRun {
    /// Id of the run.
    pub id: String,
    /// The network and the run's last four digits, `chestnet-s a1b2`.
    pub title: String,
    /// With the name that a person gave the run later, if one did.
    pub config: RunConfig,
    /// In the order of the columns.
    pub conditions: Vec<String>,
    /// Its predictions of the split.
    pub predictions: SplitPredictions,
    /// `None`: .5 for all.
    pub thresholds: Option<Thresholds>,
    /// The journal of its epochs.
    pub epochs: Vec<EpochRecord>,
}

/// The predictions of a run's best weights on a split; `None` when there are none, or they are of other weights.
///
/// # Errors
/// When the file, or the run's status, is damaged.
pub fn best_predictions(folder: &RunFolder, split: Split) -> Result<Option<SplitPredictions>> {
    let path = folder.predictions(split.name());
    if !path.exists() {
        return Ok(None);
    }
    let best = folder.read_status()?.best.map(|best| best.epoch);
    Ok(Some(SplitPredictions::read(&path)?).filter(|predictions| predictions.epoch == best))
}

impl ComparedRun {
    /// Reads a run; nothing is predicted anew.
    ///
    /// # Errors
    /// When there are no predictions on the split (names the command that makes them), or a file is damaged.
    pub fn read(folder: &RunFolder, split: Split) -> Result<Self> {
        let mut config = folder.read_config()?;
        if let Some(name) = folder.read_annotations().unwrap_or_default().name {
            config.run.name = name;
        }
        let id = folder.id();
        let predictions = best_predictions(folder, split)?.with_context(|| {
            format!(
                "run {id} was not evaluated on its {split} images; run `chestxr-tui evaluate {id} --split {split}`"
            )
        })?;
        let best = predictions.epoch;
        Ok(Self {
            id: id.as_str().to_owned(),
            title: format!("{} {}", config.model.arch.name(), id.short()),
            config,
            conditions: folder.read_provenance()?.conditions,
            predictions,
            thresholds: folder.read_thresholds()?.filter(|kept| kept.epoch == best),
            epochs: folder.read_epochs()?,
        })
    }

    /// For [`compare`].
    pub fn input(&self) -> ComparisonInput<'_> {
        ComparisonInput { predictions: &self.predictions, thresholds: self.thresholds.as_ref() }
    }
}

/// A setting that isn't the same in all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingDifference {
    /// `section.key`.
    pub key: &'static str,
    /// One a run, as a person would type it; empty for a text that is empty.
    pub values: Vec<String>,
}

/// Two or more runs on the same images.
#[derive(Clone, Debug)]
pub struct SideBySide {
    /// The split that is compared.
    pub split: Split,
    /// The conditions of both runs.
    pub labels: LabelSet,
    /// The first is the one that the others are set against.
    pub runs: Vec<ComparedRun>,
    /// What each of the others has over the first.
    pub against_first: Vec<Comparison>,
    /// Settings in which they differ.
    pub settings: Vec<SettingDifference>,
}

impl SideBySide {
    /// Sets runs side by side; `resamples` bootstrap resamples a mean.
    ///
    /// # Errors
    /// When there are fewer than two, one comes twice, or their images or conditions aren't the same.
    pub fn new(runs: Vec<ComparedRun>, split: Split, resamples: usize) -> Result<Self> {
        let [first, others @ ..] = runs.as_slice() else { bail!("there is no run to compare") };
        if others.is_empty() {
            bail!("a comparison needs two runs at least");
        }
        let distinct: BTreeSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        if distinct.len() < runs.len() {
            bail!("a run is named twice; name each run once");
        }
        let labels = LabelSet::of_keys(&first.conditions);
        let against_first = others
            .iter()
            .map(|run| {
                if run.conditions != first.conditions {
                    bail!("runs {} and {} know different conditions", first.id, run.id);
                }
                let compared = compare(first.input(), run.input(), &labels, resamples);
                compared.with_context(|| format!("runs {} and {} can't be compared", first.id, run.id))
            })
            .collect::<Result<Vec<_>>>()?;
        let configs: Vec<&RunConfig> = runs.iter().map(|run| &run.config).collect();
        let settings = setting_differences(&configs);
        Ok(Self { split, labels, against_first, settings, runs })
    }

    /// As one JSON object: the runs, the differences of each of the others to the first, the settings that differ.
    pub fn to_json(&self) -> serde_json::Value {
        let runs: Vec<_> = self
            .runs
            .iter()
            .map(|run| serde_json::json!({"id": run.id, "title": run.title, "epoch": run.predictions.epoch}))
            .collect();
        let first = &self.runs[0].id;
        let comparisons: Vec<_> = self
            .runs
            .iter()
            .skip(1)
            .zip(&self.against_first)
            .map(|(run, comparison)| serde_json::json!({"a": first, "b": run.id, "differences": comparison}))
            .collect();
        serde_json::json!({
            "split": self.split.name(),
            "runs": runs,
            "comparisons": comparisons,
            "settings": self.settings,
        })
    }
}

/// The settings that aren't the same in all configurations, in the order of the table.
pub fn setting_differences(configs: &[&RunConfig]) -> Vec<SettingDifference> {
    let all: Vec<Vec<String>> = configs.iter().map(|config| config.values()).collect();
    let differing = FIELDS.iter().enumerate().filter_map(|(place, field)| {
        let values: Vec<String> = all.iter().map(|values| values[place].clone()).collect();
        let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
        differs.then_some(SettingDifference { key: field.key, values })
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared_run(id: &str, scale: f32) -> ComparedRun {
        let labels: Vec<u8> = (0..60).map(|image| u8::from(image % 4 == 0)).collect();
        let scored = labels.iter().enumerate();
        let probabilities =
            scored.map(|(image, l)| f32::from(*l) * scale + (image % 10) as f32 / 20.0).collect();
        ComparedRun {
            id: id.to_owned(),
            title: id.to_owned(),
            config: RunConfig::default(),
            conditions: vec!["effusion".into()],
            predictions: SplitPredictions {
                logits: Vec::new(),
                probabilities,
                labels,
                classes: 1,
                patients: None,
                epoch: Some(1),
            },
            thresholds: None,
            epochs: Vec::new(),
        }
    }

    #[test]
    fn each_run_is_set_against_the_first() {
        let runs = vec![compared_run("a", 0.1), compared_run("b", 0.4), compared_run("c", 0.1)];
        let side = SideBySide::new(runs, Split::Test, 50).expect("the same images");
        assert_eq!(side.against_first.len(), 2);
        assert!(side.against_first[0].macro_auroc.difference > Some(0.1));
        assert_eq!(side.against_first[1].macro_auroc.difference, Some(0.0));
        assert_eq!(side.to_json()["comparisons"][1]["b"], "c");
    }

    #[test]
    fn what_can_not_be_compared_is_said() {
        let says = |runs: Vec<ComparedRun>| {
            format!("{:#}", SideBySide::new(runs, Split::Test, 5).expect_err("not comparable"))
        };
        assert!(says(vec![compared_run("a", 0.1)]).contains("two runs"));
        assert!(says(vec![compared_run("a", 0.1), compared_run("a", 0.2)]).contains("twice"));
        let mut other = compared_run("b", 0.2);
        other.conditions = vec!["edema".into()];
        assert!(says(vec![compared_run("a", 0.1), other]).contains("different conditions"));
        let mut other = compared_run("b", 0.2);
        other.predictions.labels[0] = 0;
        assert!(says(vec![compared_run("a", 0.1), other]).contains("different labels"));
    }

    #[test]
    fn only_settings_that_differ_are_told() {
        let (a, mut b) = (RunConfig::default(), RunConfig::default());
        b.set("optimizer.lr", "0.001").expect("a rate");
        let found = setting_differences(&[&a, &b, &a]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].key, found[0].values[1].as_str()), ("optimizer.lr", "0.001"));
    }
}
