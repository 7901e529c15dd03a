//! The curve of the losses that were found at rising learning rates.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, middle, row};
use crate::tui::format::{fixed, rate};
use crate::tui::overlays::question::capital;
use crate::tui::screens::train::charts::Point;
use crate::tui::widgets::chart::{Axis, Chart, Series};
use crate::tui::widgets::pen::Stroke;
use crate::tui::widgets::text::wrap;

/// Draws it over `area`.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let Some(rates) = &app.rates else { return };
    let (curve, theme) = (&rates.curve, canvas.theme);
    let points: Vec<Point> =
        curve.rates.iter().map(|rate| rate.log10()).zip(curve.losses.iter().copied()).collect();
    // The last losses tower above all others; what matters is the fall before them.
    let first = points.first().map_or(0.0, |point| point.1);
    let shown: Vec<Point> = points.iter().copied().filter(|point| point.1 <= 1.5 * first).collect();
    let at = |wanted: f64| curve.rates.iter().position(|rate| *rate == wanted);
    let mark = curve.suggestion.and_then(at).and_then(|index| points.get(index)).copied();
    let chart = Chart {
        series: vec![Series { points: shown, stroke: Stroke::Solid, style: theme.train(), label: None }],
        log: false,
        axis: Axis::Powers,
        cursor: points.get(rates.at).map(|point| point.0),
        mark: mark.map(|point| (point, theme.good())),
        empty: "no rate was tried",
    };
    let suggestion = match curve.suggestion {
        Some(suggestion) => Line::styled(format!("◆ steepest at {}", rate(suggestion)), theme.good()),
        None => Line::styled("the loss never fell", theme.warning()),
    };
    let panel = Panel {
        title: "loss by learning rate",
        right: suggestion,
        bottom: Line::from(vec![
            Span::styled(format!("rate {}", rates.chosen().map_or_else(String::new, rate)), theme.accent()),
            Span::styled(format!("  loss {}", fixed(curve.losses.get(rates.at).copied(), 4)), theme.train()),
        ]),
        focused: true,
        ..Panel::default()
    };
    let inner = canvas.popup(middle(area, 92, 22), &panel);
    let [plot, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(3)]).areas(inner);
    chart.render(plot, canvas);
    let said = format!(
        "{}. Enter starts the next run with {}.",
        capital(&curve.reason),
        rates.chosen().map_or_else(String::new, rate)
    );
    let foot = Rect { x: foot.x + 1, width: foot.width.saturating_sub(2), ..foot };
    let lines = wrap(&Line::styled(said, theme.text()), usize::from(foot.width));
    for (index, line) in lines.iter().take(2).enumerate() {
        canvas.line(row(foot, 1 + index as u16), line);
    }
}
