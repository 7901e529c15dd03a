//! A key with its modifiers, and names for the keys that tables use.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key.
    pub code: KeyCode,
    /// With Control.
    pub control: bool,
}

impl Key {
    /// The key as it is shown.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(letter) => letter.to_string(),
            KeyCode::Up => "↑".into(),
            KeyCode::Down => "↓".into(),
            KeyCode::Left => "←".into(),
            KeyCode::Right => "→".into(),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            other => format!("{other}"),
        };
        if self.control { format!("Ctrl-{}", name.to_uppercase()) } else { name }
    }

    /// Whether a key event is this key.
    pub fn matches(self, event: &KeyEvent) -> bool {
        // Shift is part of the letter already. Alt is a key of its own: a terminal sends Esc and a letter that come in
        // one packet as Alt with the letter, and neither half may do what the letter alone does.
        let modifiers = event.modifiers.difference(KeyModifiers::SHIFT);
        let own = if self.control { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        self.code == event.code && modifiers == own
    }
}

/// The key of a character.
pub const fn letter(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), control: false }
}

/// A key without Control.
pub const fn plain(code: KeyCode) -> Key {
    Key { code, control: false }
}

/// A character with Control.
pub const fn control(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), control: true }
}

/// Arrow up.
pub const UP: Key = plain(KeyCode::Up);
/// Arrow down.
pub const DOWN: Key = plain(KeyCode::Down);
/// Arrow left.
pub const LEFT: Key = plain(KeyCode::Left);
/// Arrow right.
pub const RIGHT: Key = plain(KeyCode::Right);
/// Page up.
pub const PAGE_UP: Key = plain(KeyCode::PageUp);
/// Page down.
pub const PAGE_DOWN: Key = plain(KeyCode::PageDown);
/// Home.
pub const HOME: Key = plain(KeyCode::Home);
/// End.
pub const END: Key = plain(KeyCode::End);
/// Enter.
pub const ENTER: Key = plain(KeyCode::Enter);
/// Escape.
pub const ESC: Key = plain(KeyCode::Esc);
/// Tab.
pub const TAB: Key = plain(KeyCode::Tab);
/// Shift and Tab.
pub const BACK_TAB: Key = plain(KeyCode::BackTab);
/// Ctrl and C.
pub const BREAK: Key = control('c');
/// Ctrl and Z.
pub const SUSPEND: Key = control('z');
