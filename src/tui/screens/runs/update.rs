//! The Runs screen: the list, marks, and the line being typed about a run.

use std::path::PathBuf;

use tui_input::Input;

use crate::evaluation::setting_differences;
use crate::runs::{Discarded, METRICS, Measure};
use crate::train::Level;
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::overlays::form::state::Form;
use crate::tui::screen::Screen;
use crate::tui::screens::evaluate::state::Loading;
use crate::tui::screens::runs::action::RunsAction;
use crate::tui::screens::runs::state::{
    Ask, Beside, Change, Details, Done, Epochs, Listed, RunsRequest, SideBySide, Typed,
};

/// A line's end of a note, in the one line in which it is typed.
const LINE_BREAK: &str = "⏎";

impl App {
    /// Asks for the list of runs; while one is being read, for another after it.
    pub(in crate::tui) fn list_runs(&mut self) -> Vec<Effect> {
        if self.runs.request {
            self.runs.again = true;
            return Vec::new();
        }
        self.runs.request = true;
        vec![Effect::Runs(RunsRequest::List)]
    }

    /// A second went by: the list follows what other processes do.
    pub(in crate::tui) fn follow_runs(&mut self) -> Vec<Effect> {
        if self.screen != Screen::Runs || self.runs.request { Vec::new() } else { self.list_runs() }
    }

    /// The list was read, or not.
    pub(in crate::tui) fn listed(&mut self, outcome: Result<Listed, String>) -> Vec<Effect> {
        let more = outcome.as_ref().is_ok_and(|listed| listed.more);
        self.runs.request = more;
        let mut effects = Vec::new();
        if !more && std::mem::take(&mut self.runs.again) {
            effects = self.list_runs();
        }
        match outcome {
            Ok(Listed { runs, waiting, unread, damaged, .. }) => {
                (self.runs.unread, self.runs.damaged) = (unread, damaged);
                let before = self.runs.chosen().map(|run| (run.path.clone(), run.status.clone()));
                if !self.runs.queue.told {
                    self.runs.queue.told = true;
                    self.report_queue(waiting.len());
                }
                self.runs.take(runs, waiting);
                let after = self.runs.chosen().map(|run| (run.path.clone(), run.status.clone()));
                effects.extend(self.read_chosen(before != after));
                effects.extend(self.follow_marks());
            }
            Err(reason) => self.runs.fail(reason),
        }
        effects
    }

    /// Runs queued on an earlier day start only on request.
    fn report_queue(&mut self, count: usize) {
        if count > 0 && self.running().is_none() {
            let runs = if count == 1 { "a run waits".to_owned() } else { format!("{count} runs wait") };
            self.notify(Level::Info, format!("{runs} in the queue; Q on screen 6 starts it"));
        }
    }

    /// Makes the run under the cursor the selected one, for all screens.
    pub(in crate::tui) fn select_chosen(&mut self) -> Vec<Effect> {
        if let Some(run) = self.runs.chosen() {
            self.selected = Some(run.path.clone());
        }
        self.read_chosen(false)
    }

    /// Runs that were deleted are no longer shown on any screen.
    fn deselect(&mut self, gone: &[Discarded]) {
        let is_gone = |path: &PathBuf| {
            gone.iter().any(|run| path.file_name().is_some_and(|name| name.to_str() == Some(run.id.as_str())))
        };
        self.selected.take_if(|path| is_gone(path));
        if self.evaluate.request.as_ref().and_then(|request| request.run.as_ref()).is_some_and(is_gone) {
            (self.evaluate.request, self.evaluate.shown) = (None, Loading::Idle);
        }
        if self.explain.request.as_ref().and_then(|request| request.run.as_ref()).is_some_and(is_gone) {
            (self.explain.request, self.explain.shown) = (None, Loading::Idle);
        }
    }

    /// Asks for the details of the run under the cursor unless they are here; `again`: read them anew.
    pub(in crate::tui) fn read_chosen(&mut self, again: bool) -> Vec<Effect> {
        let Some(path) = self.runs.chosen().map(|run| run.path.clone()) else { return Vec::new() };
        let same = self.runs.read.as_ref() == Some(&path);
        if same && !again {
            return Vec::new();
        }
        if !same {
            (self.runs.epochs, self.runs.bytes, self.runs.tested) = (Epochs::Unread, None, None);
        }
        self.runs.read = Some(path.clone());
        vec![Effect::Runs(RunsRequest::LookAt(path))]
    }

