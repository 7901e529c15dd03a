//! Keys of the Evaluate screen.

use crate::tui::action::Action;
use crate::tui::keymap::key::{DOWN, END, ENTER, ESC, HOME, LEFT, PAGE_DOWN, PAGE_UP, RIGHT, UP, letter};
use crate::tui::keymap::{Binding, Mode, bind};
use crate::tui::screens::evaluate::action::EvaluateAction;
use crate::tui::screens::explain::action::ExplainAction;

/// The rows.
#[rustfmt::skip]
pub const KEYS: &[Binding] = &[
    bind(Mode::Evaluate, &[UP, letter('k')], Action::Up, "condition", "previous condition"),
    bind(Mode::Evaluate, &[DOWN, letter('j')], Action::Down, "condition", "next condition"),
    bind(Mode::Evaluate, &[LEFT, letter('h')], Action::Left, "threshold", "threshold down one step"),
    bind(Mode::Evaluate, &[RIGHT, letter('l')], Action::Right, "threshold", "threshold up one step"),
    bind(Mode::Evaluate, &[letter(','), PAGE_DOWN], Action::Evaluate(EvaluateAction::LowerFar), "", "threshold down ten steps"),
    bind(Mode::Evaluate, &[letter('.'), PAGE_UP], Action::Evaluate(EvaluateAction::RaiseFar), "", "threshold up ten steps"),
    bind(Mode::Evaluate, &[ENTER, letter('f')], Action::Evaluate(EvaluateAction::Images), "images", "list the images of the selected cell"),
    bind(Mode::Evaluate, &[letter('d')], Action::Evaluate(EvaluateAction::Cell), "cell", "select a cell: FN, FP, TP, TN"),
    bind(Mode::Evaluate, &[letter('m')], Action::Evaluate(EvaluateAction::Preset), "preset", "preset: max F1, Youden, sensitivity, .5"),
    bind(Mode::Evaluate, &[letter('=')], Action::Evaluate(EvaluateAction::TypeThreshold), "enter", "enter a threshold"),
    bind(Mode::Evaluate, &[letter('a')], Action::Evaluate(EvaluateAction::OneOrAll), "one/all", "apply threshold keys to one condition or all"),
    bind(Mode::Evaluate, &[letter('w')], Action::Evaluate(EvaluateAction::SaveThresholds), "save", "save the thresholds; figures and report follow"),
    bind(Mode::Evaluate, &[letter('v')], Action::View, "view", "one condition, all matrices, calibration, comparison"),
    bind(Mode::Evaluate, &[letter('o')], Action::Evaluate(EvaluateAction::Order), "order", "sort by AUROC, support or name"),
    bind(Mode::Evaluate, &[letter('s')], Action::Split, "split", "test, val or train"),
    bind(Mode::Evaluate, &[letter('c')], Action::Evaluate(EvaluateAction::Compare), "compare", "compare with the next run on these images"),
    bind(Mode::Evaluate, &[letter('[')], Action::PreviousRun, "", "previous evaluated run"),
    bind(Mode::Evaluate, &[letter(']')], Action::NextRun, "run", "next run"),
    bind(Mode::Evaluate, &[letter('p')], Action::Evaluate(EvaluateAction::Predict), "", "predict with the run's best weights"),
    bind(Mode::Evaluate, &[letter('r')], Action::Reload, "", "reload; unsaved thresholds are lost"),
    bind(Mode::Evaluate, &[HOME, letter('g')], Action::First, "", "first condition"),
    bind(Mode::Evaluate, &[END, letter('G')], Action::Last, "", "normal detection"),
    bind(Mode::Evaluate, &[ESC], Action::Back, "", "back to the saved thresholds"),

    bind(Mode::Images, &[UP, letter('k'), LEFT, letter('h')], Action::Up, "image", "previous image"),
    bind(Mode::Images, &[DOWN, letter('j'), RIGHT, letter('l')], Action::Down, "image", "next image"),
    bind(Mode::Images, &[PAGE_UP], Action::PageUp, "", "ten images up"),
    bind(Mode::Images, &[PAGE_DOWN], Action::PageDown, "", "ten images down"),
    bind(Mode::Images, &[HOME, letter('g')], Action::First, "", "image farthest from the threshold"),
    bind(Mode::Images, &[END, letter('G')], Action::Last, "", "image nearest to the threshold"),
    bind(Mode::Images, &[letter('d')], Action::Evaluate(EvaluateAction::Cell), "cell", "images of the next cell"),
    bind(Mode::Images, &[letter('x')], Action::Explain(ExplainAction::Explain), "explain", "explain this image"),
    bind(Mode::Images, &[ESC, letter('b'), ENTER], Action::Back, "back", "back to the matrix"),
];
