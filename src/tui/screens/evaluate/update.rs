//! What keys do on the evaluate screen, and what comes of what was read for it.

use std::path::PathBuf;
use std::sync::Arc;

use tui_input::Input;

use crate::dataset::{Dataset, Split};
use crate::train::Level;
use crate::tui::app::{App, Effect};
use crate::tui::format::fixed;
use crate::tui::jobs::lane::Lane;
use crate::tui::screen::Screen;
use crate::tui::screens::evaluate::action::EvaluateAction;
use crate::tui::screens::evaluate::state::{
    Against, Answer, EvaluateRequest, ImageList, Loading, Order, PRESETS, View, stepped,
};

/// Steps of the far keys.
const FAR: i32 = 10;

impl App {
    /// Asks for a run to be read; `None` is the newest.
    pub(in crate::tui) fn request_evaluation(
        &mut self,
        run: Option<PathBuf>,
        split: Split,
        predict: bool,
    ) -> Vec<Effect> {
        if run.is_some() {
            self.selected.clone_from(&run);
        }
        let request = EvaluateRequest { run, split, predict };
        self.evaluate.request = Some(request.clone());
        self.evaluate.shown = Loading::Busy(self.now.timestamp());
        (self.evaluate.progress, self.evaluate.images) = (None, None);
        self.evaluate.dataset = Loading::Idle;
        (self.evaluate.against, self.evaluate.against_path) = (Loading::Idle, None);
        vec![Effect::Evaluate(request)]
    }

    /// The evaluate screen comes up: reads the selected run, else the newest that was evaluated, unless it is there.
    pub(in crate::tui) fn enter_evaluate(&mut self) -> Vec<Effect> {
        let (shown, split) = self.shown_or_requested();
        if let Some(selected) = self.selected.clone()
            && shown.as_ref() != Some(&selected)
        {
            return self.request_evaluation(Some(selected), split, false);
        }
        match &self.evaluate.shown {
            // A failure may have mended itself: a run may have ended since.
            Loading::Idle | Loading::Failed(_) => {
                let (run, split) = self.shown_or_requested();
                self.request_evaluation(run, split, false)
            }
            Loading::Busy(_) | Loading::Ready(_) => Vec::new(),
        }
    }

    /// The run and split requested last.
    fn shown_or_requested(&self) -> (Option<PathBuf>, Split) {
        self.evaluate
            .request
            .as_ref()
            .map_or((None, Split::Test), |request| (request.run.clone(), request.split))
    }

    /// A run was read.
    pub(in crate::tui) fn evaluation_ready(
        &mut self,
        request: EvaluateRequest,
        outcome: Result<Box<Answer>, String>,
    ) {
        // An answer to an older question is of no use any more.
        if self.evaluate.request.as_ref() != Some(&request) {
            return;
        }
        match outcome {
            Ok(answer) => {
                self.evaluate.choices = answer.choices;
                self.selected = Some(answer.run.path.clone());
                if let Some(request) = &mut self.evaluate.request {
                    (request.run, request.predict) = (Some(answer.run.path.clone()), false);
                }
                let mut run = answer.run;
                if let Some(shown) =
                    self.evaluate.run().filter(|shown| (&shown.path, shown.split) == (&run.path, run.split))
                {
                    run.levels.clone_from(&shown.levels);
                }
                self.evaluate.place = self.evaluate.place.min(run.rows().saturating_sub(1));
                self.evaluate.shown = Loading::Ready(Box::new(run));
            }
            Err(reason) => self.evaluate.shown = Loading::Failed(reason),
        }
    }

    /// Thresholds were written.
    pub(in crate::tui) fn kept(&mut self, run: &PathBuf, outcome: Result<(), String>) -> Vec<Effect> {
        match outcome {
            Ok(()) => {
                self.notify(Level::Info, "thresholds saved; evaluation, figures and report are updated");
                let (shown, split) = self.shown_or_requested();
                // Only the run on the screen is read again, and it stays there meanwhile, as do thresholds moved since.
                if shown.as_ref() == Some(run) {
                    let request = EvaluateRequest { run: shown, split, predict: false };
                    self.evaluate.request = Some(request.clone());
                    return vec![Effect::Evaluate(request)];
                }
            }
            Err(reason) => self.notify(Level::Error, format!("the thresholds can't be saved: {reason}")),
        }
        Vec::new()
    }

    /// Two runs were compared.
    pub(in crate::tui) fn compared(&mut self, other: &PathBuf, outcome: Result<Box<Against>, String>) {
        if self.evaluate.against_path.as_ref() == Some(other) {
            self.evaluate.against = match outcome {
                Ok(against) => Loading::Ready(against),
                Err(reason) => Loading::Failed(reason),
            };
        }
    }