    /// The run under the cursor was looked at.
    pub(in crate::tui) fn looked(&mut self, path: &PathBuf, outcome: Result<Box<Details>, String>) {
        let epochs = outcome.as_ref().map(|details| details.epochs.clone()).map_err(Clone::clone);
        self.runs.marks.take(path, &epochs);
        if self.runs.read.as_ref() != Some(path) {
            return;
        }
        match outcome {
            Ok(details) => {
                (self.runs.bytes, self.runs.tested) = (Some(details.bytes), details.tested);
                self.runs.epochs = Epochs::Ready(details.epochs);
            }
            Err(reason) => self.runs.epochs = Epochs::Failed(reason),
        }
    }

    /// Handles the answer to a request that changes runs or the queue.
    pub(in crate::tui) fn runs_done(&mut self, outcome: Result<Box<Done>, String>) -> Vec<Effect> {
        let done = match outcome {
            Ok(done) => *done,
            Err(reason) => {
                self.notify(Level::Error, reason);
                return self.list_runs();
            }
        };
        match done {
            Done::Weighed(paths, bytes) => {
                if let Some((doomed, shown)) = &mut self.runs.doomed
                    && *doomed == paths
                {
                    *shown = Some(bytes);
                }
                return Vec::new();
            }
            Done::Taken(next) => {
                let mut effects = self.taken(next);
                effects.extend(self.list_if_shown());
                return effects;
            }
            Done::NotTaken { reason, again } => {
                self.not_taken(&reason, again);
                return Vec::new();
            }
            Done::Discarded(gone, bytes, refused) => {
                let sentence = match (gone.as_slice(), refused) {
                    (_, Some(reason)) => (Level::Error, reason),
                    ([one], None) => (
                        Level::Info,
                        format!(
                            "deleted {}; U puts it back, leaving frees {}",
                            one.id.short(),
                            crate::text::bytes(bytes)
                        ),
                    ),
                    (several, None) => (
                        Level::Info,
                        format!(
                            "deleted {} runs; U puts each back, leaving frees {}",
                            several.len(),
                            crate::text::bytes(bytes)
                        ),
                    ),
                };
                self.notify(sentence.0, sentence.1);
                self.deselect(&gone);
                self.runs.discarded.extend(gone);
            }
            Done::Restored(discarded) => {
                self.notify(Level::Info, format!("run {} is back", discarded.id.short()));
            }
            Done::NotRestored(discarded, reason) => {
                // A run that is no longer in the trash must not prevent earlier ones from being restored.
                if discarded.is_there() {
                    self.runs.discarded.push(discarded);
                }
                self.notify(Level::Error, reason);
            }
            Done::Exported(file) => {
                self.notify(
                    Level::Info,
                    format!("written: {}", crate::text::one_line(&file.display().to_string(), 300)),
                );
            }
            Done::Described | Done::Enqueued | Done::Dequeued | Done::Swapped | Done::Settled => {}
        }
        self.list_runs()
    }

