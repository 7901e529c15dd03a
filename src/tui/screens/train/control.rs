//! Commands to the trainer: start, resume, pause, another learning rate.

use crate::config::RunConfig;
use crate::runs::RunState;
use crate::train::{Command, Level, Phase, Progress};
use crate::tui::app::{App, Effect, Overlay};
use crate::tui::format::rate;
use crate::tui::screen::Screen;
use crate::tui::screens::train::action::TrainAction;
use crate::tui::screens::train::live::LiveRun;

impl App {
    /// Performs an action of the Train screen.
    pub(in crate::tui) fn perform_train(&mut self, action: TrainAction) -> Vec<Effect> {
        match action {
            TrainAction::Start => return self.start(),
            TrainAction::Resume => return self.resume_run(),
            TrainAction::FindRate => return self.find_rate(),
            TrainAction::Pause => return self.pause(),
            TrainAction::Stop => match self.running() {
                Some(run) if run.stopping => self.notify(Level::Info, "the run is already stopping"),
                Some(_) => self.overlay = Some(Overlay::AskStop),
                None => self.notify(Level::Info, "no run is active; s starts one"),
            },
            TrainAction::Checkpoint => {
                return self.send_command(Command::Checkpoint, "the checkpoint is written after this step");
            }
            TrainAction::RaiseRate => return self.scale_rate(2.0),
            TrainAction::LowerRate => return self.scale_rate(0.5),
            TrainAction::LogUp => self.log.scroll(3),
            TrainAction::LogDown => self.log.scroll(-3),
        }
        Vec::new()
    }

    /// Asks the trainer for a run, or to go on with one, or to try learning rates.
    pub fn request_start(&mut self, request: Command) -> Vec<Effect> {
        let (Command::Start { config, .. } | Command::FindLr { config }) = &request else {
            return vec![Effect::Send(request)];
        };
        for warning in config.warnings() {
            self.note(Level::Warning, &warning);
        }
        self.overlay = None;
        let mut effects = self.show(Screen::Train);
        effects.extend(self.begin(request));
        effects
    }

    /// Starts the trainer, whatever screen is shown.
    pub(in crate::tui) fn begin(&mut self, request: Command) -> Vec<Effect> {
        if let Command::Start { config, .. } | Command::FindLr { config } = &request {
            // From here on a run is active, before the trainer's first event.
            self.begin_run(config.data.source.clone());
        }
        if let (Command::FindLr { .. }, Some(run)) = (&request, &mut self.run) {
            run.searching = true;
        }
        // What waits in the queue has its turn when this has ended.
        self.runs.queue.going |= matches!(request, Command::Start { .. });
        vec![Effect::Send(request)]
    }

    pub(in crate::tui) fn start(&mut self) -> Vec<Effect> {
        if self.running().is_some_and(|run| !run.searching) && !self.trainer_gone {
            self.confirm_queue();
            return Vec::new();
        }
        match self.next_config() {
            Some(config) => self.request_start(Command::Start { config, resume: None }),
            None => Vec::new(),
        }
    }

    pub(in crate::tui) fn find_rate(&mut self) -> Vec<Effect> {
        match self.next_config() {
            Some(config) => self.request_start(Command::FindLr { config }),
            None => Vec::new(),
        }
    }

    /// Whether the trainer is free; shows why if not.
    pub(in crate::tui) fn is_free(&mut self) -> bool {
        if self.trainer_gone {
            self.notify(Level::Error, "the trainer is gone; leave with q and start the program again");
            return false;
        }
        match self.running() {
            Some(run) if run.searching => {
                self.notify(Level::Warning, "the learning-rate finder is active; x stops it");
            }
            Some(_) => self.notify(Level::Warning, "a run is active; x stops it, then s starts the next"),
            None => return true,
        }
        false
    }

    /// The settings of the next run, if it may start; shows why if not.
    pub(in crate::tui) fn next_config(&mut self) -> Option<Box<RunConfig>> {
        if !self.is_free() {
            return None;
        }
        self.form.end(true);
        let config = self.form.config().cloned().map(Box::new);
        if config.is_none() {
            let problem = self.form.problem().unwrap_or("a setting isn't allowed").to_owned();
            self.notify(Level::Error, problem);
            self.overlay = Some(Overlay::Form);
        }
        config
    }

