//! Text that panes share: the mark of a run's state, sentences in an empty pane, wrapping.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::runs::RunState;
use crate::text::{cut, width as columns};
use crate::tui::canvas::{Canvas, row};
use crate::tui::theme::Theme;

/// Mark and colour of a run's state; the word is shown with it wherever there is room.
pub fn state_mark(state: RunState, theme: &Theme) -> (char, Style) {
    match state {
        RunState::Queued => ('○', theme.muted()),
        RunState::Running => ('●', theme.good()),
        RunState::Paused => ('◐', theme.warning()),
        RunState::Stopped => ('■', theme.muted()),
        RunState::Finished => ('✓', theme.good()),
        RunState::Failed => ('✗', theme.bad()),
        RunState::Interrupted => ('!', theme.warning()),
    }
}

/// Sentences in the middle of a pane that has nothing else to show.
pub fn sentences(area: Rect, lines: &[Line], canvas: &mut Canvas) {
    let wrapped: Vec<Line> = lines.iter().flat_map(|line| wrap(line, usize::from(area.width))).collect();
    let top = area.height.saturating_sub(wrapped.len() as u16) / 2;
    for (index, line) in wrapped.iter().enumerate() {
        canvas.centre(row(area, top + index as u16), line);
    }
}

/// Breaks a line of one style at white space so that it fits `width`; within a word where the word alone
/// doesn't fit, as a path may not.
pub fn wrap(line: &Line, width: usize) -> Vec<Line<'static>> {
    let style = line.spans.first().map_or(line.style, |span| line.style.patch(span.style));
    let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
    let mut rows: Vec<String> = vec![String::new()];
    let limit = width.max(1);
    let words = text.split(' ').flat_map(|word| {
        let (mut pieces, mut rest) = (Vec::new(), word);
        // A wide character in a single column fits nowhere; it is written as it is.
        while let Some(piece) = cut(rest, limit).filter(|piece| !piece.is_empty()) {
            pieces.push(piece.to_owned());
            rest = &rest[piece.len()..];
        }
        pieces.push(rest.to_owned());
        pieces
    });
    for word in words {
        // There is always a last row: it begins with one and none is taken away.
        let last = rows.len() - 1;
        let used = columns(&rows[last]);
        if used > 0 && used + 1 + columns(&word) > width {
            rows.push(word);
        } else {
            if used > 0 {
                rows[last].push(' ');
            }
            rows[last].push_str(&word);
        }
    }
    rows.into_iter().map(|row| Line::styled(row, style)).collect()
}
