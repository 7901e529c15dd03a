//! How messages change the state, and which effects follow.

mod actions;
mod input;
mod overlays;

use crate::train::{Level, Phase};
use crate::tui::app::{App, Effect, Message, Overlay};
use crate::tui::keymap::Mode;
use crate::tui::screens::data::state::{Found, Loading};

impl App {
    /// The mode of the keyboard.
    pub fn mode(&self) -> Mode {
        match &self.overlay {
            Some(Overlay::Form) if self.form.typing.is_some() => Mode::Typing,
            Some(Overlay::Form) => Mode::Form,
            Some(Overlay::Help(_)) => Mode::Help,
            Some(Overlay::Palette { .. }) => Mode::Typing,
            Some(Overlay::AskStop | Overlay::AskLeave | Overlay::AskQueue | Overlay::AskDelete) => {
                Mode::Question
            }
            Some(Overlay::Saving) => Mode::Saving,
            Some(Overlay::Rates) => Mode::Rates,
            None => self.screen.view().mode(self),
        }
    }

    /// Handles a message; `now` is the time of its arrival.
    pub fn update(&mut self, message: Message, now: jiff::Zoned) -> Vec<Effect> {
        self.now = now;
        // By any message, not by ticks alone: while others arrive all the time, no tick does.
        if self.notice.as_ref().is_some_and(|notice| notice.until <= self.now.timestamp()) {
            self.notice = None;
        }
        match message {
            Message::Input(event) => self.input(&event),
            Message::Trainer(event) => self.trainer(event),
            Message::Progress(progress) => {
                if progress.phase != Phase::Paused {
                    self.pass = progress.phase;
                }
                // An idle trainer has no progress; that of the last run stays on the screen.
                if progress.phase == Phase::Idle && progress.step == 0 {
                    self.progress.phase = Phase::Idle;
                } else {
                    self.progress = progress;
                }
                Vec::new()
            }
            Message::TrainerGone => self.trainer_is_gone(),
            Message::Data(section, outcome) => {
                // The answer to an older request is ignored.
                if self.data.section.as_ref() == Some(&*section) {
                    (self.data.progress, self.data.report) = (None, Found::Unasked);
                    self.data.loading = match outcome {
                        Ok(view) => Loading::Ready(view.into()),
                        Err(reason) => Loading::Failed(reason),
                    };
                    (self.data.row, self.data.image) = (0, 0);
                }
                self.check_data()
            }
            Message::Reading(section, progress) => {
                if self.data.section.as_ref() == Some(&*section) {
                    self.data.progress = Some(progress);
                }
                Vec::new()
            }
            Message::Checked(digest, outcome) => {
                if self.data.view().is_some_and(|view| view.dataset.digest() == digest) {
                    self.data.report = match outcome {
                        Ok(report) => Found::Ready(report),
                        Err(reason) => {
                            self.notify(Level::Warning, format!("the data could not be checked: {reason}"));
                            Found::Unasked
                        }
                    };
                }
                Vec::new()
            }
            Message::Fetching(done, total) => {
                if let Some(fetching) = &mut self.data.fetching {
                    (fetching.done, fetching.total) = (done, total);
                }
                Vec::new()
            }
            Message::Fetched(outcome) => self.fetched(outcome),
            Message::Runs(outcome) => self.listed(outcome),
            Message::Looked(path, outcome) => {
                self.looked(&path, outcome);
                Vec::new()
            }
            Message::RunsDone(outcome) => self.runs_done(outcome),
            Message::Beside(paths, outcome) => {
                self.set_beside(&paths, outcome);
                Vec::new()
            }
            Message::Told(level, text) => {
                self.notify(level, text);
                Vec::new()
            }
            Message::Epochs(path, outcome) => {
                if let (Some(run), Ok(epochs)) = (&mut self.run, &outcome) {
                    run.take_earlier(&path, epochs);
                }
                self.runs.marks.take(&path, &outcome);
                Vec::new()
            }
            Message::Evaluated(request, outcome) => {
                self.evaluation_ready(request, outcome);
                Vec::new()
            }
            Message::Kept(run, outcome) => self.kept(&run, outcome),
            Message::Compared(other, outcome) => {
                self.compared(&other, outcome);
                Vec::new()
            }
            Message::Images(run, outcome) => {
                self.images_read(&run, outcome);
                Vec::new()
            }
            Message::Broken(text) => {
                self.note(Level::Error, &text);
                self.notify(Level::Error, text);
                Vec::new()
            }
            Message::Opened(request, outcome) => self.opened(&request, outcome),
            Message::Mapped(key, outcome) => {
                self.mapped(key, outcome);
                Vec::new()
            }
            Message::Passed(key) => self.passed(key),
            Message::AllPredicted(number, probabilities) => {
                self.all_seen(number, probabilities);
                Vec::new()
            }
            Message::Tick => {
                let mut effects = self.try_queue_again();
                effects.extend(self.follow_runs());
                effects
            }
            Message::Evaluating(progress) => {
                self.evaluate.progress = Some(progress);
                Vec::new()
            }
            Message::Picture | Message::LaneIdle => Vec::new(),
        }
    }

    /// Effects of showing the current screen.
    pub fn enter_screen(&mut self) -> Vec<Effect> {
        self.screen.view().enter(self)
    }

    /// Loads the data of the next run unless they are loaded or being loaded.
    pub(in crate::tui) fn load_data(&mut self, again: bool) -> Vec<Effect> {
        let section = self.form.current().data.clone();
        if !again && self.data.section.as_ref() == Some(&section) {
            return Vec::new();
        }
        self.data.section = Some(section.clone());
        self.data.loading = Loading::Busy(self.now.timestamp());
        (self.data.progress, self.data.report) = (None, Found::Unasked);
        vec![Effect::LoadData(Box::new(section))]
    }
}

#[cfg(test)]
mod tests;
