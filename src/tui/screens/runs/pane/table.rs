//! The table of runs: what waits in the queue, then runs, with as many columns as there is room for.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::config::{FIELDS, RunConfig};
use crate::runs::{METRICS, Metric, RunState, RunSummary, SortBy, Statistic, Tracked, Waiting};
use crate::text::{clock, one_line};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{NONE, count, fixed, rate};
use crate::tui::screens::runs::action::RunsAction;
use crate::tui::screens::runs::state::{setting_text, short_source};
use crate::tui::widgets::field::typed_line;
use crate::tui::widgets::text::sentences;
use crate::tui::widgets::text::state_mark;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    State,
    Name,
    Id,
    Network,
    Data,
    Value,
    Epochs,
    Time,
    Started,
    Tags,
    Tracked,
    /// A setting that differs between the runs shown, by its place in [`FIELDS`].
    Setting(usize),
}

/// From the one that is needed most to the one that is left out first; the settings that differ come after.
const BY_NEED: [Column; 11] = [
    Column::Id,
    Column::Value,
    Column::Name,
    Column::State,
    Column::Network,
    Column::Epochs,
    Column::Tags,
    Column::Tracked,
    Column::Started,
    Column::Time,
    Column::Data,
];

/// From left to right; differing settings are between the data and the metric.
const BY_PLACE: [Column; 5] = [Column::State, Column::Name, Column::Id, Column::Network, Column::Data];
const AT_THE_END: [Column; 6] =
    [Column::Value, Column::Epochs, Column::Time, Column::Started, Column::Tags, Column::Tracked];

/// Room for the mark and the state's sign.
const SIGNS: u16 = 5;

/// Draws the table with its frame.
pub fn render(app: &App, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    // Room for the title and the frame's corners.
    let room = usize::from(area.width.saturating_sub(24)).max(8);
    let filter = match (app.runs.filtering, app.runs.filter().value()) {
        (true, _) => {
            let mut line = typed_line(app.runs.filter(), room, theme.accent());
            line.spans.insert(0, Span::styled("filter: ", theme.accent()));
            line
        }
        (false, "") => Line::default(),
        (false, filter) => {
            let filter = one_line(filter, room.saturating_sub(12));
            Line::styled(format!("filter: {filter}  (Esc: all)"), theme.warning())
        }
    };
    let (shown, total) = (app.runs.shown().len(), app.runs.all().len());
    let mut bottom = match shown == total {
        true if total == 1 => "1 run".to_owned(),
        true => format!("{} runs", count(total)),
        false => format!("{} of {} runs", count(shown), count(total)),
    };
    if app.runs.unread > 0 {
        bottom.push_str(&format!(", {} being read", count(app.runs.unread)));
    }
    if app.runs.damaged > 0 {
        bottom.push_str(&format!(", {} damaged: see `runs list`", count(app.runs.damaged)));
    }
    let waiting = app.runs.queue.waiting.len();
    if waiting > 0 {
        let stands = if app.runs.queue.going { "" } else { ", Q starts it" };
        bottom.push_str(&format!("  queue {waiting}{stands}"));
    }
    if !app.runs.marks.all().is_empty() {
        bottom.push_str(&format!("  {} marked", app.runs.marks.all().len()));
    }
    let measure = app.runs.measure;
    let number = format!("{}: {}", measure.statistic.name(), METRICS[measure.metric].title());
    let panel = Panel {
        title: "runs",
        right: filter,
        bottom: Line::styled(bottom, theme.muted()),
        bottom_right: Line::styled(number, theme.muted()),
        focused: true,
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Up, Action::Down]);
    if app.runs.rows() == 0 {
        return sentences(inner, &[Line::styled("No run is like that.", theme.muted())], canvas);
    }
    let columns = columns(app, inner);
    heads(app, &columns, row(inner, 0), canvas);
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = app.runs.row.saturating_sub(room - 1);
    let waiting = app.runs.waiting();
    let entries = waiting.iter().enumerate().map(|(place, waiting)| Entry::Waiting(place, waiting));
    let entries = entries.chain(app.runs.shown().map(Entry::Run));
    for (place, (index, entry)) in entries.enumerate().skip(first).take(room).enumerate() {
        let line = row(inner, 1 + place as u16);
        if line.is_empty() {
            break;
        }
        canvas.click(line, Action::Row(index));
        entry.draw(app, &columns, line, canvas);
        if index == app.runs.row {
            canvas.style(line, theme.selection());
        }
    }
    scroll_bar(area, inner, first, room, app.runs.rows(), canvas);
}

/// The position of the visible rows among all, on the frame's right edge.
fn scroll_bar(area: Rect, inner: Rect, first: usize, room: usize, rows: usize, canvas: &mut Canvas) {
    if rows <= room || area.width <= inner.width {
        return;
    }
    let length = (room * room / rows).clamp(1, room);
    let top = (first * (room - length)).div_ceil((rows - room).max(1));
    for place in top..(top + length).min(room) {
        let style = canvas.theme.border(true);
        canvas.cell(area.right() - 1, inner.y + 1 + place as u16, '█', style);
    }
}

