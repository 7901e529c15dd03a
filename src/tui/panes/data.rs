//! The data screen: how often each condition occurs, a film of it, what occurs together, where it all is from.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::{classes, sentences};
use crate::dataset::Split;
use crate::text::{bytes, one_line};
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::count;
use crate::tui::state::data::{DataView, Loading, Side};
use crate::tui::widgets::picture::Picture;

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    // What is being read, which the settings may have left behind already.
    let asked = app.data.section.as_ref().unwrap_or(&app.form.current().data);
    let source = one_line(&asked.source, 60);
    match &app.data.loading {
        Loading::Ready(view) => ready(app, view, area, canvas),
        Loading::Failed(reason) => {
            let inner = canvas.panel(area, &Panel { title: "data: not to be had", ..Panel::default() });
            let lines = [
                Line::styled(reason.clone(), theme.bad()),
                Line::default(),
                Line::styled("e changes the data source, r reads it again.", theme.text()),
            ];
            sentences(inner, &lines, canvas);
        }
        Loading::Idle | Loading::Busy(_) => {
            let inner = canvas.panel(area, &Panel { title: "data: loading", ..Panel::default() });
            let seconds = match &app.data.loading {
                Loading::Busy(since) => (app.now.timestamp() - *since).get_seconds(),
                _ => 0,
            };
            let waited = if seconds >= 2 { format!("{seconds} s so far") } else { String::new() };
            let lines = [
                Line::styled(format!("Reading {source} …"), theme.strong()),
                Line::styled(waited, theme.muted()),
                Line::styled("The other screens work meanwhile: 2 starts and watches runs.", theme.muted()),
            ];
            sentences(inner, &lines, canvas);
        }
    }
}

fn ready(app: &App, view: &DataView, area: Rect, canvas: &mut Canvas) {
    let strip = if area.height >= 18 { 4 } else { 0 };
    let [body, strip] = Layout::vertical([Constraint::Fill(1), Constraint::Length(strip)]).areas(area);
    let column = view.rows.get(app.data.row).copied().flatten();
    let table = |area: Rect, canvas: &mut Canvas| {
        // What the classes leave free tells what the chosen one occurs with.
        let rows = view.rows.len() as u16;
        let needed = if area.height >= 2 * rows + 3 + 6 { 2 * rows + 3 } else { rows + 3 };
        let spare = area.height.saturating_sub(needed);
        let below = if spare >= 6 { spare.min(rows / 2 + 3) } else { 0 };
        let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
        classes::table(view, app.data.split, app.data.row, upper, canvas);
        if below > 0 {
            classes::companions(view, app.data.row, lower, canvas);
        }
    };
    let side = |side: Side, area, canvas: &mut Canvas| match side {
        Side::Pairs => classes::pairs(view, column, area, canvas),
        Side::Film | Side::Classes => film(app, view, area, canvas),
    };
    if body.width >= 150 && body.height >= 40 {
        // Room for everything at once.
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(96)]).areas(body);
        let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(18)]).areas(right);
        table(left, canvas);
        film(app, view, upper, canvas);
        classes::pairs(view, column, lower, canvas);
    } else if body.width >= 100 {
        // Fourteen columns of two digits need a little more than a film.
        let wide = if app.data.side == Side::Pairs { 54 } else { 50 };
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(wide)]).areas(body);
        match app.data.side {
            Side::Classes => table(body, canvas),
            other => {
                table(left, canvas);
                side(other, right, canvas);
            }
        }
    } else {
        // One thing at a time; `v` goes round. The classes come first here.
        match app.data.side {
            Side::Film => table(body, canvas),
            Side::Pairs => side(Side::Pairs, body, canvas),
            Side::Classes => film(app, view, body, canvas),
        }
    }
    if strip.height > 0 {
        provenance(view, strip, canvas);
    }
}

fn film(app: &App, view: &DataView, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let films = app.data.films();
    let name = view.name(app.data.row);
    let Some((split, index)) = films.get(app.data.film).copied() else {
        let inner = canvas.panel(area, &Panel { title: name, ..Panel::default() });
        let text = match view.dataset.film_size() {
            None => "This source has labels only, no films.",
            Some(_) => "No film of this split has the condition.",
        };
        return sentences(inner, &[Line::styled(text, theme.muted())], canvas);
    };
    let part = view.dataset.part(split);
    let row_labels = part.labels.row(index as usize);
    let found: Vec<&str> = view
        .dataset
        .labels()
        .iter()
        .zip(row_labels)
        .filter(|(_, label)| **label == 1)
        .map(|(condition, _)| condition.name.as_str())
        .collect();
    let found = if found.is_empty() { "no finding".to_owned() } else { found.join(", ") };
    let place = format!("{} of {}", count(app.data.film + 1), count(films.len()));
    let panel = Panel {
        title: name,
        right: Line::styled(place, theme.muted()),
        bottom: Line::styled(one_line(&found, usize::from(area.width).saturating_sub(20)), theme.text()),
        bottom_right: Line::styled(format!("{split} #{index}"), theme.muted()),
        focused: false,
    };
    let inner = canvas.panel(area, &panel);
    if let Some(picture) = Picture::of_film(&view.dataset, split, index as usize) {
        picture.render(inner, canvas);
    }
}

fn provenance(view: &DataView, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let data = &view.dataset;
    let inner = canvas.panel(area, &Panel { title: "source", ..Panel::default() });
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let size =
        data.film_size().map_or("labels only".to_owned(), |(height, width)| format!("{width}x{height} px"));
    let splits: Vec<String> =
        Split::ALL.iter().map(|split| format!("{split} {}", count(view.total(Some(*split))))).collect();
    let source = data.source().to_string();
    let digest: String = data.digest().chars().take(if inner.width >= 90 { 32 } else { 8 }).collect();
    let line = |pairs: &[(&str, String)]| {
        let mut spans = Vec::new();
        for (name, value) in pairs {
            spans.push(Span::styled(format!("{name} "), theme.muted()));
            spans.push(Span::styled(format!("{value}   "), theme.text()));
        }
        Line::from(spans)
    };
    let room = usize::from(inner.width).saturating_sub(digest.len() + 12).max(8);
    canvas.line(row(inner, 0), &line(&[("from", one_line(&source, room)), ("digest", digest)]));
    canvas.line(
        row(inner, 1),
        &line(&[("films", splits.join("  ")), ("size", size), ("memory", bytes(data.film_bytes() as u64))]),
    );
}
