//! What a run does when it is commanded, between two steps.

use anyhow::Result;

use super::fit::Fit;
use super::inbox::StopReason;
use super::meter::{Meter, Work};
use super::{Command, Event, Level, Phase};
use crate::runs::RunState;
use crate::text::rate;

impl Fit<'_> {
    /// Answers the commands that wait; while paused, waits for more. `Some` when the run shall end.
    pub(super) fn poll_commands(&mut self, meter: &mut Meter) -> Result<Option<StopReason>> {
        self.recorder.report_written(self.position.step)?;
        let mut paused_in = None;
        loop {
            let command = match paused_in {
                Some(_) => self.inbox.next(),
                None => match self.inbox.try_next() {
                    Some(command) => command,
                    None => return Ok(None),
                },
            };
            if let Some(stop) = StopReason::of_command(&command) {
                return Ok(Some(stop));
            }
            match command {
                Command::Pause if paused_in.is_none() => {
                    meter.lap(Work::Metrics);
                    // A user who pauses may want to look at the files: they are complete.
                    self.recorder.finish_writing(self.position.step)?;
                    let mut phase = Phase::Paused;
                    self.recorder
                        .journal
                        .progress(|progress| std::mem::swap(&mut progress.phase, &mut phase));
                    paused_in = Some(phase);
                    self.recorder.journal.state(RunState::Paused, self.position.step)?;
                    self.recorder.journal.event(Event::Paused { step: self.position.step })?;
                }
                Command::Resume => {
                    let Some(phase) = paused_in.take() else { continue };
                    meter.lap(Work::Paused);
                    self.recorder.journal.progress(|progress| progress.phase = phase);
                    self.recorder.journal.state(RunState::Running, self.position.step)?;
                    self.recorder.journal.event(Event::Resumed { step: self.position.step })?;
                }
                Command::Pause => {}
                Command::Checkpoint | Command::SetLearningRate { .. } if self.position.over.is_some() => {
                    self.recorder.journal.note(Level::Info, "learning is over and its weights are saved")?;
                }
                Command::Checkpoint => {
                    self.checkpoint()?;
                    if paused_in.is_some() {
                        // Training is paused, so waiting for the disk delays only this command.
                        self.recorder.finish_writing(self.position.step)?;
                    }
                    meter.lap(Work::Checkpoint);
                }
                Command::SetLearningRate { lr } if lr.is_finite() && lr > 0.0 => {
                    let step = self.position.step;
                    let from = self.position.rate.at(step);
                    self.position.rate.set_by_hand(lr, step);
                    self.recorder.journal.progress(|progress| progress.lr = lr);
                    self.recorder.journal.event(Event::LearningRate {
                        from,
                        to: lr,
                        reason: "set manually".into(),
                    })?;
                }
                Command::SetLearningRate { lr } => {
                    let text =
                        format!("a learning rate must be above 0, not {}; it stays as it is", rate(lr));
                    self.recorder.journal.note(Level::Warning, text)?;
                }
                Command::Start { .. } | Command::FindLr { .. } => {
                    self.recorder
                        .journal
                        .note(Level::Warning, "a run is active; stop it before starting another")?;
                }
                // Answered above.
                Command::Stop | Command::Interrupt | Command::Shutdown => {}
            }
        }
    }
}
