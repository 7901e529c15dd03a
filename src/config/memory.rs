//! A memory limit for images, `auto` or an amount such as `800MB`.

use std::str::FromStr;

/// An amount of memory for images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// What this machine can give without harm.
    Auto,
    /// So many bytes.
    Bytes(u64),
}

/// A text that is no amount of memory.
#[derive(Debug, thiserror::Error)]
#[error("takes auto or an amount like 800MB or 4GB")]
pub struct NoAmount;

/// Units by their endings; those of 1024 have an `i`.
const UNITS: [(&str, f64); 8] = [
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("m", 1e6),
    ("g", 1e9),
];

impl FromStr for Memory {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let text = text.trim().to_lowercase();
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let unit = UNITS.iter().find_map(|(ending, factor)| Some((text.strip_suffix(ending)?, *factor)));
        let (number, factor) = unit.ok_or(NoAmount)?;
        let number: f64 = number.trim().parse().map_err(|_| NoAmount)?;
        let amount = number * factor;
        let sensible = (1e6..1e15).contains(&amount);
        if sensible { Ok(Self::Bytes(amount as u64)) } else { Err(NoAmount) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_a_unit() {
        let bytes = |text: &str| text.parse::<Memory>().ok();
        assert_eq!(bytes("auto"), Some(Memory::Auto));
        assert_eq!(bytes("800MB"), Some(Memory::Bytes(800_000_000)));
        assert_eq!(bytes("1.5 GB"), Some(Memory::Bytes(1_500_000_000)));
        assert_eq!(bytes("1GiB"), Some(Memory::Bytes(1 << 30)));
        for wrong in ["", "4", "GB", "-1GB", "1kB", "inf GB", "nanGB", "much"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
