//! What a run does when it is commanded, between two steps.

use anyhow::Result;

use super::fit::Fit;
use super::inbox::Halt;
use super::meter::{Meter, Work};
use super::{Command, Event, Level, Phase};
use crate::runs::RunState;

impl Fit<'_> {
    /// Answers the commands that wait; while paused, waits for more. `Some` when the run shall end.
    pub(super) fn obey(&mut self, meter: &mut Meter) -> Result<Option<Halt>> {
        let mut paused_in = None;
        loop {
            let command = match paused_in {
                Some(_) => self.inbox.next(),
                None => match self.inbox.try_next() {
                    Some(command) => command,
                    None => return Ok(None),
                },
            };
            if let Some(halt) = Halt::asked_by(&command) {
                return Ok(Some(halt));
            }
            match command {
                Command::Pause if paused_in.is_none() => {
                    meter.lap(Work::Other);
                    let mut phase = Phase::Paused;
                    self.journal.progress(|progress| std::mem::swap(&mut progress.phase, &mut phase));
                    paused_in = Some(phase);
                    self.journal.state(RunState::Paused, self.step)?;
                    self.journal.event(Event::Paused { step: self.step })?;
                }
                Command::Resume => {
                    let Some(phase) = paused_in.take() else { continue };
                    meter.lap(Work::Paused);
                    self.journal.progress(|progress| progress.phase = phase);
                    self.journal.state(RunState::Running, self.step)?;
                    self.journal.event(Event::Resumed { step: self.step })?;
                }
                Command::Pause => {}
                Command::Checkpoint | Command::SetLearningRate { .. } if self.testing => {
                    self.journal.note(Level::Info, "learning is over and its weights are saved")?;
                }
                Command::Checkpoint => {
                    let epoch = self.journal.epochs_done();
                    self.checkpoint(epoch, false)?;
                }
                Command::SetLearningRate { lr } if lr.is_finite() && lr > 0.0 => {
                    let from = self.optimizer.lr();
                    self.optimizer.set_lr(lr);
                    self.journal.progress(|progress| progress.lr = lr);
                    self.journal.event(Event::LearningRate { from, to: lr, reason: "set by hand".into() })?;
                }
                Command::SetLearningRate { lr } => {
                    let text = format!("a learning rate must be above 0, not {lr}; it stays as it is");
                    self.journal.note(Level::Warning, text)?;
                }
                Command::Start { .. } => {
                    self.journal
                        .note(Level::Warning, "a run is on already; stop it before starting another")?;
                }
                // Answered above.
                Command::Stop | Command::Interrupt | Command::Shutdown => {}
            }
        }
    }

    /// Writes the weights as they are; `best` keeps them as the best ones too.
    pub(super) fn checkpoint(&self, epoch: usize, best: bool) -> Result<()> {
        let snapshot = self.network.state().snapshot()?;
        let folder = self.journal.folder();
        for path in [best.then(|| folder.best_weights()), Some(folder.last_weights())].into_iter().flatten() {
            snapshot.write(&path)?;
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.journal.event(Event::Checkpoint { file, epoch, step: self.step })?;
        }
        Ok(())
    }
}
