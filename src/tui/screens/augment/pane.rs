//! The augment screen: an image, versions of it as training would see them, and the settings that make them.

use std::sync::Arc;

use image::RgbImage;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::augment::{AugmentParams, AugmentPipeline, CpuAugmenter};
use crate::dataset::Dataset;
use crate::dataset::phantom::Bounds;
use crate::explain::{COLOUR_MAPS, Overlay, Shows, paint};
use crate::text::one_line;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::count;
use crate::tui::screens::augment::state::{rows, value};
use crate::tui::screens::data::state::Loading;
use crate::tui::widgets::gauge::bar;
use crate::tui::widgets::picture::{Picture, key};
use crate::tui::widgets::text::sentences;

/// Least columns of a version: below that nothing is seen on it.
const NARROWEST: u16 = 16;

/// Draws the screen.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let mut message = |text: String, bad: bool| {
        let inner = canvas.panel(area, &Panel { title: "augment", ..Panel::default() });
        let style = if bad { theme.bad() } else { theme.strong() };
        sentences(inner, &[Line::styled(text, style)], canvas);
    };
    let view = match &app.data.loading {
        Loading::Ready(view) => view,
        Loading::Failed(reason) => return message(reason.clone(), true),
        Loading::Idle | Loading::Busy(_) => return message("Reading the images …".to_owned(), false),
    };
    let images = view.dataset.part(app.augment.split).images.as_ref().map_or(0, |images| images.len());
    if images == 0 {
        return message("This source has no images of this split; s shows another.".to_owned(), false);
    }
    let image = app.augment.image.min(images - 1);
    let width = if area.width >= 110 { 42 } else { 32.min(area.width / 2) };
    let [left, right] = Layout::horizontal([Constraint::Length(width), Constraint::Fill(1)]).areas(area);
    let needed = rows().len() as u16 + 2;
    let above = if left.height >= needed + 8 { left.height - needed } else { 0 };
    let [upper, lower] = Layout::vertical([Constraint::Length(above), Constraint::Fill(1)]).areas(left);
    if above > 0 {
        original(app, &view.dataset, image, upper, canvas);
    }
    settings(app, lower, canvas);
    versions(app, &view.dataset, image, above == 0, right, canvas);
}

