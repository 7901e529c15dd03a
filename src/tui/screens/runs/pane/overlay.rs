//! Curves of the marked runs on one chart.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::runs::METRICS;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel};
use crate::tui::screens::runs::action::RunsAction;
use crate::tui::screens::runs::pane::table::number;
use crate::tui::screens::runs::state::{Epochs, Mark};
use crate::tui::screens::train::charts::{Point, curve, smooth};
use crate::tui::widgets::chart::{Axis, Chart, Series};
use crate::tui::widgets::pen::Stroke;

/// A stroke a place: with the letter at its end a curve is known without its colour.
const STROKES: [Stroke; 3] = [Stroke::Solid, Stroke::Dashed, Stroke::Faint];

/// Draws the curves of the number that is looked at.
pub fn chart(app: &App, area: Rect, focused: bool, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let marks = &app.runs.marks;
    let metric = &METRICS[app.runs.measure.metric];
    let (view, weight) = (&marks.view, marks.view.weight());
    let of = |mark: &Mark| {
        let points = curve(mark.records(), Some(metric.key));
        if weight > 0.0 { smooth(&points, weight) } else { points }
    };
    let series: Vec<Series> = marks
        .all()
        .iter()
        .map(|mark| Series {
            points: of(mark),
            stroke: STROKES[mark.place % STROKES.len()],
            style: theme.series(mark.place),
            label: Some(mark.letter()),
        })
        .collect();
    let reading = marks.all().iter().any(|mark| matches!(mark.epochs, Epochs::Unread));
    let at = |points: &[Point]| match view.cursor {
        Some(epoch) => points.iter().find(|point| point.0 == epoch as f64).map(|point| point.1),
        None => points.last().map(|point| point.1),
    };
    let mut values = vec![Span::styled(
        view.cursor.map_or_else(|| "last ".to_owned(), |epoch| format!("@{epoch} ")),
        if view.cursor.is_some() { theme.accent() } else { theme.muted() },
    )];
    let mut legend = Vec::new();
    for (mark, series) in marks.all().iter().zip(&series) {
        let id = app.runs.find(&mark.path).map_or("", |run| run.id.short());
        let style = theme.series(mark.place);
        legend.push(Span::styled(format!(" {} {id}", mark.letter()), style));
        values
            .push(Span::styled(format!(" {} {}", mark.letter(), number(metric, at(&series.points))), style));
    }
    let chart = Chart {
        series,
        log: view.log_y && (metric.falls() || metric.key == "lr"),
        axis: Axis::Epochs,
        cursor: view.cursor.map(|epoch| epoch as f64),
        mark: None,
        empty: if reading { "reading …" } else { "none of the marked runs has measured it" },
    };
    let title = metric.title();
    if chart.is_log() && view.log_y {
        legend.insert(0, Span::styled("log ", theme.muted()));
    }
    let panel = Panel {
        title: &title,
        right: Line::from(legend),
        bottom: Line::from(values),
        bottom_right: Line::default(),
        focused,
    };
    let inner = canvas.panel(area, &panel);
    if focused {
        canvas.click(area, Action::Chart(0));
    } else {
        canvas.click(area, Action::Runs(RunsAction::Compare));
    }
    chart.render(inner, canvas);
}
