//! The data screen: how often each condition occurs, an image of it, what occurs together, where it all is from.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::dataset::progress::Progress;
use crate::dataset::{Bounds, Split};
use crate::text::{bytes, one_line};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::count;
use crate::tui::screens::data::classes;
use crate::tui::screens::data::findings;
use crate::tui::screens::data::state::{DataView, Download, Loading, Side};
use crate::tui::theme::Theme;
use crate::tui::widgets::gauge::gauge;
use crate::tui::widgets::picture::Picture;
use crate::tui::widgets::text::sentences;

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    // What is being read, which the settings may have left behind already.
    let request = app.data.section.as_ref().unwrap_or(&app.form.current().data);
    let source = one_line(&request.source, 60);
    match &app.data.loading {
        Loading::Ready(view) => ready(app, view, area, canvas),
        Loading::Failed(reason) => {
            let inner = canvas.panel(area, &Panel { title: "data: not available", ..Panel::default() });
            let lines = [
                Line::styled(reason.clone(), theme.bad()),
                Line::default(),
                Line::styled(
                    "e changes the data source, r reads it again, f downloads ChestMNIST.",
                    theme.text(),
                ),
                Line::default(),
                fetching(app, theme),
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
            let far = match &app.data.progress {
                Some(Progress { total: 0, doing, .. }) => format!("{doing}, {waited}"),
                Some(Progress { doing, done, total }) => {
                    format!("{doing} {} of {} images, {waited}", count(*done), count(*total))
                }
                None => waited,
            };
            if let Some(Progress { done, total, .. }) =
                app.data.progress.filter(|progress| progress.total > 0)
            {
                let line = row(inner, inner.height / 2 + 3);
                let width = line.width.min(60);
                let bar = Rect { x: line.x + (line.width - width) / 2, width, ..line };
                gauge(canvas, bar, done as f64 / total as f64, theme.bar());
            }
            let lines = [
                Line::styled(format!("Reading {source} …"), theme.strong()),
                Line::styled(far, theme.muted()),
                Line::styled(
                    "The other screens work meanwhile: 2 starts and watches runs. Esc cancels.",
                    theme.muted(),
                ),
            ];
            sentences(inner, &lines, canvas);
        }
    }
}

fn ready(app: &App, view: &DataView, area: Rect, canvas: &mut Canvas) {
    let strip = match area.height {
        0..18 => 0,
        18..30 => 4,
        _ => 5,
    };
    let [body, strip] = Layout::vertical([Constraint::Fill(1), Constraint::Length(strip)]).areas(area);
    let column = view.rows.get(app.data.row).copied().flatten();
    let table = |area: Rect, canvas: &mut Canvas| {
        // The room below the classes shows what the selected one occurs with.
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
        Side::Found => findings::render(app, view, area, canvas),
        Side::Image | Side::Classes => image(app, view, area, canvas),
    };
    if body.width >= 150 && body.height >= 40 {
        // Room for everything at once.
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(96)]).areas(body);
        let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(18)]).areas(right);
        table(left, canvas);
        if app.data.side == Side::Found {
            findings::render(app, view, upper, canvas);
        } else {
            image(app, view, upper, canvas);
        }
        classes::pairs(view, column, lower, canvas);
    } else if body.width >= 100 {
        // Fourteen columns of two digits need a little more than an image.
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
            Side::Image => table(body, canvas),
            Side::Pairs => side(Side::Pairs, body, canvas),
            Side::Found => side(Side::Found, body, canvas),
            Side::Classes => image(app, view, body, canvas),
        }
    }
    if strip.height > 0 {
        provenance(app, view, strip, canvas);
    }
}

fn image(app: &App, view: &DataView, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let images = app.data.images();
    let name = view.name(app.data.row);
    let Some((split, index)) = images.get(app.data.image).copied() else {
        let inner = canvas.panel(area, &Panel { title: name, ..Panel::default() });
        let text = match view.dataset.image_size() {
            None => "This source has labels only, no images.",
            Some(_) => "No image of this split has the condition.",
        };
        return sentences(inner, &[Line::styled(text, theme.muted())], canvas);
    };
    let part = view.dataset.part(split);
    let found = view.dataset.labels().found(part.labels.row(index as usize));
    let place = format!("{} of {}", count(app.data.image + 1), count(images.len()));
    let panel = Panel {
        title: name,
        right: Line::styled(place, theme.muted()),
        bottom: Line::styled(one_line(&found, usize::from(area.width).saturating_sub(20)), theme.text()),
        bottom_right: Line::styled(format!("{split} #{index}"), theme.muted()),
        focused: false,
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Left, Action::Right]);
    let regions = if app.data.boxes { view.dataset.regions(split, index as usize) } else { Vec::new() };
    let boxes: Vec<Bounds> = regions.into_iter().flat_map(|region| region.boxes).collect();
    let about = part.about.line(index as usize);
    let line = row(inner, inner.height.saturating_sub(1));
    let place = if about.is_empty() || inner.height < 6 {
        inner
    } else {
        canvas.centre(line, &Line::styled(one_line(&about, usize::from(inner.width)), theme.muted()));
        Rect { height: inner.height - 1, ..inner }
    };
    if let Some(picture) = Picture::of_image_with(&view.dataset, split, index as usize, boxes) {
        picture.render(place, canvas);
    }
}

/// How far the download is.
fn fetching<'a>(app: &App, theme: &Theme) -> Line<'a> {
    let Some(fetching) = &app.data.fetching else { return Line::default() };
    let of = fetching.total.map_or_else(String::new, |total| {
        let percent = 100.0 * fetching.done as f64 / total.max(1) as f64;
        format!(" of {} ({percent:.0} %)", bytes(total))
    });
    let Download { entry, size } = fetching.wanted;
    let done = bytes(fetching.done);
    Line::styled(format!("{} {size} px: {done}{of}; f cancels", entry.name), theme.accent())
}

fn provenance(app: &App, view: &DataView, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let data = &view.dataset;
    let inner = canvas.panel(area, &Panel { title: "source", ..Panel::default() });
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let size =
        data.image_size().map_or("labels only".to_owned(), |(height, width)| format!("{width}x{height} px"));
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
    let memory = bytes(data.image_bytes() as u64);
    let memory = match (data.is_mapped(), data.memory_bound()) {
        (false, _) => format!("{memory} in memory"),
        (true, None) => format!("{memory}, mapped"),
        (true, Some(bound)) => format!("{memory} on disk, {} in memory", bytes(bound)),
    };
    let room = usize::from(inner.width).saturating_sub(digest.len() + 12).max(8);
    canvas.line(row(inner, 0), &line(&[("from", one_line(&source, room)), ("digest", digest)]));
    canvas.line(
        row(inner, 1),
        &line(&[("images", splits.join("  ")), ("size", size), ("images take", memory)]),
    );
    if inner.height >= 3 {
        if app.data.fetching.is_some() {
            canvas.line(row(inner, 2), &fetching(app, theme));
            return;
        }
        let terms =
            data.source().registry_entry().map_or("the owner's".to_owned(), |entry| entry.licence.clone());
        let check = findings::summary(app);
        let room = usize::from(inner.width).saturating_sub(crate::text::width(&check) + 18).max(8);
        canvas.line(row(inner, 2), &line(&[("check", check), ("terms", one_line(&terms, room))]));
    }
}
