//! Keys of the Augment screen.

use crate::tui::action::Action;
use crate::tui::keymap::key::{DOWN, END, HOME, LEFT, PAGE_DOWN, PAGE_UP, RIGHT, UP, letter};
use crate::tui::keymap::{Binding, Mode, bind};
use crate::tui::screens::augment::action::AugmentAction;

/// The rows.
#[rustfmt::skip]
pub const KEYS: &[Binding] = &[
    bind(Mode::Augment, &[UP, letter('k')], Action::Up, "setting", "previous setting"),
    bind(Mode::Augment, &[DOWN, letter('j')], Action::Down, "setting", "next setting"),
    bind(Mode::Augment, &[LEFT, letter('h')], Action::Left, "change", "decrease; the preset becomes custom"),
    bind(Mode::Augment, &[RIGHT, letter('l')], Action::Right, "change", "increase"),
    bind(Mode::Augment, &[letter(' ')], Action::Augment(AugmentAction::Switch), "on/off", "switch the transform on or off"),
    bind(Mode::Augment, &[letter('p')], Action::Augment(AugmentAction::NextPreset), "preset", "chest, predecessor, none, custom"),
    bind(Mode::Augment, &[letter('r')], Action::Augment(AugmentAction::Resample), "resample", "sample with another seed"),
    bind(Mode::Augment, &[letter('.')], Action::Augment(AugmentAction::NextEpoch), "epoch", "next epoch"),
    bind(Mode::Augment, &[letter(',')], Action::Augment(AugmentAction::PreviousEpoch), "epoch", "previous epoch"),
    bind(Mode::Augment, &[letter('n')], Action::NextImage, "image", "next image"),
    bind(Mode::Augment, &[letter('N')], Action::PreviousImage, "image", "previous image"),
    bind(Mode::Augment, &[letter('u')], Action::Augment(AugmentAction::LockSeed), "", "use the next run's seed"),
    bind(Mode::Augment, &[letter('o')], Action::Augment(AugmentAction::Alone), "alone", "show only the selected transform"),
    bind(Mode::Augment, &[letter('b')], Action::Boxes, "boxes", "show finding boxes, if the source has them"),
    bind(Mode::Augment, &[letter('d')], Action::Reset, "default", "reset the setting to its default"),
    bind(Mode::Augment, &[letter('s')], Action::Split, "split", "train, val or test"),
    bind(Mode::Augment, &[letter('e')], Action::Edit, "", "all settings of the next run"),
    bind(Mode::Augment, &[PAGE_UP], Action::PageUp, "", "ten settings up"),
    bind(Mode::Augment, &[PAGE_DOWN], Action::PageDown, "", "ten settings down"),
    bind(Mode::Augment, &[HOME, letter('g')], Action::First, "", "first setting"),
    bind(Mode::Augment, &[END, letter('G')], Action::Last, "", "last setting"),
];
