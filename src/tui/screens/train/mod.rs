//! The Train screen: curves, progress, settings and log of the run that the trainer works on.

pub mod action;
pub mod charts;
mod control;
pub mod curves;
mod events;
mod keys;
pub mod live;
pub mod pane;
pub mod progress;

use ratatui::layout::Rect;

use crate::tui::app::{App, Effect};
use crate::tui::canvas::Canvas;
use crate::tui::keymap::{Binding, Mode};
use crate::tui::screen::Screen;
use crate::tui::screens::ScreenView;
use charts::CHARTS;

/// The row of the table of screens.
pub struct TrainScreen;

impl ScreenView for TrainScreen {
    fn screen(&self) -> Screen {
        Screen::Train
    }

    fn name(&self) -> &'static str {
        "Train"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::KEYS
    }

    fn render(&self, app: &App, area: Rect, canvas: &mut Canvas) {
        pane::render(app, area, canvas);
    }

    fn mode(&self, _app: &App) -> Mode {
        Mode::Train
    }

    fn step(&self, app: &mut App, by: isize) -> Vec<Effect> {
        app.charts.choose(by.signum());
        Vec::new()
    }

    fn turn(&self, app: &mut App, by: isize) -> Vec<Effect> {
        if let Some(run) = &app.run {
            app.charts.move_cursor(&run.epochs, by);
        }
        Vec::new()
    }

    fn select_chart(&self, app: &mut App, chart: usize) -> Vec<Effect> {
        if app.charts.chosen == chart {
            app.charts.zoomed = !app.charts.zoomed;
        }
        app.charts.chosen = chart.min(CHARTS.len() - 1);
        Vec::new()
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        app.charts.clear();
        Vec::new()
    }
}