    /// The actions of the list and of the marked runs.
    pub(in crate::tui) fn perform_runs(&mut self, action: RunsAction) -> Vec<Effect> {
        let mut effects = self.show(Screen::Runs);
        effects.extend(match action {
            RunsAction::Open => self.open_run(),
            RunsAction::Filter => {
                (self.runs.opened, self.runs.filtering, self.runs.marks.opened) = (false, true, false);
                Vec::new()
            }
            RunsAction::Mark => self.mark(),
            RunsAction::Compare => self.compare_marked(),
            RunsAction::Metric => {
                let metric = (self.runs.measure.metric + 1) % METRICS.len();
                self.runs.set_measure(Measure { metric, ..self.runs.measure });
                self.runs.marks.view.cursor = None;
                Vec::new()
            }
            RunsAction::Statistic => {
                let statistic = self.runs.measure.statistic.next();
                self.runs.set_measure(Measure { statistic, ..self.runs.measure });
                Vec::new()
            }
            RunsAction::Sort => self.sort_runs(self.runs.sort.next()),
            RunsAction::SortBy(by) => self.sort_runs(by),
            RunsAction::Reverse => self.sort_runs(self.runs.sort),
            RunsAction::Rename => self.type_about(Ask::Name),
            RunsAction::Tag => self.type_about(Ask::Tags),
            RunsAction::Note => self.type_about(Ask::Note),
            RunsAction::Delete => self.confirm_delete(),
            RunsAction::Undelete => self.undelete(),
            RunsAction::Folder => match self.runs.chosen() {
                Some(run) => vec![Effect::OpenFolder(run.path.clone())],
                None => self.nothing_chosen(),
            },
            RunsAction::Export => match self.runs.chosen() {
                Some(run) => vec![Effect::Runs(RunsRequest::Export(run.path.clone()))],
                None => self.nothing_chosen(),
            },
            RunsAction::Clone => self.clone_chosen(),
            RunsAction::Enqueue => self.enqueue_chosen(),
            RunsAction::StartQueue => self.start_queue(),
            RunsAction::Earlier => self.move_in_queue(-1),
            RunsAction::Later => self.move_in_queue(1),
            RunsAction::Other => {
                if let Beside::Ready(side) = &self.runs.marks.beside {
                    self.runs.marks.other = (self.runs.marks.other + 1) % side.against_first.len().max(1);
                }
                Vec::new()
            }
        });
        effects
    }

    /// Opens the run under the cursor.
    pub(in crate::tui) fn open_run(&mut self) -> Vec<Effect> {
        let mut effects = self.show(Screen::Runs);
        (self.runs.opened, self.runs.filtering) = (self.runs.chosen().is_some(), false);
        self.charts.clear();
        effects.extend(self.read_chosen(false));
        effects
    }

    /// A click on a row of the list: selects the run, and opens it when it was selected already.
    pub(in crate::tui) fn row_of_runs(&mut self, row: usize) -> Vec<Effect> {
        if self.runs.row == row {
            return self.open_run();
        }
        self.runs.row = row.min(self.runs.rows().saturating_sub(1));
        self.select_chosen()
    }

    pub(super) fn nothing_chosen(&mut self) -> Vec<Effect> {
        self.notify(Level::Info, "no run is chosen");
        Vec::new()
    }

    fn sort_runs(&mut self, by: crate::runs::SortBy) -> Vec<Effect> {
        self.runs.sort_by(by);
        self.read_chosen(false)
    }

    fn mark(&mut self) -> Vec<Effect> {
        let Some(path) = self.runs.chosen().map(|run| run.path.clone()) else { return self.nothing_chosen() };
        let Some(marked) = self.runs.marks.toggle(&path) else {
            self.notify(Level::Info, "eight runs are marked already; more colors can't be distinguished");
            return Vec::new();
        };
        self.marks_changed();
        let mut effects = self.go_runs(1);
        if marked {
            effects.push(self.read_marked(path));
        }
        effects
    }

    fn read_marked(&mut self, path: PathBuf) -> Effect {
        self.runs.marks.mark_requested(&path);
        Effect::ReadEpochs(path)
    }

    fn marks_changed(&mut self) {
        let marks = &self.runs.marks;
        let configs: Vec<_> = marks
            .all()
            .iter()
            .filter_map(|mark| {
                let run = self.runs.find(&mark.path)?;
                let mut config = run.config.clone()?;
                config.run.name = run.name().to_owned();
                Some(config)
            })
            .collect();
        let whole = configs.len() == marks.all().len();
        let settings = whole.then(|| setting_differences(&configs.iter().collect::<Vec<_>>()));
        let marks = &mut self.runs.marks;
        (marks.settings, marks.beside, marks.row, marks.other) = (settings, Beside::Idle, 0, 0);
        marks.opened &= !marks.all().is_empty();
    }

    /// The list has changed: marks of runs that are gone go, curves of live ones are read again.
    fn follow_marks(&mut self) -> Vec<Effect> {
        if self.runs.marks.all().is_empty() {
            return Vec::new();
        }
        let there: std::collections::HashSet<PathBuf> =
            self.runs.all().iter().map(|run| run.path.clone()).collect();
        if self.runs.marks.retain(|path| there.contains(path)) {
            self.marks_changed();
        }
        let live = |path: &PathBuf| self.runs.find(path).is_some_and(|run| run.state.is_live());
        let due: Vec<PathBuf> = self.runs.marks.not_requested().filter(|path| live(path)).collect();
        due.into_iter().map(|path| self.read_marked(path)).collect()
    }

