//! A row of the table of keys.

use crate::tui::action::Action;
use crate::tui::keymap::key::Key;
use crate::tui::keymap::mode::Mode;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The mode in which it is valid.
    pub mode: Mode,
    /// Keys that do the same.
    pub keys: &'static [Key],
    /// The action of its keys.
    pub action: Action,
    /// One or two words for the bottom bar; neighbours with the same words share a place there, and without
    /// words a row has none.
    pub label: &'static str,
    /// A line for the help.
    pub help: &'static str,
}

/// A row.
pub const fn bind(
    mode: Mode,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { mode, keys, action, label, help }
}
