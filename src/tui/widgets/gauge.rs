//! Bars: a share of a whole, and counted steps.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::canvas::Canvas;

/// Fills `area`'s first row up to `share` (0..=1), to an eighth of a cell.
pub fn gauge(canvas: &mut Canvas, area: Rect, share: f64, style: Style) {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let width = u32::from(area.width);
    let eighths = (share * f64::from(width) * 8.0).round() as u32;
    let track = canvas.theme.track();
    for column in 0..area.width {
        let filled = eighths.saturating_sub(u32::from(column) * 8).min(8);
        let (sign, style) = match filled {
            8 => ('█', style),
            0 => ('░', track),
            // In ASCII a part of a cell is either there or not.
            part if canvas.ascii => {
                if part >= 4 {
                    ('#', style)
                } else {
                    ('.', track)
                }
            }
            part => (['▏', '▎', '▍', '▌', '▋', '▊', '▉'][part as usize - 1], style),
        };
        canvas.cell(area.x + column, area.y, sign, style);
    }
}

/// A bar from the left without a track behind it: for rows that are compared with each other.
pub fn bar(canvas: &mut Canvas, area: Rect, share: f64, style: Style) {
    let eighths = (share.clamp(0.0, 1.0) * f64::from(area.width) * 8.0).round() as u32;
    // What isn't nothing is seen.
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    for column in 0..area.width {
        match eighths.saturating_sub(u32::from(column) * 8).min(8) {
            0 => break,
            8 => canvas.cell(area.x + column, area.y, '█', style),
            part => {
                let sign = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'][part as usize - 1];
                canvas.cell(area.x + column, area.y, sign, style);
            }
        }
    }
}

/// Steps done out of steps allowed, as many signs as fit: `▮▮▯▯▯`. Returns the columns used.
pub fn steps(canvas: &mut Canvas, area: Rect, done: usize, of: usize, style: Style) -> u16 {
    let signs = of.min(usize::from(area.width));
    let filled = if of == 0 { 0 } else { (done.min(of) * signs).div_ceil(of) };
    let track = canvas.theme.track();
    for index in 0..signs {
        let (sign, style) = if index < filled { ('▮', style) } else { ('▯', track) };
        canvas.cell(area.x + index as u16, area.y, sign, style);
    }
    signs as u16
}
