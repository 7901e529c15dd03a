//! Lines of braille dots: eight to a cell.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::canvas::Canvas;

/// The style of a line: with its colour it identifies the curve, and without a colour as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Every dot; `*` in ASCII.
    Solid,
    /// Five dots on, four off; `.` in ASCII.
    Dashed,
    /// One dot in three; `'` in ASCII.
    Faint,
}

/// Bits of a braille sign by column and row.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Sets dots one after another and knows which of them its stroke leaves out.
pub struct Pen {
    plot: Rect,
    stroke: Stroke,
    style: Style,
    run: usize,
}

impl Pen {
    /// A pen that draws within `plot`, two dots to a column and four to a row.
    pub fn new(plot: Rect, stroke: Stroke, style: Style) -> Self {
        Self { plot, stroke, style, run: 0 }
    }

    /// A straight line between two dots (column, row from the top), a dot a step along its longer side.
    pub fn line(&mut self, from: (i32, i32), to: (i32, i32), canvas: &mut Canvas) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let steps = dx.abs().max(dy.abs());
        for step in 0..=steps {
            let share = if steps == 0 { 0.0 } else { f64::from(step) / f64::from(steps) };
            let x = f64::from(from.0) + share * f64::from(dx);
            let y = f64::from(from.1) + share * f64::from(dy);
            let on = match self.stroke {
                Stroke::Solid => true,
                Stroke::Dashed => self.run % 9 < 5,
                Stroke::Faint => self.run.is_multiple_of(3),
            };
            self.run += 1;
            if on {
                self.dot(x.round() as u16, y.round() as u16, canvas);
            }
        }
    }

    fn dot(&self, x: u16, y: u16, canvas: &mut Canvas) {
        let (column, line) = (self.plot.x + x / 2, self.plot.y + y / 4);
        if canvas.ascii {
            let sign = match self.stroke {
                Stroke::Solid => '*',
                Stroke::Dashed => '.',
                Stroke::Faint => '\'',
            };
            canvas.cell(column, line, sign, self.style);
            return;
        }
        let bit = DOTS[usize::from(x % 2)][usize::from(y % 4)];
        let before = canvas.buf.cell((column, line)).and_then(|cell| cell.symbol().chars().next());
        // Braille signs are U+2800 plus one bit a dot; other signs (the cursor) give way.
        let dots = match before {
            Some(sign @ '\u{2800}'..='\u{28ff}') => sign as u32 - 0x2800,
            _ => 0,
        } | u32::from(bit);
        if let Some(sign) = char::from_u32(0x2800 + dots) {
            canvas.cell(column, line, sign, self.style);
        }
    }
}
