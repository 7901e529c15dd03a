//! How often each condition occurs: a table with bars, and which conditions occur together.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::dataset::Split;
use crate::dataset::stats::percent;
use crate::text::one_line;
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, Panel, row};
use crate::tui::format::{NONE, count};
use crate::tui::screens::data::state::DataView;
use crate::tui::theme::Theme;
use crate::tui::widgets::gauge::bar;
use crate::tui::widgets::text::{sentences, wrap};

/// Columns of a condition's name.
const NAME: u16 = 19;
/// Columns of a count.
const COUNT: u16 = 9;
/// Columns of a share.
const SHARE: u16 = 7;

/// The table of classes; with `split`, of that split alone.
pub fn table(view: &DataView, split: Option<Split>, chosen: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let mut tabs = Vec::new();
    for (choice, name) in
        [(None, "all"), (Some(Split::Train), "train"), (Some(Split::Val), "val"), (Some(Split::Test), "test")]
    {
        let style = if choice == split { theme.accent() } else { theme.muted() };
        let name = if choice == split { format!("[{name}]") } else { format!(" {name} ") };
        tabs.push(Span::styled(name, style));
    }
    let total = view.total(split);
    let mut bottom = vec![Span::styled(format!("{} images", count(total)), theme.muted())];
    let unknown = total - view.known(chosen, split);
    if unknown > 0 {
        let text = format!(", {} of them unknown for {}", count(unknown), view.name(chosen));
        bottom.push(Span::styled(text, theme.warning()));
    }
    let bottom = Line::from(bottom).style(theme.muted());
    let panel = Panel {
        title: "classes",
        right: Line::from(tabs),
        bottom,
        bottom_right: Line::styled("an image can have several", theme.muted()),
        focused: true,
    };
    let inner = canvas.panel(area, &panel);
    canvas.wheel(area, [Action::Up, Action::Down]);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let columns: Vec<Option<Split>> = match split {
        None if inner.width >= NAME + 3 * COUNT + SHARE => Split::ALL.map(Some).to_vec(),
        None => vec![None],
        one => vec![one],
    };
    let name = NAME.min(inner.width.saturating_sub(COUNT * columns.len() as u16 + SHARE));
    let numbers = COUNT * columns.len() as u16 + SHARE;
    let bars = inner.width.saturating_sub(name + numbers + 2);

    // With three splits side by side, and room for it, each class gets a thin bar for each split.
    let thin = split.is_none() && bars >= 10 && usize::from(inner.height) > view.rows.len() * 2;
    let height = if thin { 2 } else { 1 };
    let header = row(inner, 0);
    canvas.text(Rect { width: name, ..header }, "condition", theme.muted());
    if thin {
        let legend = Line::from(vec![
            Span::styled("▀ train ", theme.train()),
            Span::styled("▄ val ", theme.val()),
            Span::styled("▀ test", theme.muted()),
        ]);
        canvas.line(Rect { x: header.x + name + 1, width: bars, ..header }, &legend);
    }
    // Numbers are at the right edge, where they are easy to compare; bars begin after the names.
    let at = |column: usize| inner.right().saturating_sub(numbers) + COUNT * column as u16;
    for (index, column) in columns.iter().enumerate() {
        let head = column.map_or("images", Split::name);
        let cell = Rect { x: at(index), width: COUNT, ..header };
        canvas.right(cell, &Line::styled(head, theme.muted()));
    }
    let cell = Rect { x: inner.right().saturating_sub(SHARE), width: SHARE.min(inner.width), ..header };
    canvas.right(cell, &Line::styled("%", theme.muted()));

    let shown = usize::from(inner.height.saturating_sub(1) / height).max(1);
    let first = chosen.saturating_sub(shown.saturating_sub(1)).min(view.rows.len().saturating_sub(shown));
    let share = |row: usize, split: Option<Split>| percent(sum(view, row, split), view.known(row, split));
    let most = (0..view.rows.len()).filter_map(|row| share(row, split)).fold(0.0, f64::max).max(1e-9);
    for (place, index) in (first..view.rows.len()).take(shown).enumerate() {
        let line = row(inner, 1 + place as u16 * height);
        if line.is_empty() {
            break;
        }
        let whole = Rect { height, ..line };
        canvas.click(whole, Action::Row(index));
        let style = if index == chosen { theme.strong() } else { theme.text() };
        canvas.text(Rect { width: name, ..line }, view.name(index), style);
        let strip = Rect { x: line.x + name + 1, width: bars, ..line };
        let normal = view.rows[index].is_none();
        if thin {
            thin_bars(view, index, most, Rect { height: 2, ..strip }, canvas);
        } else if bars > 0 {
            let style = if normal { theme.good() } else { theme.bar() };
            bar(canvas, strip, share(index, split).unwrap_or(0.0) / most, style);
        }
        for (place, column) in columns.iter().enumerate() {
            let cell = Rect { x: at(place), width: COUNT, ..line };
            canvas.right(cell, &Line::styled(count(sum(view, index, *column)), style));
        }
        let text = share(index, split).map_or(NONE.to_owned(), |share| format!("{share:.2}"));
        let cell = Rect { x: inner.right().saturating_sub(SHARE), width: SHARE.min(inner.width), ..line };
        canvas.right(cell, &Line::styled(text, style));
        if index == chosen {
            let marked = Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, height: 1, ..line };
            canvas.style(marked, theme.selection());
            if !thin && bars > 0 {
                let style = if normal { theme.good() } else { theme.bar() };
                canvas.style(strip, style);
            }
        }
    }
}

