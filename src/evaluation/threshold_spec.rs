//! A threshold specification: a rule for all conditions, and others for single conditions.

use std::str::FromStr;

use crate::dataset::labels::LabelSet;
use crate::metrics::{Basis, Chosen, ThresholdRule, Thresholds, temperature};
use crate::runs::SplitPredictions;

/// `youden`, `max-f1,effusion=.2`, `hernia=sensitivity=.9`: as `--thresholds` takes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThresholdSpec {
    /// For all conditions; `None` keeps what is kept with the weights, or takes the default rule.
    pub rule: Option<ThresholdRule>,
    /// For single ones, by key; `normal` is normal detection.
    pub single: Vec<(String, ThresholdRule)>,
}

/// A specification that can't be resolved for a label set or a split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum ThresholdSpecError {
    #[error(transparent)]
    Rule(#[from] crate::metrics::UnknownRule),
    #[error("`{0}` is no condition here; the conditions are {1}, and normal")]
    Condition(String, String),
    #[error("--thresholds names two rules for all conditions, `{0}` and `{1}`; leave one away")]
    Twice(String, String),
}

impl FromStr for ThresholdSpec {
    type Err = ThresholdSpecError;

    fn from_str(text: &str) -> Result<Self, ThresholdSpecError> {
        let mut spec = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((name, rule)) if !name.trim().starts_with("sensitivity") => {
                    spec.single.push((name.trim().to_lowercase(), rule.parse()?));
                }
                _ => {
                    let rule: ThresholdRule = part.parse()?;
                    if let Some(before) = spec.rule {
                        return Err(ThresholdSpecError::Twice(before.to_string(), rule.to_string()));
                    }
                    spec.rule = Some(rule);
                }
            }
        }
        Ok(spec)
    }
}

impl ThresholdSpec {
    /// Whether any rule or value is requested.
    pub fn is_empty(&self) -> bool {
        self.rule.is_none() && self.single.is_empty()
    }

    /// Chooses thresholds by the rules on a split's predictions. `kept` are the thresholds kept with the weights, which hold where
    /// nothing else is requested.
    ///
    /// # Errors
    /// When a condition is named that isn't there.
    pub fn resolve(
        &self,
        kept: Option<Thresholds>,
        predictions: &SplitPredictions,
        split: &str,
        labels: &LabelSet,
    ) -> Result<Thresholds, ThresholdSpecError> {
        let keys = labels.keys();
        let choose = |rule| Thresholds::choose(&predictions.table(), &keys, rule, split, predictions.epoch);
        let mut thresholds = match (self.rule, kept.filter(|kept| kept.epoch == predictions.epoch)) {
            (None, Some(kept)) => kept,
            (rule, _) => thresholds_by(rule.unwrap_or_default(), predictions, split, labels),
        };
        for (name, rule) in &self.single {
            let chosen = match (rule, choose(*rule)) {
                (ThresholdRule::Fixed(threshold), _) => Chosen { threshold: *threshold, by: Basis::Hand },
                (_, chosen) if name == "normal" => chosen.normal,
                (_, chosen) => chosen.conditions.get(name).copied().unwrap_or(chosen.normal),
            };
            if name == "normal" {
                thresholds.normal = chosen;
            } else if keys.contains(name) {
                thresholds.conditions.insert(name.clone(), chosen);
            } else {
                return Err(ThresholdSpecError::Condition(crate::text::one_line(name, 40), keys.join(", ")));
            }
        }
        Ok(thresholds)
    }
}

/// Thresholds of all conditions by one rule, and the temperature where logits are known.
pub fn thresholds_by(
    rule: ThresholdRule,
    predictions: &SplitPredictions,
    split: &str,
    labels: &LabelSet,
) -> Thresholds {
    let mut chosen = Thresholds::choose(&predictions.table(), &labels.keys(), rule, split, predictions.epoch);
    chosen.temperature = temperature(&predictions.logits, &predictions.labels[..predictions.logits.len()]);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_has_one_rule_for_all_and_others_for_single_conditions() {
        let spec: ThresholdSpec = "youden, effusion=.2,hernia=sensitivity=.9".parse().expect("a spec");
        assert_eq!(spec.rule, Some(ThresholdRule::Youden));
        assert_eq!(spec.single[0], ("effusion".into(), ThresholdRule::Fixed(0.2)));
        assert_eq!(spec.single[1], ("hernia".into(), ThresholdRule::Sensitivity(0.9)));
        let all: ThresholdSpec = "sensitivity=.95".parse().expect("a spec");
        assert_eq!((all.rule, all.single.len()), (Some(ThresholdRule::Sensitivity(0.95)), 0));
        assert!("youden,max-f1".parse::<ThresholdSpec>().is_err());
        assert!("effusion=often".parse::<ThresholdSpec>().is_err());
    }
}
