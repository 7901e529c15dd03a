//! The Explain screen: images by outcome and group, their probabilities, and attribution maps over them.

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
pub struct ExplainScreen;

impl ScreenView for ExplainScreen {
    fn screen(&self) -> Screen {
        Screen::Explain
    }

    fn name(&self) -> &'static str {
        "Explain"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::KEYS
    }

    fn render(&self, app: &App, area: Rect, canvas: &mut Canvas) {
        pane::render(app, area, canvas);
    }

    fn mode(&self, app: &App) -> Mode {
        if app.explain.searching.is_some() { Mode::Typing } else { Mode::Explain }
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.enter_explain()
    }

    fn reload(&self, app: &mut App) -> Vec<Effect> {
        app.reload_explain()
    }

    fn step(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.go_explain(by)
    }

    fn turn(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.turn_explain(by)
    }

    fn select_row(&self, app: &mut App, row: usize) -> Vec<Effect> {
        if app.mode() == Mode::Typing {
            return Vec::new();
        }
        app.go_to_image(row)
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        app.back_explain()
    }

    fn next_split(&self, app: &mut App) -> Option<Vec<Effect>> {
        Some(app.next_explain_split())
    }

    fn next_view(&self, app: &mut App) -> Option<Vec<Effect>> {
        app.explain.view = app.explain.view.next();
        Some(Vec::new())
    }

    fn step_run(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.explain_run_beside(by)
    }

    fn step_image(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.step_image(by)
    }

    fn toggle_boxes(&self, app: &mut App) -> Vec<Effect> {
        app.explain.boxes = !app.explain.boxes;
        app.want_map()
    }

    fn edit_line(&self, app: &mut App, edit: &mut dyn FnMut(&mut Input)) -> Vec<Effect> {
        if let Some(line) = &mut app.explain.searching {
            edit(line);
        }
        Vec::new()
    }

    fn accept_line(&self, app: &mut App) -> Vec<Effect> {
        app.take_search()
    }
}
