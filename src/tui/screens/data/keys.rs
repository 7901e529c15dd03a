//! Keys of the Data screen.

use crate::tui::action::Action;
use crate::tui::keymap::key::{DOWN, ESC, LEFT, RIGHT, UP, letter};
use crate::tui::keymap::{Binding, Mode, bind};
use crate::tui::screens::data::action::DataAction;

/// The rows.
#[rustfmt::skip]
pub const KEYS: &[Binding] = &[
    bind(Mode::Data, &[UP, letter('k')], Action::Up, "condition", "previous condition"),
    bind(Mode::Data, &[DOWN, letter('j')], Action::Down, "condition", "next condition"),
    bind(Mode::Data, &[LEFT, letter('h')], Action::Left, "image", "previous image with the condition"),
    bind(Mode::Data, &[RIGHT, letter('l')], Action::Right, "image", "next image with the condition"),
    bind(Mode::Data, &[letter('s')], Action::Split, "split", "train, val, test or all three"),
    bind(Mode::Data, &[letter('v')], Action::View, "view", "image, co-occurrence, data check, class counts"),
    bind(Mode::Data, &[letter('b')], Action::Boxes, "boxes", "show finding boxes, if the source has them"),
    bind(Mode::Data, &[letter('e')], Action::Edit, "settings", "settings of the next run"),
    bind(Mode::Data, &[letter('f')], Action::Data(DataAction::Fetch), "fetch", "download ChestMNIST, or cancel the download"),
    bind(Mode::Data, &[letter('r')], Action::Reload, "reload", "reload the data"),
    bind(Mode::Data, &[ESC], Action::Back, "", "cancel the reading of images"),
];
