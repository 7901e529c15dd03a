//! A line that is being typed, with its cursor.

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use tui_input::Input;
use unicode_width::UnicodeWidthChar;

/// The part of `input` around its cursor that fits `columns`, with the cursor's character reversed. `style` is that of
/// the text.
pub fn typed_line(input: &Input, columns: usize, style: Style) -> Line<'static> {
    // The cursor behind the last character takes a column, too.
    let room = columns.saturating_sub(1).max(1);
    let scroll = input.visual_scroll(room);
    let (mut column, mut before, mut at, mut after) = (0, String::new(), None, String::new());
    for (index, letter) in input.value().chars().enumerate() {
        let width = letter.width().unwrap_or(0);
        let shown = column >= scroll && column + width <= scroll + columns;
        match index.cmp(&input.cursor()) {
            std::cmp::Ordering::Less if shown => before.push(letter),
            std::cmp::Ordering::Equal => at = Some(letter),
            std::cmp::Ordering::Greater if shown => after.push(letter),
            _ => {}
        }
        column += width;
    }
    let cursor = at.unwrap_or(' ').to_string();
    Line::from(vec![
        Span::styled(before, style),
        Span::styled(cursor, style.add_modifier(Modifier::REVERSED)),
        Span::styled(after, style),
    ])
}

#[cfg(test)]
mod tests {
    use tui_input::InputRequest;

    use super::*;

    fn shown(input: &Input, columns: usize) -> [String; 3] {
        let line = typed_line(input, columns, Style::new());
        assert!(line.width() <= columns, "{line:?}");
        [0, 1, 2].map(|index| line.spans[index].content.to_string())
    }

    #[test]
    fn the_cursor_is_where_the_next_letter_goes_and_stays_in_sight() {
        let mut input = Input::new("state:finished auroc>.7".to_owned());
        assert_eq!(shown(&input, 60), ["state:finished auroc>.7", " ", ""]);
        assert_eq!(shown(&input, 10)[1], " ", "at the end of a long line");
        for _ in 0..8 {
            input.handle(InputRequest::GoToPrevChar);
        }
        assert_eq!(shown(&input, 60), ["state:finished ", "a", "uroc>.7"]);
        input.handle(InputRequest::GoToStart);
        assert_eq!(shown(&input, 6), ["", "s", "tate:"]);
        let wide = Input::new("胸部X線".to_owned());
        assert_eq!(shown(&wide, 6)[0], "部X線", "five columns and the cursor");
        assert_eq!(shown(&wide, 5)[0], "X線", "a wide character is shown whole or not at all");
    }
}
