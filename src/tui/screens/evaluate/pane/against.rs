//! The comparison of the run on the screen with another, by condition.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::evaluation::Difference;
use crate::text::one_line;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{NONE, change, fixed};
use crate::tui::screens::evaluate::state::{Against, EvaluatedRun, Loading};
use crate::tui::widgets::text::sentences;

/// A difference is called significant below this.
const ALPHA: f64 = 0.05;

/// Draws the comparison, or why there is none.
pub fn render(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let message = |text: String, canvas: &mut Canvas| {
        let inner = canvas.panel(area, &Panel { title: "comparison", ..Panel::default() });
        sentences(inner, &[Line::styled(text, theme.text())], canvas);
    };
    match &app.evaluate.against {
        Loading::Ready(against) => table(app, run, against, area, canvas),
        Loading::Failed(reason) => message(reason.clone(), canvas),
        Loading::Busy(_) => message("Comparing …".to_owned(), canvas),
        Loading::Idle => {
            message("c compares with the next run that was evaluated on these images.".to_owned(), canvas)
        }
    }
}

fn table(app: &App, run: &EvaluatedRun, against: &Against, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let title = format!("{} compared with {} {}", run.id.short(), against.network, against.id.short());
    let comparison = &against.comparison;
    let panel = Panel {
        title: &title,
        right: Line::styled("AUROC", theme.muted()),
        bottom: Line::styled(
            match comparison.unit {
                "images" => "DeLong, Holm-corrected; macro by bootstrap of images: CI too narrow",
                _ => "DeLong, Holm-corrected; macro by bootstrap of patients",
            },
            theme.muted(),
        ),
        bottom_right: Line::styled("* p < .05", theme.muted()),
        focused: false,
    };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let name = if inner.width >= 64 { 19 } else { 6 };
    let header = format!(
        "{:<name$} {:>5} {:>5} {:>6} {:>13} {:>5}",
        "",
        against.id.short(),
        run.id.short(),
        "gain",
        "95 %",
        "p"
    );
    canvas.text(row(inner, 0), &header, theme.muted());
    let mut line_at = 1;
    let mut put =
        |label: &str, difference: &Difference, p: Option<f64>, chosen: bool, canvas: &mut Canvas| {
            let line = row(inner, line_at);
            line_at += 1;
            let significant = p.is_some_and(|p| p < ALPHA);
            let gain = difference.difference;
            let style = match gain {
                Some(gain) if significant && gain > 0.0 => theme.good(),
                Some(_) if significant => theme.bad(),
                _ => theme.text(),
            };
            let ci = difference
                .ci
                .map_or(NONE.to_owned(), |[low, high]| format!("{}..{}", change(low, 3), change(high, 3)));
            let spans = vec![
                Span::styled(format!("{:<name$} ", one_line(label, name)), theme.text()),
                Span::styled(
                    format!("{:>5} {:>5} ", fixed(difference.a, 3), fixed(difference.b, 3)),
                    theme.text(),
                ),
                Span::styled(format!("{:>6}", gain.map_or(NONE.to_owned(), |gain| change(gain, 3))), style),
                Span::styled(format!(" {ci:>13}"), theme.muted()),
                Span::styled(format!(" {:>5}{}", fixed(p, 3), if significant { "*" } else { " " }), style),
            ];
            canvas.line(line, &Line::from(spans));
            if chosen {
                canvas.style(line, theme.selection());
            }
        };
    let here = app.evaluate.row();
    for index in app.evaluate.sorted() {
        if let Some(condition) = comparison.conditions.get(index) {
            let label = if name > 6 { run.name(index) } else { run.short_name(index) };
            put(label, &condition.auroc, condition.p_holm, index == here, canvas);
        }
    }
    for (label, difference) in [
        ("macro AUROC", &comparison.macro_auroc),
        ("macro AUPRC", &comparison.macro_auprc),
        ("macro F1", &comparison.macro_f1),
    ] {
        let label = if name > 6 { label } else { label.trim_start_matches("macro ") };
        put(label, difference, difference.p, false, canvas);
    }
}
