//! Curves over epochs in braille dots: eight to a cell.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::canvas::{Canvas, row};
use crate::tui::screens::train::charts::Point;
use crate::tui::widgets::pen::{Pen, Stroke};
use crate::tui::widgets::scale::{Scale, whole_marks};

/// A curve.
pub struct Series {
    /// Rising in x.
    pub points: Vec<Point>,
    pub stroke: Stroke,
    pub style: Style,
    /// A letter at its end, where there are many.
    pub label: Option<char>,
}

/// What the x of a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// The number of an epoch.
    Epochs,
    /// The decimal logarithm of the numbers at the axis.
    Powers,
}

/// A chart without its frame.
pub struct Chart {
    /// Drawn in this order.
    pub series: Vec<Series>,
    /// A logarithmic value axis, where all values allow it.
    pub log: bool,
    /// What x is.
    pub axis: Axis,
    /// Position of the vertical line.
    pub cursor: Option<f64>,
    /// A point with a mark of its own.
    pub mark: Option<(Point, Style)>,
    /// The text of an empty chart.
    pub empty: &'static str,
}

impl Chart {
    /// The value axis with about `wanted` marks; none without values.
    fn scale(&self, wanted: usize) -> Option<Scale> {
        let values = self.series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        Scale::over(values, wanted, self.log)
    }

    /// Whether the value axis is logarithmic, which not all values allow; without values, whether it is to be.
    pub fn is_log(&self) -> bool {
        self.scale(2).map_or(self.log, |scale| scale.log)
    }

    /// Draws axes and curves into `area`.
    pub fn render(&self, area: Rect, canvas: &mut Canvas) {
        let (text, axis) = (canvas.theme.muted(), canvas.theme.border(false));
        let wanted = usize::from(area.height.saturating_sub(2) / 3).clamp(2, 8);
        let Some(scale) = self.scale(wanted) else {
            let middle = row(area, area.height.saturating_sub(1) / 2);
            canvas.centre(middle, &ratatui::text::Line::styled(self.empty, text));
            return;
        };
        let labels: Vec<(f64, String)> = scale.marks.iter().map(|mark| (*mark, scale.label(*mark))).collect();
        let gutter = labels.iter().map(|(_, label)| crate::text::width(label)).max().unwrap_or(0) as u16 + 1;
        if area.width < gutter + 4 || area.height < 3 {
            return;
        }
        let plot = Rect {
            x: area.x + gutter + 1,
            width: area.width - gutter - 1,
            height: area.height - 2,
            y: area.y,
        };
        let xs = || self.series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
        let first = xs().fold(f64::INFINITY, f64::min);
        let last = xs().fold(f64::NEG_INFINITY, f64::max).max(first + 1.0);

        // The value axis.
        let mut taken = None;
        for (mark, label) in &labels {
            let y = plot.bottom()
                - 1
                - ((scale.place(*mark) * f64::from(plot.height - 1)).round() as u16).min(plot.height - 1);
            if taken == Some(y) {
                continue;
            }
            taken = Some(y);
            let cell = Rect { x: area.x, y, width: gutter - 1, height: 1 };
            canvas.right(cell, &ratatui::text::Line::styled(label.as_str(), text));
        }
        for y in plot.top()..plot.bottom() {
            canvas.cell(plot.x - 1, y, '│', axis);
        }

        // The axis below.
        let column = |x: f64| {
            let dots = f64::from(plot.width) * 2.0 - 1.0;
            ((x - first) / (last - first) * dots).round().clamp(0.0, dots) as u16
        };
        canvas.cell(plot.x - 1, plot.bottom(), '╰', axis);
        for x in plot.left()..plot.right() {
            canvas.cell(x, plot.bottom(), '─', axis);
        }
        let room = usize::from(plot.width / 6).max(2);
        for (mark, label) in self.axis.marks(first, last, room) {
            let (at, width) = (plot.x + column(mark) / 2, label.len() as u16);
            let x =
                at.saturating_sub(width / 2).clamp(plot.x, (plot.right()).saturating_sub(width).max(plot.x));
            canvas.cell(at, plot.bottom(), '┬', axis);
            canvas.text(Rect { x, y: plot.bottom() + 1, width, height: 1 }, &label, text);
        }

        if let Some(cursor) = self.cursor {
            let x = plot.x + column(cursor) / 2;
            for y in plot.top()..plot.bottom() {
                canvas.cell(x, y, '┆', canvas.theme.accent());
            }
        }
        let height = plot.height * 4 - 1;
        let dot = |(x, y): Point| {
            let up = (scale.place(y) * f64::from(height)).round().clamp(0.0, f64::from(height)) as u16;
            (i32::from(column(x)), i32::from(height - up))
        };
        for series in &self.series {
            self.trace(series, plot, &dot, canvas);
        }
        // Over all curves, so that none hides the end of another.
        for series in &self.series {
            if let (Some(label), Some(last)) = (series.label, series.points.last()) {
                let (x, y) = dot(*last);
                canvas.cell(plot.x + x as u16 / 2, plot.y + y as u16 / 4, label, series.style);
            }
        }
        if let Some((point, style)) = self.mark {
            let (x, y) = dot(point);
            canvas.cell(plot.x + x as u16 / 2, plot.y + y as u16 / 4, '◆', style);
        }
    }

    fn trace(&self, series: &Series, plot: Rect, dot: &impl Fn(Point) -> (i32, i32), canvas: &mut Canvas) {
        let dots: Vec<(i32, i32)> = series.points.iter().map(|point| dot(*point)).collect();
        let mut pen = Pen::new(plot, series.stroke, series.style);
        if let [only] = dots.as_slice() {
            let sign = if canvas.ascii { '*' } else { '•' };
            canvas.cell(plot.x + only.0 as u16 / 2, plot.y + only.1 as u16 / 4, sign, series.style);
        }
        for pair in dots.windows(2) {
            pen.line(pair[0], pair[1], canvas);
        }
    }
}

impl Axis {
    /// At most about `room` places with their labels.
    fn marks(self, first: f64, last: f64, room: usize) -> Vec<(f64, String)> {
        match self {
            Self::Epochs => {
                let marks = whole_marks(first as usize, last as usize, room);
                marks.into_iter().map(|mark| (mark as f64, mark.to_string())).collect()
            }
            Self::Powers => {
                let powers = || first.ceil() as i32..=last.floor() as i32;
                let every = powers().count().div_ceil(room).max(1);
                powers().step_by(every).map(|power| (f64::from(power), format!("1e{power}"))).collect()
            }
        }
    }
}

/// A curve as one row of eighth blocks: the newest `width` values, scaled between the least and the greatest.
pub fn spark(values: &[f64], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &values[values.len().saturating_sub(width)..];
    let low = shown.iter().copied().fold(f64::INFINITY, f64::min);
    let high = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    shown
        .iter()
        .map(|value| {
            let share = if high - low < 1e-9 { 0.5 } else { (value - low) / (high - low) };
            BLOCKS[((share * 7.0).round() as usize).min(7)]
        })
        .collect()
}
