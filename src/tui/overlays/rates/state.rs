//! What trying learning rates brought, and the rate under the cursor.

use crate::train::LrCurve;

/// A curve of losses over learning rates with a cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    pub curve: LrCurve,
    /// The rate under the cursor, by its place in the curve.
    pub at: usize,
}

impl Rates {
    /// The cursor begins at the suggestion.
    pub fn new(curve: LrCurve) -> Self {
        let suggested = |suggestion| curve.rates.iter().position(|rate| *rate == suggestion);
        let at = curve.suggestion.and_then(suggested).unwrap_or(curve.rates.len() / 2);
        Self { curve, at }
    }

    /// Moves the cursor.
    pub fn step(&mut self, by: isize) {
        let last = self.curve.rates.len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    /// The rate under the cursor.
    pub fn chosen(&self) -> Option<f64> {
        self.curve.rates.get(self.at).copied()
    }
}
