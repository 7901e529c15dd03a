//! Deleting runs and removing what waits in the queue: both ask first; deleted runs can be restored until the program ends.

use crate::train::Level;
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::screens::runs::state::RunsRequest;

impl App {
    pub(super) fn confirm_delete(&mut self) -> Vec<Effect> {
        if let Some(waiting) = self.runs.chosen_waiting().cloned() {
            (self.runs.doomed, self.runs.doomed_waiting) = (None, Some(Box::new(waiting)));
            self.overlay = Some(Overlay::AskDelete);
            return Vec::new();
        }
        self.runs.doomed_waiting = None;
        let marked = self.runs.marks.paths();
        let doomed = match (marked.is_empty(), self.runs.chosen()) {
            (false, _) => marked,
            (true, Some(run)) => vec![run.path.clone()],
            (true, None) => return self.nothing_chosen(),
        };
        let live = doomed.iter().filter_map(|path| self.runs.find(path)).find(|run| run.state.is_live());
        if let Some(id) = live.map(|run| run.id.short().to_owned()) {
            self.notify(Level::Warning, format!("run {id} is active; stop it before it is deleted"));
            return Vec::new();
        }
        self.runs.doomed = Some((doomed.clone(), None));
        self.overlay = Some(Overlay::AskDelete);
        vec![Effect::Runs(RunsRequest::Weigh(doomed))]
    }

    /// Deletes what the question named.
    pub(in crate::tui) fn delete_doomed(&mut self) -> Vec<Effect> {
        self.overlay = None;
        if let Some(waiting) = self.runs.doomed_waiting.take() {
            self.notify(Level::Info, "removed from the queue");
            return vec![Effect::Runs(RunsRequest::Dequeue(waiting))];
        }
        match self.runs.doomed.take() {
            Some((paths, _)) => vec![Effect::Runs(RunsRequest::Discard(paths))],
            None => Vec::new(),
        }
    }

    pub(super) fn undelete(&mut self) -> Vec<Effect> {
        // Whatever comes before the answer, leaving too, it isn't deleted any more.
        match self.runs.discarded.pop() {
            Some(discarded) => vec![Effect::Runs(RunsRequest::Restore(discarded))],
            None => {
                self.notify(Level::Info, "nothing was deleted since the program began");
                Vec::new()
            }
        }
    }
}
