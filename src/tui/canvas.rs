//! The canvas of panes: a buffer with clipping, the theme, and the mouse targets.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::border;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

use crate::tui::action::Action;
use crate::tui::colour_depth::ColourDepth;
use crate::tui::graphics::{Gallery, ImageRequest, Protocol};
use crate::tui::theme::Theme;

/// An area that answers the mouse.
#[derive(Clone, Debug, PartialEq)]
pub struct MouseTarget {
    pub area: Rect,
    /// What a click does.
    pub action: Option<Action>,
    /// What a step of the wheel up and down does.
    pub wheel: Option<[Action; 2]>,
}

/// A frame being drawn. No arguments can draw outside the buffer.
pub struct Canvas<'a> {
    /// The cells.
    pub buf: &'a mut Buffer,
    /// Colours and weights.
    pub theme: &'a Theme,
    /// Only ASCII may appear: charts and pictures use other signs, the rest is replaced at the end.
    pub ascii: bool,
    /// How many colours the terminal shows.
    pub depth: ColourDepth,
    /// Mouse targets, later ones above earlier ones.
    pub hits: Vec<MouseTarget>,
    /// How pictures are shown.
    pub pictures: Pictures<'a>,
    /// Pictures in pixels of this frame.
    pub wanted: Vec<ImageRequest>,
}

/// How a frame shows pictures.
#[derive(Clone, Copy)]
pub struct Pictures<'a> {
    /// Encoder of pixel graphics; `None`: half blocks.
    pub gallery: Option<&'a Gallery>,
    /// Pictures are disabled.
    pub off: bool,
    /// A dialog is over the screen: pixels below it would leave remains, so half blocks are drawn.
    pub covered: bool,
}

impl Pictures<'_> {
    /// Half blocks.
    pub const BLOCKS: Self = Self { gallery: None, off: false, covered: false };

    /// The encoder of pixel graphics, if this frame uses them.
    pub fn pixels(&self) -> Option<&Gallery> {
        let has_pixels = |gallery: &&Gallery| gallery.terminal().protocol.is_some_and(Protocol::has_pixels);
        self.gallery.filter(has_pixels).filter(|_| !self.covered)
    }
}

/// A framed part of a screen.
#[derive(Clone, Default)]
pub struct Panel<'a> {
    /// At the left of the upper border.
    pub title: &'a str,
    /// At its right: a legend or a state.
    pub right: Line<'a>,
    /// At the left of the lower border.
    pub bottom: Line<'a>,
    /// At its right.
    pub bottom_right: Line<'a>,
    /// Whether this part has the keyboard focus.
    pub focused: bool,
}

impl<'a> Canvas<'a> {
    /// An empty frame.
    pub fn new(buf: &'a mut Buffer, theme: &'a Theme, ascii: bool) -> Self {
        let area = buf.area;
        Clear.render(area, buf);
        buf.set_style(area, theme.base());
        Self {
            buf,
            theme,
            ascii,
            depth: ColourDepth::True,
            hits: Vec::new(),
            pictures: Pictures::BLOCKS,
            wanted: Vec::new(),
        }
    }

    /// Writes `text` at the left of a row, cut where the row ends; returns the columns used.
    pub fn text(&mut self, row: Rect, text: &str, style: Style) -> u16 {
        let row = row.intersection(self.buf.area);
        if row.is_empty() {
            return 0;
        }
        let (end, _) = self.buf.set_stringn(row.x, row.y, text, usize::from(row.width), style);
        self.mark_cut(row, text);
        end - row.x
    }

    /// Writes a styled line at the left of a row, cut where the row ends; returns the columns used.
    pub fn line(&mut self, row: Rect, line: &Line) -> u16 {
        let row = row.intersection(self.buf.area);
        if row.is_empty() {
            return 0;
        }
        let (end, _) = self.buf.set_line(row.x, row.y, line, row.width);
        if line.width() > usize::from(row.width) {
            self.mark_cut(row, &line.to_string());
        }
        end - row.x
    }

    /// Ends a row with `…` where the end of its text had no room.
    fn mark_cut(&mut self, row: Rect, text: &str) {
        let is_cut = crate::text::cut(text, usize::from(row.width))
            .is_some_and(|kept| !text[kept.len()..].trim().is_empty());
        if is_cut && let Some(cell) = self.buf.cell_mut((row.right() - 1, row.y)) {
            cell.set_char('…');
        }
    }

    /// Writes a styled line at the right end of a row; returns the columns used. A line that doesn't fit
    /// is omitted, since a number without its first digits would be wrong.
    pub fn right(&mut self, row: Rect, line: &Line) -> u16 {
        let width = line.width() as u16;
        if width > row.width {
            return 0;
        }
        self.line(Rect { x: row.right() - width, width, ..row }, line)
    }

    /// Writes a styled line in the middle of a row.
    pub fn centre(&mut self, row: Rect, line: &Line) {
        let width = (line.width() as u16).min(row.width);
        self.line(Rect { x: row.x + (row.width - width) / 2, width, ..row }, line);
    }

