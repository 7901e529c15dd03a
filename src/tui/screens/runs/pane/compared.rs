//! The marked runs together: curves over each other, settings that differ, AUROC by condition.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::evaluation::{Comparison, Difference};
use crate::text::one_line;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{NONE, change, fixed};
use crate::tui::screens::runs::pane::overlay;
use crate::tui::screens::runs::state::{Beside, Mark, Part, SideBySide};
use crate::tui::widgets::text::sentences;

/// A difference is called significant below this.
const ALPHA: f64 = 0.05;

/// Picks a mean's difference.
type OfMean = fn(&Comparison) -> &Difference;

/// The means below the conditions, with a long and a short name.
const MEANS: [(&str, &str, OfMean); 3] = [
    ("macro AUROC", "AUROC", |comparison| &comparison.macro_auroc),
    ("macro AUPRC", "AUPRC", |comparison| &comparison.macro_auprc),
    ("macro F1", "F1", |comparison| &comparison.macro_f1),
];

/// Columns of a difference, its interval and p.
const GAIN: u16 = 29;

/// Draws all three parts, or the chosen one where only one fits.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let marks = &app.runs.marks;
    if marks.view.zoomed {
        return overlay::chart(app, area, true, canvas);
    }
    if area.width < 110 || area.height < 24 {
        return match marks.part {
            Part::Curves => overlay::chart(app, area, true, canvas),
            Part::Settings => settings(app, area, canvas),
            Part::Conditions => conditions(app, area, canvas),
        };
    }
    let table = (table_width(app, true) + 4).min(area.width / 2).max(56);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(table)]).areas(area);
    let rows = (marks.differences().len() as u16 + 3).clamp(4, area.height * 2 / 5);
    let [curves, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(left);
    overlay::chart(app, curves, true, canvas);
    settings(app, below, canvas);
    conditions(app, right, canvas);
}

fn settings(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let marks = &app.runs.marks;
    let panel = Panel { title: "settings that differ", ..Panel::default() };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    if marks.differences().is_empty() {
        let text = match &marks.settings {
            _ if marks.all().len() < 2 => "Mark another run to compare it with.",
            None => "The settings of a marked run can't be read: its run.toml is missing or damaged.",
            Some(_) => "The settings are the same.",
        };
        return sentences(inner, &[Line::styled(text, theme.muted())], canvas);
    }
    let key = marks.differences().iter().map(|setting| setting.key.len()).max().unwrap_or(0) as u16 + 2;
    let each = (inner.width.saturating_sub(key) / marks.all().len().max(1) as u16).min(24);
    let cell = |line: Rect, run: usize| {
        let x = line.x + key + each * run as u16;
        Rect { x, width: each.saturating_sub(1), ..line }.intersection(line)
    };
    for (run, mark) in marks.all().iter().enumerate() {
        let head = Line::styled(letter_and_id(app, mark), theme.series(mark.place));
        canvas.line(cell(row(inner, 0), run), &head);
    }
    let room = usize::from(inner.height.saturating_sub(1));
    let first = marks.row.min(marks.differences().len().saturating_sub(room));
    for (index, setting) in marks.differences().iter().skip(first).take(room).enumerate() {
        let line = row(inner, 1 + index as u16);
        canvas.text(Rect { width: key.min(line.width), ..line }, setting.key, theme.muted());
        for (run, value) in setting.values.iter().enumerate() {
            let place = cell(line, run);
            let text = if value.is_empty() { "empty" } else { value };
            canvas.text(place, &one_line(text, usize::from(place.width).max(1)), theme.text());
        }
    }
}

fn letter_and_id(app: &App, mark: &Mark) -> String {
    let id = app.runs.find(&mark.path).map_or("", |run| run.id.short());
    format!("{} {id}", mark.letter())
}

/// Columns of a run in the table of conditions: its AUROC, and the interval where there is room.
fn run_width(intervals: bool) -> u16 {
    if intervals { 17 } else { 6 }
}

/// What the table of conditions needs for all its columns.
fn table_width(app: &App, intervals: bool) -> u16 {
    let runs = app.runs.marks.all().len() as u16;
    20 + runs * run_width(intervals) + GAIN
}

fn conditions(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let show = |lines: &[Line], canvas: &mut Canvas| {
        let inner = canvas.panel(area, &Panel { title: "conditions, test images", ..Panel::default() });
        sentences(inner, lines, canvas);
    };
    match &app.runs.marks.beside {
        Beside::Ready(side) => by_condition(app, side, area, canvas),
        Beside::Busy => show(&[Line::styled("Comparing …", theme.strong())], canvas),
        Beside::Failed(reason) => {
            let lines = [
                Line::styled(one_line(reason, 500), theme.warning()),
                Line::default(),
                Line::styled("v on the list evaluates a run; r here compares again.", theme.muted()),
            ];
            show(&lines, canvas);
        }
        Beside::Idle => {
            let text = match app.runs.marks.all().len() {
                0 | 1 => "Two marked runs or more are compared here.",
                _ => "r compares the marked runs.",
            };
            show(&[Line::styled(text, theme.muted())], canvas)
        }
    }
}

