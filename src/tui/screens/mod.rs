//! The screens: a folder each, with its state, its panes, its keys and what its actions do. A screen implements
//! [`ScreenView`] and has one row in [`SCREENS`]; header, keys, help, palette, drawing and dispatch read that table. To add
//! one: a folder, a variant of [`Screen`] and a row.

pub mod augment;
pub mod data;
pub mod evaluate;
pub mod explain;
pub mod runs;
pub mod train;

use ratatui::layout::Rect;
use tui_input::Input;

use crate::tui::app::{App, Effect};
use crate::tui::canvas::Canvas;
use crate::tui::keymap::{Binding, Mode};
use crate::tui::screen::Screen;

/// All screens in the order of their numbers.
pub const SCREENS: [&dyn ScreenView; 6] = [
    &data::DataScreen,
    &train::TrainScreen,
    &evaluate::EvaluateScreen,
    &explain::ExplainScreen,
    &augment::AugmentScreen,
    &runs::RunsScreen,
];

impl Screen {
    /// Its row in the table.
    pub fn view(self) -> &'static dyn ScreenView {
        // Every variant has a row: a test checks it.
        SCREENS.into_iter().find(|view| view.screen() == self).unwrap_or(SCREENS[0])
    }

    /// The screen `by` rows further in the table, round to the first.
    pub fn step(self, by: usize) -> Self {
        let at = SCREENS.iter().position(|view| view.screen() == self).unwrap_or(0);
        SCREENS[(at + by) % SCREENS.len()].screen()
    }
}

/// What a screen is to the rest of the workbench. All state is the [`App`]'s; what a screen doesn't offer does nothing.
pub trait ScreenView: Sync {
    /// Which one it is.
    fn screen(&self) -> Screen;
    /// Its name in the top line.
    fn name(&self) -> &'static str;
    /// The rows of its modes in the table of keys.
    fn keys(&self) -> &'static [Binding];
    /// The mode that keys are in while no overlay is open.
    fn mode(&self, app: &App) -> Mode;
    /// Draws it.
    fn render(&self, app: &App, area: Rect, canvas: &mut Canvas);

    /// It was opened.
    fn enter(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }
    /// Reads again what it shows.
    fn reload(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }
    /// Up (negative) and down in its list.
    fn step(&self, _app: &mut App, _by: isize) -> Vec<Effect> {
        Vec::new()
    }
    /// Left (negative) and right.
    fn turn(&self, _app: &mut App, _by: isize) -> Vec<Effect> {
        Vec::new()
    }
    /// A click on a row of its list.
    fn select_row(&self, _app: &mut App, _row: usize) -> Vec<Effect> {
        Vec::new()
    }
    /// A click on a chart.
    fn select_chart(&self, _app: &mut App, _chart: usize) -> Vec<Effect> {
        Vec::new()
    }
    /// Clears cursor, zoom or filter, or goes back to its list.
    fn back(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }
    /// The next split; `None` where it shows no split.
    fn next_split(&self, _app: &mut App) -> Option<Vec<Effect>> {
        None
    }
    /// The next of its views; `None` where it has one alone.
    fn next_view(&self, _app: &mut App) -> Option<Vec<Effect>> {
        None
    }
    /// The run before (-1) or after (1) the one shown.
    fn step_run(&self, _app: &mut App, _by: isize) -> Vec<Effect> {
        Vec::new()
    }
    /// The image before (-1) or after (1) the one shown.
    fn step_image(&self, _app: &mut App, _by: isize) -> Vec<Effect> {
        Vec::new()
    }
    /// Shows or hides the boxes of findings.
    fn toggle_boxes(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }
    /// Resets the setting under the cursor to its default.
    fn reset(&self, _app: &mut App) {}
    /// Edits the line that is being typed on the screen.
    fn edit_line(&self, _app: &mut App, _edit: &mut dyn FnMut(&mut Input)) -> Vec<Effect> {
        Vec::new()
    }
    /// Accepts the line that was typed on the screen.
    fn accept_line(&self, _app: &mut App) -> Vec<Effect> {
        Vec::new()
    }
    /// Closes the line that is being typed on the screen.
    fn cancel_line(&self, app: &mut App) -> Vec<Effect> {
        self.back(app)
    }
    /// Up and down while a line is typed on the screen.
    fn step_while_typing(&self, _app: &mut App, _by: isize) -> Vec<Effect> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_screen_has_its_row_and_steps_lead_round() {
        for screen in
            [Screen::Data, Screen::Train, Screen::Evaluate, Screen::Explain, Screen::Augment, Screen::Runs]
        {
            assert_eq!(screen.view().screen(), screen);
            assert_eq!(screen.step(SCREENS.len()), screen);
        }
    }
}
