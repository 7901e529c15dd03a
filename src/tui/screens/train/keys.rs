//! Keys of the Train screen.

use crate::tui::action::Action;
use crate::tui::keymap::key::{DOWN, ENTER, ESC, LEFT, PAGE_DOWN, PAGE_UP, RIGHT, UP, letter};
use crate::tui::keymap::{Binding, Mode, bind};
use crate::tui::screens::train::action::TrainAction;

/// The rows.
#[rustfmt::skip]
pub const KEYS: &[Binding] = &[
    bind(Mode::Train, &[letter('s')], Action::Train(TrainAction::Start), "start", "start a run, or queue it"),
    bind(Mode::Train, &[letter(' ')], Action::Train(TrainAction::Pause), "pause", "pause or resume the run"),
    bind(Mode::Train, &[letter('x')], Action::Train(TrainAction::Stop), "stop", "stop the run and save a checkpoint"),
    bind(Mode::Train, &[letter('e')], Action::Edit, "settings", "settings of the next run"),
    bind(Mode::Train, &[letter('c')], Action::Train(TrainAction::Checkpoint), "checkpoint", "save a checkpoint now"),
    bind(Mode::Train, &[letter('+'), letter('=')], Action::Train(TrainAction::RaiseRate), "rate", "double the learning rate"),
    bind(Mode::Train, &[letter('-')], Action::Train(TrainAction::LowerRate), "rate", "halve the learning rate"),
    bind(Mode::Train, &[letter('u')], Action::Train(TrainAction::Resume), "resume", "resume the run shown, from its checkpoint"),
    bind(Mode::Train, &[letter('f')], Action::Train(TrainAction::FindRate), "find rate", "learning-rate finder: 100 steps"),
    bind(Mode::Train, &[LEFT, letter('h')], Action::Left, "cursor", "cursor to the previous epoch"),
    bind(Mode::Train, &[RIGHT, letter('l')], Action::Right, "cursor", "cursor to the next epoch"),
    bind(Mode::Train, &[letter('y')], Action::LogScale, "log-Y", "logarithmic loss axis"),
    bind(Mode::Train, &[letter('w')], Action::Smooth, "smooth", "smoothing: off, .6, .9"),
    bind(Mode::Train, &[letter('z'), ENTER], Action::Zoom, "zoom", "enlarge the selected chart, or show all"),
    bind(Mode::Train, &[UP, letter('k')], Action::Up, "chart", "select the previous chart"),
    bind(Mode::Train, &[DOWN, letter('j')], Action::Down, "chart", "select the next chart"),
    bind(Mode::Train, &[PAGE_UP], Action::Train(TrainAction::LogUp), "", "older lines of the log"),
    bind(Mode::Train, &[PAGE_DOWN], Action::Train(TrainAction::LogDown), "", "newer lines of the log"),
    bind(Mode::Train, &[ESC], Action::Back, "", "clear cursor and zoom"),
];
