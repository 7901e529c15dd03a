//! The event loop: waits for the first event, handles all that have arrived, then draws once.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crossterm::event::EventStream;
use futures::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use crate::dataset::Cache;
use crate::train::{Command, Trainer};
use crate::tui::app::{App, Effect, Message};
use crate::tui::draw;
use crate::tui::graphics::{Gallery, GraphicsChoice, probe};
use crate::tui::jobs::Jobs;
use crate::tui::late_answers::LateAnswers;
use crate::tui::signals::Endings;
use crate::tui::terminal::Screen;

/// Least time between two frames after input.
const AFTER_INPUT: Duration = Duration::from_millis(12);

/// Least time between two frames after trainer events: ten a second are enough to read.
const AFTER_EVENT: Duration = Duration::from_millis(100);

/// Period of [`Message::Tick`].
const TICK: Duration = Duration::from_secs(1);

/// Limit of the wait for the terminal's answers about pictures.
const ANSWER: Duration = Duration::from_millis(400);

/// At the end, jobs that change files get this long: a model may be being written.
const FOR_WRITING: Duration = Duration::from_secs(20);

/// At the end, cancelled jobs get this long to notice it: one step inside libtorch.
const FOR_CANCELLED: Duration = Duration::from_secs(3);

/// At the end, a wait shorter than this is not shown.
const BEFORE_NOTICE: Duration = Duration::from_millis(100);

/// At the end, how often it is checked whether jobs have ended.
const LEAVE_TICK: Duration = Duration::from_millis(50);

/// Most messages handled before a frame is drawn, so that a flood of them can't stop the drawing.
const BURST: usize = 512;

/// Why the loop ended.
pub enum Ending {
    /// The user quit, and an active run is saved.
    Left,
    /// The user quit without waiting.
    AtOnce,
    /// A signal, or the terminal was closed.
    Signal,
}

