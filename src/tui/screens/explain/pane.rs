//! The explain screen: images of a run at the left, at the right the image with its attribution map.

use std::sync::Arc;

use image::RgbImage;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use crate::dataset::phantom::Bounds;
use crate::explain::{COLOUR_MAPS, METHODS, Overlay, SIGNED, Shows, paint, signed};
use crate::label::known;
use crate::text::one_line;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{count, fixed};
use crate::tui::keymap;
use crate::tui::screens::evaluate::state::Loading;
use crate::tui::screens::explain::action::ExplainAction;
use crate::tui::screens::explain::state::{CONTRASTS, OPACITIES, Opened, Outcome, PLAIN, View};
use crate::tui::widgets::field::typed_line;
use crate::tui::widgets::gauge::bar;
use crate::tui::widgets::picture::{Picture, key};
use crate::tui::widgets::text::sentences;

/// A pane of so many columns has room for who an image is of in its title.
const ROOMY: u16 = 70;

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let mut message = |title: &str, lines: &[Line]| {
        let inner = canvas.panel(area, &Panel { title, ..Panel::default() });
        sentences(inner, lines, canvas);
    };
    match &app.explain.shown {
        Loading::Ready(run) => ready(app, run, area, canvas),
        Loading::Failed(reason) => message(
            "explain: nothing to show",
            &[
                Line::styled(reason.clone(), theme.strong()),
                Line::default(),
                Line::styled("x on screen 6 chooses a run; r tries again.", theme.text()),
            ],
        ),
        Loading::Idle | Loading::Busy(_) => {
            let seconds = match &app.explain.shown {
                Loading::Busy(since) => (app.now.timestamp() - *since).get_seconds(),
                _ => 0,
            };
            let waited = if seconds >= 2 { format!("{seconds} s so far") } else { String::new() };
            message(
                "explain: loading",
                &[
                    Line::styled("Loading the network and its images …", theme.strong()),
                    Line::styled(waited, theme.muted()),
                ],
            );
        }
    }
}

fn ready(app: &App, run: &Opened, area: Rect, canvas: &mut Canvas) {
    let width = if area.width >= 110 { 40 } else { 28.min(area.width / 2) };
    let [left, right] = Layout::horizontal([Constraint::Length(width), Constraint::Fill(1)]).areas(area);
    let rows = run.labels.len() as u16 + 2;
    let below = if left.height >= rows + 8 { rows } else { left.height / 2 };
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(left);
    images(app, run, upper, canvas);
    probabilities(app, run, lower, canvas);
    image(app, run, right, canvas);
}

