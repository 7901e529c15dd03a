//! The Runs screen: the list of runs and the queue, a run opened from it, marked runs compared.

pub mod action;
mod delete;
mod keys;
pub mod pane;
mod queue;
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
use crate::tui::screens::train::TrainScreen;
use state::Beside;

/// The row of the table of screens.
pub struct RunsScreen;

impl ScreenView for RunsScreen {
    fn screen(&self) -> Screen {
        Screen::Runs
    }

    fn name(&self) -> &'static str {
        "Runs"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::KEYS
    }

    fn render(&self, app: &App, area: Rect, canvas: &mut Canvas) {
        pane::render(app, area, canvas);
    }

    fn mode(&self, app: &App) -> Mode {
        match () {
            () if app.runs.filtering || app.runs.typed.is_some() => Mode::Typing,
            () if app.runs.marks.opened => Mode::Compared,
            () if app.runs.opened => Mode::Opened,
            () => Mode::Runs,
        }
    }

    fn enter(&self, app: &mut App) -> Vec<Effect> {
        app.list_runs()
    }

    fn reload(&self, app: &mut App) -> Vec<Effect> {
        if app.runs.marks.opened {
            return app.reload_marked();
        }
        let mut effects = app.list_runs();
        effects.extend(app.read_chosen(true));
        effects
    }

    fn step(&self, app: &mut App, by: isize) -> Vec<Effect> {
        match app.mode() {
            Mode::Opened => app.charts.choose(by.signum()),
            Mode::Compared => {
                let row = app.runs.marks.row.saturating_add_signed(by);
                app.runs.marks.row = row.min(scrollable_rows(app));
            }
            _ => return app.go_runs(by),
        }
        Vec::new()
    }

    fn turn(&self, app: &mut App, by: isize) -> Vec<Effect> {
        match app.mode() {
            Mode::Opened => app.charts.move_cursor(app.runs.chosen_epochs(), by),
            Mode::Compared => {
                let mut view = std::mem::take(&mut app.runs.marks.view);
                let all = app.runs.marks.all().iter();
                if let Some(longest) = all.max_by_key(|mark| mark.records().len()) {
                    view.move_cursor(longest.records(), by);
                }
                app.runs.marks.view = view;
            }
            _ => {}
        }
        Vec::new()
    }

    fn select_row(&self, app: &mut App, row: usize) -> Vec<Effect> {
        match app.mode() {
            Mode::Runs => app.row_of_runs(row),
            Mode::Typing if app.runs.typed.is_none() => app.row_of_runs(row),
            _ => Vec::new(),
        }
    }

    fn select_chart(&self, app: &mut App, chart: usize) -> Vec<Effect> {
        match app.mode() {
            Mode::Compared => {
                app.runs.marks.view.zoomed = !app.runs.marks.view.zoomed;
                Vec::new()
            }
            Mode::Opened => TrainScreen.select_chart(app, chart),
            // The small charts at the list open their run.
            _ => app.open_run(),
        }
    }

    fn back(&self, app: &mut App) -> Vec<Effect> {
        match app.mode() {
            Mode::Opened => {
                if !app.charts.clear() {
                    app.runs.opened = false;
                }
            }
            Mode::Compared => {
                if !app.runs.marks.view.clear() {
                    app.runs.marks.opened = false;
                }
            }
            _ => return app.back_runs(),
        }
        Vec::new()
    }

    fn next_view(&self, app: &mut App) -> Option<Vec<Effect>> {
        if app.mode() != Mode::Compared {
            return None;
        }
        (app.runs.marks.part, app.runs.marks.row) = (app.runs.marks.part.next(), 0);
        Some(Vec::new())
    }

    fn edit_line(&self, app: &mut App, edit: &mut dyn FnMut(&mut Input)) -> Vec<Effect> {
        if let Some(typed) = &mut app.runs.typed {
            edit(&mut typed.line);
        } else if app.runs.filtering {
            let mut line = app.runs.filter().clone();
            edit(&mut line);
            app.runs.set_filter(line);
            return app.read_chosen(false);
        }
        Vec::new()
    }

    fn accept_line(&self, app: &mut App) -> Vec<Effect> {
        if app.runs.typed.is_some() {
            return app.take_typed();
        }
        app.runs.filtering = false;
        app.read_chosen(false)
    }

    fn cancel_line(&self, app: &mut App) -> Vec<Effect> {
        if app.runs.typed.take().is_some() {
            return Vec::new();
        }
        app.runs.filtering = false;
        app.runs.set_filter(Input::default());
        app.read_chosen(false)
    }

    fn step_while_typing(&self, app: &mut App, by: isize) -> Vec<Effect> {
        if app.runs.typed.is_some() { Vec::new() } else { app.go_runs(by) }
    }
}

/// The last row that the comparison can begin with.
fn scrollable_rows(app: &App) -> usize {
    let conditions = match &app.runs.marks.beside {
        Beside::Ready(side) => side.labels.len(),
        _ => 0,
    };
    conditions.max(app.runs.marks.differences().len()).saturating_sub(1)
}
