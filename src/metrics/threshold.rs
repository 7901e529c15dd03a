//! Thresholds above which an image is predicted positive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::threshold_rule::ThresholdRule;
use super::{CutPoints, DEFAULT_THRESHOLD, Predictions, known_normal_scores};

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The rule, computed on the given images.
    Rule,
    /// [`DEFAULT_THRESHOLD`], since the rule is undefined there: no positives, or none below the threshold.
    Default,
    /// A person.
    Hand,
}

/// A threshold with where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// A probability above it is a call; 0 to 1.
    pub threshold: f32,
    /// What the threshold was chosen by.
    pub by: Basis,
}

/// A network's thresholds, as they are kept with its weights in `thresholds.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The rule that was requested.
    pub rule: ThresholdRule,
    /// The split whose images the rule was computed on.
    pub split: String,
    /// The epoch of the weights; `None` for predictions from elsewhere.
    pub epoch: Option<usize>,
    /// The threshold of each condition, by its key.
    pub conditions: BTreeMap<String, Chosen>,
    /// For 1 - the greatest probability, above which an image is called normal.
    pub normal: Chosen,
    /// What logits are divided by so that probabilities are calibrated; `None` where there was nothing to
    /// fit it to.
    pub temperature: Option<f64>,
}

impl Thresholds {
    /// Asks a rule of N x C `probabilities`; `conditions` are the C names.
    pub fn choose(
        probabilities: &Predictions,
        conditions: &[String],
        rule: ThresholdRule,
        split: &str,
        epoch: Option<usize>,
    ) -> Self {
        let chosen = |cuts: Option<CutPoints>| match cuts.and_then(|cuts| cuts.choose(rule)) {
            Some(threshold) => Chosen { threshold, by: Basis::Rule },
            None => Chosen { threshold: DEFAULT_THRESHOLD, by: Basis::Default },
        };
        let each = conditions.iter().enumerate();
        Self {
            rule,
            split: split.to_owned(),
            epoch,
            conditions: each
                .map(|(class, name)| (name.clone(), chosen(CutPoints::of_class(probabilities, class))))
                .collect(),
            normal: chosen(CutPoints::new(known_normal_scores(probabilities))),
            temperature: None,
        }
    }

    /// The thresholds of these conditions in their order; [`DEFAULT_THRESHOLD`] for one it doesn't know.
    pub fn of(&self, conditions: &[String]) -> Vec<f32> {
        let of = |name| self.conditions.get(name).map_or(DEFAULT_THRESHOLD, |chosen| chosen.threshold);
        conditions.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cut_points::between;
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        for text in ["max-f1", "youden", "sensitivity=0.95", "0.143"] {
            assert_eq!(text.parse::<ThresholdRule>().expect(text).to_string(), text);
        }
        assert_eq!("sensitivity >= .9".parse(), Ok(ThresholdRule::Sensitivity(0.9)));
        for text in ["f1", "1.5", "sensitivity", "sensitivity=2", "-0.1", "nan"] {
            assert!(text.parse::<ThresholdRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_threshold_is_the_shortest_number_between_two_scores() {
        assert_eq!(between(0.1, 0.2), 0.15);
        assert_eq!(between(0.1421, 0.1438), 0.143);
        let (low, high) = (0.3_f32, 0.3_f32.next_up());
        assert_eq!(between(low, high), low);
        assert!((1e-30..1e-29).contains(&between(1e-30, 1e-29)), "digits run out, so the lower score it is");
    }
}
