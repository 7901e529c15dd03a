//! The active or last run by its events, and the log.

use std::collections::VecDeque;
use std::path::Path;

use crate::runs::{Best, EpochRecord, RunState};
use crate::train::{EpochReport, Level, Phase, Progress, RunInfo};

/// Lines of the log in memory.
const LOG_LINES: usize = 1000;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// Its last state.
    pub state: RunState,
    /// Why, in words.
    pub reason: String,
}

/// A run of this process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveRun {
    /// Its data source as requested.
    pub source: String,
    /// It is no run: learning rates are tried.
    pub searching: bool,
    /// What it is; none before its data are read.
    pub info: Option<RunInfo>,
    /// The epochs done.
    pub epochs: Vec<EpochRecord>,
    /// Validation AUROC of each condition, epoch by epoch.
    pub conditions: Vec<Vec<Option<f64>>>,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// The learning rate before its last change, and after it.
    pub rate_change: Option<(f64, f64)>,
    /// The outcome on the test images.
    pub tested: Option<f64>,
    /// Set once it is over.
    pub ending: Option<Ending>,
    /// Stop was requested.
    pub stopping: bool,
    /// The learning rate requested last, until the trainer confirms it.
    pub asked_lr: Option<f64>,
    /// The pause (or its end) requested last, until the trainer confirms it.
    pub asked_pause: Option<bool>,
}

impl LiveRun {
    /// Whether the trainer is still at it.
    pub fn is_on(&self) -> bool {
        self.ending.is_none()
    }

    /// Takes an epoch's end.
    pub fn push(&mut self, report: &EpochReport) {
        self.epochs.push(report.record.clone());
        self.conditions.push(report.val_auroc.clone());
        self.best.clone_from(&report.best);
    }

    /// Takes the epochs that a resumed run had done before, from its folder.
    pub fn take_earlier(&mut self, path: &Path, epochs: &[EpochRecord]) {
        let Some((done, _)) = self.info.as_ref().filter(|info| info.path == path).and_then(|i| i.resumed_at)
        else {
            return;
        };
        if self.epochs.first().is_none_or(|first| first.epoch > done) {
            let earlier: Vec<EpochRecord> =
                epochs.iter().filter(|record| record.epoch <= done).cloned().collect();
            let keys = self.info.as_ref().map_or_else(Vec::new, |info| info.labels.keys());
            let by_condition = earlier
                .iter()
                .map(|record| keys.iter().map(|key| record.val_auroc.get(key).copied().flatten()).collect());
            self.conditions.splice(0..0, by_condition);
            self.epochs.splice(0..0, earlier);
        }
    }

    /// A word for the phase, with its state for the mark.
    pub fn word(&self, progress: &Progress) -> (&'static str, RunState) {
        match (&self.ending, self.stopping) {
            (Some(ending), _) => (ending.state.name(), ending.state),
            (None, true) => ("stopping", RunState::Running),
            (None, false) if progress.phase == Phase::Searching => ("trying rates", RunState::Running),
            (None, false) if self.info.is_none() => ("loading", RunState::Queued),
            (None, false) => match progress.phase {
                Phase::Paused => ("paused", RunState::Paused),
                Phase::Validating => ("validating", RunState::Running),
                Phase::Testing => ("testing", RunState::Running),
                Phase::Loading => ("loading", RunState::Queued),
                Phase::Training | Phase::Searching | Phase::Idle => ("training", RunState::Running),
            },
        }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// Local time, `12:04:11`.
    pub time: String,
    pub level: Level,
    pub text: String,
}

/// What happened, newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    lines: VecDeque<LogLine>,
    /// How many of the newest lines are scrolled out of sight.
    pub back: usize,
}

impl Log {
    /// Adds a line.
    pub fn push(&mut self, now: &jiff::Zoned, level: Level, text: &str) {
        if self.lines.len() == LOG_LINES {
            self.lines.pop_front();
        }
        let time = now.strftime("%H:%M:%S").to_string();
        self.lines.push_back(LogLine { time, level, text: crate::text::one_line(text, 400) });
        if self.back > 0 {
            // Someone is reading older lines: they stay where they are.
            self.back = (self.back + 1).min(self.lines.len().saturating_sub(1));
        }
    }

    /// Scrolls towards older lines (positive) or newer ones.
    pub fn scroll(&mut self, by: isize) {
        self.back = self.back.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
    }

    /// The newest `height` lines not scrolled away, oldest first.
    pub fn tail(&self, height: usize) -> impl Iterator<Item = &LogLine> {
        let end = self.lines.len().saturating_sub(self.back);
        self.lines.range(end.saturating_sub(height)..end)
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_of_the_oldest_line_keeps_a_line_in_sight() {
        let (mut log, now) = (Log::default(), crate::tui::fixture::noon());
        log.push(&now, Level::Info, "first");
        log.push(&now, Level::Info, "second");
        log.scroll(9);
        log.push(&now, Level::Info, "third");
        assert_eq!(log.tail(1).next().map(|line| line.text.as_str()), Some("first"));
        for _ in 0..2 * LOG_LINES {
            log.push(&now, Level::Info, "more");
        }
        assert_eq!((log.back, log.tail(1).count()), (LOG_LINES - 1, 1));
    }
}