/// The images that are listed.
fn images(app: &App, run: &Opened, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let state = &app.explain;
    let name = run.labels.get(state.class).map_or("", |condition| condition.name.as_str());
    let title = match (&state.searching, &state.patient, state.outcome) {
        (Some(_), ..) => "image or patient".to_owned(),
        (None, Some(patient), Outcome::All) => format!("patient {patient}"),
        (None, _, Outcome::All) => format!("{} images", run.split),
        (None, _, outcome) => format!("{name}, {}", outcome.name()),
    };
    let place = format!("{} of {}", count((state.at + 1).min(state.images.len())), count(state.images.len()));
    let which = if run.live { "training " } else { "" };
    let typed = state.searching.as_ref().map(|typed| typed_line(typed, 18, theme.accent()));
    let panel = Panel {
        title: &title,
        right: typed.unwrap_or_default(),
        bottom: Line::styled(place, theme.muted()),
        bottom_right: Line::styled(
            format!("{which}{} epoch {}", run.id.short(), run.epoch),
            if run.live { theme.warning() } else { theme.muted() },
        ),
        focused: true,
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let narrowed = state.narrowed();
    if state.images.is_empty() {
        let only = narrowed.map_or(String::new(), |only| format!(", {only}"));
        let text = format!("no image: {name}, {}{only}", state.outcome.name());
        let lines =
            [Line::styled(text, theme.muted()), Line::styled("f shows others, Esc shows all", theme.muted())];
        return sentences(inner, &lines, canvas);
    }
    let inner = match narrowed {
        Some(only) => {
            canvas.line(row(inner, 0), &Line::styled(format!("only {only}"), theme.accent()));
            Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner }
        }
        None => inner,
    };
    let labels = &run.dataset.part(run.split).labels;
    let level = run.levels.get(state.class).copied().unwrap_or(0.5);
    let room = usize::from(inner.height).max(1);
    let first = state.at.saturating_sub(room / 2).min(state.images.len().saturating_sub(room));
    for (line_at, (place, image)) in state.images.iter().enumerate().skip(first).take(room).enumerate() {
        let line = row(inner, line_at as u16);
        canvas.click(line, Action::Row(place));
        let labelled = labels.row(*image as usize).get(state.class) == Some(&1);
        let score = state.probabilities(*image).and_then(|row| row.get(state.class)).copied();
        let mut used = canvas.text(line, &format!("#{image}"), theme.text());
        if area.width >= 36 {
            // What else is labelled, in short.
            let others: Vec<&str> = run
                .labels
                .iter()
                .zip(labels.row(*image as usize))
                .filter(|(_, label)| **label == 1)
                .map(|(condition, _)| condition.abbreviation.as_str())
                .collect();
            let rest = Rect {
                x: line.x + used.max(6) + 1,
                width: line.width.saturating_sub(used.max(6) + 11),
                ..line
            };
            canvas.text(rest, &one_line(&others.join(" "), usize::from(rest.width)), theme.muted());
            used = 0;
        }
        let _ = used;
        let called = score.is_some_and(|score| score > level);
        let mark = match (labelled, score.map(|_| called)) {
            (true, Some(true)) => Span::styled("   TP  ", theme.good()),
            (true, Some(false)) => Span::styled("   FN  ", theme.bad()),
            (false, Some(true)) => Span::styled("   FP  ", theme.warning()),
            (true, None) => Span::styled(" label ", theme.text()),
            _ => Span::raw("       "),
        };
        let tail = Line::from(vec![mark, Span::styled(fixed(score.map(f64::from), 3), theme.strong())]);
        canvas.right(line, &tail);
        if place == state.at {
            canvas.style(line, theme.selection());
        }
    }
}

