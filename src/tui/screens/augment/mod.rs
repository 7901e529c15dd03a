//! The Augment screen: an image with augmented versions of it, and the transforms of the next run.

pub mod action;
mod keys;
pub mod pane;
pub mod state;
mod update;

use ratatui::layout::Rect;

use crate::tui::app::{App, Effect};
use crate::tui::canvas::Canvas;
use crate::tui::keymap::{Binding, Mode};
use crate::tui::screen::Screen;
use crate::tui::screens::ScreenView;

/// The row of the table of screens.
pub struct AugmentScreen;

impl ScreenView for AugmentScreen {
    fn screen(&self) -> Screen {
        Screen::Augment
    }

    fn name(&self) -> &'static str {
        "Augment"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::KEYS
    }

    fn render(&self, app: &App, area: Rect, canvas: &mut Canvas) {
        pane::render(app, area, canvas);
    }

    fn mode(&self, _app: &App) -> Mode {
        Mode::Augment
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.load_data(false)
    }

    fn reload(&self, app: &mut App) -> Vec<Effect> {
        app.load_data(true)
    }

    fn step(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.augment.step(by);
        Vec::new()
    }

    fn turn(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.turn_augment(by);
        Vec::new()
    }

    fn select_row(&self, app: &mut App, row: usize) -> Vec<Effect> {
        app.augment.go(row);
        Vec::new()
    }

    fn next_split(&self, app: &mut App) -> Option<Vec<Effect>> {
        app.next_augment_split();
        Some(Vec::new())
    }

    fn step_image(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.step_augment_image(by);
        Vec::new()
    }

    fn toggle_boxes(&self, app: &mut App) -> Vec<Effect> {
        app.augment.boxes = !app.augment.boxes;
        Vec::new()
    }

    fn reset(&self, app: &mut App) {
        app.reset_augment();
    }
}
