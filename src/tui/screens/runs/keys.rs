//! Keys of the Runs screen: the list, a run opened from it, marked runs compared.

use crate::tui::action::Action;
use crate::tui::keymap::key::{DOWN, END, ENTER, ESC, HOME, LEFT, PAGE_DOWN, PAGE_UP, RIGHT, UP, letter};
use crate::tui::keymap::{Binding, Mode, bind};
use crate::tui::screens::evaluate::action::EvaluateAction;
use crate::tui::screens::explain::action::ExplainAction;
use crate::tui::screens::runs::action::RunsAction;
use crate::tui::screens::train::action::TrainAction;

/// The rows.
#[rustfmt::skip]
pub const KEYS: &[Binding] = &[
    bind(Mode::Runs, &[UP, letter('k')], Action::Up, "run", "previous run"),
    bind(Mode::Runs, &[DOWN, letter('j')], Action::Down, "run", "next run"),
    bind(Mode::Runs, &[PAGE_UP], Action::PageUp, "", "ten runs up"),
    bind(Mode::Runs, &[PAGE_DOWN], Action::PageDown, "", "ten runs down"),
    bind(Mode::Runs, &[HOME, letter('g')], Action::First, "", "first row"),
    bind(Mode::Runs, &[END, letter('G')], Action::Last, "", "last row"),
    bind(Mode::Runs, &[ENTER], Action::Runs(RunsAction::Open), "open", "open the run's curves"),
    bind(Mode::Runs, &[letter(' ')], Action::Runs(RunsAction::Mark), "mark", "mark or unmark the run, eight at most"),
    bind(Mode::Runs, &[letter('c')], Action::Runs(RunsAction::Compare), "compare", "compare the marked runs"),
    bind(Mode::Runs, &[letter('/')], Action::Runs(RunsAction::Filter), "filter", "filter: words, tag:x, state:x, lr>1e-4"),
    bind(Mode::Runs, &[letter('m')], Action::Runs(RunsAction::Metric), "metric", "next metric column"),
    bind(Mode::Runs, &[letter('M')], Action::Runs(RunsAction::Statistic), "", "metric at best, last, min, max"),
    bind(Mode::Runs, &[letter('o')], Action::Runs(RunsAction::Sort), "sort", "sort by the next column"),
    bind(Mode::Runs, &[letter('O')], Action::Runs(RunsAction::Reverse), "", "reverse the order"),
    bind(Mode::Runs, &[letter('v')], Action::Evaluate(EvaluateAction::EvaluateRun), "evaluate", "evaluate the run"),
    bind(Mode::Runs, &[letter('x')], Action::Explain(ExplainAction::Explain), "explain", "explain the run's predictions"),
    bind(Mode::Runs, &[letter('u')], Action::Train(TrainAction::Resume), "resume", "resume the run from its last checkpoint"),
    bind(Mode::Runs, &[letter('e')], Action::Runs(RunsAction::Clone), "clone", "copy the run's settings to the form"),
    bind(Mode::Runs, &[letter('a')], Action::Runs(RunsAction::Enqueue), "queue", "queue a run with the same settings"),
    bind(Mode::Runs, &[letter('Q')], Action::Runs(RunsAction::StartQueue), "", "start the queue"),
    bind(Mode::Runs, &[letter('K')], Action::Runs(RunsAction::Earlier), "", "move up in the queue"),
    bind(Mode::Runs, &[letter('J')], Action::Runs(RunsAction::Later), "", "move down in the queue"),
    bind(Mode::Runs, &[letter('n')], Action::Runs(RunsAction::Rename), "name", "rename the run"),
    bind(Mode::Runs, &[letter('#')], Action::Runs(RunsAction::Tag), "tags", "edit tags: +paper adds, -paper removes"),
    bind(Mode::Runs, &[letter('i')], Action::Runs(RunsAction::Note), "note", "edit the run's note"),
    bind(Mode::Runs, &[letter('d')], Action::Runs(RunsAction::Delete), "delete", "delete the runs, or remove from queue"),
    bind(Mode::Runs, &[letter('U')], Action::Runs(RunsAction::Undelete), "", "restore the run deleted last"),
    bind(Mode::Runs, &[letter('f')], Action::Runs(RunsAction::Folder), "folder", "open the run's folder, or copy its path"),
    bind(Mode::Runs, &[letter('E')], Action::Runs(RunsAction::Export), "", "export the best weights: ONNX, MLflow model"),
    bind(Mode::Runs, &[letter('r')], Action::Reload, "", "reload the list"),
    bind(Mode::Runs, &[ESC], Action::Back, "", "clear the filter, then the marks"),

    bind(Mode::Opened, &[ESC, letter('b')], Action::Back, "back", "clear cursor and zoom; back to the list"),
    bind(Mode::Opened, &[letter('u')], Action::Train(TrainAction::Resume), "resume", "resume the run from its last checkpoint"),
    bind(Mode::Opened, &[LEFT, letter('h')], Action::Left, "cursor", "cursor to the previous epoch"),
    bind(Mode::Opened, &[RIGHT, letter('l')], Action::Right, "cursor", "cursor to the next epoch"),
    bind(Mode::Opened, &[letter('y')], Action::LogScale, "log-Y", "logarithmic loss axis"),
    bind(Mode::Opened, &[letter('w')], Action::Smooth, "smooth", "smoothing: off, .6, .9"),
    bind(Mode::Opened, &[letter('z'), ENTER], Action::Zoom, "zoom", "enlarge the selected chart, or show all"),
    bind(Mode::Opened, &[UP, letter('k')], Action::Up, "chart", "select the previous chart"),
    bind(Mode::Opened, &[DOWN, letter('j')], Action::Down, "chart", "select the next chart"),
    bind(Mode::Opened, &[letter('r')], Action::Reload, "reload", "reload the run"),

    bind(Mode::Compared, &[ESC, letter('b')], Action::Back, "back", "clear cursor and zoom; back to the list"),
    bind(Mode::Compared, &[letter('v')], Action::View, "view", "curves, settings or conditions"),
    bind(Mode::Compared, &[letter('m')], Action::Runs(RunsAction::Metric), "metric", "next metric"),
    bind(Mode::Compared, &[LEFT, letter('h')], Action::Left, "cursor", "cursor to the previous epoch"),
    bind(Mode::Compared, &[RIGHT, letter('l')], Action::Right, "cursor", "cursor to the next epoch"),
    bind(Mode::Compared, &[letter('z'), ENTER], Action::Zoom, "zoom", "enlarge the curves, or show all"),
    bind(Mode::Compared, &[letter('y')], Action::LogScale, "log-Y", "logarithmic axis"),
    bind(Mode::Compared, &[letter('w')], Action::Smooth, "smooth", "smoothing: off, .6, .9"),
    bind(Mode::Compared, &[letter('n')], Action::Runs(RunsAction::Other), "next run", "next run to compare with the first"),
    bind(Mode::Compared, &[UP, letter('k')], Action::Up, "scroll", "scroll up"),
    bind(Mode::Compared, &[DOWN, letter('j')], Action::Down, "scroll", "scroll down"),
    bind(Mode::Compared, &[letter('r')], Action::Reload, "", "reload the runs"),
];