fn by_condition(app: &App, side: &SideBySide, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let mark_of = |run: usize| side.runs.get(run).and_then(|path| app.runs.marks.of(path));
    let letter = |run: usize| mark_of(run).map_or('?', Mark::letter);
    let other = app.runs.marks.other.min(side.against_first.len().saturating_sub(1));
    let comparison = &side.against_first[other];
    let title = format!("AUROC, {} test images", crate::text::thousands(comparison.images as u64));
    let left_out = side.left_out.len();
    let note = match left_out {
        0 => "DeLong, Holm-corrected; means by bootstrap".to_owned(),
        1 => format!("omitted: {}", one_line(&side.left_out[0], usize::from(area.width).saturating_sub(30))),
        _ => format!("{left_out} marked runs are omitted: not evaluated on these images"),
    };
    let panel = Panel {
        title: &title,
        right: Line::styled(format!("{} − {}", letter(other + 1), letter(0)), theme.accent()),
        bottom: Line::styled(note, if left_out == 0 { theme.muted() } else { theme.warning() }),
        bottom_right: Line::styled("* p < .05", theme.muted()),
        focused: false,
    };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let runs = side.runs.len() as u16;
    let each =
        if inner.width >= 8 + runs * run_width(true) + GAIN { run_width(true) } else { run_width(false) };
    let name = inner.width.saturating_sub(runs * each + GAIN).clamp(7, 20);
    let label = |full: &str, short: &str| {
        let text = if name >= 13 { full } else { short };
        format!("{:<width$}", one_line(text, usize::from(name) - 1), width = usize::from(name))
    };
    let mut head = vec![Span::styled(label("", ""), theme.muted())];
    for run in 0..side.runs.len() {
        let style = mark_of(run).map_or(theme.muted(), |mark| theme.series(mark.place));
        head.push(Span::styled(format!("{:<width$}", letter(run), width = usize::from(each)), style));
    }
    head.push(Span::styled(format!("{:>6} {:>14} {:>6}", "gain", "95 %", "p"), theme.muted()));
    canvas.line(row(inner, 0), &Line::from(head));

    let gain = |difference: &Difference, p: Option<f64>| {
        let significant = p.is_some_and(|p| p < ALPHA);
        let style = match difference.difference {
            Some(gain) if significant && gain > 0.0 => theme.good(),
            Some(_) if significant => theme.bad(),
            _ => theme.text(),
        };
        let ci = difference
            .ci
            .map_or(NONE.to_owned(), |[low, high]| format!("{}..{}", change(low, 3), change(high, 3)));
        let number = difference.difference.map_or(NONE.to_owned(), |gain| change(gain, 3));
        [
            Span::styled(format!("{number:>6}"), style),
            Span::styled(format!(" {ci:>14}"), theme.muted()),
            Span::styled(format!(" {:>5}{}", fixed(p, 3), if significant { "*" } else { " " }), style),
        ]
    };
    let value = |value: Option<f64>, ci: Option<[f64; 2]>, best: bool| {
        let number = fixed(value, 3);
        let ci = ci.filter(|_| each > 6).map_or_else(String::new, |[low, high]| {
            format!(" {}–{}", fixed(Some(low), 3), fixed(Some(high), 3))
        });
        [
            Span::styled(number.clone(), if best { theme.strong() } else { theme.text() }),
            Span::styled(
                format!(
                    "{ci:<width$}",
                    width = usize::from(each).saturating_sub(crate::text::width(&number))
                ),
                theme.muted(),
            ),
        ]
    };
    let mut lines = Vec::new();
    for (class, condition) in side.labels.iter().enumerate() {
        let mut spans = vec![Span::styled(label(&condition.name, &condition.abbreviation), theme.text())];
        let best = side.own.iter().filter_map(|run| run[class].0).fold(f64::NEG_INFINITY, f64::max);
        for run in &side.own {
            let (auroc, ci) = run[class];
            spans.extend(value(auroc, ci, auroc == Some(best)));
        }
        let found = &comparison.conditions[class];
        spans.extend(gain(&found.auroc, found.p_holm));
        lines.push(Line::from(spans));
    }
    let room = usize::from(inner.height.saturating_sub(1));
    for (full, short, of) in MEANS {
        let mut spans = vec![Span::styled(label(full, short), theme.strong())];
        let values = std::iter::once(of(comparison).a).chain(side.against_first.iter().map(|c| of(c).b));
        for mean in values {
            spans.extend(value(mean, None, false));
        }
        spans.extend(gain(of(comparison), of(comparison).p));
        lines.push(Line::from(spans));
    }
    let first = app.runs.marks.row.min(lines.len().saturating_sub(room));
    for (index, line) in lines.iter().skip(first).take(room).enumerate() {
        canvas.line(row(inner, 1 + index as u16), line);
    }
}