    /// Applies a style to an area.
    pub fn style(&mut self, area: Rect, style: Style) {
        self.buf.set_style(area.intersection(self.buf.area), style);
    }

    /// Sets one cell.
    pub fn cell(&mut self, x: u16, y: u16, symbol: char, style: Style) {
        if let Some(cell) = self.buf.cell_mut((x, y)) {
            cell.set_char(symbol).set_style(style);
        }
    }

    /// Makes an area answer clicks.
    pub fn click(&mut self, area: Rect, action: Action) {
        let area = area.intersection(self.buf.area);
        if !area.is_empty() {
            self.hits.push(MouseTarget { area, action: Some(action), wheel: None });
        }
    }

    /// Makes an area answer the wheel: one action for a step up, one for a step down.
    pub fn wheel(&mut self, area: Rect, actions: [Action; 2]) {
        let area = area.intersection(self.buf.area);
        if !area.is_empty() {
            self.hits.push(MouseTarget { area, action: None, wheel: Some(actions) });
        }
    }

    /// Draws a frame and returns the area inside it; under three rows no frame is drawn.
    pub fn panel(&mut self, area: Rect, panel: &Panel) -> Rect {
        let area = area.intersection(self.buf.area);
        if area.height < 3 || area.width < 4 {
            return area;
        }
        let (title, frame) = (self.theme.strong(), self.theme.border(panel.focused));
        let block = Block::bordered().border_set(border::ROUNDED).border_style(frame);
        let inner = block.inner(area);
        block.render(area, self.buf);
        let edge = Rect { x: area.x + 2, width: area.width - 4, height: 1, ..area };
        let right = padded(&panel.right);
        let used = self.right(edge, &right);
        let room = edge.width.saturating_sub(if used > 0 { used + 1 } else { 0 });
        if !panel.title.is_empty() {
            let heading = padded(&Line::styled(panel.title.to_owned(), title));
            self.line(Rect { x: edge.x - 1, width: room + 1, ..edge }, &heading);
        }
        let edge = Rect { y: area.bottom() - 1, ..edge };
        let left = padded(&panel.bottom);
        let used = if left.width() <= usize::from(edge.width) + 1 {
            self.line(Rect { x: edge.x - 1, width: edge.width + 1, ..edge }, &left)
        } else {
            0
        };
        let rest = edge.width.saturating_sub(used);
        self.right(Rect { x: edge.right() - rest, width: rest, ..edge }, &padded(&panel.bottom_right));
        inner
    }

    /// Clears an area and frames it, for a dialog.
    pub fn popup(&mut self, area: Rect, panel: &Panel) -> Rect {
        let area = area.intersection(self.buf.area);
        Clear.render(area, self.buf);
        self.style(area, self.theme.base());
        // A dialog has the mouse to itself, as it has the keyboard.
        self.hits.clear();
        self.panel(area, panel)
    }

    /// Ends the frame: removes colours where they are disabled, takes the nearest that there are, replaces all but ASCII where only that can be shown.
    /// Returns the mouse targets and the pictures that are still to be added.
    pub fn finish(self) -> (Vec<MouseTarget>, Vec<ImageRequest>) {
        for cell in &mut self.buf.content {
            if !self.theme.coloured {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
            }
            (cell.fg, cell.bg) = (self.depth.nearest(cell.fg), self.depth.nearest(cell.bg));
            if self.ascii && !cell.symbol().is_ascii() {
                let plain = cell.symbol().chars().next().map_or(' ', to_ascii);
                cell.set_char(plain);
            }
        }
        (self.hits, self.wanted)
    }
}

/// The middle of `area`, at most this wide and high.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Row `index` of an area, empty below its end.
pub fn row(area: Rect, index: u16) -> Rect {
    let height = u16::from(index < area.height);
    Rect { y: area.y.saturating_add(index), height, ..area }
}

fn padded<'a>(line: &Line<'a>) -> Line<'a> {
    if line.width() == 0 {
        return Line::default();
    }
    let mut line = line.clone();
    line.spans.insert(0, " ".into());
    line.spans.push(" ".into());
    line
}

/// The most similar ASCII sign.
fn to_ascii(symbol: char) -> char {
    match symbol {
        '─' | '━' | '–' | '—' | '−' | '┄' | '╌' | '╍' | '┅' => '-',
        '│' | '┃' | '┆' | '╎' | '▏' => '|',
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => {
            '+'
        }
        '█' | '▉' | '▊' | '▋' | '▮' | '■' | '▇' | '▆' | '▀' => '#',
        '▌' | '▍' | '▅' | '▄' => '=',
        '▃' | '▂' | '▁' | '▎' => '_',
        '░' | '▯' | '·' | '⋅' => '.',
        '▒' => ':',
        '▓' => '%',
        '●' | '◆' | '•' | '★' => '*',
        '◐' => 'o',
        '○' | '◌' => 'o',
        '✓' => 'v',
        '✗' | '×' => 'x',
        '▸' | '→' | '▶' => '>',
        '◂' | '←' => '<',
        '↑' => '^',
        '↓' => 'v',
        '…' => '~',
        '⏎' => '+',
        _ => '?',
    }
}