/// Train, val and test as three bars of half a row each; what they compare is the share, not the count.
fn thin_bars(view: &DataView, index: usize, most: f64, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let shares = Split::ALL.map(|split| {
        percent(sum(view, index, Some(split)), view.known(index, Some(split))).unwrap_or(0.0) / most
    });
    let length = |share: f64| {
        let cells = (share * f64::from(area.width)).round() as u16;
        if share > 0.0 { cells.max(1) } else { 0 }
    };
    let [train, val, test] = shares.map(length);
    for column in 0..area.width {
        let x = area.x + column;
        match (column < train, column < val) {
            (true, true) if theme.coloured => {
                let style = theme.train().bg(theme.palette.val);
                canvas.cell(x, area.y, '▀', style);
            }
            // Without colours both halves are filled alike, and the longer one shows at the end.
            (true, true) => canvas.cell(x, area.y, '█', theme.train()),
            (true, false) => canvas.cell(x, area.y, '▀', theme.train()),
            (false, true) => canvas.cell(x, area.y, '▄', theme.val()),
            (false, false) => {}
        }
        if column < test {
            canvas.cell(x, area.y + 1, '▀', theme.muted());
        }
    }
}

fn sum(view: &DataView, row: usize, split: Option<Split>) -> usize {
    match split {
        Some(split) => view.count(row, split),
        None => Split::ALL.iter().map(|split| view.count(row, *split)).sum(),
    }
}

/// Which conditions occur together: of the images with the row's condition, the share that has the column's.
pub fn pairs(view: &DataView, chosen: Option<usize>, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let panel = Panel {
        title: "together",
        right: Line::styled("% of the row's images that have the column's", theme.muted()),
        ..Panel::default()
    };
    let panel =
        if area.width < 62 { Panel { right: Line::default(), bottom: panel.right, ..panel } } else { panel };
    let inner = canvas.panel(area, &panel);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let columns: Vec<usize> = view.rows.iter().filter_map(|row| *row).collect();
    let labels = view.dataset.labels();
    let wide = inner.width >= NAME + 5 * columns.len() as u16;
    let head = if wide { NAME } else { 6 };
    let cell_width = if columns.is_empty() {
        return;
    } else {
        ((inner.width.saturating_sub(head)) / columns.len() as u16).min(6)
    };
    if cell_width < 2 || usize::from(inner.height) < columns.len() {
        let middle = row(inner, inner.height.saturating_sub(1) / 2);
        canvas.centre(middle, &Line::styled("too small for this table", theme.muted()));
        return;
    }
    let spaced = usize::from(inner.height) > columns.len();
    let top = if spaced {
        for (place, column) in columns.iter().enumerate() {
            let cell =
                Rect { x: inner.x + head + place as u16 * cell_width, width: cell_width, ..row(inner, 0) };
            let name = labels.get(*column).map_or("", |condition| condition.abbreviation.as_str());
            let short: String = name.chars().take(usize::from(cell_width) - 1).collect();
            let style = if Some(*column) == chosen { theme.accent() } else { theme.muted() };
            canvas.right(cell, &Line::styled(short, style));
        }
        1
    } else {
        0
    };
    for (place, first) in columns.iter().enumerate() {
        let line = row(inner, top + place as u16);
        let name =
            labels.get(*first).map_or("", |c| if wide { c.name.as_str() } else { c.abbreviation.as_str() });
        let style = if Some(*first) == chosen { theme.accent() } else { theme.text() };
        canvas.text(Rect { width: head, ..line }, name, style);
        for (column, second) in columns.iter().enumerate().filter(|(column, _)| *column != place) {
            let share = view.pairs.share(*first, *second).unwrap_or(0.0);
            let cell = Rect { x: inner.x + head + column as u16 * cell_width, width: cell_width, ..line };
            shade(share, cell, canvas);
        }
    }
}

