//! The state of the Evaluate screen: a run's evaluation at thresholds that the user changes.

mod answer;
mod evaluated_run;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tui_input::Input;

pub use answer::{Against, Answer, EvaluateRequest, answer, save_thresholds};
pub use evaluated_run::{Cell, EvaluatedRun};

use crate::dataset::Dataset;
use crate::dataset::progress::Progress;
use crate::metrics::ThresholdRule;

/// What the screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// One condition.
    #[default]
    Condition,
    /// All matrices.
    Grid,
    Calibration,
    /// Beside another run.
    Against,
}

/// What the list is sorted by; normal detection stays at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Auroc,
    Support,
    Name,
}

/// A request: idle, running, or its result.
#[derive(Debug, Default)]
pub enum Loading<T> {
    #[default]
    Idle,
    Busy(Timestamp),
    Ready(T),
    Failed(String),
}

impl<T> Loading<T> {
    /// What is here.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }
}

/// Images of a cell.
#[derive(Debug)]
pub struct ImageList {
    pub row: usize,
    pub cell: Cell,
    /// Index in the split, and score.
    pub images: Vec<(u32, f32)>,
    pub at: usize,
}

/// The thresholds' presets, in the order in which a key goes through them.
pub const PRESETS: [ThresholdRule; 5] = [
    ThresholdRule::MaxF1,
    ThresholdRule::Youden,
    ThresholdRule::Sensitivity(0.95),
    ThresholdRule::Sensitivity(0.8),
    ThresholdRule::Fixed(0.5),
];

/// Everything the screen knows.
#[derive(Debug)]
pub struct EvaluateState {
    pub request: Option<EvaluateRequest>,
    pub shown: Loading<Box<EvaluatedRun>>,
    /// Progress of the prediction that is under way.
    pub progress: Option<Progress>,
    pub choices: Vec<PathBuf>,
    pub view: View,
    pub order: Order,
    /// Place in the sorted list.
    pub place: usize,
    pub cell: Cell,
    /// Threshold keys move all conditions.
    pub all: bool,
    /// The preset taken last.
    pub preset: Option<usize>,
    /// A threshold being typed.
    pub typing: Option<Input>,
    pub images: Option<ImageList>,
    /// The images of the run on screen.
    pub dataset: Loading<Arc<Dataset>>,
    pub against: Loading<Box<Against>>,
    pub against_path: Option<PathBuf>,
}

impl Default for EvaluateState {
    fn default() -> Self {
        Self {
            request: None,
            shown: Loading::Idle,
            progress: None,
            choices: Vec::new(),
            view: View::default(),
            order: Order::default(),
            place: 0,
            cell: Cell::default(),
            all: false,
            preset: None,
            typing: None,
            images: None,
            dataset: Loading::Idle,
            against: Loading::Idle,
            against_path: None,
        }
    }
}

impl EvaluateState {
    /// The run on screen.
    pub fn run(&self) -> Option<&EvaluatedRun> {
        self.shown.ready().map(Box::as_ref)
    }

    /// Rows in the order of the list.
    pub fn sorted(&self) -> Vec<usize> {
        let Some(run) = self.run() else { return Vec::new() };
        let mut rows: Vec<usize> = (0..run.labels.len()).collect();
        let auroc = |row: usize| run.kept_numbers(row).and_then(|numbers| numbers.auroc).unwrap_or(-1.0);
        let support = |row: usize| run.kept_numbers(row).map_or(0, |numbers| numbers.support);
        match self.order {
            Order::Auroc => rows.sort_by(|a, b| auroc(*b).total_cmp(&auroc(*a))),
            Order::Support => rows.sort_by_key(|row| std::cmp::Reverse(support(*row))),
            Order::Name => rows.sort_by_key(|row| run.name(*row).to_owned()),
        }
        rows.push(run.labels.len());
        rows
    }

    /// The row under the cursor.
    pub fn row(&self) -> usize {
        self.sorted().get(self.place).copied().unwrap_or(0)
    }

    /// Changes the thresholds that the keys are for.
    pub fn change_levels(&mut self, change: impl Fn(&EvaluatedRun, usize) -> f32) {
        let (row, all) = (self.row(), self.all);
        let Loading::Ready(run) = &mut self.shown else { return };
        // "All" are all conditions: normal detection's score is another quantity.
        let rows = if all && row < run.labels.len() { 0..run.labels.len() } else { row..row + 1 };
        for row in rows {
            let level = change(run, row).clamp(0.0, 1.0);
            if let Some(slot) = run.levels.get_mut(row) {
                *slot = level;
            }
        }
    }
}

/// The next threshold up or down, `by` steps away: hundredths, or thousandths below .1 and so on, so that a step is
/// felt where rare conditions have their thresholds.
pub fn stepped(level: f32, by: i32) -> f32 {
    let mut level = f64::from(level);
    for _ in 0..by.unsigned_abs() {
        // Going down from a round number, the finer steps below it count.
        let size = if by > 0 { level * (1.0 + 1e-6) } else { level * (1.0 - 1e-6) };
        let step = match size {
            size if size >= 0.1 => 0.01,
            size if size >= 0.01 => 0.001,
            _ => 0.0001,
        };
        let next = match by > 0 {
            true => (level / step + 1e-4).floor() + 1.0,
            false => (level / step - 1e-4).ceil() - 1.0,
        };
        level = (next * step).clamp(0.0, 1.0);
    }
    level as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_steps_finer_where_it_is_small() {
        assert_eq!(stepped(0.5, 1), 0.51);
        assert_eq!(stepped(0.5, -1), 0.49);
        assert_eq!(stepped(0.143, 1), 0.15);
        assert_eq!(stepped(0.1, -1), 0.099);
        assert_eq!(stepped(0.1, 1), 0.11);
        assert_eq!(stepped(0.0125, 1), 0.013);
        assert_eq!(stepped(0.0, -1), 0.0);
        assert_eq!(stepped(1.0, 10), 1.0);
        assert_eq!(stepped(0.0, 10), 0.001);
    }
}
