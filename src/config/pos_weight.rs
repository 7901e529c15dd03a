//! How much more a positive label weighs than a negative one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The rule that gives each condition its weight from the training images, `r` being negatives a positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PosWeight {
    /// 1.
    None,
    /// The root of `r`.
    Sqrt,
    /// `r`, which makes both sides weigh the same.
    Full,
    /// `r`, but at most this much.
    Capped(f64),
}

impl PosWeight {
    /// The weight of a condition with so many positive and negative training images; 1 where one side has
    /// none, since nothing can be balanced then.
    pub fn of(self, positives: usize, negatives: usize) -> f64 {
        if positives == 0 || negatives == 0 {
            return 1.0;
        }
        let ratio = negatives as f64 / positives as f64;
        match self {
            Self::None => 1.0,
            Self::Sqrt => ratio.sqrt(),
            Self::Full => ratio,
            Self::Capped(most) => ratio.min(most),
        }
    }
}

impl FromStr for PosWeight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "sqrt" => Ok(Self::Sqrt),
            "full" => Ok(Self::Full),
            number => match number.parse() {
                Ok(most) if most > 0.0 && f64::is_finite(most) => Ok(Self::Capped(most)),
                _ => Err(format!("`{number}` is none of none, sqrt, full or a number above 0")),
            },
        }
    }
}

impl TryFrom<String> for PosWeight {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PosWeight> for String {
    fn from(weight: PosWeight) -> Self {
        weight.to_string()
    }
}

impl fmt::Display for PosWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("none"),
            Self::Sqrt => f.pad("sqrt"),
            Self::Full => f.pad("full"),
            Self::Capped(most) => f.pad(&most.to_string()),
        }
    }
}
