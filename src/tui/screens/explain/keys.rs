//! Keys of the Explain screen.

use crate::dataset::part::GroupBy;
use crate::tui::action::Action;
use crate::tui::keymap::key::{DOWN, END, ESC, HOME, LEFT, PAGE_DOWN, PAGE_UP, RIGHT, UP, letter};
use crate::tui::keymap::{Binding, Mode, bind};
use crate::tui::screens::explain::action::ExplainAction;

/// The rows.
#[rustfmt::skip]
pub const KEYS: &[Binding] = &[
    bind(Mode::Explain, &[UP], Action::Up, "image", "previous image; zoomed in: pan up"),
    bind(Mode::Explain, &[DOWN], Action::Down, "image", "next image; zoomed in: pan down"),
    bind(Mode::Explain, &[letter('c')], Action::Explain(ExplainAction::NextClass), "condition", "next condition"),
    bind(Mode::Explain, &[letter('C')], Action::Explain(ExplainAction::PreviousClass), "", "previous condition"),
    bind(Mode::Explain, &[letter('m')], Action::Explain(ExplainAction::Method), "method", "next attribution method"),
    bind(Mode::Explain, &[letter('M')], Action::Explain(ExplainAction::PreviousMethod), "", "previous method"),
    bind(Mode::Explain, &[letter('v')], Action::View, "view", "overlay, side by side, map, image"),
    bind(Mode::Explain, &[letter('f')], Action::Explain(ExplainAction::Outcome), "filter", "all, labelled, predicted positive, TP, FN, FP"),
    bind(Mode::Explain, &[letter('/')], Action::Explain(ExplainAction::Search), "search", "find an image or a patient"),
    bind(Mode::Explain, &[letter('z')], Action::Explain(ExplainAction::Magnify), "zoom", "zoom 2 to 8 times; arrows pan"),
    bind(Mode::Explain, &[letter('o')], Action::Explain(ExplainAction::Opacity), "opacity", "opacity of the map"),
    bind(Mode::Explain, &[letter('k')], Action::Explain(ExplainAction::Colours), "colours", "colour map"),
    bind(Mode::Explain, &[letter('b')], Action::Boxes, "boxes", "show finding boxes, if the source has them"),
    bind(Mode::Explain, &[letter('l')], Action::Explain(ExplainAction::Layer), "layer", "previous layer for CAM methods"),
    bind(Mode::Explain, &[LEFT], Action::Left, "", "previous image; zoomed in: pan left"),
    bind(Mode::Explain, &[RIGHT], Action::Right, "", "next image; zoomed in: pan right"),
    bind(Mode::Explain, &[letter('n')], Action::NextImage, "", "next image, also when zoomed in"),
    bind(Mode::Explain, &[letter('N')], Action::PreviousImage, "", "previous image, also when zoomed in"),
    bind(Mode::Explain, &[letter('+'), letter('=')], Action::Explain(ExplainAction::RaiseContrast), "", "more contrast"),
    bind(Mode::Explain, &[letter('-')], Action::Explain(ExplainAction::LowerContrast), "", "less contrast"),
    bind(Mode::Explain, &[letter('p')], Action::Explain(ExplainAction::SamePatient), "", "only this patient's images, or all"),
    bind(Mode::Explain, &[letter('w')], Action::Explain(ExplainAction::Group(GroupBy::View)), "view/sex/age", "filter by view"),
    bind(Mode::Explain, &[letter('x')], Action::Explain(ExplainAction::Group(GroupBy::Sex)), "view/sex/age", "filter by sex"),
    bind(Mode::Explain, &[letter('a')], Action::Explain(ExplainAction::Group(GroupBy::Age)), "view/sex/age", "filter by age group"),
    bind(Mode::Explain, &[letter('s')], Action::Split, "split", "test, val or train"),
    bind(Mode::Explain, &[letter('[')], Action::PreviousRun, "", "previous run with weights"),
    bind(Mode::Explain, &[letter(']')], Action::NextRun, "run", "next run"),
    bind(Mode::Explain, &[letter('r')], Action::Reload, "", "reload the run and its latest weights"),
    bind(Mode::Explain, &[PAGE_UP], Action::PageUp, "", "ten images up"),
    bind(Mode::Explain, &[PAGE_DOWN], Action::PageDown, "", "ten images down"),
    bind(Mode::Explain, &[HOME, letter('g')], Action::First, "", "first image"),
    bind(Mode::Explain, &[END, letter('G')], Action::Last, "", "last image"),
    bind(Mode::Explain, &[ESC], Action::Back, "", "reset zoom, then filters"),
];
