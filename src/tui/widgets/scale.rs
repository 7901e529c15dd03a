//! Axes: the marked numbers, and the position of a value between two ends.

/// A value axis from `low` to `high` with evenly spaced marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Value at the lower end.
    pub low: f64,
    /// Value at the upper end.
    pub high: f64,
    /// Marked values, rising.
    pub marks: Vec<f64>,
    /// Digits after the point that distinguish the marks.
    pub digits: usize,
    /// Whether equal ratios have equal room.
    pub log: bool,
}

impl Scale {
    /// An axis over all of `values` with about `wanted` marks; logarithmic if `log` and all are above 0.
    pub fn over(values: impl Iterator<Item = f64> + Clone, wanted: usize, log: bool) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let low = finite.clone().fold(f64::INFINITY, f64::min);
        let high = finite.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return None;
        }
        if log && low > 0.0 {
            return Some(Self::logarithmic(low, high, wanted));
        }
        // One value alone, or a flat curve, still gets an axis with some air.
        let span = high - low;
        let air = if span < 1e-9 { (low.abs() * 0.05).max(0.005) } else { 0.04 * span };
        let (low, high) = (low - air, high + air);
        let mut step = nice((high - low) / wanted.max(1) as f64);
        // Two marks at least: one alone doesn't show the distance between values.
        while (high / step).floor() - (low / step).ceil() < 1.0 {
            step = nice(step / 2.5);
        }
        let (first, last) = ((low / step).ceil(), (high / step).floor());
        let marks: Vec<f64> = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        let digits = (-(step + 1e-12).log10().floor()).clamp(2.0, 6.0) as usize;
        Some(Self { low, high, marks, digits, log: false })
    }

    fn logarithmic(low: f64, high: f64, wanted: usize) -> Self {
        let (low, high) = if high / low < 1.01 { (low / 1.05, high * 1.05) } else { (low, high) };
        let count = wanted.max(1);
        let ratio = (high / low).powf(1.0 / count as f64);
        let marks: Vec<f64> = (0..=count).map(|i| low * ratio.powi(i as i32)).collect();
        // Enough digits that the two lowest marks differ.
        let gap = marks[0] * (ratio - 1.0);
        let digits = (1.0 - gap.log10().floor()).clamp(1.0, 6.0) as usize;
        Self { low, high, marks, digits, log: true }
    }

    /// Position of `value`: 0 at the lower end, 1 at the upper one.
    pub fn place(&self, value: f64) -> f64 {
        let (value, low, high) = if self.log {
            (value.max(f64::MIN_POSITIVE).ln(), self.low.ln(), self.high.ln())
        } else {
            (value, self.low, self.high)
        };
        (value - low) / (high - low).max(f64::MIN_POSITIVE)
    }

    /// A mark as text.
    pub fn label(&self, value: f64) -> String {
        // Minus nothing is nothing.
        crate::tui::format::fixed(Some(if value.abs() < 1e-12 { 0.0 } else { value }), self.digits)
    }
}

/// The least of 1, 2, 5, 10 … that isn't below `step`.
fn nice(step: f64) -> f64 {
    let magnitude = 10_f64.powf(step.log10().floor());
    let mantissa = step / magnitude;
    let rounded = [1.0, 2.0, 5.0, 10.0].into_iter().find(|nice| mantissa <= nice + 1e-9).unwrap_or(10.0);
    rounded * magnitude
}

/// Whole numbers to mark between `first` and `last` when there is room for `room` of them.
pub fn whole_marks(first: usize, last: usize, room: usize) -> Vec<usize> {
    if last <= first || room < 2 {
        return vec![first];
    }
    let step = nice(((last - first) as f64 / (room - 1) as f64).max(1.0)).round() as usize;
    // The first epoch is 1, the marks after it are round: 1, 10, 20 …
    let mut marks = vec![first];
    let mut next = (first / step + 1) * step;
    while next <= last {
        marks.push(next);
        next += step;
    }
    if marks.len() > 2 && marks[1] - marks[0] < step.div_ceil(2) {
        marks.remove(1);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_all_values_and_marks_round_ones() {
        let scale = Scale::over([0.612, 0.774].into_iter(), 4, false).expect("values");
        assert!(scale.low < 0.612 && scale.high > 0.774);
        let labels: Vec<_> = scale.marks.iter().map(|mark| scale.label(*mark)).collect();
        assert_eq!(labels, [".65", ".70", ".75"]);
    }

    #[test]
    fn one_value_or_none_makes_no_trouble() {
        assert_eq!(Scale::over(std::iter::empty(), 4, false), None);
        assert_eq!(Scale::over([f64::NAN].into_iter(), 4, true), None);
        let scale = Scale::over([0.5].into_iter(), 4, false).expect("a value");
        assert!(scale.low < 0.5 && scale.high > 0.5);
        let scale = Scale::over([0.0, 1.0].into_iter(), 4, true).expect("values");
        assert_eq!(scale.place(0.5), 0.5, "zero has no logarithm, so the axis stays linear");
    }

    #[test]
    fn a_logarithmic_axis_gives_equal_ratios_equal_room() {
        let scale = Scale::over([0.01, 1.0].into_iter(), 4, true).expect("values");
        assert!((scale.place(0.1) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn epochs_are_marked_at_round_numbers() {
        assert_eq!(whole_marks(1, 5, 9), [1, 2, 3, 4, 5]);
        assert_eq!(whole_marks(1, 50, 6), [1, 10, 20, 30, 40, 50]);
        assert_eq!(whole_marks(1, 1, 6), [1]);
    }
}
