//! Keys of the overlays.

use crossterm::event::KeyCode;

use crate::tui::action::Action;
use crate::tui::keymap::key::{
    BACK_TAB, BREAK, DOWN, END, ENTER, ESC, HOME, LEFT, PAGE_DOWN, PAGE_UP, RIGHT, TAB, UP, control, letter,
    plain,
};
use crate::tui::keymap::{Binding, Mode, bind};
use crate::tui::screens::train::action::TrainAction;

/// The rows.
#[rustfmt::skip]
pub const KEYS: &[Binding] = &[
    // Printable keys edit the selected setting, so no letter is bound here.
    bind(Mode::Form, &[control('s')], Action::Train(TrainAction::Start), "start", "start a run with these settings"),
    bind(Mode::Form, &[UP, BACK_TAB], Action::Up, "setting", "previous setting"),
    bind(Mode::Form, &[DOWN, TAB], Action::Down, "setting", "next setting"),
    bind(Mode::Form, &[LEFT], Action::Left, "change", "previous value"),
    bind(Mode::Form, &[RIGHT], Action::Right, "change", "next value"),
    bind(Mode::Form, &[ENTER], Action::Accept, "edit", "edit the value; on [start]: start"),
    bind(Mode::Form, &[control('r'), plain(KeyCode::Delete)], Action::Reset, "default", "reset the setting to its default"),
    bind(Mode::Form, &[PAGE_UP], Action::PageUp, "", "ten settings up"),
    bind(Mode::Form, &[PAGE_DOWN], Action::PageDown, "", "ten settings down"),
    bind(Mode::Form, &[HOME], Action::First, "", "first setting"),
    bind(Mode::Form, &[END], Action::Last, "", "to [start]"),
    bind(Mode::Form, &[ESC], Action::Back, "close", "close and keep the changes"),
    bind(Mode::Form, &[BREAK], Action::Break, "", "quit"),

    bind(Mode::Typing, &[ENTER], Action::Accept, "accept", "accept"),
    bind(Mode::Typing, &[ESC], Action::Back, "cancel", "cancel"),
    bind(Mode::Typing, &[UP], Action::Up, "choose", "previous choice"),
    bind(Mode::Typing, &[DOWN, TAB], Action::Down, "choose", "next choice"),
    bind(Mode::Typing, &[BREAK], Action::Break, "", "quit"),

    bind(Mode::Help, &[UP, letter('k')], Action::Up, "scroll", "scroll up"),
    bind(Mode::Help, &[DOWN, letter('j')], Action::Down, "scroll", "scroll down"),
    bind(Mode::Help, &[PAGE_UP], Action::PageUp, "", "scroll up by ten"),
    bind(Mode::Help, &[PAGE_DOWN, letter(' ')], Action::PageDown, "", "scroll down by ten"),
    bind(Mode::Help, &[ESC, letter('?'), letter('q'), ENTER], Action::Back, "close", "close the help"),
    bind(Mode::Help, &[BREAK], Action::Break, "", "quit"),

    bind(Mode::Question, &[ENTER, letter('y'), letter('s')], Action::Accept, "yes", "yes"),
    bind(Mode::Question, &[ESC, letter('n'), letter('q')], Action::Back, "no", "no"),
    bind(Mode::Question, &[BREAK], Action::Back, "", "no"),

    bind(Mode::Rates, &[ENTER], Action::Accept, "accept", "use the rate under the cursor"),
    bind(Mode::Rates, &[LEFT, letter('h')], Action::Left, "rate", "previous rate"),
    bind(Mode::Rates, &[RIGHT, letter('l')], Action::Right, "rate", "next rate"),
    bind(Mode::Rates, &[HOME], Action::First, "", "lowest rate"),
    bind(Mode::Rates, &[END], Action::Last, "", "highest rate"),
    bind(Mode::Rates, &[ESC, letter('q')], Action::Back, "close", "close without a change"),
    bind(Mode::Rates, &[BREAK], Action::Break, "", "quit"),

    bind(Mode::Saving, &[BREAK], Action::LeaveNow, "quit now", "quit now; the run counts as interrupted"),
];