/// What woke the loop.
enum Wake {
    Message(Message),
    /// Newer progress, read when a frame is drawn: one wake for each frame, not for each step.
    Progress,
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

/// Runs the workbench; `start` is the first command to the trainer.
///
/// # Errors
/// When the terminal can't be set up.
pub async fn run(
    app: &mut App,
    graphics: GraphicsChoice,
    start: Option<Command>,
    trainer: &mut Trainer,
    cache: &Cache,
) -> anyhow::Result<Ending> {
    let (sender, inbox) = unbounded_channel();
    let endings = Endings::watch()?;
    let mut screen = Screen::take(sender.clone())?;
    // Before anything is read, so that the user sees at once that the program runs.
    show(app, None, &mut screen)?;
    let mut effects = app.enter_screen();
    if let Some(request) = start {
        effects.extend(app.request_start(request));
    }
    let jobs = Jobs::new(app.runs_folder.clone(), cache.clone(), sender.clone());
    let outside = Outside { sender: sender.clone(), jobs };
    if let Some(ending) = outside.carry_out(effects, trainer) {
        return Ok(ending);
    }
    // The terminal is probed before the event stream reads from it, while data are being read.
    let (terminal, typed) = probe(graphics, app.ascii, ANSWER);
    let late = LateAnswers::new(!terminal.answered);
    screen.has_kitty_pictures(&terminal);
    let ready = sender.clone();
    let mut gallery = Gallery::new(terminal, move || {
        // The event loop may have ended already.
        let _ = ready.send(Message::Picture);
    })?;
    for event in typed {
        let _ = sender.send(Message::Input(event));
    }
    let input = EventStream::new();
    let mut sources =
        Sources { input: Some(input), endings, inbox, trainer, progress_waits: false, trainer_heard: true };
    let ending = go_round(app, &mut sources, &outside, &mut screen, &mut gallery, late).await;
    Ok(match ending {
        Ending::AtOnce => ending,
        Ending::Left | Ending::Signal => {
            leave(app, &mut sources, &outside.jobs, &mut screen, &mut gallery, ending).await
        }
    })
}

/// Handles events and draws, until the program ends.
async fn go_round(
    app: &mut App,
    sources: &mut Sources<'_>,
    outside: &Outside,
    screen: &mut Screen,
    gallery: &mut Gallery,
    mut late: LateAnswers,
) -> Ending {
    let mut dirty = Dirty::Input;
    let mut last_frame = Instant::now();
    let mut next_tick = None;
    loop {
        next_tick = app.wants_ticks().then(|| next_tick.unwrap_or_else(|| Instant::now() + TICK));
        let mut wake = sources.wait(dirty.due(last_frame), next_tick).await;
        if next_tick.is_some_and(|tick| tick <= Instant::now()) {
            next_tick = None;
        }
        for _ in 0..BURST {
            match wake {
                Wake::End(ending) => return ending,
                Wake::Nothing => break,
                Wake::Progress => dirty = dirty.max(Dirty::Event),
                Wake::Message(Message::Input(ref event)) if is_ignored(event) || late.swallows(event) => {}
                Wake::Message(message) => {
                    let from_person = matches!(message, Message::Input(_));
                    // Results that the user waits for are drawn as soon as the answer to a key.
                    let awaited = matches!(
                        message,
                        Message::Picture
                            | Message::Mapped(..)
                            | Message::Opened(..)
                            | Message::Looked(..)
                            | Message::Runs(..)
                            | Message::RunsDone(..)
                    );
                    if from_person {
                        // The meaning of a key can depend on the trainer's progress.
                        sources.read_progress(app);
                    }
                    let resized = matches!(message, Message::Input(crossterm::event::Event::Resize(..)));
                    let effects = app.update(message, jiff::Zoned::now());
                    let suspended = effects.contains(&Effect::Suspend);
                    if suspended && screen.suspend().is_err() {
                        return Ending::Signal;
                    }
                    if suspended || resized {
                        // A terminal forgets pictures with its alternate screen, and another font has other cells.
                        gallery.reset(suspended);
                    }
                    if let Some(ending) = outside.carry_out(effects, sources.trainer) {
                        return ending;
                    }
                    let soon = from_person || awaited;
                    dirty = dirty.max(if soon { Dirty::Input } else { Dirty::Event });
                }
            }
            wake = sources.next_ready().await;
        }
        if dirty.due(last_frame).is_some_and(|due| due <= Instant::now()) {
            sources.read_progress(app);
            // A terminal that can't be written to was closed.
            if show(app, Some(gallery), screen).is_err() {
                return Ending::Signal;
            }
            (dirty, last_frame) = (Dirty::No, Instant::now());
        }
    }
}

/// Cancels the jobs, and waits until they have ended: the screen names them. A second signal, Ctrl-C or `q` ends the
/// wait, as does the limit of time. `app.leaving` has the lanes that were still busy then.
async fn leave(
    app: &mut App,
    sources: &mut Sources<'_>,
    jobs: &Jobs,
    screen: &mut Screen,
    gallery: &mut Gallery,
    ending: Ending,
) -> Ending {
    jobs.leave();
    let began = Instant::now();
    if matches!(ending, Ending::Signal) {
        // Before the wait: the checkpoint is written meanwhile.
        sources.trainer.send(Command::Interrupt);
    }
    loop {
        let (busy, must_finish) = jobs.unfinished();
        let limit = if must_finish { FOR_WRITING } else { FOR_CANCELLED };
        let is_over = busy.is_empty() || began.elapsed() >= limit;
        app.leaving = Some(busy);
        if is_over {
            break;
        }
        if began.elapsed() >= BEFORE_NOTICE {
            // A terminal that has gone away shows nothing; the jobs end all the same.
            let _ = show(app, Some(gallery), screen);
        }
        let mut wake = sources.wait(Some(Instant::now() + LEAVE_TICK), None).await;
        for _ in 0..BURST {
            match wake {
                Wake::End(_) if sources.input.is_none() => {
                    // The terminal went away; signals still end the wait.
                    if sources.endings.arrived.try_recv().is_ok() {
                        return ending;
                    }
                }
                Wake::End(_) => return ending,
                Wake::Nothing => break,
                Wake::Message(Message::Input(event)) => {
                    if ends_the_wait(&event) {
                        return ending;
                    }
                }
                Wake::Message(message) => drop(app.update(message, jiff::Zoned::now())),
                Wake::Progress => {}
            }
            wake = sources.next_ready().await;
        }
    }
    // The last answers: what was deleted is freed after the end.
    while let Ok(message) = sources.inbox.try_recv() {
        app.update(message, jiff::Zoned::now());
    }
    ending
}

/// Whether a key means that the user doesn't want to wait.
fn ends_the_wait(event: &crossterm::event::Event) -> bool {
    use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};
    let Event::Key(key) = event else { return false };
    key.kind != KeyEventKind::Release
        && match key.code {
            KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
            KeyCode::Char('q') => true,
            _ => false,
        }
}

impl Dirty {
    /// When the next frame may be drawn, if there is one to draw.
    fn due(self, last_frame: Instant) -> Option<Instant> {
        match self {
            Self::No => None,
            Self::Event => Some(last_frame + AFTER_EVENT),
            Self::Input => Some(last_frame + AFTER_INPUT),
        }
    }
}

fn show(app: &mut App, gallery: Option<&mut Gallery>, screen: &mut Screen) -> std::io::Result<()> {
    let mut hits = Vec::new();
    screen.draw(|frame| {
        let (clicks, wanted) = draw::draw(app, gallery.as_deref(), frame.buffer_mut());
        hits = clicks;
        if let Some(gallery) = gallery {
            gallery.place(&wanted, frame.buffer_mut());
        }
    })?;
    app.hits = hits;
    Ok(())
}

/// Everything that can wake the loop.
struct Sources<'a> {
    /// `None` once the terminal has gone away.
    input: Option<EventStream>,
    endings: Endings,
    inbox: UnboundedReceiver<Message>,
    trainer: &'a mut Trainer,
    /// Newer progress has not been read yet.
    progress_waits: bool,
    /// The trainer's events haven't ended.
    trainer_heard: bool,
}

