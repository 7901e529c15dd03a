//! A grey film in half blocks: two pixels to a cell. Where there are no colours, in signs of growing weight.

use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::tui::canvas::Canvas;

/// A film's pixels, row by row.
pub struct Picture<'a> {
    pub pixels: &'a [u8],
    pub height: usize,
    pub width: usize,
}

/// From dark to light.
const SHADES: &[u8; 10] = b" .:-=+*#%@";

impl Picture<'_> {
    /// Draws the film as large as `area` allows, its sides in proportion, in the middle.
    pub fn render(&self, area: Rect, canvas: &mut Canvas) {
        if area.is_empty()
            || self.height == 0
            || self.width == 0
            || self.pixels.len() < self.height * self.width
        {
            return;
        }
        // A cell is twice as high as wide, so it holds two square pixels.
        let (wide, high) = (f64::from(area.width), f64::from(area.height) * 2.0);
        let scale = (wide / self.width as f64).min(high / self.height as f64);
        let columns = ((self.width as f64 * scale) as u16).clamp(1, area.width);
        let rows = ((self.height as f64 * scale / 2.0) as u16).clamp(1, area.height);
        let (x0, y0) = (area.x + (area.width - columns) / 2, area.y + (area.height - rows) / 2);
        for row in 0..rows {
            for column in 0..columns {
                let upper = self.mean((column, columns), (row * 2, rows * 2));
                let lower = self.mean((column, columns), (row * 2 + 1, rows * 2));
                let (x, y) = (x0 + column, y0 + row);
                if canvas.theme.coloured && !canvas.ascii {
                    let style = Style::new().fg(grey(upper)).bg(grey(lower));
                    canvas.cell(x, y, '▀', style);
                } else {
                    let shade = (usize::from(upper) + usize::from(lower)) * (SHADES.len() - 1) / 510;
                    canvas.cell(x, y, char::from(SHADES[shade]), canvas.theme.text());
                }
            }
        }
    }

    /// The mean over the part of the film that one of `of` columns and rows covers.
    fn mean(&self, (column, columns): (u16, u16), (row, rows): (u16, u16)) -> u8 {
        let span = |index: u16, of: u16, size: usize| {
            let first = usize::from(index) * size / usize::from(of);
            let last = (usize::from(index + 1) * size / usize::from(of)).max(first + 1);
            first..last.min(size)
        };
        let (xs, ys) = (span(column, columns, self.width), span(row, rows, self.height));
        let count = xs.len() * ys.len();
        let sum: usize =
            ys.flat_map(|y| xs.clone().map(move |x| usize::from(self.pixels[y * self.width + x]))).sum();
        sum.checked_div(count).unwrap_or(0) as u8
    }
}

fn grey(value: u8) -> Color {
    Color::Rgb(value, value, value)
}
