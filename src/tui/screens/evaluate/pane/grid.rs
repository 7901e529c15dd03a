//! All matrices at once.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::text::one_line;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{count, fixed};
use crate::tui::screens::evaluate::pane::matrix::images_of;
use crate::tui::screens::evaluate::state::{Cell, EvaluatedRun};

/// Least columns and rows of a matrix.
const CELL: (u16, u16) = (22, 4);

/// Rows needed for all conditions and normal detection, four side by side.
pub const LEAST: u16 = 4 * CELL.1 + 2;

/// Draws every condition's matrix in the order of the list.
pub fn render(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let rows = app.evaluate.sorted();
    let inside = [area.width, area.height].map(|side| side.saturating_sub(2));
    let columns = (inside[0] / CELL.0).clamp(1, 5);
    let lines = (rows.len() as u16).div_ceil(columns);
    let height = (inside[1] / lines.max(1)).clamp(2, 7);
    let panel = Panel {
        title: "all conditions",
        right: Line::styled("predicted positive at the thresholds", theme.muted()),
        bottom: Line::from(vec![
            Span::styled("macro F1 ", theme.muted()),
            Span::styled(fixed(run.macro_f1(), 3), theme.strong()),
        ]),
        bottom_right: Line::styled(if height < 3 { "TN FP FN TP" } else { "TN FP / FN TP" }, theme.muted()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Up, Action::Down]);
    let width = inner.width / columns;
    for (place, index) in rows.iter().enumerate() {
        let (x, y) = (place as u16 % columns * width, place as u16 / columns * height);
        if y + 2 > inner.height {
            break;
        }
        let cell = Rect {
            x: inner.x + x + 1,
            y: inner.y + y,
            width: width.saturating_sub(2),
            height: height.min(inner.height - y),
        };
        canvas.click(cell, Action::Row(place));
        small(run, *index, place == app.evaluate.place, cell, canvas);
    }
}

/// One small matrix: its name with F1, then two rows of counts, or all four in one.
fn small(run: &EvaluatedRun, index: usize, chosen: bool, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let Some(numbers) = run.numbers(index) else { return };
    let head = row(area, 0);
    let style = if chosen { theme.accent() } else { theme.text() };
    let name = one_line(run.name(index), usize::from(head.width.saturating_sub(5)));
    canvas.text(head, &format!("{}{name}", if chosen { "▸" } else { "" }), style);
    canvas.right(head, &Line::styled(fixed(numbers.f1, 2), theme.strong()));
    // With one line for the counts, both rows of the matrix are in it.
    let flat = area.height < 3;
    for (line, cells) in Cell::MATRIX.iter().enumerate() {
        let of_row: u64 = cells.iter().map(|cell| images_of(&numbers.counts, *cell)).sum();
        let at = match flat {
            true => {
                let half = area.width / 2;
                Rect { x: area.x + half * line as u16, width: half, ..row(area, 1) }
            }
            false => row(area, 1 + line as u16),
        };
        let half = at.width / 2;
        for (column, cell) in cells.iter().enumerate() {
            let images = images_of(&numbers.counts, *cell);
            let share = images as f64 / of_row.max(1) as f64;
            let place = Rect { x: at.x + half * column as u16, width: half, ..at };
            let right = matches!(cell, Cell::TruePositive | Cell::TrueNegative);
            let style = weight(if right { theme.good() } else { theme.warning() }, share, theme.muted());
            canvas.right(place, &Line::styled(count(images as usize), style));
        }
    }
}

/// Colour for a cell with at least half of its row, muted otherwise.
fn weight(style: Style, share: f64, quiet: Style) -> Style {
    if share >= 0.5 { style } else { quiet }
}