/// Each condition's probability against its threshold, in the order of the labels, so that a row keeps its place from
/// image to image.
fn probabilities(app: &App, run: &Opened, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let state = &app.explain;
    let panel = Panel {
        title: "probabilities",
        bottom: Line::styled("│ threshold   ✓ label", theme.muted()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let Some(image) = state.image() else { return };
    let labels = run.dataset.part(run.split).labels.row(image as usize);
    let scores = state.probabilities(image);
    let room = usize::from(inner.height).max(1);
    let first = state.class.saturating_sub(room / 2).min(run.labels.len().saturating_sub(room));
    let long = inner.width >= 34;
    let name = if long { 14 } else { 6 };
    for (line_at, (class, condition)) in run.labels.iter().enumerate().skip(first).take(room).enumerate() {
        let line = row(inner, line_at as u16);
        let text = if long { &condition.name } else { &condition.abbreviation };
        let style = if class == state.class { theme.accent() } else { theme.text() };
        canvas.text(Rect { width: name, ..line }, &one_line(text, usize::from(name)), style);
        let score = scores.and_then(|scores| scores.get(class)).copied();
        let level = run.levels.get(class).copied().unwrap_or(0.5);
        let called = score.is_some_and(|score| score > level);
        let label = match labels.get(class).map(|label| known(*label)) {
            Some(Some(true)) => "✓",
            Some(None) => "?",
            _ => " ",
        };
        let number = if called { theme.strong() } else { theme.muted() };
        let tail = Line::from(vec![
            Span::styled(fixed(score.map(f64::from), 3), number),
            Span::styled(format!(" {label}"), theme.good()),
        ]);
        canvas.right(line, &tail);
        let strip = Rect { x: line.x + name + 1, width: line.width.saturating_sub(name + 8), ..line };
        if strip.width >= 4 {
            let style = if called { theme.val() } else { theme.track() };
            bar(canvas, strip, score.unwrap_or(0.0).into(), style);
            let at = (f64::from(level) * f64::from(strip.width - 1)).round() as u16;
            canvas.cell(strip.x + at, strip.y, '│', theme.warning());
        }
        if class == state.class {
            canvas.style(Rect { width: name, ..line }, theme.selection());
        }
    }
}

/// The image with its map.
fn image(app: &App, run: &Opened, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let state = &app.explain;
    let Some(image) = state.image() else {
        canvas.panel(area, &Panel { title: "image", ..Panel::default() });
        return;
    };
    let method = &METHODS[state.method.min(METHODS.len() - 1)];
    let part = run.dataset.part(run.split);
    let patient = part.patients.as_ref().and_then(|patients| patients.get(image as usize));
    let mut title = format!("{} #{image}", run.split);
    if let Some(patient) = patient {
        title.push_str(&format!("  patient {patient}"));
    }
    let who = part.about.who(image as usize);
    if !who.is_empty() && area.width >= ROOMY {
        title.push_str(&format!("  {who}"));
    }
    let name = run.labels.get(state.class).map_or("", |condition| condition.name.as_str());
    let text = description(app, run, method.signed);
    let panel = Panel {
        title: &title,
        right: Line::from(vec![
            Span::styled(name.to_owned(), theme.accent()),
            Span::styled(format!("  {}", method.title), theme.text()),
        ]),
        bottom: Line::styled(one_line(&text, usize::from(area.width).saturating_sub(6)), theme.text()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let [notes, inner] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    note(app, notes, canvas);
    let has_bar = inner.height >= 12 && state.view != View::Image;
    let [inner, bar] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(u16::from(has_bar))]).areas(inner);
    if has_bar {
        colour_bar(app, bar, canvas);
    }
    match state.view {
        View::Beside => {
            // Both of one size, whatever the remainder.
            let half = Constraint::Length(inner.width.saturating_sub(1) / 2);
            let [left, right] = Layout::horizontal([half, half]).spacing(1).areas(inner);
            draw(app, run, image, Shows::Image, left, canvas);
            draw(app, run, image, Shows::Overlay, right, canvas);
        }
        View::Overlay => draw(app, run, image, Shows::Overlay, inner, canvas),
        View::Map => draw(app, run, image, Shows::Map, inner, canvas),
        View::Image => draw(app, run, image, Shows::Image, inner, canvas),
    }
}

/// The colours of the map with the values at their ends and the unit.
fn colour_bar(app: &App, area: Rect, canvas: &mut Canvas) {
    const COLUMNS: u16 = 24;
    let Some(made) = app.explain.map() else { return };
    let theme = canvas.theme;
    let method = &METHODS[app.explain.method.min(METHODS.len() - 1)];
    let (map, limit) = (&made.map, made.map.colour_limit());
    let (colours, lowest) = match map.signed {
        true => (&SIGNED, -1.0),
        false => (&COLOUR_MAPS[app.explain.colours % COLOUR_MAPS.len()], 0.0),
    };
    let mut spans = vec![Span::styled(format!("{} ", signed(lowest * limit)), theme.muted())];
    for column in 0..COLUMNS {
        let value = lowest + (1.0 - lowest) * f32::from(column) / f32::from(COLUMNS - 1);
        let [red, green, blue] = colours.colour(value);
        spans.push(Span::styled("█", Style::new().fg(Color::Rgb(red, green, blue))));
    }
    spans.push(Span::styled(format!(" {} {}", signed(limit), method.unit), theme.muted()));
    canvas.centre(area, &Line::from(spans));
}

/// How the picture was made.
fn description(app: &App, run: &Opened, signed: bool) -> String {
    let state = &app.explain;
    let mut parts = Vec::new();
    let method = &METHODS[state.method.min(METHODS.len() - 1)];
    if method.has_layer {
        let layer = run.layers.get(state.layer).cloned().unwrap_or_default();
        let size = state.map().map(|made| format!(" {}x{}", made.map.native[0], made.map.native[1]));
        parts.push(format!("{layer}{}", size.unwrap_or_default()));
    }
    if state.view != View::Image {
        parts.push(format!("opacity {} %", OPACITIES[state.opacity % OPACITIES.len()]));
        let colours = if signed { SIGNED.name } else { COLOUR_MAPS[state.colours % COLOUR_MAPS.len()].name };
        parts.push(colours.to_owned());
    }
    if state.contrast != PLAIN {
        parts.push(format!("contrast {}", CONTRASTS[state.contrast]));
    }
    if state.zoom > 1 {
        parts.push(format!("{}x, arrows move", state.zoom));
    }
    if let Some(made) = state.map() {
        parts.push(format!("{:.0} ms", made.took.as_secs_f64() * 1000.0));
    }
    parts.join(" · ")
}

/// What a reader must know of the map, or why there is none.
fn note(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let state = &app.explain;
    let line = match (state.map(), &state.failed) {
        (Some(made), _) if !made.map.has_evidence() => {
            let key = keymap::key_of(Action::Explain(ExplainAction::Method));
            let text = format!("no positive evidence in this map; {key} selects the next method");
            Line::styled(text, theme.warning())
        }
        (Some(made), _) => match &made.map.completeness {
            Some(completeness) => Line::styled(
                format!(
                    "attribution sum {:.2}, logit change {:.2}; red: positive, blue: negative",
                    completeness.sum, completeness.difference
                ),
                theme.muted(),
            ),
            None if made.map.signed => Line::styled("red: positive, blue: negative", theme.muted()),
            None => Line::default(),
        },
        (None, Some((key, reason))) if state.key() == Some(*key) => Line::styled(reason.clone(), theme.bad()),
        _ => Line::styled("computing the map …", theme.muted()),
    };
    canvas.centre(area, &line);
}

fn draw(app: &App, run: &Opened, image: u32, shows: Shows, area: Rect, canvas: &mut Canvas) {
    let state = &app.explain;
    let Some(images) = run.dataset.part(run.split).images.as_ref() else { return };
    let (height, width) = (images.height(), images.width());
    let made = if shows == Shows::Image { None } else { state.map().cloned() };
    // Without its map there is nothing to lay over; the image comes at once.
    let shows = if made.is_none() { Shows::Image } else { shows };
    let crop = crop(state.zoom, state.centre, [width, height]);
    let boxes: Vec<Bounds> = if state.boxes && shows != Shows::Map {
        let regions = run.dataset.regions(run.split, image as usize);
        regions
            .into_iter()
            .filter(|region| region.class == state.class)
            .flat_map(|region| region.boxes)
            .collect()
    } else {
        Vec::new()
    };
    let (opacity, colours) = (OPACITIES[state.opacity % OPACITIES.len()], state.colours % COLOUR_MAPS.len());
    let contrast = CONTRASTS[state.contrast.min(CONTRASTS.len() - 1)];
    let map_key = made.is_some().then(|| state.key()).flatten();
    let picture_key = key((
        (run.dataset.digest(), run.split as u8, image, map_key, shows),
        (opacity, colours, contrast.to_bits(), crop, boxes.len(), state.class),
    ));
    let (dataset, split) = (run.dataset.clone(), run.split);
    let painted = move |out: [u32; 2]| -> RgbImage {
        let Some(images) = dataset.part(split).images.as_ref() else { return RgbImage::new(out[0], out[1]) };
        let overlay = Overlay {
            shows,
            colours: &COLOUR_MAPS[colours],
            opacity: f32::from(opacity) / 100.0,
            contrast,
            crop,
            boxes: &boxes,
        };
        let map = made.as_ref().map(|made| &made.map);
        paint(&images.shown(image as usize), [height, width], map, &overlay, out)
    };
    let [_, _, width, height] = crop.map_or([0, 0, width as u32, height as u32], |crop| crop);
    let picture = Picture {
        width: width as usize,
        height: height as usize,
        key: picture_key,
        paint: Arc::new(painted),
    };
    picture.render(area, canvas);
}

/// What is seen of an image of `width x height`: left, top, width and height; `None` for all.
fn crop(zoom: u32, centre: [f32; 2], size: [usize; 2]) -> Option<[u32; 4]> {
    if zoom <= 1 {
        return None;
    }
    let side = |axis: usize| (size[axis] as u32 / zoom).max(1);
    let first = |axis: usize| {
        let middle = centre[axis] * size[axis] as f32;
        let most = (size[axis] as u32 - side(axis)) as f32;
        (middle - side(axis) as f32 / 2.0).clamp(0.0, most) as u32
    };
    Some([first(0), first(1), side(0), side(1)])
}
