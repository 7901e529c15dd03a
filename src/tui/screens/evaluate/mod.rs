//! The Evaluate screen: metrics, thresholds, confusion matrices, curves and calibration of a run, and its comparison with another.

pub mod action;
mod keys;
pub mod pane;
pub mod state;
#[cfg(test)]
mod tests;
mod update;

use ratatui::layout::Rect;
use tui_input::Input;

use crate::tui::app::{App, Effect};
use crate::tui::canvas::Canvas;
use crate::tui::keymap::{Binding, Mode};
use crate::tui::screen::Screen;
use crate::tui::screens::ScreenView;

/// The row of the table of screens.
pub struct EvaluateScreen;

impl ScreenView for EvaluateScreen {
    fn screen(&self) -> Screen {
        Screen::Evaluate
    }

    fn name(&self) -> &'static str {
        "Evaluate"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::KEYS
    }

    fn render(&self, app: &App, area: Rect, canvas: &mut Canvas) {
        pane::render(app, area, canvas);
    }

    fn mode(&self, app: &App) -> Mode {
        match () {
            () if app.evaluate.typing.is_some() => Mode::Typing,
            () if app.evaluate.images.is_some() => Mode::Images,
            () => Mode::Evaluate,
        }
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.enter_evaluate()
    }

    fn reload(&self, app: &mut App) -> Vec<Effect> {
        app.reload_evaluate()
    }

    fn step(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.go_evaluate(by);
        Vec::new()
    }

    fn turn(&self, app: &mut App, by: isize) -> Vec<Effect> {
        if app.mode() == Mode::Evaluate {
            app.step_threshold(by as i32);
        }
        Vec::new()
    }

    fn select_row(&self, app: &mut App, row: usize) -> Vec<Effect> {
        if app.mode() == Mode::Typing {
            return Vec::new();
        }
        match &mut app.evaluate.images {
            Some(list) => list.at = row.min(list.images.len().saturating_sub(1)),
            None => (app.evaluate.place, app.evaluate.preset) = (row, None),
        }
        Vec::new()
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        app.back_evaluate()
    }

    fn next_split(&self, app: &mut App) -> Option<Vec<Effect>> {
        Some(app.next_evaluate_split())
    }

    fn next_view(&self, app: &mut App) -> Option<Vec<Effect>> {
        Some(app.next_evaluate_view())
    }

    fn step_run(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.run_beside(by)
    }

    fn edit_line(&self, app: &mut App, edit: &mut dyn FnMut(&mut Input)) -> Vec<Effect> {
        if let Some(line) = &mut app.evaluate.typing {
            edit(line);
        }
        Vec::new()
    }

    fn accept_line(&self, app: &mut App) -> Vec<Effect> {
        app.take_typed_threshold();
        Vec::new()
    }
}
