//! Keys, pastes and clicks from bytes that arrive while the terminal is probed: crossterm reads only after that.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

const PASTE: &[u8] = b"\x1b[200~";
const END_OF_PASTE: &[u8] = b"\x1b[201~";

/// The keys that `bytes` encode. Unknown sequences are dropped whole.
pub fn typed(bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut rest = bytes;
    loop {
        if let Some((event, length)) = paste(rest).or_else(|| click(rest)) {
            events.push(event);
            rest = &rest[length..];
            continue;
        }
        let Some((code, modifiers, length)) = key(rest) else { break };
        if let Some(code) = code {
            events.push(Event::Key(KeyEvent::new(code, modifiers)));
        }
        rest = &rest[length.max(1).min(rest.len())..];
    }
    events
}

/// A paste at the beginning of `bytes` and its length; its text is no key whatever it holds, also where its end hasn't come.
fn paste(bytes: &[u8]) -> Option<(Event, usize)> {
    let text = bytes.strip_prefix(PASTE)?;
    let end = text.windows(END_OF_PASTE.len()).position(|window| window == END_OF_PASTE);
    let pasted = String::from_utf8_lossy(&text[..end.unwrap_or(text.len())]).into_owned();
    let length = end.map_or(bytes.len(), |end| PASTE.len() + end + END_OF_PASTE.len());
    Some((Event::Paste(pasted), length))
}

/// A press of the left button at the beginning of `bytes`, as SGR mode reports it (from 1), and its length.
fn click(bytes: &[u8]) -> Option<(Event, usize)> {
    let places = bytes.strip_prefix(b"\x1b[<0;")?;
    let end = places
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b';')
        .filter(|end| places[*end] == b'M')?;
    let text = std::str::from_utf8(&places[..end]).ok()?;
    let (column, row) = text.split_once(';')?;
    let from_one = |text: &str| text.parse::<u16>().ok()?.checked_sub(1);
    let kind = MouseEventKind::Down(MouseButton::Left);
    let (column, row) = (from_one(column)?, from_one(row)?);
    let event = Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    Some((event, bytes.len() - places.len() + end + 1))
}

/// The first key of `bytes`, and how many of them it takes.
fn key(bytes: &[u8]) -> Option<(Option<KeyCode>, KeyModifiers, usize)> {
    let plain = |code: KeyCode, length: usize| Some((Some(code), KeyModifiers::NONE, length));
    match bytes {
        [] => None,
        [0x1b, b'[' | b'O', rest @ ..] if !rest.is_empty() => {
            let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte));
            let Some(end) = end else { return Some((None, KeyModifiers::NONE, bytes.len())) };
            let number = String::from_utf8_lossy(&rest[..end]);
            let code = match (rest[end], number.as_ref()) {
                (b'A', _) => Some(KeyCode::Up),
                (b'B', _) => Some(KeyCode::Down),
                (b'C', _) => Some(KeyCode::Right),
                (b'D', _) => Some(KeyCode::Left),
                (b'H', _) | (b'~', "1" | "7") => Some(KeyCode::Home),
                (b'F', _) | (b'~', "4" | "8") => Some(KeyCode::End),
                (b'~', "3") => Some(KeyCode::Delete),
                (b'~', "5") => Some(KeyCode::PageUp),
                (b'~', "6") => Some(KeyCode::PageDown),
                (b'Z', _) => Some(KeyCode::BackTab),
                _ => None,
            };
            Some((code, KeyModifiers::NONE, 2 + end + 1))
        }
        [0x1b, next, ..] if !next.is_ascii_control() => {
            Some((Some(KeyCode::Char(char::from(*next))), KeyModifiers::ALT, 2))
        }
        [0x1b, ..] => plain(KeyCode::Esc, 1),
        [b'\r' | b'\n', ..] => plain(KeyCode::Enter, 1),
        [b'\t', ..] => plain(KeyCode::Tab, 1),
        [0x7f | 0x08, ..] => plain(KeyCode::Backspace, 1),
        [control @ 1..=26, ..] => {
            Some((Some(KeyCode::Char(char::from(control - 1 + b'a'))), KeyModifiers::CONTROL, 1))
        }
        [control, ..] if *control < 0x20 => Some((None, KeyModifiers::NONE, 1)),
        [first, ..] => {
            let length = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            let text = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
            match text.and_then(|text| text.chars().next()) {
                Some(letter) => {
                    let shift = if letter.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                    Some((Some(KeyCode::Char(letter)), shift, length))
                }
                None => Some((None, KeyModifiers::NONE, 1)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(bytes: &[u8]) -> Vec<(KeyCode, KeyModifiers)> {
        let key = |event: Event| match event {
            Event::Key(key) => (key.code, key.modifiers),
            other => panic!("{other:?}"),
        };
        typed(bytes).into_iter().map(key).collect()
    }

    #[test]
    fn keys_come_out_as_they_were_typed() {
        let none = KeyModifiers::NONE;
        assert_eq!(
            codes("aÄ\x1b[A\x1bOD\r\x03\x1b[5~\x1bx\x1b".as_bytes()),
            [
                (KeyCode::Char('a'), none),
                (KeyCode::Char('Ä'), KeyModifiers::SHIFT),
                (KeyCode::Up, none),
                (KeyCode::Left, none),
                (KeyCode::Enter, none),
                (KeyCode::Char('c'), KeyModifiers::CONTROL),
                (KeyCode::PageUp, none),
                (KeyCode::Char('x'), KeyModifiers::ALT),
                (KeyCode::Esc, none),
            ]
        );
    }

    #[test]
    fn a_paste_is_no_key_and_a_click_has_its_place() {
        let Some([Event::Paste(text), Event::Key(key)]) =
            typed(b"\x1b[200~qs\r\x1b[201~x").first_chunk().cloned()
        else {
            panic!("a paste and a key")
        };
        assert_eq!((text.as_str(), key.code), ("qs\r", KeyCode::Char('x')));
        assert!(matches!(&typed(b"\x1b[200~qs")[..], [Event::Paste(text)] if text == "qs"));
        let Some([Event::Mouse(mouse)]) = typed(b"\x1b[<0;3;4M\x1b[<0;3;4m").first_chunk().cloned() else {
            panic!("a click")
        };
        assert_eq!((mouse.column, mouse.row, mouse.kind), (2, 3, MouseEventKind::Down(MouseButton::Left)));
    }

    #[test]
    fn what_is_no_key_is_dropped_whole() {
        assert_eq!(codes(b"\x1b[<0;3;4mq\x1b[<35;3;4M"), [(KeyCode::Char('q'), KeyModifiers::NONE)]);
        assert!(codes(&[0xff, 0x00, 0x1b, b'[']).len() <= 1);
    }
}