fn original(app: &App, dataset: &Arc<Dataset>, image: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let part = dataset.part(app.augment.split);
    let said = dataset.labels().found(part.labels.row(image));
    let title = format!("{} #{image}", app.augment.split);
    let room = usize::from(area.width).saturating_sub(6);
    let panel = Panel {
        title: &title,
        bottom: Line::styled(one_line(&said, room), theme.text()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    version(app, dataset, image, &AugmentParams::new(size(dataset)), inner, canvas);
}

/// The settings as sliders.
fn settings(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let section = &app.form.current().augment;
    let preset = section.preset.name();
    let right = if app.augment.alone { "one alone" } else { "" };
    let panel = Panel {
        title: "transforms of the next run",
        right: Line::styled(right, theme.warning()),
        bottom: Line::styled(format!("preset {preset}"), theme.accent()),
        bottom_right: Line::styled("space on/off", theme.muted()),
        focused: true,
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let plan = AugmentPipeline::new(section);
    let rows = rows();
    let room = usize::from(inner.height).max(1);
    let first = app.augment.at.saturating_sub(room / 2).min(rows.len().saturating_sub(room));
    let name_width = inner.width.saturating_sub(16).clamp(8, 22);
    for (line_at, (place, setting)) in rows.iter().enumerate().skip(first).take(room).enumerate() {
        let line = row(inner, line_at as u16);
        canvas.click(line, Action::Row(place));
        let (now, most) = value(plan.section(), setting);
        let on = rows
            .iter()
            .find(|other| other.field.key == setting.transform.settings[0])
            .is_some_and(|chance| value(plan.section(), chance).0 > 0.0);
        let (name, style) = if setting.is_chance {
            let mark = if on { '●' } else { '○' };
            (format!("{mark} {}", setting.transform.label), if on { theme.strong() } else { theme.muted() })
        } else {
            let name = setting.field.key.trim_start_matches("augment.");
            (format!("    {name}"), if on { theme.text() } else { theme.muted() })
        };
        canvas.text(Rect { width: name_width, ..line }, &one_line_kept(&name, name_width), style);
        let strip =
            Rect { x: line.x + name_width + 1, width: line.width.saturating_sub(name_width + 8), ..line };
        if strip.width >= 3 {
            let style = if on { theme.val() } else { theme.track() };
            bar(canvas, strip, if most > 0.0 { now / most } else { 0.0 }, style);
        }
        canvas.right(line, &Line::styled(format!("{now}"), if on { theme.strong() } else { theme.muted() }));
        if place == app.augment.at {
            canvas.style(line, theme.selection());
        }
    }
}

/// Cut to the width; leading spaces stay.
fn one_line_kept(text: &str, width: u16) -> String {
    text.chars().take(usize::from(width)).collect()
}

/// Versions in a grid, the image itself first where it has no pane of its own.
fn versions(
    app: &App,
    dataset: &Arc<Dataset>,
    image: usize,
    with_original: bool,
    area: Rect,
    canvas: &mut Canvas,
) {
    let theme = canvas.theme;
    let state = &app.augment;
    let run_seed = app.form.current().run.seed;
    let seed = state.seed.unwrap_or(run_seed);
    let which = if state.seed.is_some() {
        format!("seed {seed}, r another")
    } else {
        format!("the run's seed {seed}")
    };
    let images = dataset.part(state.split).labels.len();
    let panel = Panel {
        title: "versions",
        right: Line::from(vec![Span::styled(which, theme.muted())]),
        bottom: Line::styled(format!("image {} of {}", count(image + 1), count(images)), theme.muted()),
        bottom_right: Line::styled(format!("from epoch {}", state.epoch), theme.muted()),
        ..Panel::default()
    };
    let inner = canvas.panel(area, &panel);
    let Some((columns, lines)) = grid(inner) else { return };
    let resolved = AugmentPipeline::new(&app.form.current().augment);
    // A preset may scale both sides differently, which its settings alone don't show.
    let plan = if state.alone { AugmentPipeline::new(&state.section(resolved.section())) } else { resolved };
    let (wide, high) = (inner.width / columns, inner.height / lines);
    for place in 0..usize::from(columns * lines) {
        let at = Rect {
            x: inner.x + (place as u16 % columns) * wide,
            y: inner.y + (place as u16 / columns) * high,
            width: wide.saturating_sub(1),
            height: high,
        };
        let number = place - usize::from(with_original && place > 0);
        let is_original = with_original && place == 0;
        let (draw, caption) = if is_original {
            (AugmentParams::new(size(dataset)), "unchanged".to_owned())
        } else {
            let epoch = state.epoch + number;
            let draw = plan.draw(seed, epoch, image, 0, size(dataset));
            let caption = format!("{epoch}: {draw}");
            (draw, caption)
        };
        let picture = Rect { height: at.height.saturating_sub(1), ..at };
        version(app, dataset, image, &draw, picture, canvas);
        let line = Rect { y: at.bottom().saturating_sub(1), height: 1, ..at };
        let text = one_line(&caption, usize::from(at.width));
        canvas.centre(line, &Line::styled(text, theme.muted()));
    }
}

/// Columns and rows of the grid: at most twelve versions, each as large as can be.
fn grid(area: Rect) -> Option<(u16, u16)> {
    let shapes = [(4, 3), (3, 3), (3, 2), (2, 2), (2, 1), (1, 1)];
    // A version is about twice as wide as high in cells, its caption aside.
    let fits = |(columns, lines): (u16, u16)| area.width / columns >= NARROWEST && area.height / lines >= 8;
    shapes.into_iter().find(|shape| fits(*shape)).or((area.width >= 4 && area.height >= 3).then_some((1, 1)))
}

fn size(dataset: &Dataset) -> (usize, usize) {
    dataset.image_size().unwrap_or((1, 1))
}

fn version(
    app: &App,
    dataset: &Arc<Dataset>,
    image: usize,
    draw: &AugmentParams,
    area: Rect,
    canvas: &mut Canvas,
) {
    let split = app.augment.split;
    let (height, width) = size(dataset);
    let boxes: Vec<Bounds> = if app.augment.boxes {
        let regions = dataset.regions(split, image);
        let all = regions.into_iter().flat_map(|region| region.boxes);
        all.filter_map(|bounds| draw.moved_box(bounds)).collect()
    } else {
        Vec::new()
    };
    // The text identifies the ranges, the seed the noise.
    let picture_key = key((dataset.digest(), split as u8, image, format!("{:?}", draw.steps), boxes.len()));
    let border = AugmentPipeline::new(&app.form.current().augment).border();
    let (dataset, draw) = (dataset.clone(), draw.clone());
    let painted = move |out: [u32; 2]| -> RgbImage {
        let Some(images) = dataset.part(split).images.as_ref() else { return RgbImage::new(out[0], out[1]) };
        let mut greys = vec![0; height * width];
        CpuAugmenter::new(border).paint_greys(&images.shown(image), &draw, &mut greys);
        let overlay = Overlay {
            shows: Shows::Image,
            colours: &COLOUR_MAPS[0],
            opacity: 0.0,
            contrast: 1.0,
            crop: None,
            boxes: &boxes,
        };
        paint(&greys, [height, width], None, &overlay, out)
    };
    Picture { width, height, key: picture_key, paint: Arc::new(painted) }.render(area, canvas);
}
