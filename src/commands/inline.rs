//! Pictures in the terminal of a command that ends at once, printed by viuer after our own probe said how.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, Result};
use chestxr_tui::tui::graphics::{GraphicsChoice, Protocol, Terminal, probe};

/// A terminal is asked for so long.
const LIMIT: Duration = Duration::from_millis(400);

/// Asks the terminal what pictures it takes; `None` where there is none to ask.
pub fn ask(choice: GraphicsChoice) -> Option<std::io::Result<Terminal>> {
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return None;
    }
    if let Err(error) = crossterm::terminal::enable_raw_mode() {
        return Some(Err(error));
    }
    // What is typed meanwhile was meant for the shell; it is rare, and lost.
    let (terminal, _) = probe(choice, chestxr_tui::tui::ascii_only(), LIMIT);
    Some(crossterm::terminal::disable_raw_mode().map(|()| terminal))
}

/// Shows pictures, or nothing where there is no terminal, none is wished for, or only ASCII can be shown.
pub struct Show {
    choice: GraphicsChoice,
    quiet: bool,
    /// Asked when the first picture comes.
    terminal: Option<Terminal>,
}

impl Show {
    /// Shows nothing when `quiet`.
    pub fn new(choice: GraphicsChoice, quiet: bool) -> Self {
        Self { choice, quiet: quiet || choice == GraphicsChoice::Off, terminal: None }
    }

    /// Shows a PNG as wide as the terminal allows.
    ///
    /// # Errors
    /// When the terminal can't be written to.
    pub fn png(&mut self, png: &[u8]) -> Result<()> {
        if self.quiet {
            return Ok(());
        }
        if self.terminal.is_none() {
            self.terminal = ask(self.choice).transpose()?;
        }
        let Some(terminal) = &self.terminal else { return Ok(()) };
        let Some(protocol) = terminal.protocol.filter(|protocol| *protocol != Protocol::Ascii) else {
            return Ok(());
        };
        let (columns, rows) = crossterm::terminal::size()?;
        let picture = image::load_from_memory(png).context("our own PNG can't be read")?;
        let cell = terminal.cell.map(|side| u32::from(side.max(1)));
        // At most as large as it is, and so that a line of text below it fits.
        let wide = (picture.width().div_ceil(cell[0])).clamp(1, u32::from(columns));
        let high = (wide * cell[0] * picture.height() / picture.width().max(1)).div_ceil(cell[1]);
        let most = u32::from(rows.saturating_sub(2)).max(1);
        let wide = if high > most { (wide * most / high).max(1) } else { wide };
        let config = viuer::Config {
            absolute_offset: false,
            width: Some(wide),
            height: None,
            truecolor: true,
            // A picture below the last line needs no placeholders.
            use_kitty: protocol == Protocol::Kitty || (protocol == Protocol::Half && terminal.has_kitty),
            use_iterm: protocol == Protocol::Iterm2,
            use_sixel: protocol == Protocol::Sixel,
            ..viuer::Config::default()
        };
        viuer::print(&picture, &config)
            .context("the terminal takes no picture; try --graphics half or off")?;
        Ok(())
    }
}
