//! The charts of a run, live or from disk: how many fit, or the chosen one alone.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::runs::{Best, EpochRecord};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Panel};
use crate::tui::format::fixed;
use crate::tui::screens::train::charts::{CHARTS, ChartSpec, ChartView, Point, curve, smooth};
use crate::tui::widgets::chart::{Axis, Chart, Series};
use crate::tui::widgets::pen::Stroke;

/// What the charts show.
pub struct Curves<'a> {
    pub epochs: &'a [EpochRecord],
    pub best: Option<&'a Best>,
    pub view: &'a ChartView,
    /// Said where there is no curve yet.
    pub empty: &'static str,
}

impl Curves<'_> {
    /// Draws as many charts as fit well, or the chosen one if it is zoomed.
    pub fn render(&self, area: Rect, canvas: &mut Canvas) {
        if self.view.zoomed {
            self.chart(self.view.chosen, area, canvas);
            return;
        }
        let (columns, rows) = grid(area);
        let shown = columns * rows;
        // The chosen chart is always among those shown.
        let first = (self.view.chosen / shown) * shown;
        let lines = Layout::vertical(vec![Constraint::Fill(1); rows]).split(area);
        for (line, area) in lines.iter().enumerate() {
            let cells = Layout::horizontal(vec![Constraint::Fill(1); columns]).split(*area);
            for (column, area) in cells.iter().enumerate() {
                let index = first + line * columns + column;
                if index < CHARTS.len() {
                    self.chart(index, *area, canvas);
                }
            }
        }
    }

    /// Draws one chart.
    pub fn chart(&self, index: usize, area: Rect, canvas: &mut Canvas) {
        let (spec, theme) = (&CHARTS[index], canvas.theme);
        let (train, val) = (curve(self.epochs, spec.train), curve(self.epochs, spec.val));
        let weight = self.view.weight();
        let mut series = Vec::new();
        if weight > 0.0 {
            for points in [&train, &val] {
                series.push(Series {
                    points: points.clone(),
                    stroke: Stroke::Faint,
                    style: theme.border(false),
                    label: None,
                });
            }
        }
        let line = |points: &[Point]| if weight > 0.0 { smooth(points, weight) } else { points.to_vec() };
        let plain = |points, stroke, style| Series { points: line(points), stroke, style, label: None };
        series.push(plain(&train, Stroke::Solid, theme.train()));
        series.push(plain(&val, Stroke::Dashed, theme.val()));
        let best = self.best_of(spec, &val);
        let log = spec.falls && self.view.log_y;
        let cursor = self.view.cursor.map(|epoch| epoch as f64);
        let chart = Chart {
            series,
            log,
            axis: Axis::Epochs,
            cursor,
            mark: best.map(|point| (point, theme.good())),
            empty: self.empty,
        };

        let mut legend = Vec::new();
        if chart.is_log() {
            legend.push(Span::styled("log  ", theme.muted()));
        }
        if weight > 0.0 {
            legend.push(Span::styled(format!("smooth {}  ", fixed(Some(weight), 1)), theme.muted()));
        }
        let (solid, dashed) = if canvas.ascii { ("*", ".") } else { ("──", "╌╌") };
        // Where title and legend don't fit side by side, the line styles alone must do.
        let names = usize::from(area.width) >= spec.title.len() + 24;
        let word = |sign: &str, name: &str| if names { format!("{sign} {name}") } else { sign.to_owned() };
        if spec.train.is_some() {
            legend.push(Span::styled(format!("{}  ", word(solid, "train")), theme.train()));
        }
        legend.push(Span::styled(word(dashed, "val"), theme.val()));
        let at = |points: &[Point]| match self.view.cursor {
            Some(epoch) => points.iter().find(|point| point.0 == epoch as f64).map(|point| point.1),
            None => points.last().map(|point| point.1),
        };
        let mut values = Vec::new();
        if let Some(epoch) = self.view.cursor {
            values.push(Span::styled(format!("@{epoch}  "), theme.accent()));
        }
        if !val.is_empty() || !train.is_empty() {
            values.push(Span::styled(format!("val {}", fixed(at(&val), 4)), theme.val()));
            if spec.train.is_some() {
                values.push(Span::styled(format!("  train {}", fixed(at(&train), 4)), theme.train()));
            }
        }
        let best_line = best.map_or_else(Line::default, |(epoch, value)| {
            Line::styled(format!("best {} @{epoch:.0}", fixed(Some(value), 4)), theme.good())
        });
        let panel = Panel {
            title: spec.title,
            right: Line::from(legend),
            bottom: Line::from(values),
            bottom_right: best_line,
            focused: index == self.view.chosen,
        };
        let inner = canvas.panel(area, &panel);
        canvas.click(area, Action::Chart(index));
        canvas.wheel(area, [Action::Left, Action::Right]);
        chart.render(inner, canvas);
    }

    /// The best point: the run's own for what it monitors, else the curve's extreme.
    fn best_of(&self, spec: &ChartSpec, val: &[Point]) -> Option<Point> {
        if let Some(best) = self.best
            && spec.val == Some(best.metric.as_str())
        {
            return Some((best.epoch as f64, best.value));
        }
        let better = |a: f64, b: f64| if spec.falls { a < b } else { a > b };
        val.iter().copied().reduce(|best, point| if better(point.1, best.1) { point } else { best })
    }
}

/// Columns and rows of charts for an area: two, four or six charts.
fn grid(area: Rect) -> (usize, usize) {
    let columns = match area.width {
        0..56 => 1,
        56..132 => 2,
        _ => 3,
    };
    let rows = match area.height {
        0..16 => 1,
        _ => 2,
    };
    (columns, rows)
}
