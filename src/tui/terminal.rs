//! The terminal's state: set up at the start, restored on every way out.

use std::io::{self, BufWriter, Stdout, Write};
use std::mem::ManuallyDrop;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::ThreadId;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::mpsc::UnboundedSender;

use crate::panics;
use crate::tui::app::Message;
use crate::tui::{fatal, graphics, stderr};

/// A frame is written at once: a terminal on a slow line never shows a part of it.
const FRAME_BYTES: usize = 64 * 1024;

/// Enables clicks and the wheel with wide coordinates (xterm's modes 1000 and 1006). Crossterm's own command
/// enables every movement as well (1003), which nothing here uses.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";

/// Disables them.
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// What a fatal signal writes: ends a synchronized frame and kitty's pictures, turns bracketed paste and the mouse off,
/// leaves the alternate screen, resets colours, and shows the cursor.
const RESTORE: &[u8] =
    b"\x1b[?2026l\x1b_Ga=d,d=A,q=2\x1b\\\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?1049l\x1b[0m\x1b[?25h\r\n";

/// Index into [`DELETE_PICTURES`]: none, directly, through tmux.
static KITTY_PICTURES: AtomicU8 = AtomicU8::new(0);

/// Deletes all pictures of this screen and their data, which kitty would keep until it needs the memory.
const DELETE_PICTURES: [&str; 3] =
    ["", "\x1b_Ga=d,d=A,q=2\x1b\\", "\x1bPtmux;\x1b\x1b_Ga=d,d=A,q=2\x1b\x1b\\\x1b\\"];

/// Whether the workbench has the terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

type Hook = Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The terminal while the workbench has it; restored on drop.
pub struct Screen {
    /// Never dropped: its drop writes to standard error when the terminal was closed, and panics when that is closed
    /// as well. [`give_back`] restores everything.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    previous_hook: Hook,
}

impl Screen {
    /// Sets the terminal up: raw mode, alternate screen, mouse, bracketed paste. A panic of this thread restores it
    /// before the report; one of another thread is sent to `messages` instead of being written over the screen.
    /// Panics that are caught and returned as errors are not reported.
    ///
    /// # Errors
    /// When the terminal can't be set up.
    pub fn take(messages: UnboundedSender<Message>) -> io::Result<Self> {
        let previous_hook: Hook = Arc::from(std::panic::take_hook());
        install_hook(previous_hook.clone(), messages, std::thread::current().id());
        let taken = Self::enter();
        if taken.is_err() {
            give_back();
        }
        let terminal =
            Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, io::stdout())));
        match taken.and(terminal) {
            Ok(terminal) => Ok(Self { terminal: ManuallyDrop::new(terminal), previous_hook }),
            Err(error) => {
                give_back();
                restore_hook(previous_hook);
                Err(error)
            }
        }
    }

    fn enter() -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        fatal::arm(RESTORE)?;
        if let Err(error) = stderr::divert() {
            tracing::warn!("what libraries write to stderr will be seen on the screen: {error}");
        }
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Print(MOUSE_ON), EnableBracketedPaste, cursor::Hide)
    }

    /// Restores the terminal, stops the process as Ctrl-Z does elsewhere, and sets the terminal up again once the
    /// process is continued. The next frame is drawn in full.
    ///
    /// # Errors
    /// When the terminal can't be set up again.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // SAFETY: raise with a valid signal; the default action stops the process until SIGCONT. In an orphaned process
        // group, which no shell could continue, the kernel ignores the signal.
        unsafe { libc::raise(libc::SIGTSTP) };
        Self::enter()?;
        // Not `clear`, which asks the terminal for its cursor and fails where no answer comes.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Deletes pictures when the terminal is restored, where it keeps them.
    pub fn has_kitty_pictures(&self, terminal: &graphics::Terminal) {
        let way = match (terminal.protocol, terminal.tmux) {
            (Some(graphics::Protocol::Kitty), false) => 1,
            (Some(graphics::Protocol::Kitty), true) => 2,
            _ => 0,
        };
        KITTY_PICTURES.store(way, Ordering::SeqCst);
    }

    /// Draws a frame as one synchronized update.
    ///
    /// # Errors
    /// When the terminal can't be written to.
    pub fn draw(&mut self, frame: impl FnOnce(&mut ratatui::Frame)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(frame)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        io::Write::flush(self.terminal.backend_mut())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
        // During a panic the hook can't be changed, and the process is about to end anyway.
        if !std::thread::panicking() {
            restore_hook(self.previous_hook.clone());
        }
    }
}

/// Restores the terminal, once. Errors are ignored: it may have been closed.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let pictures = DELETE_PICTURES[usize::from(KITTY_PICTURES.load(Ordering::SeqCst))];
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        Print(pictures),
        DisableBracketedPaste,
        Print(MOUSE_OFF),
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = out.flush();
    stderr::restore();
    fatal::disarm();
}

fn install_hook(previous: Hook, messages: UnboundedSender<Message>, ours: ThreadId) {
    std::panic::set_hook(Box::new(move |info| {
        if panics::expected() {
            return;
        }
        if std::thread::current().id() == ours || !TAKEN.load(Ordering::SeqCst) {
            give_back();
            previous(info);
            return;
        }
        let name = std::thread::current().name().unwrap_or("a thread").to_owned();
        let text = info.payload_as_str().unwrap_or("no reason given");
        let text = crate::text::one_line(&format!("{name} broke: {text}"), 300);
        // The event loop may have ended already.
        let _ = messages.send(Message::Broken(text));
    }));
}

fn restore_hook(previous: Hook) {
    std::panic::set_hook(Box::new(move |info| previous(info)));
}
