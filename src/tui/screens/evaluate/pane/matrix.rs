//! One condition's confusion matrix, large, with its rates at the threshold as it is now.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::metrics::{ConditionEvaluation, Confusion};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{count, fixed, percent};
use crate::tui::screens::evaluate::action::EvaluateAction;
use crate::tui::screens::evaluate::pane::list::interval;
use crate::tui::screens::evaluate::state::{Cell, EvaluatedRun};
use crate::tui::widgets::field::typed_line;
use crate::tui::widgets::gauge::bar;

/// Rows of the matrix and the rates.
pub const LEAST: u16 = 14;
/// Rows with everything shown.
pub const FULL: u16 = 25;

/// Draws matrix and rates of a row.
pub fn render(app: &App, run: &EvaluatedRun, index: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let Some(numbers) = run.numbers(index) else { return };
    let cell = app.evaluate.cell;
    let images = images_of(&numbers.counts, cell);
    let normal = index == run.labels.len();
    let what = if normal { "normal images" } else { "images" };
    let positives = match numbers.unknown {
        0 => format!("{} positive", count(numbers.support as usize)),
        unknown => {
            format!("{} positive, {} unknown", count(numbers.support as usize), count(unknown as usize))
        }
    };
    let panel = Panel {
        title: run.name(index),
        right: Line::styled(positives, theme.muted()),
        bottom: Line::styled(
            format!("enter: {} {}, {what}", count(images as usize), cell.name()),
            theme.accent(),
        ),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let used = matrix(&numbers.counts, cell, normal, inner, canvas);
    let rest = Rect { y: inner.y + used, height: inner.height.saturating_sub(used), ..inner };
    threshold(app, run, index, &numbers, rest, canvas);
    rates(&numbers, Rect { y: rest.y + 2, height: rest.height.saturating_sub(2), ..rest }, canvas);
}

/// How many images a cell has.
pub fn images_of(counts: &Confusion, cell: Cell) -> u64 {
    match cell {
        Cell::FalseNegative => counts.fn_,
        Cell::FalsePositive => counts.fp,
        Cell::TruePositive => counts.tp,
        Cell::TrueNegative => counts.tn,
    }
}

/// The matrix, rows actual and columns called; gives the rows it took.
fn matrix(counts: &Confusion, chosen: Cell, normal: bool, area: Rect, canvas: &mut Canvas) -> u16 {
    let theme = canvas.theme;
    let tall = area.height >= 22;
    let (head, height) = (11.min(area.width / 3), if tall { 4 } else { 2 });
    let width = area.width.saturating_sub(head) / 2;
    let (called, actual) = match normal {
        true => (["any finding", "normal"], ["is any", "is normal"]),
        false => (["pred. −", "pred. +"], ["actual −", "actual +"]),
    };
    for (column, name) in called.iter().enumerate() {
        let cell = Rect { x: area.x + head + width * column as u16, width, ..row(area, 0) };
        canvas.right(cell, &Line::styled(*name, theme.muted()));
    }
    for (line, cells) in Cell::MATRIX.iter().enumerate() {
        let of_row: u64 = cells.iter().map(|cell| images_of(counts, *cell)).sum();
        let y = 1 + line as u16 * height;
        canvas.text(Rect { width: head, ..row(area, y) }, actual[line], theme.muted());
        for (column, cell) in cells.iter().enumerate() {
            let images = images_of(counts, *cell);
            let share = images as f64 / of_row.max(1) as f64;
            let right = matches!(cell, Cell::TruePositive | Cell::TrueNegative);
            let style = if right { theme.good() } else { theme.warning() };
            let at = Rect { x: area.x + head + width * column as u16, width, ..row(area, y) };
            let mark = if *cell == chosen { "▸ " } else { "  " };
            let line = Line::from(vec![
                Span::styled(mark, theme.accent()),
                Span::styled(count(images as usize), theme.strong()),
            ]);
            canvas.right(at, &line);
            let below = Rect { x: at.x, width, ..row(area, y + 1) };
            canvas.right(below, &Line::styled(percent(share), theme.muted()));
            let strip = Rect { x: below.x + 2, width: width.saturating_sub(8), ..below };
            if !strip.is_empty() {
                bar(canvas, strip, share, style);
            }
            let whole =
                Rect { x: at.x, y: at.y, width, height: height.min(area.bottom().saturating_sub(at.y)) };
            canvas.click(whole, Action::Evaluate(EvaluateAction::CellImages(*cell)));
        }
    }
    1 + 2 * height
}

/// The threshold, and where it is from.
fn threshold(
    app: &App,
    run: &EvaluatedRun,
    index: usize,
    numbers: &ConditionEvaluation,
    area: Rect,
    canvas: &mut Canvas,
) {
    let theme = canvas.theme;
    let line = row(area, 0);
    if let Some(typed) = &app.evaluate.typing {
        let mut text = typed_line(typed, 8, theme.accent());
        text.spans.insert(0, Span::styled("threshold: ", theme.accent()));
        text.spans.push(Span::styled("   Enter accepts", theme.muted()));
        canvas.line(line, &text);
        return;
    }
    let scope = if app.evaluate.all && index < run.labels.len() { "all " } else { "" };
    let level = fixed(Some(f64::from(numbers.threshold)), if numbers.threshold < 0.1 { 4 } else { 3 });
    let used = canvas.line(
        line,
        &Line::from(vec![
            Span::styled(format!("{scope}threshold "), theme.muted()),
            Span::styled("◂ ", theme.accent()),
            Span::styled(level, theme.strong()),
            Span::styled(" ▸  ", theme.accent()),
        ]),
    );
    let rest = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
    let style = if run.is_moved(index) { theme.warning() } else { theme.muted() };
    canvas.text(rest, &crate::text::one_line(&run.basis(index), usize::from(rest.width)), style);
}

/// Rates at the threshold, in two columns; what was not moved has its interval.
fn rates(numbers: &ConditionEvaluation, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    type Rate<'a> = (&'a str, Option<f64>, Option<[f64; 2]>);
    let all: [Rate; 10] = [
        ("F1", numbers.f1, numbers.f1_ci),
        ("sensitivity", numbers.recall, numbers.recall_ci),
        ("specificity", numbers.specificity, numbers.specificity_ci),
        ("precision", numbers.precision, numbers.precision_ci),
        ("NPV", numbers.npv, None),
        ("MCC", numbers.mcc, None),
        ("balanced acc.", numbers.balanced_accuracy, None),
        ("AUPRC", numbers.auprc, numbers.auprc_ci),
        ("prevalence", numbers.prevalence, None),
        ("Brier", numbers.brier, None),
    ];
    let columns = if area.width >= 38 && usize::from(area.height) < all.len() { 2 } else { 1 };
    let width = area.width / columns;
    let per_column = all.len().div_ceil(usize::from(columns));
    for (place, (name, value, ci)) in all.iter().enumerate() {
        let at = row(area, (place % per_column) as u16);
        let cell =
            Rect { x: at.x + width * (place / per_column) as u16, width: width.saturating_sub(1), ..at };
        if cell.is_empty() {
            continue;
        }
        canvas.text(cell, name, theme.muted());
        let number = Rect { x: cell.x + 14.min(cell.width), width: cell.width.saturating_sub(14), ..cell };
        let used = canvas.text(number, &format!("{:>5}", fixed(*value, 3)), theme.strong());
        let rest = Rect { x: number.x + used, width: number.width.saturating_sub(used), ..number };
        let said = interval(*ci);
        if crate::text::width(&said) <= usize::from(rest.width) {
            canvas.text(rest, &said, theme.muted());
        }
    }
}
