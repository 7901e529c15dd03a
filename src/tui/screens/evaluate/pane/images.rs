//! The images of a matrix cell: a list, the image under the cursor, and its probabilities.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::label::{PRESENT, known};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{count, fixed};
use crate::tui::screens::evaluate::state::{EvaluatedRun, ImageList, Loading};
use crate::tui::widgets::gauge::bar;
use crate::tui::widgets::picture::Picture;
use crate::tui::widgets::text::sentences;

/// Draws the images.
pub fn render(app: &App, run: &EvaluatedRun, area: Rect, canvas: &mut Canvas) {
    let Some(list) = &app.evaluate.images else { return };
    let [left, right] = Layout::horizontal([
        Constraint::Length(if area.width >= 110 { 46 } else { 34.min(area.width / 2) }),
        Constraint::Fill(1),
    ])
    .areas(area);
    let below = if left.height >= 30 { 17 } else { left.height / 2 };
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(left);
    names(run, list, upper, canvas);
    let image = list.images.get(list.at).map_or(0, |(image, _)| *image as usize);
    probabilities(run, image, list.row, lower, canvas);
    picture(app, run, image, right, canvas);
}

fn names(run: &EvaluatedRun, list: &ImageList, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let title = format!("{}, {}", run.name(list.row), list.cell.name());
    let level = run.levels.get(list.row).copied().unwrap_or(0.5);
    let panel = Panel {
        title: &title,
        bottom: Line::styled(
            format!("{} of {}", count(list.at + 1), count(list.images.len())),
            theme.muted(),
        ),
        bottom_right: Line::styled(format!("threshold {}", fixed(Some(level.into()), 3)), theme.muted()),
        focused: true,
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let room = usize::from(inner.height).max(1);
    let first = list.at.saturating_sub(room / 2).min(list.images.len().saturating_sub(room));
    for (line_at, (place, (image, score))) in
        list.images.iter().enumerate().skip(first).take(room).enumerate()
    {
        let line = row(inner, line_at as u16);
        canvas.click(line, Action::Row(place));
        canvas.text(line, &format!("{} #{image}", run.split), theme.text());
        canvas.right(line, &Line::styled(fixed(Some((*score).into()), 3), theme.strong()));
        if place == list.at {
            canvas.style(line, theme.selection());
        }
    }
}

/// Each condition's probability against its threshold, the greatest first, with the label.
fn probabilities(run: &EvaluatedRun, image: usize, chosen: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let panel = Panel {
        title: "probabilities",
        bottom: Line::styled("│ threshold   ✓ labelled", theme.muted()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let Some((labels, scores)) = run.image(image) else { return };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // What is labelled is never cut off below.
    let present = |class: usize| labels[class] == PRESENT;
    order.sort_by(|a, b| present(*b).cmp(&present(*a)).then(scores[*b].total_cmp(&scores[*a])));
    let long = inner.width >= 40;
    let name = if long { 18 } else { 6 };
    for (line_at, class) in order.iter().enumerate().take(usize::from(inner.height)) {
        let line = row(inner, line_at as u16);
        let (score, level) = (scores[*class], run.levels.get(*class).copied().unwrap_or(0.5));
        let text = if long { run.name(*class) } else { run.short_name(*class) };
        let style = if *class == chosen { theme.accent() } else { theme.text() };
        canvas.text(Rect { width: name, ..line }, text, style);
        let called = score > level;
        let labelled = match known(labels[*class]) {
            Some(true) => "✓",
            None => "?",
            Some(false) => " ",
        };
        let tail = Line::from(vec![
            Span::styled(fixed(Some(score.into()), 3), if called { theme.strong() } else { theme.muted() }),
            Span::styled(format!(" {labelled}"), theme.good()),
        ]);
        canvas.right(line, &tail);
        let strip = Rect { x: line.x + name + 1, width: line.width.saturating_sub(name + 8), ..line };
        if strip.width >= 4 {
            let style = if called { theme.val() } else { theme.track() };
            bar(canvas, strip, score.into(), style);
            let at = (f64::from(level) * f64::from(strip.width - 1)).round() as u16;
            canvas.cell(strip.x + at, strip.y, '│', theme.warning());
        }
    }
}

fn picture(app: &App, run: &EvaluatedRun, image: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let said = run.image(image).map_or(String::new(), |(labels, _)| run.labels.found(labels));
    let title = format!("{} #{image}", run.split);
    let said = crate::text::one_line(&said, usize::from(area.width).saturating_sub(8));
    let panel = Panel { title: &title, bottom: Line::styled(said, theme.text()), ..Panel::default() };
    let inner = canvas.panel(area, &panel);
    let sentence = |text: String, canvas: &mut Canvas| {
        sentences(inner, &[Line::styled(text, theme.muted())], canvas);
    };
    match &app.evaluate.dataset {
        Loading::Ready(dataset) => match Picture::of_image(dataset, run.split, image) {
            Some(picture) => picture.render(inner, canvas),
            None => sentence("The data set has no such image; did its file change?".to_owned(), canvas),
        },
        Loading::Failed(reason) => sentence(reason.clone(), canvas),
        Loading::Idle | Loading::Busy(_) => sentence("Reading the images …".to_owned(), canvas),
    }
}