/// A share as a number, set off by weight; in the narrowest cells as a shade.
fn shade(share: f64, cell: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let style = match share {
        s if s >= 25.0 => theme.warning(),
        s if s >= 10.0 => theme.strong(),
        s if s >= 3.0 => theme.text(),
        _ => theme.muted(),
    };
    if cell.width < 3 {
        // Digits would run into each other.
        let block = match share {
            s if s >= 25.0 => '█',
            s if s >= 10.0 => '▓',
            s if s >= 3.0 => '▒',
            s if s >= 0.5 => '░',
            _ => '·',
        };
        for x in cell.left()..cell.right() {
            canvas.cell(x, cell.y, block, style);
        }
        return;
    }
    let text = if share < 0.5 { "·".to_owned() } else { format!("{share:.0}") };
    canvas.right(cell, &Line::styled(text, style));
}

/// The notes on how the data were read, a line each, in at most `room` lines; the last says what had no room. They stand here
/// since this is what is seen before anything starts.
fn how_it_was_read(view: &DataView, width: usize, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let notes = view.dataset.notes();
    let shown = if notes.len() <= room { notes.len() } else { room.saturating_sub(1) };
    let line = |text: &str| Line::styled(one_line(text, width), theme.muted());
    let mut lines: Vec<Line> = notes.iter().take(shown).map(|note| line(note)).collect();
    if shown < notes.len() && room > 0 {
        lines.push(line(&format!("… {} more notes on how it was read: v, the check", notes.len() - shown)));
    }
    lines
}

/// What the chosen condition occurs with, most often first.
pub fn companions(view: &DataView, chosen: usize, area: Rect, canvas: &mut Canvas) {
    let theme = canvas.theme;
    let Some(column) = view.rows.get(chosen).copied().flatten() else {
        let inner = canvas.panel(area, &Panel { title: "Normal", ..Panel::default() });
        let derived = "No condition at all: derived from the labels, never one of them.";
        let mut lines = vec![Line::styled(derived, theme.text())];
        if let Some(entry) = view.dataset.source().registry_entry()
            && !entry.warning.is_empty()
        {
            lines.push(Line::styled(entry.warning.as_str(), theme.muted()));
        }
        let width = usize::from(inner.width).saturating_sub(2);
        let used: usize = lines.iter().map(|line| wrap(line, width).len()).sum();
        lines.extend(how_it_was_read(view, width, usize::from(inner.height).saturating_sub(used), theme));
        return sentences(inner, &lines, canvas);
    };
    let own = view.pairs.both[column][column];
    let title = format!("{} occurs with", view.name(chosen));
    let bottom = Line::styled(format!("% of its {} images", count(own)), theme.muted());
    let inner = canvas.panel(area, &Panel { title: &title, bottom, ..Panel::default() });
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let mut others: Vec<(usize, f64)> = (1..view.rows.len())
        .filter(|row| *row != chosen)
        .filter_map(|row| view.rows[row].map(|other| (row, view.pairs.share(column, other).unwrap_or(0.0))))
        .collect();
    others.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let rows = others.len().div_ceil(2).min(usize::from(inner.height)).max(1);
    let width = inner.width.saturating_sub(3) / 2;
    let most = others.first().map_or(0.0, |(_, share)| *share).max(1e-9);
    for (place, (other, share)) in others.iter().enumerate().take(rows * 2) {
        let x = inner.x + if place < rows { 0 } else { width + 3 };
        let cell = Rect { x, width, ..row(inner, (place % rows) as u16) };
        canvas.text(Rect { width: NAME.min(width), ..cell }, view.name(*other), theme.text());
        let room = width.saturating_sub(NAME + 6);
        bar(canvas, Rect { x: x + NAME + 1, width: room, ..cell }, share / most, theme.bar());
        canvas.right(cell, &Line::styled(format!("{share:.1}"), theme.text()));
    }
}
