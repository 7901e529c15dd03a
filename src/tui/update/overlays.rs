//! What accepting, cancelling and selecting do in an overlay; without one the screen decides.

use crate::config::Kind;
use crate::train::Command;
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::keymap::Mode;
use crate::tui::overlays::palette;
use crate::tui::overlays::rates::state::Rates;
use crate::tui::screen::Screen;

impl App {
    /// Opens the form with the settings of the next run.
    pub(in crate::tui) fn open_form(&mut self) {
        self.form.end(false);
        self.overlay = Some(Overlay::Form);
    }

    /// Up and down while a line is typed.
    pub(in crate::tui) fn go_typing(&mut self, by: isize) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Palette { input, row }) => {
                let last = palette::matches(input.value()).len().saturating_sub(1);
                *row = row.saturating_add_signed(by).min(last);
            }
            Some(Overlay::Form) => {
                self.form.end(true);
                self.form.step(by);
            }
            None => return self.screen.view().step_while_typing(self, by),
            _ => {}
        }
        Vec::new()
    }

    /// A click on a row: selects it, and accepts it when it was selected already.
    pub(in crate::tui) fn select_row(&mut self, row: usize) -> Vec<Effect> {
        match self.mode() {
            Mode::Form if self.form.row == row => return self.accept(),
            Mode::Form => self.form.go(row),
            Mode::Typing if self.overlay.is_some() => match &mut self.overlay {
                Some(Overlay::Palette { row: chosen, .. }) => {
                    *chosen = row;
                    return self.accept();
                }
                Some(Overlay::Form) => {
                    self.form.end(true);
                    self.form.go(row);
                }
                _ => {}
            },
            _ if self.overlay.is_some() => {}
            _ => return self.screen.view().select_row(self, row),
        }
        Vec::new()
    }

    /// Closes the line typed or the overlay; without one the screen goes back.
    pub(in crate::tui) fn back(&mut self) -> Vec<Effect> {
        match self.mode() {
            Mode::Typing if matches!(self.overlay, Some(Overlay::Form)) => self.form.end(false),
            Mode::Typing if self.overlay.is_none() => return self.screen.view().cancel_line(self),
            Mode::Form => {
                self.overlay = None;
                if matches!(self.screen, Screen::Data | Screen::Augment) {
                    return self.load_data(false);
                }
            }
            Mode::Typing | Mode::Help | Mode::Question | Mode::Rates => self.overlay = None,
            Mode::Global | Mode::Saving => {}
            _ => return self.screen.view().back(self),
        }
        Vec::new()
    }

    /// Accepts the line typed, the command selected or the question.
    pub(in crate::tui) fn accept(&mut self) -> Vec<Effect> {
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
                return self.send_command(Command::Stop, "stopping after this step");
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
            None => return self.screen.view().accept_line(self),
        }
        Vec::new()
    }
}
