//! A map over an image.

use serde::Serialize;

/// Share of a signed map's pixels whose colours saturate.
const SATURATED: f64 = 0.005;

/// A method's attribution of every pixel of an image for one condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Pixels of the image.
    pub height: usize,
    /// Pixels of the image.
    pub width: usize,
    /// `H*W` values, row by row. Of a signed method positive ones speak for the condition and negative ones against
    /// it; of others all are at least 0.
    pub values: Vec<f32>,
    /// Height and width that the method worked at, before enlarging: a CAM's is its layer's.
    pub native: [usize; 2],
    /// Whether values may be negative (evidence against the condition): -1 to 1 instead of 0 to 1.
    pub signed: bool,
    /// Of the condition, as explained (before the correction for loss weights).
    pub logit: f32,
    /// Of the condition, as reported, 0 to 1.
    pub probability: f32,
    /// Of methods that promise it.
    pub completeness: Option<Completeness>,
}

/// How well attributions sum up to what they should explain (Sundararajan et al. 2017, axiom "completeness").
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Completeness {
    /// The logit of the image less that of the baseline.
    pub difference: f64,
    /// Sum of all attributions.
    pub sum: f64,
}

impl Completeness {
    /// `|sum - difference|` as a share of the difference; infinite where there is none.
    pub fn gap(&self) -> f64 {
        (self.sum - self.difference).abs() / self.difference.abs()
    }
}

impl Map {
    /// Whether anything speaks for the condition. A Grad-CAM without is 0 everywhere: nothing the layer saw raises the
    /// logit.
    pub fn has_evidence(&self) -> bool {
        self.values.iter().any(|value| *value > 0.0)
    }

    /// The value that gets the last colour, above 0: the largest; of a signed map the one that 0.5 % of the pixels exceed,
    /// since single pixels of gradients stand out by far.
    pub fn colour_limit(&self) -> f32 {
        let largest = self.largest();
        if !self.signed {
            return if largest > 0.0 { largest } else { 1.0 };
        }
        let mut sizes: Vec<f32> = self.values.iter().map(|value| value.abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let place = ((1.0 - SATURATED) * sizes.len() as f64) as usize;
        match sizes.get(place.min(sizes.len().saturating_sub(1))) {
            Some(scale) if *scale > 0.0 => *scale,
            _ if largest > 0.0 => largest,
            _ => 1.0,
        }
    }

    /// The largest absolute value; 0 for an empty map.
    pub fn largest(&self) -> f32 {
        self.values.iter().fold(0.0, |most, value| most.max(value.abs()))
    }
}

/// A value of a map as colour bars show it: its sign and two significant digits.
pub fn signed(value: f32) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        0.001..1000.0 => {
            let digits = (1.0 - value.abs().log10().floor()).max(0.0) as usize;
            format!("{value:+.digits$}")
        }
        _ => format!("{value:+.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::signed;

    #[test]
    fn values_have_a_sign_and_two_digits() {
        let shown = [0.0, 1.0, -0.123, 0.0456, 12.34, -250.0, 1.2e-5].map(signed);
        assert_eq!(shown, ["0", "+1.0", "-0.12", "+0.046", "+12", "-250", "+1.2e-5"]);
    }
}
