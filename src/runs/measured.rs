//! What a run comes to in numbers, and how its settings differ from the default: what a list is sorted, filtered and
//! compared by. Made once a run, since it takes a look at every epoch.

use super::{EpochRecord, METRICS};
use crate::config::{FIELDS, RunConfig};

/// Which of a run's epochs a number is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistic {
    /// The epoch whose weights are kept as the best.
    #[default]
    Best,
    /// The value of the last epoch.
    Last,
    /// The least of all epochs.
    Min,
    /// The greatest of all epochs.
    Max,
}

impl Statistic {
    /// All of them, in the order that a key goes through.
    pub const ALL: [Self; 4] = [Self::Best, Self::Last, Self::Min, Self::Max];

    /// One word, as shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Last => "last",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    /// The one after it.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|statistic| *statistic == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// A number of each run to look at: a metric, and of which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Place in [`METRICS`].
    pub metric: usize,
    /// Which of the run's values.
    pub statistic: Statistic,
}

impl Default for Measure {
    fn default() -> Self {
        let metric = METRICS.iter().position(|metric| metric.key == "val_auroc_macro").unwrap_or(0);
        Self { metric, statistic: Statistic::Best }
    }
}

/// A metric over the epochs where it is a finite number; `None` where it never is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread {
    best: Option<f64>,
    last: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
}

/// A run's numbers, and the settings that it changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// In the order of [`METRICS`].
    spreads: Vec<Spread>,
    /// Places in [`FIELDS`], rising, with the values as a person would type them.
    changed: Vec<(usize, String)>,
}

impl Measured {
    /// Measures a run: `best` is the epoch whose weights are its best.
    pub fn new(epochs: &[EpochRecord], best: Option<usize>, config: Option<&RunConfig>) -> Self {
        let spreads = METRICS.iter().map(|metric| {
            let mut spread = Spread::default();
            for record in epochs {
                let Some(value) = (metric.get)(record).filter(|value| value.is_finite()) else { continue };
                spread.last = Some(value);
                spread.min = Some(spread.min.map_or(value, |least| least.min(value)));
                spread.max = Some(spread.max.map_or(value, |most| most.max(value)));
                if best == Some(record.epoch) {
                    spread.best = Some(value);
                }
            }
            spread
        });
        let changed = config.map_or_else(Vec::new, |config| {
            let default = RunConfig::default().values();
            let values = config.values().into_iter().enumerate();
            values.filter(|(place, value)| *value != default[*place]).collect()
        });
        Self { spreads: spreads.collect(), changed }
    }

    /// A number; `None` where the run has none.
    pub fn get(&self, measure: Measure) -> Option<f64> {
        let spread = self.spreads.get(measure.metric)?;
        match measure.statistic {
            Statistic::Best => spread.best,
            Statistic::Last => spread.last,
            Statistic::Min => spread.min,
            Statistic::Max => spread.max,
        }
    }

    /// A setting by its place in [`FIELDS`], if it isn't the default.
    pub fn changed(&self, place: usize) -> Option<&str> {
        let at = self.changed.binary_search_by_key(&place, |(place, _)| *place).ok()?;
        Some(&self.changed[at].1)
    }
}

/// Places in [`FIELDS`] of the settings that aren't the same in all of `runs`, in the order of the table.
pub fn differing<'a>(runs: impl Iterator<Item = &'a Measured> + Clone) -> Vec<usize> {
    let mut runs = runs.into_iter();
    let Some(first) = runs.next() else { return Vec::new() };
    let mut differs = vec![false; FIELDS.len()];
    for run in runs {
        // Both lists rise: what one has and the other hasn't, or has otherwise, differs.
        let (mut a, mut b) = (first.changed.as_slice(), run.changed.as_slice());
        loop {
            match (a, b) {
                ([(at, value), rest_a @ ..], [(other, theirs), rest_b @ ..]) => {
                    if at == other {
                        differs[*at] |= value != theirs;
                        (a, b) = (rest_a, rest_b);
                    } else if at < other {
                        differs[*at] = true;
                        a = rest_a;
                    } else {
                        differs[*other] = true;
                        b = rest_b;
                    }
                }
                ([(at, _), rest @ ..], []) | ([], [(at, _), rest @ ..]) => {
                    differs[*at] = true;
                    (a, b) = (rest, &[]);
                }
                ([], []) => break,
            }
        }
    }
    (0..FIELDS.len()).filter(|place| differs[*place]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(key: &str) -> usize {
        FIELDS.iter().position(|field| field.key == key).expect(key)
    }

    fn measured(sets: &[(&str, &str)]) -> Measured {
        let mut config = RunConfig::default();
        for (key, value) in sets {
            config.set(key, value).expect(key);
        }
        Measured::new(&[], None, Some(&config))
    }

    #[test]
    fn numbers_are_of_the_epoch_they_are_asked_of() {
        let epoch = |epoch, val_auroc_macro| EpochRecord { epoch, val_auroc_macro, ..EpochRecord::default() };
        let epochs = [epoch(1, Some(0.6)), epoch(2, Some(0.8)), epoch(3, Some(0.9)), epoch(4, None)];
        let found = Measured::new(&epochs, Some(2), None);
        let number = |statistic| found.get(Measure { statistic, ..Measure::default() });
        assert_eq!(Statistic::ALL.map(number), [Some(0.8), Some(0.9), Some(0.6), Some(0.9)]);
        assert_eq!(Measured::new(&epochs, None, None).get(Measure::default()), None, "no epoch is the best");
        let nothing = Measured::new(&[], Some(2), None);
        assert_eq!(Statistic::ALL.map(|statistic| nothing.get(Measure { metric: 0, statistic })), [None; 4]);
    }

    #[test]
    fn only_settings_that_are_not_the_same_differ() {
        let a = measured(&[("optimizer.lr", "1e-3"), ("run.seed", "1")]);
        let b = measured(&[("optimizer.lr", "1e-3"), ("run.seed", "2"), ("loss.kind", "focal")]);
        let c = measured(&[("data.size", "128"), ("optimizer.lr", "1e-3"), ("run.seed", "1")]);
        assert_eq!(differing([&a, &b].into_iter()), [place("run.seed"), place("loss.kind")]);
        assert_eq!(differing([&a, &c].into_iter()), [place("data.size")]);
        assert_eq!(differing([&a, &a, &a].into_iter()), [] as [usize; 0]);
        assert_eq!(differing(std::iter::once(&a)), [] as [usize; 0]);
        assert_eq!(a.changed(place("optimizer.lr")), Some("0.001"));
        assert_eq!(a.changed(place("data.size")), None);
    }
}
