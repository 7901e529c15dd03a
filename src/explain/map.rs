//! A map over an image.

use serde::Serialize;

/// What a method says of every pixel of an image for one condition.
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

    /// The largest absolute value, what colours are scaled by; 0 for an empty map.
    pub fn largest(&self) -> f32 {
        self.values.iter().fold(0.0, |most, value| most.max(value.abs()))
    }
}
