//! Where a probability becomes a call.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CutPoints, DEFAULT_THRESHOLD, Predictions, normal_scores};

/// How a condition's threshold is chosen on the validation images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ThresholdRule {
    /// The greatest F1.
    #[default]
    MaxF1,
    /// The greatest sensitivity + specificity - 1 (Youden 1950).
    Youden,
    /// The fewest false alarms among the thresholds that find at least this share of the positives.
    Sensitivity(f64),
    /// This one, whatever the images say.
    Fixed(f32),
}

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rule for thresholds; write max-f1, youden, sensitivity=.95 or a number from 0 to 1")]
pub struct UnknownRule(String);

impl FromStr for ThresholdRule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let unknown = || UnknownRule(text.chars().filter(|c| !c.is_control()).take(40).collect());
        let share = |text: &str| {
            let number: f64 = text.trim().parse().map_err(|_| unknown())?;
            if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(unknown()) }
        };
        match text.trim() {
            "max-f1" => Ok(Self::MaxF1),
            "youden" => Ok(Self::Youden),
            number => match number.strip_prefix("sensitivity") {
                Some(rest) => {
                    let rest = rest.trim_start_matches([' ', '>', '=']);
                    share(rest).map(Self::Sensitivity)
                }
                None => share(number).map(|threshold| Self::Fixed(threshold as f32)),
            },
        }
    }
}

impl fmt::Display for ThresholdRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxF1 => f.pad("max-f1"),
            Self::Youden => f.pad("youden"),
            Self::Sensitivity(share) => f.pad(&format!("sensitivity={share}")),
            Self::Fixed(threshold) => f.pad(&threshold.to_string()),
        }
    }
}

impl TryFrom<String> for ThresholdRule {
    type Error = UnknownRule;

    fn try_from(text: String) -> Result<Self, UnknownRule> {
        text.parse()
    }
}

impl From<ThresholdRule> for String {
    fn from(rule: ThresholdRule) -> Self {
        rule.to_string()
    }
}

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The rule, on the images that it was asked of.
    Rule,
    /// [`DEFAULT_THRESHOLD`], since the rule says nothing there: no positives, or none below the threshold.
    Default,
    /// A person.
    Hand,
}

/// A threshold with where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// A probability above it is a call; 0 to 1.
    pub threshold: f32,
    pub by: Basis,
}

/// A network's thresholds, as they are kept with its weights in `thresholds.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    pub rule: ThresholdRule,
    /// The split whose images the rule was asked of.
    pub split: String,
    /// The epoch of the weights; `None` for predictions from elsewhere.
    pub epoch: Option<usize>,
    pub conditions: BTreeMap<String, Chosen>,
    /// For 1 - the greatest probability, above which an image is called normal.
    pub normal: Chosen,
    /// What logits are divided by so that probabilities mean what they say; `None` where there was nothing to
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
            normal: chosen(CutPoints::new(normal_scores(probabilities))),
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
