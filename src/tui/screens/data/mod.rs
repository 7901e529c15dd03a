//! The Data screen: class distribution, images of a condition, co-occurrence, demographics, what the data check found.

pub mod action;
pub mod classes;
pub mod findings;
mod keys;
pub mod pane;
pub mod state;
mod update;

use ratatui::layout::Rect;

use crate::dataset::Split;
use crate::tui::app::{App, Effect};
use crate::tui::canvas::Canvas;
use crate::tui::jobs::lane::Lane;
use crate::tui::keymap::{Binding, Mode};
use crate::tui::screen::Screen;
use crate::tui::screens::ScreenView;
use state::{Loading, Side};

/// The row of the table of screens.
pub struct DataScreen;

impl ScreenView for DataScreen {
    fn screen(&self) -> Screen {
        Screen::Data
    }

    fn name(&self) -> &'static str {
        "Data"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::KEYS
    }

    fn render(&self, app: &App, area: Rect, canvas: &mut Canvas) {
        pane::render(app, area, canvas);
    }

    fn mode(&self, _app: &App) -> Mode {
        Mode::Data
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.load_data(false)
    }

    fn reload(&self, app: &mut App) -> Vec<Effect> {
        app.load_data(true)
    }

    fn step(&self, app: &mut App, by: isize) -> Vec<Effect> {
        let rows = app.data.view().map_or(0, |view| view.rows.len());
        app.data.row = app.data.row.saturating_add_signed(by).min(rows.saturating_sub(1));
        app.data.image = 0;
        Vec::new()
    }

    fn turn(&self, app: &mut App, by: isize) -> Vec<Effect> {
        let images = app.data.images().len();
        if images > 0 {
            app.data.image = (app.data.image as isize + by).rem_euclid(images as isize) as usize;
        }
        Vec::new()
    }

    fn select_row(&self, app: &mut App, row: usize) -> Vec<Effect> {
        (app.data.row, app.data.image) = (row, 0);
        Vec::new()
    }

    fn next_split(&self, app: &mut App) -> Option<Vec<Effect>> {
        app.data.split = match app.data.split {
            None => Some(Split::Train),
            Some(Split::Train) => Some(Split::Val),
            Some(Split::Val) => Some(Split::Test),
            Some(Split::Test) => None,
        };
        app.data.image = 0;
        Some(app.show(Screen::Data))
    }

    fn next_view(&self, app: &mut App) -> Option<Vec<Effect>> {
        app.data.side = match app.data.side {
            Side::Image => Side::Pairs,
            Side::Pairs => Side::Found,
            Side::Found => Side::Classes,
            Side::Classes => Side::Image,
        };
        let mut effects = app.show(Screen::Data);
        effects.extend(app.check_data());
        Some(effects)
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        if matches!(app.data.loading, Loading::Busy(_)) {
            vec![Effect::Cancel(Lane::Data)]
        } else {
            Vec::new()
        }
    }

    fn toggle_boxes(&self, app: &mut App) -> Vec<Effect> {
        app.data.boxes = !app.data.boxes;
        Vec::new()
    }
}
