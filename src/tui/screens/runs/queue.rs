//! Runs that wait for their turn, and when the next one gets it.

use crate::config::RunConfig;
use crate::runs::RunState;
use crate::train::{Command, Level};
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::screens::runs::state::{RunsRequest, Settled};

/// Seconds until a queue that couldn't be read is read again.
const AGAIN: u32 = 30;

impl App {
    /// While a run is active, asks whether to queue the next one.
    pub(in crate::tui) fn confirm_queue(&mut self) {
        self.form.end(true);
        match self.form.problem().map(str::to_owned) {
            Some(problem) => {
                self.notify(Level::Error, problem);
                self.overlay = Some(Overlay::Form);
            }
            None => self.overlay = Some(Overlay::AskQueue),
        }
    }

    /// Puts the run of the form into the queue.
    pub(in crate::tui) fn queue_next(&mut self) -> Vec<Effect> {
        self.overlay = None;
        let Some(config) = self.form.config().cloned() else { return Vec::new() };
        self.runs.queue.going = true;
        self.notify(Level::Info, "queued; it starts when the active run ends");
        vec![Effect::Runs(RunsRequest::Enqueue(Box::new(config)))]
    }

    /// Puts a run with the settings under the cursor into the queue.
    pub(in crate::tui) fn enqueue_chosen(&mut self) -> Vec<Effect> {
        let found = self.runs.chosen().map(|run| run.config.clone());
        let waiting = self.runs.chosen_waiting().map(|waiting| waiting.config.as_deref().ok().cloned());
        let config: Option<RunConfig> = match found.or(waiting) {
            None => {
                self.notify(Level::Info, "no run is chosen");
                return Vec::new();
            }
            Some(config) => config,
        };
        let Some(config) = config else {
            self.notify(Level::Warning, "the run's settings can't be read, so it can't be run once more");
            return Vec::new();
        };
        let sentence = match self.running() {
            Some(_) if self.runs.queue.going => "queued; it begins when those before it have ended",
            _ => "queued; Q starts the queue",
        };
        self.notify(Level::Info, sentence);
        vec![Effect::Runs(RunsRequest::Enqueue(Box::new(config)))]
    }

    /// Starts the queue, now or when the active run ends.
    pub(in crate::tui) fn start_queue(&mut self) -> Vec<Effect> {
        if self.running().is_some_and(|run| run.searching) {
            self.is_free();
            return Vec::new();
        }
        self.runs.queue.going = true;
        if self.running().is_some() {
            self.notify(Level::Info, "the queue continues when this run ends");
            return Vec::new();
        }
        if !self.is_free() {
            return Vec::new();
        }
        self.runs.queue.by_hand = true;
        vec![Effect::Runs(RunsRequest::TakeNext { anew: true })]
    }

    /// Moves the run under the cursor in the queue.
    pub(in crate::tui) fn move_in_queue(&mut self, by: isize) -> Vec<Effect> {
        let waiting = self.runs.waiting();
        let pair = waiting
            .get(self.runs.row)
            .zip(self.runs.row.checked_add_signed(by).and_then(|row| waiting.get(row)));
        let Some((a, b)) = pair.map(|(a, b)| (a.clone(), b.clone())) else {
            self.notify(Level::Info, "only what waits in the queue can be moved, within it");
            return Vec::new();
        };
        // The cursor goes with what it moves; the list comes with the new order.
        self.runs.row = self.runs.row.saturating_add_signed(by);
        vec![Effect::Runs(RunsRequest::Swap(Box::new([a, b])))]
    }

    /// The next of the queue was taken, or nothing waits.
    pub(in crate::tui) fn taken(&mut self, next: Option<Box<RunConfig>>) -> Vec<Effect> {
        let by_hand = std::mem::take(&mut self.runs.queue.by_hand);
        let Some(config) = next else {
            if by_hand {
                self.notify(Level::Info, "nothing that could start waits in the queue; a puts a run there");
            }
            return Vec::new();
        };
        // The user may have started another run meanwhile; the queue continues at its end.
        if self.running().is_some() || self.trainer_gone || matches!(self.overlay, Some(Overlay::Saving)) {
            return vec![Effect::Runs(RunsRequest::Settle(Settled::PutBack))];
        }
        self.runs.queue.taken = true;
        let name = crate::text::one_line(&config.run.name, 40);
        let name = if name.is_empty() { config.model.arch.to_string() } else { name };
        self.note(Level::Info, &format!("from the queue: {name}"));
        self.begin(Command::Start { config, resume: None })
    }

    /// None of the queue could be taken.
    pub(in crate::tui) fn not_taken(&mut self, reason: &str, again: bool) {
        self.runs.queue.by_hand = false;
        self.note(Level::Warning, reason);
        self.notify(Level::Warning, reason.to_owned());
        self.runs.queue.going &= again;
        self.runs.queue.again_in = again.then_some(AGAIN);
    }

    /// A second went by: a queue that couldn't be read may be readable now.
    pub(in crate::tui) fn try_queue_again(&mut self) -> Vec<Effect> {
        let Some(left) = self.runs.queue.again_in else { return Vec::new() };
        self.runs.queue.again_in = left.checked_sub(1);
        if left > 0 || !self.runs.queue.going || self.running().is_some() {
            return Vec::new();
        }
        vec![Effect::Runs(RunsRequest::TakeNext { anew: false })]
    }

    /// What was taken for the run has left the queue, or waits in it again.
    pub(in crate::tui) fn settle(&mut self, how: Settled) -> Option<Effect> {
        std::mem::take(&mut self.runs.queue.taken).then_some(Effect::Runs(RunsRequest::Settle(how)))
    }

    /// A run ended in `state`: the next one starts, unless the user stopped it.
    pub(in crate::tui) fn continue_queue(&mut self, state: RunState, reason: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        match state {
            RunState::Finished | RunState::Failed => {
                // A run that couldn't start is skipped until the user retries it.
                effects.extend(self.settle(Settled::Failed(reason.to_owned())));
                if self.runs.queue.going {
                    effects.push(Effect::Runs(RunsRequest::TakeNext { anew: false }));
                }
            }
            _ => {
                effects.extend(self.settle(Settled::PutBack));
                let waits = !effects.is_empty() || !self.runs.queue.waiting.is_empty();
                if std::mem::take(&mut self.runs.queue.going) {
                    effects.push(Effect::Runs(RunsRequest::LeaveQueue));
                }
                if waits {
                    self.notify(
                        Level::Warning,
                        "what waits in the queue stays there; Q on screen 6 starts it",
                    );
                }
            }
        }
        effects
    }
}
