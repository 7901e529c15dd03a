//! Conditions with their AUROC and its interval, and normal detection at the end.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::metrics::{ConditionEvaluation, FEW_POSITIVES};
use crate::text::{one_line, width};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{count, fixed};
use crate::tui::screens::evaluate::state::{EvaluatedRun, Order};

/// Columns of the numbers at the right: AUROC, interval.
const NUMBERS: u16 = 16;
/// Columns that distinguish a name from others.
const SHORTEST_NAME: u16 = 8;
/// Columns of the number of positive images.
const SUPPORT: u16 = 6;
/// The AUROC of guessing.
const CHANCE: f64 = 0.5;

/// Draws the list.
pub fn render(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let order = match app.evaluate.order {
        Order::Auroc => "by AUROC",
        Order::Support => "by support",
        Order::Name => "by name",
    };
    let title = format!("{} {} {}", run.network, run.id.short(), run.split);
    let mean = &run.evaluation.macro_average;
    // Several images of one patient are not independent.
    let remark = match (run.evaluation.resampled_by_image(), area.width) {
        (false, _) => "",
        (true, 64..) => " (by image: too narrow)",
        (true, _) => " by image",
    };
    let (mut bounds, mut remark) = (interval(mean.auroc_ci), remark);
    let number = format!(" over {}", mean.n_conditions);
    let mut over = number.clone();
    // Between the frame's corners, a space at each end.
    let room = usize::from(area.width).saturating_sub(5);
    let value = fixed(mean.average.values.auroc, 3);
    let needed = |parts: [&str; 3]| 6 + value.len() + parts.map(width).iter().sum::<usize>();
    // The mean itself has priority, and an interval is never without its remark.
    if needed([&bounds, remark, &over]) > room {
        over.clear();
    }
    if needed([&bounds, remark, &over]) > room {
        bounds.clear();
        remark = "";
        over = number;
    }
    let macro_line = Line::from(vec![
        Span::styled("macro ", theme.muted()),
        Span::styled(value, theme.strong()),
        Span::styled(bounds, theme.text()),
        Span::styled(remark, theme.warning()),
        Span::styled(over, theme.muted()),
    ]);
    let panel = Panel {
        title: &title,
        right: Line::styled(order, theme.muted()),
        bottom: macro_line,
        bottom_right: Line::styled(format!("{} images", count(run.evaluation.n)), theme.muted()),
        focused: true,
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let rows = app.evaluate.sorted();
    let shown = usize::from(inner.height).max(1);
    let first = app.evaluate.place.saturating_sub(shown - 1).min(rows.len().saturating_sub(shown));
    let long = inner.width >= 40;
    // By importance: name, value, number of positives, interval.
    let with_support = inner.width >= 4 + SUPPORT + 2 + SHORTEST_NAME;
    let positives = if with_support { SUPPORT } else { 0 };
    let with_interval = inner.width >= NUMBERS + positives + 2 + SHORTEST_NAME;
    let numbers_width = if with_interval { NUMBERS } else { 4 };
    let name_width = if long { 18 } else { inner.width.saturating_sub(numbers_width + positives + 2) };
    let lowest = lowest(rows.iter().filter_map(|index| run.kept_numbers(*index)));
    for (line_at, (place, index)) in rows.iter().enumerate().skip(first).take(shown).enumerate() {
        let line = row(inner, line_at as u16);
        let Some(numbers) = run.kept_numbers(*index) else { continue };
        canvas.click(line, Action::Row(place));
        let chosen = place == app.evaluate.place;
        let name = Rect { x: line.x, width: name_width, ..line };
        let style = match () {
            () if *index == run.labels.len() => theme.accent(),
            () if chosen => theme.strong(),
            () => theme.text(),
        };
        canvas.text(name, &one_line(run.name(*index), usize::from(name_width)), style);
        if run.is_moved(*index) {
            canvas.text(Rect { x: line.x + name_width, width: 1, ..line }, "*", theme.warning());
        }
        let mut number = Line::from(Span::styled(fixed(numbers.auroc, 3), theme.strong()));
        if with_interval {
            let text = format!("{:>11}", interval(numbers.auroc_ci).trim());
            number.push_span(Span::styled(text, theme.muted()));
        }
        canvas.right(line, &number);
        if with_support {
            let few = numbers.support < FEW_POSITIVES;
            let style = if few { theme.warning() } else { theme.muted() };
            let place = Rect { x: line.x + name_width + 1, width: SUPPORT, ..line };
            canvas.right(place, &Line::styled(count(numbers.support as usize), style));
        }
        let strip = Rect {
            x: line.x + name_width + positives + 2,
            width: line.width.saturating_sub(name_width + positives + numbers_width + 2),
            ..line
        };
        if strip.width >= 5 {
            whisker(numbers.auroc, numbers.auroc_ci, lowest, strip, canvas);
        }
        if chosen {
            canvas.style(Rect { x: line.x - 1, width: line.width + 2, ..line }, theme.selection());
        }
    }
}

/// An interval as ` .825–.841`; nothing without one.
pub fn interval(interval: Option<[f64; 2]>) -> String {
    interval.map_or(String::new(), |[low, high]| format!(" {}–{}", fixed(Some(low), 3), fixed(Some(high), 3)))
}

/// The left end of all whiskers: chance, or the tenth below the lowest interval.
fn lowest<'a>(rows: impl Iterator<Item = &'a ConditionEvaluation>) -> f64 {
    let ends = rows.flat_map(|row| [row.auroc, row.auroc_ci.map(|[low, _]| low)]).flatten();
    let low = ends.fold(CHANCE, f64::min);
    if low < CHANCE { (low * 10.0).floor() / 10.0 } else { CHANCE }
}

/// A value with its interval between `lowest` and 1: `├─●─┤`. A line is at chance where that is inside.
fn whisker(value: Option<f64>, interval: Option<[f64; 2]>, lowest: f64, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let last = area.width - 1;
    let column =
        |value: f64| (((value - lowest) / (1.0 - lowest)).clamp(0.0, 1.0) * f64::from(last)).round() as u16;
    for x in 0..area.width {
        canvas.cell(area.x + x, area.y, '·', theme.track());
    }
    if lowest < CHANCE {
        canvas.cell(area.x + column(CHANCE), area.y, '╎', theme.muted());
    }
    if let Some([low, high]) = interval {
        let (low, high) = (column(low), column(high));
        for x in low..=high {
            let sign = match x {
                x if x == low && low < high => '├',
                x if x == high && low < high => '┤',
                _ => '─',
            };
            canvas.cell(area.x + x, area.y, sign, theme.val());
        }
    }
    if let Some(value) = value {
        canvas.cell(area.x + column(value), area.y, '●', theme.val());
    }
}
