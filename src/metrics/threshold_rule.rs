//! Rules that choose a threshold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
    /// This one, whatever the images are.
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
