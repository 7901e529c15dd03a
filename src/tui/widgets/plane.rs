//! Two shares against each other, both from 0 to 1: ROC and precision-recall curves, reliability diagrams.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::tui::canvas::{Canvas, row};
use crate::tui::widgets::pen::{Pen, Stroke};

/// A point, each coordinate 0 to 1.
pub type Point = (f64, f64);

/// A line through points.
pub struct Trace {
    pub points: Vec<Point>,
    pub stroke: Stroke,
    pub style: Style,
}

/// A plot of the unit square without its frame.
#[derive(Default)]
pub struct Plane<'a> {
    /// Drawn in this order.
    pub traces: Vec<Trace>,
    /// Points with a sign each, drawn last.
    pub marks: Vec<(Point, char, Style)>,
    /// What runs to the right.
    pub x: &'a str,
}

impl Plane<'_> {
    /// Draws axes, lines and marks into `area`.
    pub fn render(&self, area: Rect, canvas: &mut Canvas) {
        if area.width < 8 || area.height < 3 {
            return;
        }
        let (text, axis) = (canvas.theme.muted(), canvas.theme.border(false));
        let plot = Rect { x: area.x + 3, y: area.y, width: area.width - 4, height: area.height - 2 };
        for y in plot.top()..plot.bottom() {
            canvas.cell(plot.x - 1, y, '│', axis);
        }
        canvas.cell(plot.x - 1, plot.bottom(), '╰', axis);
        for x in plot.left()..plot.right() {
            canvas.cell(x, plot.bottom(), '─', axis);
        }
        let label = |canvas: &mut Canvas, y, label| {
            canvas.right(Rect { x: area.x, y, width: 2, height: 1 }, &Line::styled(label, text));
        };
        label(canvas, plot.top(), "1");
        if plot.height >= 5 {
            label(canvas, plot.top() + plot.height / 2, ".5");
        }
        label(canvas, plot.bottom() - 1, "0");
        let below = row(Rect { y: plot.bottom() + 1, height: 1, ..plot }, 0);
        canvas.text(below, "0", text);
        canvas.right(below, &Line::styled("1", text));
        if crate::text::width(self.x) + 6 <= usize::from(below.width) {
            canvas.centre(below, &Line::styled(self.x, text));
        }

        let (wide, high) = (f64::from(plot.width) * 2.0 - 1.0, f64::from(plot.height) * 4.0 - 1.0);
        let dot = |(x, y): Point| {
            let place = |share: f64, room: f64| (share.clamp(0.0, 1.0) * room).round() as i32;
            (place(x, wide), place(1.0 - y, high))
        };
        for trace in &self.traces {
            let mut pen = Pen::new(plot, trace.stroke, trace.style);
            let mut dots: Vec<(i32, i32)> = trace.points.iter().map(|point| dot(*point)).collect();
            // Thousands of points fall onto hundreds of dots.
            dots.dedup();
            for pair in dots.windows(2) {
                pen.line(pair[0], pair[1], canvas);
            }
        }
        for (point, sign, style) in &self.marks {
            let (x, y) = dot(*point);
            canvas.cell(plot.x + x as u16 / 2, plot.y + y as u16 / 4, *sign, *style);
        }
    }
}
