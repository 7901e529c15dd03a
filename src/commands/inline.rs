//! Images in the terminal of a command without a screen: our own probe detects the protocol, viuer prints.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, Result};
use chestxr_tui::tui::graphics::{GraphicsChoice, Protocol, Terminal, probe};

/// Time limit for the terminal's answers. An answer that comes after the command would be typed into the shell, and no key
/// waits for the end of this.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Detects the image protocol of the terminal; `None` where stdin or stdout is not a terminal.
///
/// # Errors
/// When the terminal can't be switched to raw mode and back.
pub fn detect(choice: GraphicsChoice) -> Option<std::io::Result<Terminal>> {
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return None;
    }
    if let Err(error) = crossterm::terminal::enable_raw_mode() {
        return Some(Err(error));
    }
    // Keys typed during the probe are lost; that is rare.
    let (terminal, _) = probe(choice, chestxr_tui::tui::ascii_only(), PROBE_TIMEOUT);
    Some(crossterm::terminal::disable_raw_mode().map(|()| terminal))
}

/// Prints images to the terminal. Prints nothing where there is no terminal, images are off, or only ASCII works.
pub struct ImagePrinter {
    choice: GraphicsChoice,
    quiet: bool,
    /// Detected with the first image.
    terminal: Option<Terminal>,
}

impl ImagePrinter {
    /// A printer; with `quiet` it prints nothing.
    pub fn new(choice: GraphicsChoice, quiet: bool) -> Self {
        Self { choice, quiet: quiet || choice == GraphicsChoice::Off, terminal: None }
    }

    /// Prints a PNG, at most in its own size, shrunk to fit into the terminal.
    ///
    /// # Errors
    /// When `png` can't be decoded or the terminal can't be written to.
    pub fn print_png(&mut self, png: &[u8]) -> Result<()> {
        if self.quiet {
            return Ok(());
        }
        if self.terminal.is_none() {
            self.terminal = detect(self.choice).transpose()?;
        }
        let Some(terminal) = &self.terminal else { return Ok(()) };
        let Some(protocol) = terminal.protocol.filter(|protocol| *protocol != Protocol::Ascii) else {
            return Ok(());
        };
        let (columns, rows) = crossterm::terminal::size()?;
        let image = image::load_from_memory(png).context("can't decode the PNG that was just encoded")?;
        let cell = terminal.cell.map(|side| u32::from(side.max(1)));
        // At most its own size, with room for a line of text below.
        let wide = (image.width().div_ceil(cell[0])).clamp(1, u32::from(columns));
        let high = (wide * cell[0] * image.height() / image.width().max(1)).div_ceil(cell[1]);
        let most = u32::from(rows.saturating_sub(2)).max(1);
        let wide = if high > most { (wide * most / high).max(1) } else { wide };
        let config = viuer::Config {
            absolute_offset: false,
            width: Some(wide),
            height: None,
            truecolor: true,
            use_kitty: protocol == Protocol::Kitty || (protocol == Protocol::Half && terminal.has_kitty),
            use_iterm: protocol == Protocol::Iterm2,
            use_sixel: protocol == Protocol::Sixel,
            ..viuer::Config::default()
        };
        let _unechoed = Unechoed::start();
        viuer::print(&image, &config)
            .context("can't print the image; try --graphics half or --graphics off")?;
        Ok(())
    }
}

/// Keeps the terminal from printing what arrives, until it is dropped: viuer queries the terminal too, and reads an answer key
/// by key with echo in between. What is left of an answer then is discarded.
struct Unechoed {
    before: libc::termios,
}

impl Unechoed {
    /// `None` where stdin is no terminal.
    fn start() -> Option<Self> {
        let mut modes = std::mem::MaybeUninit::<libc::termios>::uninit();
        // SAFETY: the call fills the struct where it succeeds.
        let before = unsafe {
            if libc::tcgetattr(libc::STDIN_FILENO, modes.as_mut_ptr()) != 0 {
                return None;
            }
            modes.assume_init()
        };
        let mut modes = before;
        // No signal by key either, which could end the program before echo is on again.
        modes.c_lflag &= !(libc::ECHO | libc::ICANON | libc::ISIG);
        // SAFETY: modes that the terminal gave, with three switches off.
        let done = unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &modes) } == 0;
        done.then_some(Self { before })
    }
}

impl Drop for Unechoed {
    fn drop(&mut self) {
        // SAFETY: the modes that the terminal had. TCSAFLUSH discards what wasn't read; there is nothing to do on failure.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSAFLUSH, &self.before) };
    }
}
