//! Draws a whole frame from the state.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::{App, Overlay};
use crate::tui::canvas::{Canvas, MouseTarget, Pictures};
use crate::tui::graphics::{Gallery, ImageRequest};
use crate::tui::header;
use crate::tui::overlays::form::pane as form;
use crate::tui::overlays::help;
use crate::tui::overlays::palette;
use crate::tui::overlays::question;
use crate::tui::overlays::rates::pane as rates;

/// Draws everything; returns the mouse targets, and the pictures that `gallery` adds.
pub fn draw(app: &App, gallery: Option<&Gallery>, buf: &mut Buffer) -> (Vec<MouseTarget>, Vec<ImageRequest>) {
    let area = buf.area;
    let mut canvas = Canvas::new(buf, &app.theme, app.ascii);
    canvas.depth = app.depth;
    canvas.pictures = Pictures {
        gallery,
        off: gallery.is_some_and(|gallery| gallery.terminal().protocol.is_none()),
        covered: app.overlay.is_some(),
    };
    if area.height >= 1 {
        header::top(app, Rect { height: 1, ..area }, &mut canvas);
    }
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
    if body.height > 0 {
        app.screen.view().render(app, body, &mut canvas);
        match &app.overlay {
            Some(Overlay::Form) => form::render(app, body, &mut canvas),
            Some(Overlay::Help(line)) => help::render(*line, body, &mut canvas),
            Some(Overlay::Palette { input, row }) => palette::render(input, *row, body, &mut canvas),
            Some(Overlay::AskStop) => question::stop(app, body, &mut canvas),
            Some(Overlay::AskLeave) => question::leave(app, body, &mut canvas),
            Some(Overlay::Rates) => rates::render(app, body, &mut canvas),
            Some(Overlay::AskQueue) => question::queue(app, body, &mut canvas),
            Some(Overlay::AskDelete) => question::delete(app, body, &mut canvas),
            Some(Overlay::Saving) => question::saving(app, body, &mut canvas),
            None => {}
        }
        if let Some(lanes) = app.leaving.as_ref().filter(|lanes| !lanes.is_empty()) {
            question::leaving(lanes, body, &mut canvas);
        }
    }
    // Last, because a dialog removes the mouse targets of what was drawn before.
    if area.height >= 2 {
        header::bottom(app, Rect { y: area.bottom() - 1, height: 1, ..area }, &mut canvas);
    }
    canvas.finish()
}