    fn compare_marked(&mut self) -> Vec<Effect> {
        if self.runs.marks.all().is_empty() {
            self.notify(Level::Info, "no run is marked; space marks the one under the cursor");
            return Vec::new();
        }
        self.runs.marks.opened = true;
        (self.runs.opened, self.runs.marks.row) = (false, 0);
        if self.runs.marks.all().len() < 2
            || !matches!(self.runs.marks.beside, Beside::Idle | Beside::Failed(_))
        {
            return Vec::new();
        }
        self.runs.marks.beside = Beside::Busy;
        vec![Effect::Beside(self.runs.marks.paths())]
    }

    /// The marked runs were compared.
    pub(in crate::tui) fn set_beside(&mut self, paths: &[PathBuf], outcome: Result<Box<SideBySide>, String>) {
        if self.runs.marks.paths() == paths {
            self.runs.marks.beside = match outcome {
                Ok(side) => Beside::Ready(side),
                Err(reason) => Beside::Failed(reason),
            };
        }
    }

    /// Reads the marked runs again.
    pub(in crate::tui) fn reload_marked(&mut self) -> Vec<Effect> {
        self.runs.marks.beside = Beside::Idle;
        let paths = self.runs.marks.paths();
        let mut effects: Vec<Effect> = paths.into_iter().map(|path| self.read_marked(path)).collect();
        effects.extend(self.compare_marked());
        effects
    }

    fn type_about(&mut self, ask: Ask) -> Vec<Effect> {
        let Some(run) = self.runs.chosen() else { return self.nothing_chosen() };
        let line = match ask {
            Ask::Name => run.name().to_owned(),
            Ask::Tags => String::new(),
            Ask::Note => {
                let lines: Vec<String> =
                    run.about.note.lines().map(|line| crate::text::one_line(line, 10_000)).collect();
                lines.join(LINE_BREAK)
            }
        };
        let (run, offered) = (run.path.clone(), line.clone());
        self.runs.typed = Some(Typed { ask, run, offered, line: Input::new(line) });
        (self.runs.opened, self.runs.filtering) = (false, false);
        Vec::new()
    }

    /// Takes the line typed about a run.
    pub(in crate::tui) fn take_typed(&mut self) -> Vec<Effect> {
        let Some(Typed { ask, run, offered, line }) = self.runs.typed.take() else { return Vec::new() };
        if line.value() == offered {
            return Vec::new();
        }
        let text = line.value().trim().to_owned();
        let change = match ask {
            Ask::Name => Change::Name(text),
            Ask::Tags => Change::Tags(text),
            Ask::Note => Change::Note(text.replace(LINE_BREAK, "\n")),
        };
        vec![Effect::Runs(RunsRequest::Describe(run, change))]
    }

    fn clone_chosen(&mut self) -> Vec<Effect> {
        let waiting = || self.runs.chosen_waiting().and_then(|waiting| waiting.config.as_deref().ok());
        let config = self.runs.chosen().and_then(|run| run.config.as_ref()).or_else(waiting).cloned();
        match config {
            Some(config) => {
                self.form = Form::new(config);
                self.overlay = Some(Overlay::Form);
                self.notify(Level::Info, "the run's settings are the next run's now; change what you want");
            }
            None => self.notify(Level::Info, "there are no settings to take over"),
        }
        Vec::new()
    }

    pub(in crate::tui) fn go_runs(&mut self, by: isize) -> Vec<Effect> {
        self.runs.row = self.runs.row.saturating_add_signed(by).min(self.runs.rows().saturating_sub(1));
        self.select_chosen()
    }

    /// Esc on the list: the filter goes, then the marks.
    pub(in crate::tui) fn back_runs(&mut self) -> Vec<Effect> {
        if self.runs.filter().value().is_empty() {
            self.runs.marks.clear();
        } else {
            self.runs.set_filter(tui_input::Input::default());
        }
        self.read_chosen(false)
    }
}