impl Sources<'_> {
    /// Waits for the first event, the next frame or the next tick.
    async fn wait(&mut self, due: Option<Instant>, tick: Option<Instant>) -> Wake {
        let later = || Instant::now() + Duration::from_secs(3600);
        tokio::select! {
            biased;
            signal = self.endings.arrived.recv() => match signal {
                Some(_) => Wake::End(Ending::Signal),
                None => Wake::Nothing,
            },
            event = next_event(&mut self.input) => self.heard_input(event),
            () = sleep_until(due.unwrap_or_else(later)), if due.is_some() => Wake::Nothing,
            event = self.trainer.events.recv(), if self.trainer_heard => self.heard(event),
            // The loop has a sender, so this channel never ends.
            message = self.inbox.recv() => message.map_or(Wake::Nothing, Wake::Message),
            changed = self.trainer.progress.changed(), if self.trainer_heard && !self.progress_waits => {
                // When this channel ends, so do the events: it must not wake the loop again.
                self.progress_waits = true;
                if changed.is_ok() { Wake::Progress } else { Wake::Nothing }
            }
            () = sleep_until(tick.unwrap_or_else(later)), if tick.is_some() => Wake::Message(Message::Tick),
        }
    }

    /// An event that has arrived, without waiting.
    async fn next_ready(&mut self) -> Wake {
        // Polled with the task's own waker: the stream remembers the first waker it is polled with.
        if let Some(input) = &mut self.input
            && let Poll::Ready(event) = poll_fn(|task| Poll::Ready(input.poll_next_unpin(task))).await
        {
            return self.heard_input(event);
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

    fn heard_input(&mut self, event: Option<std::io::Result<crossterm::event::Event>>) -> Wake {
        match event {
            Some(Ok(event)) => Wake::Message(Message::Input(event)),
            // The terminal has gone away: the same as a hang-up.
            Some(Err(_)) | None => {
                self.input = None;
                Wake::End(Ending::Signal)
            }
        }
    }

    fn heard(&mut self, event: Option<crate::train::Event>) -> Wake {
        self.trainer_heard = event.is_some();
        Wake::Message(event.map_or(Message::TrainerGone, Message::Trainer))
    }

    /// Updates the state by the trainer's latest progress.
    fn read_progress(&mut self, app: &mut App) {
        // Once the trainer has ended there is no newer progress, and the flag stays set so that it is not polled again.
        let newer = self.trainer.progress.has_changed();
        // `changed` cleared the flag of the channel where it woke the loop.
        if matches!(newer, Ok(true)) || (self.progress_waits && newer.is_ok()) {
            self.progress_waits = false;
            let progress = self.trainer.progress.borrow_and_update().clone();
            app.update(Message::Progress(progress), jiff::Zoned::now());
        }
    }
}

/// The next event of the terminal; waits for ever once that has gone away.
async fn next_event(input: &mut Option<EventStream>) -> Option<std::io::Result<crossterm::event::Event>> {
    match input {
        Some(input) => input.next().await,
        None => std::future::pending().await,
    }
}

/// Whether an event changes nothing on the screen: a mouse movement, the release of a button or key.
fn is_ignored(event: &crossterm::event::Event) -> bool {
    use crossterm::event::{Event, KeyEventKind, MouseEventKind};
    match event {
        Event::Mouse(mouse) => {
            matches!(mouse.kind, MouseEventKind::Moved | MouseEventKind::Drag(_) | MouseEventKind::Up(_))
        }
        Event::Key(key) => key.kind == KeyEventKind::Release,
        _ => false,
    }
}

/// Performs effects.
struct Outside {
    sender: UnboundedSender<Message>,
    jobs: Jobs,
}

impl Outside {
    /// Performs effects; returns the ending when one of them ends the program.
    fn carry_out(&self, effects: Vec<Effect>, trainer: &Trainer) -> Option<Ending> {
        for effect in effects {
            match effect {
                Effect::Send(command) => trainer.send(command),
                Effect::Leave { at_once: true } => return Some(Ending::AtOnce),
                Effect::Leave { at_once: false } => return Some(Ending::Left),
                // The loop does it, which has the screen.
                Effect::Suspend => {}
                Effect::Cancel(lane) => self.jobs.cancel(lane),
                Effect::OpenFolder(path) => {
                    let (level, text) = crate::tui::desktop::show_folder(&path);
                    // The event loop may have ended already.
                    let _ = self.sender.send(Message::Told(level, text));
                }
                job => drop(self.jobs.start(job)),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

    use super::is_ignored;

    #[test]
    fn a_mouse_that_moves_asks_for_no_frame_and_one_that_clicks_does() {
        let mouse =
            |kind| Event::Mouse(MouseEvent { kind, column: 1, row: 1, modifiers: KeyModifiers::NONE });
        assert!(is_ignored(&mouse(MouseEventKind::Moved)));
        assert!(is_ignored(&mouse(MouseEventKind::Up(MouseButton::Left))));
        assert!(!is_ignored(&mouse(MouseEventKind::Down(MouseButton::Left))));
        assert!(!is_ignored(&mouse(MouseEventKind::ScrollUp)));
        assert!(!is_ignored(&Event::Resize(80, 24)));
    }
}
