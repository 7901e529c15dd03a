//! Dispatch of actions: what all screens share is done here, everything else by the screen that is shown or by the one an
//! action belongs to. The same whether a key, a click or the palette gave the action.

use crate::train::{Command, Level};
use crate::tui::action::Action;
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::keymap::Mode;
use crate::tui::overlays::help;
use crate::tui::screen::Screen;
use crate::tui::screens::SCREENS;
use crate::tui::screens::train::charts::ChartView;
use crate::tui::theme::{self, Theme};

/// Rows that a page key moves.
const PAGE: isize = 10;

impl App {
    /// Performs an action.
    pub fn perform(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Data(action) => return self.perform_data(action),
            Action::Train(action) => return self.perform_train(action),
            Action::Evaluate(action) => return self.perform_evaluate(action),
            Action::Explain(action) => return self.perform_explain(action),
            Action::Augment(action) => return self.perform_augment(action),
            Action::Runs(action) => return self.perform_runs(action),

            Action::Show(screen) => return self.show(screen),
            Action::NextScreen => return self.show(self.screen.step(1)),
            Action::PreviousScreen => return self.show(self.screen.step(SCREENS.len() - 1)),
            Action::Help => self.overlay = Some(Overlay::Help(0)),
            Action::Palette => {
                self.overlay = Some(Overlay::Palette { input: tui_input::Input::default(), row: 0 });
            }
            Action::NextTheme => self.next_theme(),
            Action::Quit | Action::Break => return self.confirm_leave(),
            Action::Suspend => return vec![Effect::Suspend],
            Action::LeaveNow => return vec![Effect::Leave { at_once: true }],
            Action::Edit => self.open_form(),

            Action::Up => return self.go(-1),
            Action::Down => return self.go(1),
            Action::PageUp => return self.go(-PAGE),
            Action::PageDown => return self.go(PAGE),
            Action::First => return self.go(isize::MIN / 2),
            Action::Last => return self.go(isize::MAX / 2),
            Action::Left => return self.turn(-1),
            Action::Right => return self.turn(1),
            Action::Row(row) => return self.select_row(row),
            Action::Chart(chart) => return self.screen.view().select_chart(self, chart),
            Action::Back => return self.back(),
            Action::Accept => return self.accept(),
            Action::Reset if self.overlay.is_some() => self.form.reset(),
            Action::Reset => self.screen.view().reset(self),

            // Where the screen shown has no splits or views, those of the data are meant.
            Action::Split => {
                let effects = self.screen.view().next_split(self);
                return effects.or_else(|| Screen::Data.view().next_split(self)).unwrap_or_default();
            }
            Action::View => {
                let effects = self.screen.view().next_view(self);
                return effects.or_else(|| Screen::Data.view().next_view(self)).unwrap_or_default();
            }
            Action::Reload => return self.screen.view().reload(self),
            Action::Boxes => return self.screen.view().toggle_boxes(self),
            Action::NextRun => return self.screen.view().step_run(self, 1),
            Action::PreviousRun => return self.screen.view().step_run(self, -1),
            Action::NextImage => return self.screen.view().step_image(self, 1),
            Action::PreviousImage => return self.screen.view().step_image(self, -1),

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
        }
        Vec::new()
    }

    /// Opens a screen.
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

    /// The view of the curves that keys act on: those of marked runs, or of one run.
    fn curves(&mut self) -> &mut ChartView {
        if self.runs.marks.opened { &mut self.runs.marks.view } else { &mut self.charts }
    }

    fn next_theme(&mut self) {
        if !self.theme.coloured {
            self.notify(Level::Info, "NO_COLOR is set, so there are no themes to choose from");
            return;
        }
        let names = theme::names(&self.themes);
        let at = names.iter().position(|name| *name == self.theme.name).map_or(0, |at| at + 1);
        let name = &names[at % names.len()];
        match Theme::load(name, &self.themes) {
            Ok(theme) => {
                self.notify(Level::Info, format!("theme {name}"));
                self.theme = theme;
            }
            Err(error) => {
                // The next press must get past a theme that can't be read.
                self.theme.name.clone_from(name);
                self.notify(Level::Error, error.to_string());
            }
        }
    }

    fn confirm_leave(&mut self) -> Vec<Effect> {
        match self.running() {
            Some(_) if matches!(self.overlay, Some(Overlay::AskLeave)) => self.stop_and_leave(),
            Some(_) => {
                self.overlay = Some(Overlay::AskLeave);
                Vec::new()
            }
            None => vec![Effect::Leave { at_once: false }],
        }
    }

    pub(in crate::tui) fn stop_and_leave(&mut self) -> Vec<Effect> {
        let Some(run) = self.run.as_mut().filter(|run| run.is_on()) else {
            return vec![Effect::Leave { at_once: false }];
        };
        run.stopping = true;
        self.overlay = Some(Overlay::Saving);
        vec![Effect::Send(Command::Stop)]
    }

    /// Moves the cursor of the overlay or the screen.
    fn go(&mut self, by: isize) -> Vec<Effect> {
        match self.mode() {
            Mode::Form => self.form.step(by),
            Mode::Typing => return self.go_typing(by),
            Mode::Help => {
                if let Some(Overlay::Help(line)) = &mut self.overlay {
                    *line = line.saturating_add_signed(by).min(help::last_line());
                }
            }
            Mode::Rates => return self.turn(by),
            Mode::Global | Mode::Question | Mode::Saving => {}
            _ => return self.screen.view().step(self, by),
        }
        Vec::new()
    }

    fn turn(&mut self, by: isize) -> Vec<Effect> {
        match self.mode() {
            Mode::Form => self.form.turn(by),
            Mode::Rates => {
                if let Some(rates) = &mut self.rates {
                    rates.step(by);
                }
            }
            Mode::Typing | Mode::Help | Mode::Global | Mode::Question | Mode::Saving => {}
            _ => return self.screen.view().turn(self, by),
        }
        Vec::new()
    }
}
