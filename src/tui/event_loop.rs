//! The loop: waits for whatever comes first, takes everything that has come, then draws once.

use std::time::Duration;

use crossterm::event::EventStream;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::app::{App, Effect, Message};
use super::background::{self, Endings};
use super::terminal::Screen;
use super::{action::Action, draw};
use crate::dataset::Cache;
use crate::train::Trainer;

/// Least time between frames that a person's keys ask for.
const AFTER_INPUT: Duration = Duration::from_millis(12);

/// Least time between frames that the trainer asks for: ten a second are as good as any to a reader.
const AFTER_EVENT: Duration = Duration::from_millis(100);

/// What can come at most in one go before a frame is drawn, so that a flood can't stop the drawing.
const BURST: usize = 512;

/// Why the loop ended.
pub enum Ending {
    /// A person left, and a run that was on is saved.
    Left,
    /// A person left without waiting.
    AtOnce,
    /// A signal, or the terminal went away.
    Signal,
}

/// What woke the loop.
enum Wake {
    Message(Message),
    Nothing,
    End(Ending),
}

/// Whether and when a frame is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dirty {
    No,
    Event,
    Input,
}

/// Runs the workbench; `start` starts a run first.
///
/// # Errors
/// When the terminal fails.
pub async fn run(
    app: &mut App,
    start: bool,
    trainer: &mut Trainer,
    cache: &Cache,
) -> anyhow::Result<Ending> {
    let (sender, inbox) = unbounded_channel();
    let endings = Endings::watch()?;
    let mut screen = Screen::take(sender.clone())?;
    let input = EventStream::new();
    // Before anything is read, so that a person sees at once that the program is there.
    show(app, &mut screen)?;
    let mut effects = app.enter_screen();
    if start {
        effects.extend(app.perform(Action::Start));
    }
    let mut sources = Sources { input, endings, inbox, trainer, pending_progress: false, trainer_heard: true };
    let mut outside = Outside { sender, cache };
    let mut dirty = Dirty::Input;
    let mut last_frame = Instant::now();
    if let Some(ending) = outside.carry_out(effects, app, sources.trainer) {
        return Ok(ending);
    }
    loop {
        let due = match dirty {
            Dirty::No => None,
            Dirty::Event => Some(last_frame + AFTER_EVENT),
            Dirty::Input => Some(last_frame + AFTER_INPUT),
        };
        let tick = app.wants_ticks().then(|| Instant::now() + Duration::from_secs(1));
        let mut wake = sources.wait(due, tick).await;
        for _ in 0..BURST {
            match wake {
                Wake::End(ending) => return Ok(ending),
                Wake::Nothing => break,
                Wake::Message(message) => {
                    let from_person = matches!(message, Message::Input(_));
                    let effects = app.update(message, jiff::Zoned::now());
                    if let Some(ending) = outside.carry_out(effects, app, sources.trainer) {
                        return Ok(ending);
                    }
                    dirty = dirty.max(if from_person { Dirty::Input } else { Dirty::Event });
                }
            }
            wake = sources.next_ready();
        }
        let due = match dirty {
            Dirty::No => continue,
            Dirty::Event => last_frame + AFTER_EVENT,
            Dirty::Input => last_frame + AFTER_INPUT,
        };
        if Instant::now() >= due {
            if sources.pending_progress {
                sources.pending_progress = false;
                let progress = sources.trainer.progress.borrow_and_update().clone();
                app.update(Message::Progress(progress), jiff::Zoned::now());
            }
            show(app, &mut screen)?;
            (dirty, last_frame) = (Dirty::No, Instant::now());
        } else if sources.pending_progress {
            dirty = dirty.max(Dirty::Event);
        }
    }
}

fn show(app: &mut App, screen: &mut Screen) -> std::io::Result<()> {
    let mut hits = Vec::new();
    screen.draw(|frame| hits = draw::draw(app, frame.buffer_mut()))?;
    app.hits = hits;
    Ok(())
}

/// Everything that can wake the loop.
struct Sources<'a> {
    input: EventStream,
    endings: Endings,
    inbox: UnboundedReceiver<Message>,
    trainer: &'a mut Trainer,
    /// Newer progress is there, and is read when a frame is drawn: one wake a frame, not one a step.
    pending_progress: bool,
    /// The trainer's events haven't ended.
    trainer_heard: bool,
}

impl Sources<'_> {
    /// Waits for the first thing to come, for the next frame or for the next second.
    async fn wait(&mut self, due: Option<Instant>, tick: Option<Instant>) -> Wake {
        let later = || Instant::now() + Duration::from_secs(3600);
        tokio::select! {
            biased;
            signal = self.endings.arrived.recv() => match signal {
                Some(_) => Wake::End(Ending::Signal),
                None => Wake::Nothing,
            },
            event = self.input.next() => input(event),
            () = sleep_until(due.unwrap_or_else(later)), if due.is_some() => Wake::Nothing,
            event = self.trainer.events.recv(), if self.trainer_heard => self.heard(event),
            // The loop holds a sender, so this channel never ends.
            message = self.inbox.recv() => message.map_or(Wake::Nothing, Wake::Message),
            changed = self.trainer.progress.changed(), if self.trainer_heard && !self.pending_progress => {
                self.pending_progress = changed.is_ok();
                // An end of this channel is told by the events' end as well.
                if changed.is_err() { tokio::task::yield_now().await; }
                self.progress()
            }
            () = sleep_until(tick.unwrap_or_else(later)), if tick.is_some() => Wake::Message(Message::Tick),
        }
    }

    /// What has come already, without waiting.
    fn next_ready(&mut self) -> Wake {
        if let Some(event) = self.input.next().now_or_never() {
            return input(event);
        }
        if self.trainer_heard {
            match self.trainer.events.try_recv() {
                Ok(event) => return Wake::Message(Message::Trainer(event)),
                Err(tokio::sync::mpsc::error::TryRecvError::Disconnected) => return self.heard(None),
                Err(tokio::sync::mpsc::error::TryRecvError::Empty) => {}
            }
        }
        self.inbox.try_recv().map_or(Wake::Nothing, Wake::Message)
    }

    fn heard(&mut self, event: Option<crate::train::Event>) -> Wake {
        self.trainer_heard = event.is_some();
        Wake::Message(event.map_or(Message::TrainerGone, Message::Trainer))
    }

    /// Progress marks the frame as due without being read yet; a copy of the last value does that.
    fn progress(&mut self) -> Wake {
        Wake::Message(Message::Progress(self.trainer.progress.borrow().clone()))
    }
}

fn input(event: Option<std::io::Result<crossterm::event::Event>>) -> Wake {
    match event {
        Some(Ok(event)) => Wake::Message(Message::Input(event)),
        // The terminal is gone: as good as a hang-up.
        Some(Err(_)) | None => Wake::End(Ending::Signal),
    }
}

/// What effects need.
struct Outside<'a> {
    sender: UnboundedSender<Message>,
    cache: &'a Cache,
}

impl Outside<'_> {
    /// Carries effects out; an ending when one of them is to leave.
    fn carry_out(&mut self, effects: Vec<Effect>, app: &App, trainer: &Trainer) -> Option<Ending> {
        for effect in effects {
            match effect {
                Effect::Send(command) => trainer.send(command),
                Effect::Leave { at_once: true } => return Some(Ending::AtOnce),
                Effect::Leave { at_once: false } => return Some(Ending::Left),
                reading => background::spawn(reading, &app.runs_folder, self.cache, &self.sender),
            }
        }
        None
    }
}