    /// The images of the run on screen were read.
    pub(in crate::tui) fn images_read(&mut self, run: &PathBuf, outcome: Result<Arc<Dataset>, String>) {
        if self.evaluate.run().is_some_and(|shown| shown.path == *run) {
            self.evaluate.dataset = match outcome {
                Ok(dataset) => Loading::Ready(dataset),
                Err(reason) => Loading::Failed(reason),
            };
        }
    }

    /// Performs an action of the Evaluate screen.
    pub(in crate::tui) fn perform_evaluate(&mut self, action: EvaluateAction) -> Vec<Effect> {
        if action == EvaluateAction::EvaluateRun {
            return self.evaluate_chosen();
        }
        let mut effects = self.show(Screen::Evaluate);
        match action {
            EvaluateAction::LowerFar => self.step_threshold(-FAR),
            EvaluateAction::RaiseFar => self.step_threshold(FAR),
            EvaluateAction::TypeThreshold if self.evaluate.run().is_some() => {
                self.evaluate.typing = Some(Input::default());
            }
            EvaluateAction::Preset => self.next_preset(),
            EvaluateAction::OneOrAll => {
                self.evaluate.all = !self.evaluate.all;
                let which = if self.evaluate.all { "all conditions" } else { "the chosen condition" };
                self.notify(Level::Info, format!("threshold keys are for {which}"));
            }
            EvaluateAction::SaveThresholds => effects.extend(self.keep_thresholds()),
            EvaluateAction::Order => {
                let row = self.evaluate.row();
                self.evaluate.order = match self.evaluate.order {
                    Order::Auroc => Order::Support,
                    Order::Support => Order::Name,
                    Order::Name => Order::Auroc,
                };
                // The cursor stays on its condition.
                self.evaluate.place =
                    self.evaluate.sorted().iter().position(|other| *other == row).unwrap_or(0);
            }
            EvaluateAction::Cell => {
                self.evaluate.cell = self.evaluate.cell.next();
                if self.evaluate.images.is_some() {
                    effects.extend(self.open_images());
                }
            }
            EvaluateAction::CellImages(cell) => {
                self.evaluate.cell = cell;
                effects.extend(self.open_images());
            }
            EvaluateAction::Images => effects.extend(self.open_images()),
            EvaluateAction::Compare => effects.extend(self.next_against()),
            EvaluateAction::Predict => {
                let (run, split) = self.shown_or_requested();
                effects.extend(self.request_evaluation(run, split, true));
            }
            _ => {}
        }
        effects
    }

    /// The next of the screen's views.
    pub(in crate::tui) fn next_evaluate_view(&mut self) -> Vec<Effect> {
        self.evaluate.view = match self.evaluate.view {
            View::Condition => View::Grid,
            View::Grid => View::Calibration,
            View::Calibration => View::Against,
            View::Against => View::Condition,
        };
        match (&self.evaluate.view, &self.evaluate.against) {
            (View::Against, Loading::Idle) => self.next_against(),
            _ => Vec::new(),
        }
    }

    /// The next split.
    pub(in crate::tui) fn next_evaluate_split(&mut self) -> Vec<Effect> {
        let (run, split) = self.shown_or_requested();
        let next = match split {
            Split::Test => Split::Val,
            Split::Val => Split::Train,
            Split::Train => Split::Test,
        };
        self.request_evaluation(run, next, false)
    }

    /// Reads everything again.
    pub(in crate::tui) fn reload_evaluate(&mut self) -> Vec<Effect> {
        let (run, split) = self.shown_or_requested();
        self.request_evaluation(run, split, false)
    }

    /// Moves through conditions, or through the images of a cell.
    pub(in crate::tui) fn go_evaluate(&mut self, by: isize) {
        match &mut self.evaluate.images {
            Some(list) => {
                list.at = list.at.saturating_add_signed(by).min(list.images.len().saturating_sub(1));
            }
            None => {
                let last = self.evaluate.sorted().len().saturating_sub(1);
                self.evaluate.place = self.evaluate.place.saturating_add_signed(by).min(last);
                self.evaluate.preset = None;
            }
        }
    }

    /// Moves a threshold, or all.
    pub(in crate::tui) fn step_threshold(&mut self, by: i32) {
        self.evaluate.preset = None;
        self.evaluate.change_levels(|run, row| stepped(run.levels[row], by));
    }

    fn next_preset(&mut self) {
        let next = self.evaluate.preset.map_or(0, |preset| (preset + 1) % PRESETS.len());
        self.evaluate.preset = Some(next);
        let rule = PRESETS[next];
        self.evaluate.change_levels(|run, row| run.threshold_by(row, rule));
        self.notify(Level::Info, format!("thresholds by {rule} on the validation images"));
    }

    /// Takes a threshold that was typed.
    pub(in crate::tui) fn take_typed_threshold(&mut self) {
        let Some(typed) = self.evaluate.typing.take() else { return };
        match typed.value().trim().parse::<f32>() {
            Ok(level) if (0.0..=1.0).contains(&level) => {
                self.evaluate.preset = None;
                self.evaluate.change_levels(|_, _| level);
            }
            _ => self.notify(Level::Error, "a threshold is a number from 0 to 1"),
        }
    }

