//! From values to pixels, and round ticks for an axis.

use super::format;

/// How values spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    Linear,
    /// More room for small values; from 0 on.
    SquareRoot,
    /// Equal room for each power of ten; from above 0 on.
    Logarithmic,
}

/// One axis. A value outside the domain is drawn at its edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// The values at the two ends, the smaller first.
    pub domain: [f64; 2],
    /// The pixels at the two ends; the first may be the greater one, as on every y axis.
    pub pixels: [f64; 2],
    pub spread: Spread,
}

impl Scale {
    pub fn linear(domain: [f64; 2], pixels: [f64; 2]) -> Self {
        Self { domain, pixels, spread: Spread::Linear }
    }

    /// The pixel of a value. What is no number lies at the beginning.
    pub fn at(&self, value: f64) -> f64 {
        let [low, high] = self.domain;
        let value = if value.is_nan() { low } else { value.max(low).min(high) };
        let spread = |value: f64| match self.spread {
            Spread::Linear => value,
            Spread::SquareRoot => value.sqrt(),
            Spread::Logarithmic => value.log10(),
        };
        let length = spread(high) - spread(low);
        let share = if length > 0.0 { (spread(value) - spread(low)) / length } else { 0.0 };
        self.pixels[0] + share * (self.pixels[1] - self.pixels[0])
    }
}

/// A place on an axis with what is written there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

/// Ticks from 0 to 1: five where there is room, else three.
pub(super) fn unit_ticks(roomy: bool) -> Vec<Tick> {
    let values: &[f64] = if roomy { &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0] } else { &[0.0, 0.5, 1.0] };
    values.iter().map(|&value| Tick { value, label: short(value, 1) }).collect()
}

/// Ticks at these values of the unit interval, with as few digits as they need.
pub(super) fn ticks_at(values: &[f64]) -> Vec<Tick> {
    values
        .iter()
        .map(|&value| {
            let digits = if (value * 10.0).fract() == 0.0 { 1 } else { 2 };
            Tick { value, label: short(value, digits) }
        })
        .collect()
}

/// About `wanted` ticks at multiples of 1, 2 or 5 times a power of ten within the domain.
pub(super) fn nice_ticks([low, high]: [f64; 2], wanted: usize) -> Vec<Tick> {
    let step = nice_step(high - low, wanted);
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    // A tick at the very end shall not be lost to rounding.
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let number = (last - first).clamp(-1.0, 100.0) as i32 + 1;
    (0..number)
        .map(|index| (first + f64::from(index)) * step)
        .map(|value| Tick { value, label: short(value, digits) })
        .collect()
}

/// Ticks at whole numbers only.
pub(super) fn integer_ticks(domain: [f64; 2], wanted: usize) -> Vec<Tick> {
    let step = nice_step(domain[1] - domain[0], wanted);
    if step >= 1.0 {
        return nice_ticks(domain, wanted);
    }
    let whole = [domain[0].ceil(), domain[1].floor()];
    let number = (whole[1] - whole[0]).clamp(-1.0, 100.0) as i32 + 1;
    (0..number)
        .map(|index| whole[0] + f64::from(index))
        .map(|value| Tick { value, label: format!("{value:.0}") })
        .collect()
}

/// Powers of ten from 1 to the first that is not below `highest`, and that power.
pub(super) fn count_ticks(highest: u64) -> (Vec<Tick>, f64) {
    let powers = (highest.max(10) as f64).log10().ceil().min(19.0) as u32;
    // Every second or third power where all would crowd.
    let every = powers.div_ceil(4).max(1) as usize;
    let label = |power: u32| match power {
        0..3 => format::count(10_u64.pow(power)),
        3..6 => format!("{}k", 10_u64.pow(power - 3)),
        6..9 => format!("{}M", 10_u64.pow(power - 6)),
        _ => format!("1e{power}"),
    };
    let ticks = (0..=powers)
        .step_by(every)
        .map(|power| Tick { value: 10_f64.powi(power as i32), label: label(power) })
        .collect();
    (ticks, 10_f64.powi(powers as i32))
}

/// A domain that holds all the values with a little air around them; 0 to 1 where there are none.
pub(super) fn domain_of(values: impl IntoIterator<Item = f64>) -> [f64; 2] {
    let Some([low, high]) = extent(values) else { return [0.0, 1.0] };
    let air = if high > low { 0.06 * (high - low) } else { 0.1 * low.abs().max(0.1) };
    [low - air, high + air]
}

/// The smallest and the largest of the finite values.
pub(super) fn extent(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    let widened = |[low, high]: [f64; 2], value: f64| [low.min(value), high.max(value)];
    let finite = values.into_iter().filter(|value| value.is_finite());
    let [low, high] = finite.fold([f64::INFINITY, f64::NEG_INFINITY], widened);
    (low <= high).then_some([low, high])
}

/// 1, 2 or 5 times a power of ten that cuts `length` into about `wanted` parts.
fn nice_step(length: f64, wanted: usize) -> f64 {
    let rough = length / wanted.max(1) as f64;
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(rough.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= rough * 0.999).unwrap_or(10.0);
    times * power
}

/// A tick's number: "0" and "1" without digits on the unit interval, otherwise without a leading zero.
fn short(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value == 1.0 {
        return "1".to_owned();
    }
    format::unit(value, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn ticks_lie_on_round_numbers_within_the_domain() {
        assert_eq!(labels(&nice_ticks([0.117, 0.163], 5)), [".12", ".13", ".14", ".15", ".16"]);
        assert_eq!(labels(&nice_ticks([-0.021, 0.02], 5)), ["−.02", "−.01", "0", ".01", ".02"]);
        assert_eq!(labels(&nice_ticks([0.0, 100.0], 5)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(&nice_ticks([0.3, 0.3], 5)), Vec::<&str>::new());
    }

    #[test]
    fn epochs_are_whole_numbers() {
        assert_eq!(labels(&integer_ticks([0.9, 3.1], 8)), ["1", "2", "3"]);
        assert_eq!(labels(&integer_ticks([1.0, 30.0], 6)), ["5", "10", "15", "20", "25", "30"]);
    }

    #[test]
    fn counts_go_up_to_a_power_of_ten() {
        let (ticks, highest) = count_ticks(22_433);
        assert_eq!((labels(&ticks), highest), (vec!["1", "100", "10k"], 100_000.0));
        assert_eq!(count_ticks(0).1, 10.0);
        assert_eq!(count_ticks(u64::MAX).1, 1e19);
    }

    #[test]
    fn a_scale_meets_its_ends_and_keeps_strays_on_the_edge() {
        let scale = Scale { domain: [0.0, 1.0], pixels: [100.0, 300.0], spread: Spread::SquareRoot };
        assert_eq!(
            [0.0, 0.25, 1.0, 7.0, -1.0].map(|value| scale.at(value)),
            [100.0, 200.0, 300.0, 300.0, 100.0]
        );
        assert_eq!(scale.at(f64::NAN), 100.0);
        let log = Scale { domain: [1.0, 100.0], pixels: [0.0, 2.0], spread: Spread::Logarithmic };
        assert_eq!(log.at(10.0), 1.0);
    }

    #[test]
    fn a_domain_ignores_what_is_no_number() {
        assert_eq!(domain_of([f64::NAN, f64::INFINITY]), [0.0, 1.0]);
        let [low, high] = domain_of([1.0, 2.0, f64::NAN]);
        assert!(low < 1.0 && high > 2.0 && high - low < 1.2);
        let [low, high] = domain_of([0.0]);
        assert!(low < high);
    }
}