/// The columns that fit, from left to right, each with where it begins and its width.
fn columns(app: &App, inner: Rect) -> Vec<(Column, Rect)> {
    let widths = app.runs.widths();
    let longest = |column: Column| -> u16 {
        let needed = match column {
            Column::State => 11,
            Column::Name => widths.name.clamp(4, 24),
            Column::Id => 4,
            Column::Network => widths.network.clamp(7, 12),
            Column::Data => widths.data.clamp(4, 22),
            Column::Value => 9,
            Column::Epochs | Column::Time => 8,
            Column::Started => 12,
            Column::Tags => widths.tags.clamp(4, 24),
            Column::Tracked => 4,
            Column::Setting(place) => {
                widths.settings.iter().find(|(at, _)| *at == place).map_or(6, |(_, width)| *width)
            }
        };
        needed as u16
    };
    let is_of_use = |column: &Column| match column {
        Column::Tags => widths.tags > 0,
        Column::Name => widths.name > 0,
        Column::Tracked => app.runs.shown().any(|run| run.tracked != Tracked::Off),
        _ => true,
    };
    let gap = if inner.width < 100 { 1 } else { 2 };
    let mut left = inner.width.saturating_sub(SIGNS);
    let settings = widths.settings.iter().map(|(place, _)| Column::Setting(*place));
    let mut taken: Vec<Column> = Vec::new();
    for column in BY_NEED.into_iter().filter(is_of_use).chain(settings) {
        let needed = longest(column) + gap;
        if needed <= left {
            left -= needed;
            taken.push(column);
        }
    }
    let settings = taken.iter().copied().filter(|column| matches!(column, Column::Setting(_)));
    let order =
        BY_PLACE.into_iter().chain(settings).chain(AT_THE_END).filter(|column| taken.contains(column));
    let mut x = inner.x + SIGNS;
    order
        .map(|column| {
            let cell = Rect { x, y: inner.y, width: longest(column), height: 1 };
            x += cell.width + gap;
            (column, cell)
        })
        .collect()
}

fn heads(app: &App, columns: &[(Column, Rect)], line: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    for (column, cell) in columns {
        let cell = Rect { y: line.y, ..*cell }.intersection(line);
        let (name, by) = match column {
            Column::State => ("state", SortBy::State),
            Column::Name => ("name", SortBy::Name),
            Column::Id => ("id", SortBy::Id),
            Column::Network => ("network", SortBy::Network),
            Column::Data => ("data", SortBy::Data),
            Column::Value => (app.runs.measure.statistic.name(), SortBy::Value),
            Column::Epochs => ("epochs", SortBy::Epochs),
            Column::Time => ("time", SortBy::Time),
            Column::Started => ("started", SortBy::Started),
            Column::Tags => ("tags", SortBy::Tags),
            Column::Tracked => ("sent", SortBy::Tracked),
            Column::Setting(place) => (FIELDS[*place].short(), SortBy::Setting(*place)),
        };
        let sorted = by == app.runs.sort;
        let sign = match (sorted, app.runs.reverse) {
            (true, false) => "↓",
            (true, true) => "↑",
            (false, _) => "",
        };
        let style = if sorted { theme.accent() } else { theme.muted() };
        let room = usize::from(cell.width).saturating_sub(crate::text::width(sign));
        let head = Line::styled(format!("{}{sign}", one_line(name, room.max(1))), style);
        put(*column, cell, &head, canvas);
        canvas.click(cell, Action::Runs(RunsAction::SortBy(by)));
    }
}

fn put(column: Column, cell: Rect, line: &Line, canvas: &mut Canvas) {
    let number = matches!(
        column,
        Column::Value | Column::Epochs | Column::Time | Column::Started | Column::Setting(_)
    );
    if number {
        canvas.right(cell, line)
    } else {
        canvas.line(cell, line)
    };
}

enum Entry<'a> {
    /// With its place in the queue.
    Waiting(usize, &'a Waiting),
    Run(&'a RunSummary),
}

impl Entry<'_> {
    fn draw(&self, app: &App, columns: &[(Column, Rect)], line: Rect, canvas: &mut Canvas) {
        let theme = canvas.theme;
        let (state, mark) = match self {
            Self::Waiting(..) => (RunState::Queued, None),
            Self::Run(run) => (run.state, app.runs.marks.of(&run.path)),
        };
        let (sign, style) = state_mark(state, theme);
        if let Some(mark) = mark {
            canvas.cell(line.x + 1, line.y, mark.letter(), theme.series(mark.place));
        }
        canvas.cell((line.x + 3).min(line.right() - 1), line.y, sign, style);
        for (column, cell) in columns {
            let cell = Rect { y: line.y, ..*cell }.intersection(line);
            let (text, style) = match self {
                Self::Waiting(place, waiting) => waiting_cell(*column, *place, waiting, canvas),
                Self::Run(run) => run_cell(app, *column, run, style, canvas),
            };
            let text = one_line(&text, usize::from(cell.width).max(1));
            put(*column, cell, &Line::from(Span::styled(text, style)), canvas);
        }
    }
}