    /// Cancels the evaluation under way, leaves the images, or restores the saved thresholds.
    pub(in crate::tui) fn back_evaluate(&mut self) -> Vec<Effect> {
        if matches!(self.evaluate.shown, Loading::Busy(_)) {
            return vec![Effect::Cancel(Lane::Evaluate)];
        }
        self.restore_thresholds();
        Vec::new()
    }

    fn restore_thresholds(&mut self) {
        if self.evaluate.typing.take().is_some() || self.evaluate.images.take().is_some() {
            return;
        }
        let moved =
            self.evaluate.run().is_some_and(crate::tui::screens::evaluate::state::EvaluatedRun::any_moved);
        if let (true, Loading::Ready(run)) = (moved, &mut self.evaluate.shown) {
            for row in 0..run.rows() {
                if let Some(kept) = run.kept_numbers(row).map(|numbers| numbers.threshold) {
                    run.levels[row] = kept;
                }
            }
            self.evaluate.preset = None;
            self.notify(Level::Info, "back to the saved thresholds");
        }
    }

    fn keep_thresholds(&mut self) -> Vec<Effect> {
        let Some(run) = self.evaluate.run() else { return Vec::new() };
        if !run.any_moved() {
            self.notify(Level::Info, "these thresholds are saved already");
            return Vec::new();
        }
        let effect =
            Effect::Keep { run: run.path.clone(), split: run.split, thresholds: Box::new(run.thresholds()) };
        self.notify(Level::Info, "writing thresholds, figures and report …");
        vec![effect]
    }

    fn open_images(&mut self) -> Vec<Effect> {
        let (row, cell) = (self.evaluate.row(), self.evaluate.cell);
        let Some(run) = self.evaluate.run() else { return Vec::new() };
        let images = run.images(row, cell);
        if images.is_empty() {
            let text = format!("{}: no image is {}", run.name(row), cell.name());
            self.evaluate.images = None;
            self.notify(Level::Info, text);
            return Vec::new();
        }
        let (path, data) = (run.path.clone(), run.data.clone());
        self.evaluate.images = Some(ImageList { row, cell, images, at: 0 });
        if matches!(self.evaluate.dataset, Loading::Idle | Loading::Failed(_)) {
            self.evaluate.dataset = Loading::Busy(self.now.timestamp());
            return vec![Effect::ReadImages { run: path, data: Box::new(data) }];
        }
        Vec::new()
    }

    /// The run before or after, of those that were evaluated on the split.
    pub(in crate::tui) fn run_beside(&mut self, by: isize) -> Vec<Effect> {
        let (run, split) = self.shown_or_requested();
        let choices = &self.evaluate.choices;
        if choices.len() < 2 {
            self.notify(Level::Info, format!("no other run was evaluated on its {split} images"));
            return Vec::new();
        }
        let at = run.and_then(|run| choices.iter().position(|other| *other == run)).unwrap_or(0);
        let next = (at as isize + by).rem_euclid(choices.len() as isize) as usize;
        let next = choices[next].clone();
        self.request_evaluation(Some(next), split, false)
    }

    /// Compares with the next run after the one compared with last.
    fn next_against(&mut self) -> Vec<Effect> {
        self.evaluate.view = View::Against;
        let Some(run) = self.evaluate.run() else { return Vec::new() };
        let others: Vec<PathBuf> =
            self.evaluate.choices.iter().filter(|path| **path != run.path).cloned().collect();
        if others.is_empty() {
            let text = format!("no other run was evaluated on its {} images", run.split);
            self.evaluate.against = Loading::Failed(text);
            return Vec::new();
        }
        let last = self.evaluate.against_path.as_ref();
        let at = last.and_then(|last| others.iter().position(|other| other == last));
        let next = others[at.map_or(0, |at| (at + 1) % others.len())].clone();
        let effect = Effect::Compare { shown: run.path.clone(), other: next.clone(), split: run.split };
        self.evaluate.against_path = Some(next);
        self.evaluate.against = Loading::Busy(self.now.timestamp());
        vec![effect]
    }

    /// From the list of runs to the metrics of the selected one.
    fn evaluate_chosen(&mut self) -> Vec<Effect> {
        let Some((path, live, best)) = self.runs.chosen().map(|run| {
            (run.path.clone(), run.state.is_live(), run.status.best.as_ref().map(|best| best.value))
        }) else {
            self.notify(Level::Info, "no run is chosen");
            return Vec::new();
        };
        if live && best.is_some() {
            let text = format!("the run is active; its best so far is {}; p evaluates it", fixed(best, 3));
            self.notify(Level::Info, text);
        }
        self.screen = Screen::Evaluate;
        (self.runs.opened, self.runs.filtering) = (false, false);
        self.request_evaluation(Some(path), Split::Test, false)
    }
}