    /// Goes on with the run on screen: on the runs screen the one under the cursor, else the last one.
    pub(in crate::tui) fn resume_run(&mut self) -> Vec<Effect> {
        if !self.is_free() {
            return Vec::new();
        }
        let found = if self.screen == Screen::Runs {
            let chosen = self.runs.chosen();
            chosen.map(|run| (run.path.clone(), run.state, run.config.clone()))
        } else {
            self.run.as_ref().and_then(|run| {
                let (info, ending) = (run.info.as_ref()?, run.ending.as_ref()?);
                Some((info.path.clone(), ending.state, Some(info.config.clone())))
            })
        };
        let refusal = match found {
            None if self.screen == Screen::Runs => "no run is chosen",
            None => "no run to resume is shown; select one on screen 6",
            Some((.., None)) => "the run's settings can't be read, so it can't be resumed",
            Some((_, state, _)) if state.is_live() => "another process is at this run",
            Some((_, RunState::Finished, _)) => {
                "the run is finished; `train --resume RUN --set optimizer.epochs=N` trains longer"
            }
            Some((path, _, Some(config))) => {
                return self.request_start(Command::Start { config: Box::new(config), resume: Some(path) });
            }
        };
        self.notify(Level::Info, refusal);
        Vec::new()
    }

    /// A new run takes the place of the last; nothing of that one shows through.
    pub(in crate::tui) fn begin_run(&mut self, source: String) {
        self.run = Some(LiveRun { source, ..LiveRun::default() });
        self.progress = Progress { phase: Phase::Loading, ..Progress::default() };
        self.pass = Phase::Loading;
        self.charts.cursor = None;
    }

    pub(in crate::tui) fn pause(&mut self) -> Vec<Effect> {
        let request = self.run.as_ref().and_then(|run| run.asked_pause);
        let pause = !request.unwrap_or(self.progress.phase == Phase::Paused);
        if let Some(run) = &mut self.run {
            run.asked_pause = Some(pause);
        }
        if pause {
            self.send_command(Command::Pause, "pausing after this step")
        } else {
            self.send_command(Command::Resume, "going on")
        }
    }

    /// Sends the trainer a command for the active run.
    pub(in crate::tui) fn send_command(&mut self, command: Command, answer: &str) -> Vec<Effect> {
        if self.running().is_none() {
            self.notify(Level::Info, "no run is active; s starts one");
            return Vec::new();
        }
        self.notify(Level::Info, answer);
        vec![Effect::Send(command)]
    }

    pub(in crate::tui) fn scale_rate(&mut self, factor: f64) -> Vec<Effect> {
        if let Some(run) = self.running() {
            // The trainer may not have confirmed the last request yet.
            let from = run.asked_lr.unwrap_or(self.progress.lr);
            if from <= 0.0 {
                self.notify(Level::Info, "the run has no learning rate yet; try again when it trains");
                return Vec::new();
            }
            let lr = tidy(from * factor);
            if let Some(run) = &mut self.run {
                run.asked_lr = Some(lr);
            }
            let answer = format!("learning rate {} → {} from the next step", rate(from), rate(lr));
            return self.send_command(Command::SetLearningRate { lr }, &answer);
        }
        self.set_next_rate(self.form.current().optimizer.lr * factor);
        Vec::new()
    }

    pub(in crate::tui) fn set_next_rate(&mut self, lr: f64) {
        let lr = tidy(lr);
        self.form.set("optimizer.lr", lr.to_string());
        match self.form.problem() {
            Some(problem) => self.notify(Level::Error, problem.to_owned()),
            None => self.notify(Level::Info, format!("the next run starts with learning rate {}", rate(lr))),
        }
    }
}

/// Six digits are enough for a rate, and prevent long tails after doubling and halving.
fn tidy(rate: f64) -> f64 {
    format!("{rate:.5e}").parse().unwrap_or(rate)
}
