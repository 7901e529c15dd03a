//! What the trainer's events do to the state.

use crate::runs::RunState;
use crate::train::{EpochReport, Event, Level, LrCurve, Phase};
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::format::{change, fixed, rate};
use crate::tui::overlays::rates::state::Rates;
use crate::tui::screen::Screen;
use crate::tui::screens::runs::state::Settled;
use crate::tui::screens::train::live::{Ending, LiveRun};

impl App {
    pub(in crate::tui) fn trainer(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Loading { source } => {
                self.note(Level::Info, &format!("reading {source}"));
                // The run that `start` created stays, with the requests since then.
                if self.running().is_none_or(|run| run.info.is_some()) {
                    self.begin_run(source);
                }
            }
            Event::Started(info) => {
                let sentence = format!(
                    "run {} started on {} with {} images",
                    info.id,
                    info.device,
                    crate::text::thousands(info.images[0] as u64)
                );
                self.note(Level::Info, &sentence);
                let run = self.run.get_or_insert_default();
                if !run.is_on() || run.info.is_some() {
                    *run = LiveRun::default();
                }
                run.source.clone_from(&info.config.data.source);
                let before = info.resumed_at.map(|_| Effect::ReadEpochs(info.path.clone()));
                run.info = Some(*info);
                let mut effects = self.list_if_shown();
                effects.extend(self.settle(Settled::Begun));
                effects.extend(before);
                return effects;
            }
            Event::Paused { step } => {
                self.pause_answered(true);
                self.note(Level::Info, &format!("paused at step {step}"));
            }
            Event::Resumed { step } => {
                self.pause_answered(false);
                self.note(Level::Info, &format!("went on at step {step}"));
            }
            Event::Epoch(report) => {
                self.epoch(&report);
                return self.list_if_shown();
            }
            Event::LearningRate { from, to, reason } => {
                self.note(Level::Info, &format!("learning rate {} → {}: {reason}", rate(from), rate(to)));
                if let Some(run) = &mut self.run {
                    run.rate_change = Some((from, to));
                    run.asked_lr = run.asked_lr.filter(|request| *request != to);
                }
            }
            Event::Checkpoint { file, epoch, step } => {
                // Each epoch ends with a checkpoint, which is not reported; others were requested.
                let info = self.run.as_ref().and_then(|run| run.info.as_ref());
                let at_epochs_end = info.is_some_and(|info| step == (epoch * info.steps_per_epoch) as u64);
                if file == "last.state" && !at_epochs_end {
                    self.note(
                        Level::Info,
                        &format!("checkpoint written in epoch {} at step {step}", epoch + 1),
                    );
                }
            }
            Event::Note { level, text } => {
                self.note(level, &text);
                if level != Level::Info {
                    self.notify(level, crate::text::one_line(&text, 300));
                }
            }
            Event::Evaluated { split, auroc_macro, auprc_macro, n_conditions } => {
                self.note(
                    Level::Info,
                    &format!(
                        "{split}: macro AUROC {}, macro AUPRC {} over {n_conditions} conditions",
                        fixed(auroc_macro, 4),
                        fixed(auprc_macro, 4),
                    ),
                );
                if let Some(run) = &mut self.run
                    && split == "test"
                {
                    run.tested = auroc_macro;
                }
            }
            Event::LrFound(curve) => {
                return self.rates_found(curve);
            }
            Event::Ended { id, state, reason, best } => {
                let reason = crate::text::one_line(&reason, 300);
                if self.run.as_ref().is_some_and(|run| run.searching) && state != RunState::Failed {
                    self.note(Level::Info, &format!("no learning rate was found: {reason}"));
                    self.run = None;
                    return self.after_the_end();
                }
                let name = id.map_or("the run".to_owned(), |id| format!("run {}", id.short()));
                let level = if state == RunState::Failed { Level::Error } else { Level::Info };
                let sentence = format!("{name} {state}: {reason}");
                self.note(level, &sentence);
                if state == RunState::Failed {
                    self.notify(level, sentence);
                }
                let run = self.run.get_or_insert_default();
                run.best = best.or(run.best.take());
                run.ending = Some(Ending { state, reason: reason.clone() });
                if matches!(state, RunState::Finished | RunState::Stopped) {
                    self.selected = run.info.as_ref().map(|info| info.path.clone());
                }
                let mut effects = self.after_the_end();
                if !matches!(effects[..], [Effect::Leave { .. }]) {
                    effects.extend(self.continue_queue(state, &reason));
                }
                return effects;
            }
        }
        Vec::new()
    }

    /// Shows what trying learning rates brought.
    fn rates_found(&mut self, curve: LrCurve) -> Vec<Effect> {
        let found = match curve.suggestion {
            Some(suggestion) => format!("{} is suggested", rate(suggestion)),
            None => "the loss never fell, so none is suggested".to_owned(),
        };
        self.note(Level::Info, &format!("learning-rate finder: {found}; {}", curve.reason));
        self.run = None;
        let effects = self.after_the_end();
        // A question on screen, or leaving, is older than this.
        if self.overlay.is_none() && !curve.rates.is_empty() {
            self.overlay = Some(Overlay::Rates);
        }
        self.rates = Some(Rates::new(curve));
        effects
    }

    pub(in crate::tui) fn trainer_is_gone(&mut self) -> Vec<Effect> {
        if self.trainer_gone {
            return Vec::new();
        }
        self.trainer_gone = true;
        let text = "the trainer ended unexpectedly; checkpoints are saved. Quit with q and start again";
        self.note(Level::Error, text);
        self.notify(Level::Error, text);
        if let Some(run) = self.run.as_mut().filter(|run| run.is_on()) {
            let reason = "the trainer ended unexpectedly".to_owned();
            run.ending = Some(Ending { state: RunState::Failed, reason });
        }
        self.after_the_end()
    }

    /// A run ended: continues what waits for that.
    fn after_the_end(&mut self) -> Vec<Effect> {
        self.progress.phase = Phase::Idle;
        match self.overlay {
            Some(Overlay::Saving) => return vec![Effect::Leave { at_once: false }],
            // The question has answered itself.
            Some(Overlay::AskStop | Overlay::AskLeave | Overlay::AskQueue) => self.overlay = None,
            _ => {}
        }
        self.list_if_shown()
    }

    /// The trainer paused or continued: that request is fulfilled, a later one still waits.
    fn pause_answered(&mut self, paused: bool) {
        if let Some(run) = &mut self.run {
            run.asked_pause = run.asked_pause.filter(|request| *request != paused);
        }
    }

    pub(in crate::tui) fn list_if_shown(&mut self) -> Vec<Effect> {
        if self.screen == Screen::Runs { self.list_runs() } else { Vec::new() }
    }

    fn epoch(&mut self, report: &EpochReport) {
        let record = &report.record;
        let run = self.run.get_or_insert_default();
        let before = run.epochs.last().and_then(|last| last.val_auroc_macro);
        let change = match (before, record.val_auroc_macro) {
            (Some(before), Some(now)) => format!(" ({})", change(now - before, 4)),
            _ => String::new(),
        };
        let outcome =
            if report.improved { "best so far".to_owned() } else { format!("wait {}", record.wait_count) };
        let line = format!(
            "epoch {} done: val AUROC {}{change}, {outcome}, {:.1} s",
            record.epoch,
            fixed(record.val_auroc_macro, 4),
            record.epoch_seconds,
        );
        run.push(report);
        self.note(Level::Info, &line);
    }
}
