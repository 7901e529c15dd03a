//! Which curves there are, and how they are looked at.

use crate::runs::{EpochRecord, Metric};

/// A chart of an epoch's numbers.
pub struct ChartSpec {
    /// Its title.
    pub title: &'static str,
    /// Key of the number over training images.
    pub train: Option<&'static str>,
    /// Key of the number over validation images.
    pub val: Option<&'static str>,
    /// Whether a smaller number is better.
    pub falls: bool,
}

/// All charts, the most telling first: a small screen shows the first two, a middling one four.
pub const CHARTS: [ChartSpec; 6] = [
    ChartSpec { title: "loss", train: Some("train_loss"), val: Some("val_loss"), falls: true },
    ChartSpec { title: "macro AUROC", train: None, val: Some("val_auroc_macro"), falls: false },
    ChartSpec {
        title: "F1 (micro, .5)",
        train: Some("train_f1_score"),
        val: Some("val_f1_score"),
        falls: false,
    },
    ChartSpec {
        title: "precision (micro, .5)",
        train: Some("train_precision"),
        val: Some("val_precision"),
        falls: false,
    },
    ChartSpec { title: "macro AUPRC", train: None, val: Some("val_auprc_macro"), falls: false },
    ChartSpec {
        title: "accuracy (micro, .5)",
        train: Some("train_accuracy"),
        val: Some("val_accuracy"),
        falls: false,
    },
];

/// A point of a curve: epoch and value.
pub type Point = (f64, f64);

/// The values of one number over the epochs, where it is defined.
pub fn curve(epochs: &[EpochRecord], key: Option<&str>) -> Vec<Point> {
    let Some(metric) = key.and_then(Metric::find) else { return Vec::new() };
    epochs
        .iter()
        .filter_map(|record| (metric.get)(record).map(|value| (record.epoch as f64, value)))
        .filter(|(_, value)| value.is_finite())
        .collect()
}

/// An exponential moving average with the given weight of the past, corrected at the beginning so that the
/// first values count as they are.
pub fn smooth(points: &[Point], weight: f64) -> Vec<Point> {
    let (mut sum, mut mass) = (0.0, 0.0);
    points
        .iter()
        .map(|&(x, y)| {
            sum = weight * sum + (1.0 - weight) * y;
            mass = weight * mass + (1.0 - weight);
            (x, sum / mass)
        })
        .collect()
}

/// How the charts are looked at; one for all of them, so that they can be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartView {
    /// Logarithmic axis of the loss.
    pub log_y: bool,
    /// Place in [`ChartView::SMOOTHING`].
    pub smoothing: usize,
    /// The epoch that is read off on all charts.
    pub cursor: Option<usize>,
    /// The chosen chart.
    pub chosen: usize,
    /// Whether the chosen chart has the room to itself.
    pub zoomed: bool,
}

impl ChartView {
    /// Weights of the past that `w` goes through.
    pub const SMOOTHING: [f64; 3] = [0.0, 0.6, 0.9];

    /// The weight in force.
    pub fn weight(&self) -> f64 {
        Self::SMOOTHING[self.smoothing % Self::SMOOTHING.len()]
    }

    /// Moves the cursor by `by` epochs; it starts at the last one.
    pub fn move_cursor(&mut self, epochs: &[EpochRecord], by: isize) {
        let (Some(first), Some(last)) = (epochs.first(), epochs.last()) else { return };
        self.cursor = Some(match self.cursor {
            Some(at) => at.saturating_add_signed(by).clamp(first.epoch, last.epoch),
            None => last.epoch,
        });
    }

    /// Chooses the chart `by` places further.
    pub fn choose(&mut self, by: isize) {
        let count = CHARTS.len() as isize;
        self.chosen = (self.chosen as isize + by).rem_euclid(count) as usize;
    }

    /// Takes back cursor or zoom; whether there was anything to take back.
    pub fn clear(&mut self) -> bool {
        let had = self.cursor.is_some() || self.zoomed;
        (self.cursor, self.zoomed) = (None, false);
        had
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chart_reads_numbers_that_epochs_have() {
        for spec in &CHARTS {
            for key in [spec.train, spec.val].into_iter().flatten() {
                assert!(Metric::find(key).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn smoothing_begins_at_the_first_value_and_follows_slowly() {
        let points = [(1.0, 1.0), (2.0, 0.0)];
        assert_eq!(smooth(&points, 0.0), points);
        let smoothed = smooth(&points, 0.6);
        assert_eq!(smoothed[0].1, 1.0);
        assert!((smoothed[1].1 - 0.375).abs() < 1e-12, "{smoothed:?}");
    }

    #[test]
    fn the_cursor_begins_at_the_last_epoch_and_stays_on_the_charts() {
        let epochs: Vec<_> = (1..=3).map(|epoch| EpochRecord { epoch, ..Default::default() }).collect();
        let mut view = ChartView::default();
        view.move_cursor(&[], -1);
        assert_eq!(view.cursor, None);
        for (by, at) in [(-1, 3), (-1, 2), (-5, 1), (9, 3)] {
            view.move_cursor(&epochs, by);
            assert_eq!(view.cursor, Some(at));
        }
    }
}