fn waiting_cell(column: Column, place: usize, waiting: &Waiting, canvas: &Canvas) -> (String, Style) {
    let theme = canvas.theme;
    let config = match (&waiting.config, column) {
        (_, Column::State) if waiting.failed.is_some() => return ("not begun".to_owned(), theme.bad()),
        (_, Column::State) => return (format!("queued {}", place + 1), theme.muted()),
        (Ok(config), _) => config,
        (Err(why), Column::Name) => return (why.clone(), theme.bad()),
        (Err(_), _) => return (String::new(), theme.muted()),
    };
    let text = match column {
        Column::Epochs => format!("0/{}", config.optimizer.epochs),
        Column::Name => config.run.name.clone(),
        Column::Setting(place) => setting_text(place, &config.get(&FIELDS[place])),
        Column::Network | Column::Data => of_config(column, config),
        Column::Tags | Column::Tracked => String::new(),
        _ => NONE.to_owned(),
    };
    (text, theme.muted())
}

fn of_config(column: Column, config: &RunConfig) -> String {
    match column {
        Column::Network => config.model.arch.to_string(),
        _ => short_source(&config.data.source).to_owned(),
    }
}

fn run_cell(app: &App, column: Column, run: &RunSummary, state: Style, canvas: &Canvas) -> (String, Style) {
    let theme = canvas.theme;
    let config = |text: &dyn Fn(&RunConfig) -> String| run.config.as_ref().map_or(NONE.to_owned(), text);
    let (text, style) = match column {
        Column::State => (run.state.name().to_owned(), state),
        Column::Name => (run.name().to_owned(), theme.strong()),
        Column::Id => (run.id.short().to_owned(), theme.text()),
        Column::Network | Column::Data => (config(&|c| of_config(column, c)), theme.text()),
        Column::Value => (value(app, run), theme.strong()),
        Column::Epochs => {
            let most = config(&|c| c.optimizer.epochs.to_string());
            (format!("{}/{most}", run.status.epoch), theme.text())
        }
        Column::Time => (clock(run.status.seconds()), theme.text()),
        Column::Started => {
            let local = run.status.created.to_zoned(app.now.time_zone().clone());
            (local.strftime("%d %b %H:%M").to_string(), theme.muted())
        }
        Column::Tags => (run.about.tags.join(" "), theme.accent()),
        Column::Tracked => match &run.tracked {
            Tracked::Off => (String::new(), theme.muted()),
            Tracked::Complete => ("✓".to_owned(), theme.good()),
            Tracked::Pending(pending) => (format!("↑{pending}"), theme.warning()),
            Tracked::Failed(_) => ("!".to_owned(), theme.bad()),
        },
        Column::Setting(place) => {
            let changed = run.measured.as_ref().and_then(|measured| measured.changed(place));
            // What is muted is the default.
            let (value, style) = match changed {
                Some(value) => (value, theme.text()),
                None if run.config.is_some() => (RunConfig::defaults()[place].as_str(), theme.muted()),
                None => (NONE, theme.muted()),
            };
            (setting_text(place, value), style)
        }
    };
    (text, style)
}

/// The number that is looked at, with its epoch where that is the best one.
fn value(app: &App, run: &RunSummary) -> String {
    let measure = app.runs.measure;
    let metric = &METRICS[measure.metric];
    let best = run.status.best.as_ref();
    let monitored = best.filter(|best| best.metric == metric.key);
    let found = match (&run.measured, monitored) {
        (Some(measured), _) => measured.get(measure),
        // Its journal hasn't been read yet, but its status has this value.
        (None, Some(best)) if measure.statistic == Statistic::Best => Some(best.value),
        (None, _) => return "…".to_owned(),
    };
    let text = number(metric, found);
    match best.filter(|_| measure.statistic == Statistic::Best && found.is_some()) {
        Some(best) => format!("{text} @{:<3}", best.epoch),
        None => text,
    }
}

/// A number of the journal as it is written in a table.
pub fn number(metric: &Metric, value: Option<f64>) -> String {
    match (metric.key, value) {
        ("lr", Some(value)) => rate(value),
        ("wait_count" | "images_per_second", Some(value)) => count(value.max(0.0).round() as usize),
        ("epoch_seconds", value) => fixed(value, 1),
        (_, value) => fixed(value, 3),
    }
}
