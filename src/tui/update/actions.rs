//! What each action does. The same whether a key, a click or the palette asked for it.

use crate::config::Kind;
use crate::dataset::Split;
use crate::train::{Command, Level};
use crate::tui::action::{Action, Screen};
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::keymap::Mode;
use crate::tui::overlays::palette;
use crate::tui::overlays::rates::state::Rates;
use crate::tui::screens::data::state::Side;
use crate::tui::screens::runs::state::Beside;
use crate::tui::screens::train::charts::{CHARTS, ChartView};
use crate::tui::theme::{self, Theme};

/// Rows that a page key moves.
const PAGE: isize = 10;

impl App {
    /// Does what was asked for.
    pub fn perform(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Show(screen) => return self.show(screen),
            Action::NextScreen => return self.show(self.beside(1)),
            Action::PreviousScreen => return self.show(self.beside(Screen::ALL.len() - 1)),
            Action::Help => self.overlay = Some(Overlay::Help(0)),
            Action::Palette => {
                self.overlay = Some(Overlay::Palette { input: tui_input::Input::default(), row: 0 });
            }
            Action::NextTheme => self.next_theme(),
            Action::Quit | Action::Break => return self.ask_leave(),
            Action::StopAndLeave => return self.stop_and_leave(),
            Action::LeaveNow => return vec![Effect::Leave { at_once: true }],

            Action::Up => return self.go(-1),
            Action::Down => return self.go(1),
            Action::PageUp => return self.go(-PAGE),
            Action::PageDown => return self.go(PAGE),
            Action::First => return self.go(isize::MIN / 2),
            Action::Last => return self.go(isize::MAX / 2),
            Action::Left | Action::Right if self.mode() == Mode::Explain => {
                return self.turn_explain(if action == Action::Left { -1 } else { 1 });
            }
            Action::Left => self.turn(-1),
            Action::Right => self.turn(1),
            Action::Row(row) => return self.row(row),
            // The small charts beside the list open their run.
            Action::Chart(_) if self.mode() == Mode::Compared => {
                self.runs.marks.view.zoomed = !self.runs.marks.view.zoomed;
            }
            Action::Chart(_) if !matches!(self.mode(), Mode::Train | Mode::Opened) => {
                return if self.screen == Screen::Runs { self.open() } else { Vec::new() };
            }
            Action::Chart(chart) => {
                if self.charts.chosen == chart {
                    self.charts.zoomed = !self.charts.zoomed;
                }
                self.charts.chosen = chart.min(CHARTS.len() - 1);
            }

            Action::Split if self.screen == Screen::Evaluate => return self.next_evaluate_split(),
            Action::Split if self.screen == Screen::Explain => return self.next_explain_split(),
            Action::Split if self.screen == Screen::Augment => self.next_augment_split(),
            Action::Split => {
                self.data.split = match self.data.split {
                    None => Some(Split::Train),
                    Some(Split::Train) => Some(Split::Val),
                    Some(Split::Val) => Some(Split::Test),
                    Some(Split::Test) => None,
                };
                self.data.image = 0;
                return self.show(Screen::Data);
            }
            Action::View if self.screen == Screen::Evaluate => return self.next_evaluate_view(),
            Action::View if self.mode() == Mode::Compared => {
                (self.runs.marks.part, self.runs.marks.row) = (self.runs.marks.part.next(), 0);
            }
            Action::View if self.screen == Screen::Explain => self.explain.view = self.explain.view.next(),
            Action::View => {
                self.data.side = match self.data.side {
                    Side::Image => Side::Pairs,
                    Side::Pairs => Side::Found,
                    Side::Found => Side::Classes,
                    Side::Classes => Side::Image,
                };
                let mut effects = self.show(Screen::Data);
                effects.extend(self.check_data());
                return effects;
            }
            Action::Boxes if self.screen == Screen::Data => self.data.boxes = !self.data.boxes,
            Action::Fetch => return self.fetch(),

            Action::Start => return self.start(),
            Action::GoOn => return self.resume_run(),
            Action::FindRate => return self.find_rate(),
            Action::Pause => return self.pause(),
            Action::Stop => match self.running() {
                Some(run) if run.stopping => self.say(Level::Info, "the run is already stopping"),
                Some(_) => self.overlay = Some(Overlay::AskStop),
                None => self.say(Level::Info, "no run is on; s starts one"),
            },
            Action::Checkpoint => {
                return self.tell(Command::Checkpoint, "the weights are written after this step");
            }
            Action::RaiseRate => return self.scale_rate(2.0),
            Action::LowerRate => return self.scale_rate(0.5),
            Action::LogScale => {
                let view = self.curves();
                view.log_y = !view.log_y;
            }
            Action::Smooth => {
                let view = self.curves();
                view.smoothing = (view.smoothing + 1) % ChartView::SMOOTHING.len();
            }
            Action::Zoom => {
                let view = self.curves();
                view.zoomed = !view.zoomed;
            }
            Action::Edit => {
                self.form.end(false);
                self.overlay = Some(Overlay::Form);
            }
            Action::LogUp => self.log.scroll(3),
            Action::LogDown => self.log.scroll(-3),

            Action::NextRun if self.screen == Screen::Explain => return self.explain_run_beside(1),
            Action::PreviousRun if self.screen == Screen::Explain => return self.explain_run_beside(-1),
            Action::Why => return self.explain_chosen(),
            Action::Boxes | Action::NextImage | Action::PreviousImage if self.screen == Screen::Augment => {
                return self.perform_augment(action);
            }
            Action::NextImage => return self.step_image(1),
            Action::PreviousImage => return self.step_image(-1),
            Action::NextClass
            | Action::PreviousClass
            | Action::Method
            | Action::PreviousMethod
            | Action::Layer
            | Action::Opacity
            | Action::Colours
            | Action::Boxes
            | Action::RaiseContrast
            | Action::LowerContrast
            | Action::Magnify
            | Action::Outcome
            | Action::SamePatient
            | Action::Group(_)
            | Action::Search => return self.perform_explain(action),
            Action::Resample
            | Action::NextEpoch
            | Action::PreviousEpoch
            | Action::LockSeed
            | Action::Alone
            | Action::NextPreset
            | Action::Switch => return self.perform_augment(action),

            Action::LowerFar
            | Action::RaiseFar
            | Action::TypeThreshold
            | Action::Preset
            | Action::OneOrAll
            | Action::KeepThresholds
            | Action::Order
            | Action::Cell
            | Action::CellImages(_)
            | Action::Images
            | Action::PreviousRun
            | Action::NextRun
            | Action::Against
            | Action::Predict
            | Action::Evaluate => return self.perform_evaluate(action),

            Action::Mark
            | Action::Compare
            | Action::Metric
            | Action::Statistic
            | Action::Sort
            | Action::SortBy(_)
            | Action::Reverse
            | Action::Rename
            | Action::Tag
            | Action::Note
            | Action::Delete
            | Action::Undelete
            | Action::Folder
            | Action::Export
            | Action::Clone
            | Action::Enqueue
            | Action::StartQueue
            | Action::Earlier
            | Action::Later
            | Action::Other => return self.perform_runs(action),

            Action::Open => return self.open(),
            Action::Filter => {
                let effects = self.show(Screen::Runs);
                (self.runs.opened, self.runs.filtering, self.runs.marks.opened) = (false, true, false);
                return effects;
            }
            Action::Reload => return self.reload(),
            Action::Back => return self.back(),
            Action::Accept => return self.accept(),
            Action::Reset if self.screen == Screen::Augment && self.overlay.is_none() => self.reset_augment(),
            Action::Reset => self.form.reset(),
        }
        Vec::new()
    }

    /// How the curves that have the keys are looked at.
    fn curves(&mut self) -> &mut ChartView {
        if self.runs.marks.opened { &mut self.runs.marks.view } else { &mut self.charts }
    }

    /// The last row that the comparison can begin with.
    fn scrollable_rows(&self) -> usize {
        let conditions = match &self.runs.marks.beside {
            Beside::Ready(side) => side.labels.len(),
            _ => 0,
        };
        conditions.max(self.runs.marks.differences().len()).saturating_sub(1)
    }

    pub(in crate::tui) fn show(&mut self, screen: Screen) -> Vec<Effect> {
        if self.screen == screen {
            return Vec::new();
        }
        self.screen = screen;
        self.charts.cursor = None;
        (self.runs.opened, self.runs.filtering, self.runs.typed) = (false, false, None);
        self.runs.marks.opened = false;
        self.enter_screen()
    }

    fn beside(&self, by: usize) -> Screen {
        let at = Screen::ALL.iter().position(|screen| *screen == self.screen).unwrap_or(0);
        Screen::ALL[(at + by) % Screen::ALL.len()]
    }

    fn next_theme(&mut self) {
        if !self.theme.coloured {
            self.say(Level::Info, "NO_COLOR is set, so there are no themes to choose from");
            return;
        }
        let names = theme::names(&self.themes);
        let at = names.iter().position(|name| *name == self.theme.name).map_or(0, |at| at + 1);
        let name = &names[at % names.len()];
        match Theme::load(name, &self.themes) {
            Ok(theme) => {
                self.say(Level::Info, format!("theme {name}"));
                self.theme = theme;
            }
            Err(error) => {
                // The next press must get past a theme that can't be read.
                self.theme.name.clone_from(name);
                self.say(Level::Error, error.to_string());
            }
        }
    }

    fn ask_leave(&mut self) -> Vec<Effect> {
        match self.running() {
            Some(_) if matches!(self.overlay, Some(Overlay::AskLeave)) => self.stop_and_leave(),
            Some(_) => {
                self.overlay = Some(Overlay::AskLeave);
                Vec::new()
            }
            None => vec![Effect::Leave { at_once: false }],
        }
    }

    fn stop_and_leave(&mut self) -> Vec<Effect> {
        let Some(run) = self.run.as_mut().filter(|run| run.is_on()) else {
            return vec![Effect::Leave { at_once: false }];
        };
        run.stopping = true;
        self.overlay = Some(Overlay::Saving);
        vec![Effect::Send(Command::Stop)]
    }

    /// Moves the cursor of whatever has the keys.
    fn go(&mut self, by: isize) -> Vec<Effect> {
        match self.mode() {
            Mode::Form => self.form.step(by),
            Mode::Typing => return self.go_typing(by),
            Mode::Help => {
                if let Some(Overlay::Help(line)) = &mut self.overlay {
                    *line = line.saturating_add_signed(by).min(crate::tui::overlays::help::last_line());
                }
            }
            Mode::Data => {
                let rows = self.data.view().map_or(0, |view| view.rows.len());
                self.data.row = self.data.row.saturating_add_signed(by).min(rows.saturating_sub(1));
                self.data.image = 0;
            }
            Mode::Train | Mode::Opened => self.charts.choose(by.signum()),
            Mode::Evaluate | Mode::Images => self.go_evaluate(by),
            Mode::Explain => return self.go_explain(by),
            Mode::Augment => self.augment.step(by),
            Mode::Runs => return self.go_runs(by),
            Mode::Compared => {
                let row = self.runs.marks.row.saturating_add_signed(by);
                self.runs.marks.row = row.min(self.scrollable_rows());
            }
            Mode::Rates => self.turn(by),
            Mode::Global | Mode::Question | Mode::Saving => {}
        }
        Vec::new()
    }

    fn go_typing(&mut self, by: isize) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Palette { input, row }) => {
                let last = palette::matches(input.value()).len().saturating_sub(1);
                *row = row.saturating_add_signed(by).min(last);
            }
            Some(Overlay::Form) => {
                self.form.end(true);
                self.form.step(by);
            }
            None if matches!(self.screen, Screen::Evaluate | Screen::Explain) => {}
            None if self.runs.typed.is_some() => {}
            None => return self.go_runs(by),
            _ => {}
        }
        Vec::new()
    }

    fn turn(&mut self, by: isize) {
        match self.mode() {
            Mode::Form => self.form.turn(by),
            Mode::Data => {
                let images = self.data.images().len();
                if images > 0 {
                    self.data.image = (self.data.image as isize + by).rem_euclid(images as isize) as usize;
                }
            }
            Mode::Train => {
                if let Some(run) = &self.run {
                    self.charts.move_cursor(&run.epochs, by);
                }
            }
            Mode::Evaluate => self.step_threshold(by as i32),
            Mode::Augment => self.turn_augment(by),
            Mode::Opened => self.charts.move_cursor(self.runs.chosen_epochs(), by),
            Mode::Compared => {
                let mut view = std::mem::take(&mut self.runs.marks.view);
                let all = self.runs.marks.all().iter();
                if let Some(longest) = all.max_by_key(|mark| mark.records().len()) {
                    view.move_cursor(longest.records(), by);
                }
                self.runs.marks.view = view;
            }
            Mode::Rates => {
                if let Some(rates) = &mut self.rates {
                    rates.step(by);
                }
            }
            _ => {}
        }
    }

    /// A click on a row: chooses it, and takes it when it was chosen already.
    fn row(&mut self, row: usize) -> Vec<Effect> {
        match self.mode() {
            Mode::Data => (self.data.row, self.data.image) = (row, 0),
            Mode::Evaluate => (self.evaluate.place, self.evaluate.preset) = (row, None),
            Mode::Explain => return self.go_to_image(row),
            Mode::Augment => self.augment.go(row),
            Mode::Images => {
                if let Some(list) = &mut self.evaluate.images {
                    list.at = row.min(list.images.len().saturating_sub(1));
                }
            }
            Mode::Runs => return self.row_of_runs(row),
            Mode::Form if self.form.row == row => return self.accept(),
            Mode::Form => self.form.go(row),
            Mode::Typing => match &mut self.overlay {
                Some(Overlay::Palette { row: chosen, .. }) => {
                    *chosen = row;
                    return self.accept();
                }
                Some(Overlay::Form) => {
                    self.form.end(true);
                    self.form.go(row);
                }
                None if matches!(self.screen, Screen::Evaluate | Screen::Explain) => {}
                None if self.runs.typed.is_some() => {}
                None => return self.row_of_runs(row),
                _ => {}
            },
            _ => {}
        }
        Vec::new()
    }

    fn row_of_runs(&mut self, row: usize) -> Vec<Effect> {
        if self.runs.row == row {
            return self.open();
        }
        self.runs.row = row.min(self.runs.rows().saturating_sub(1));
        self.read_chosen(false)
    }

    fn open(&mut self) -> Vec<Effect> {
        let mut effects = self.show(Screen::Runs);
        (self.runs.opened, self.runs.filtering) = (self.runs.chosen().is_some(), false);
        self.charts.clear();
        effects.extend(self.read_chosen(false));
        effects
    }

    fn reload(&mut self) -> Vec<Effect> {
        match self.screen {
            Screen::Data => self.load_data(true),
            Screen::Runs if self.runs.marks.opened => self.reload_marked(),
            Screen::Runs => {
                let mut effects = self.list_runs();
                effects.extend(self.read_chosen(true));
                effects
            }
            Screen::Evaluate => self.reload_evaluate(),
            Screen::Explain => self.reload_explain(),
            Screen::Augment => self.load_data(true),
            Screen::Train => Vec::new(),
        }
    }

    fn back(&mut self) -> Vec<Effect> {
        match self.mode() {
            Mode::Typing if matches!(self.overlay, Some(Overlay::Form)) => self.form.end(false),
            Mode::Typing if self.overlay.is_none() && self.screen == Screen::Evaluate => self.back_evaluate(),
            Mode::Typing if self.overlay.is_none() && self.screen == Screen::Explain => {
                return self.back_explain();
            }
            Mode::Evaluate | Mode::Images => self.back_evaluate(),
            Mode::Explain => return self.back_explain(),
            Mode::Typing if self.overlay.is_none() && self.runs.typed.is_some() => self.runs.typed = None,
            Mode::Typing if self.overlay.is_none() => {
                self.runs.filtering = false;
                self.runs.set_filter(String::new());
                return self.read_chosen(false);
            }
            Mode::Form => {
                self.overlay = None;
                if matches!(self.screen, Screen::Data | Screen::Augment) {
                    return self.load_data(false);
                }
            }
            Mode::Typing | Mode::Help | Mode::Question | Mode::Rates => self.overlay = None,
            Mode::Opened => {
                if !self.charts.clear() {
                    self.runs.opened = false;
                }
            }
            Mode::Compared => {
                if !self.runs.marks.view.clear() {
                    self.runs.marks.opened = false;
                }
            }
            Mode::Runs => return self.back_runs(),
            Mode::Train => {
                self.charts.clear();
            }
            Mode::Global | Mode::Data | Mode::Augment | Mode::Saving => {}
        }
        Vec::new()
    }

    fn accept(&mut self) -> Vec<Effect> {
        match &self.overlay {
            Some(Overlay::Form) if self.form.typing.is_some() => self.form.end(true),
            Some(Overlay::Form) if self.form.on_start() => return self.start(),
            Some(Overlay::Form) => match self.form.chosen().map(|entry| entry.field.kind) {
                Some(Kind::Choice(_) | Kind::Switch) => self.form.turn(1),
                _ => self.form.begin(None),
            },
            Some(Overlay::Palette { input, row }) => {
                let chosen = palette::matches(input.value()).get(*row).map(|binding| binding.action);
                self.overlay = None;
                return chosen.map_or_else(Vec::new, |action| self.perform(action));
            }
            Some(Overlay::AskStop) => {
                self.overlay = None;
                if let Some(run) = &mut self.run {
                    run.stopping = true;
                }
                return self.tell(Command::Stop, "stopping after this step");
            }
            Some(Overlay::AskLeave) => return self.stop_and_leave(),
            Some(Overlay::AskQueue) => return self.queue_next(),
            Some(Overlay::AskDelete) => return self.delete_doomed(),
            Some(Overlay::Help(_)) => self.overlay = None,
            Some(Overlay::Rates) => {
                self.overlay = None;
                if let Some(lr) = self.rates.as_ref().and_then(Rates::chosen) {
                    self.set_next_rate(lr);
                }
            }
            Some(Overlay::Saving) => {}
            None if self.screen == Screen::Evaluate => self.take_typed_threshold(),
            None if self.screen == Screen::Explain => return self.take_search(),
            None if self.runs.typed.is_some() => return self.take_typed(),
            None => {
                self.runs.filtering = false;
                return self.read_chosen(false);
            }
        }
        Vec::new()
    }
}
