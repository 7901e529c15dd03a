//! Detects the protocol by probing the terminal: over SSH the environment is that of another machine.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::event::Event;

use crate::tui::graphics::answers::Answers;
use crate::tui::graphics::keys;
use crate::tui::graphics::protocol::{GraphicsChoice, Protocol};

/// A terminal and how pictures go to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// `None`: no pictures are wanted.
    pub protocol: Option<Protocol>,
    /// Name and version as reported, `kitty(0.41.1)`; empty without a report. Inside tmux the outer terminal's.
    pub name: String,
    /// Width and height of a cell in pixels.
    pub cell: [u16; 2],
    /// Whether pictures go through tmux.
    pub tmux: bool,
    /// Whether it has kitty's graphics, with placeholders or without, and nothing stands between.
    pub has_kitty: bool,
    /// Whether it answered at all within the limit.
    pub answered: bool,
    /// How long the terminal took to answer.
    pub took: Duration,
    /// Why this protocol, as a clause.
    pub reason: String,
}

/// Cell size in pixels where a terminal doesn't report it.
const CELL: [u16; 2] = [8, 16];

/// Queries kitty's graphics. tmux and screen take such a string for a window's title, so it is not sent to them.
const KITTY_QUESTION: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";

/// Name and version, size of a cell, attributes: the last is answered by every terminal, and the answers come in this
/// order.
const QUESTIONS: &str = "\x1b[>0q\x1b[16t\x1b[c";

/// Terminals that draw pictures by a protocol that their answers don't name, by the beginning of their name. kitty has
/// placeholders since 0.28; WezTerm and Konsole speak kitty's protocol without them; VS Code's terminal is xterm.js.
const BRANDS: &[(&str, Protocol)] = &[
    ("kitty", Protocol::Kitty),
    ("ghostty", Protocol::Kitty),
    ("wezterm", Protocol::Iterm2),
    ("iterm2", Protocol::Iterm2),
    ("xterm.js", Protocol::Iterm2),
];

/// The first kitty with placeholders.
const KITTY: [u32; 2] = [0, 28];

/// Asks the terminal, which must be in raw mode with nobody else reading from it; gives up after `limit`. Returns the
/// keys that were typed meanwhile as well.
pub fn probe(choice: GraphicsChoice, ascii: bool, limit: Duration) -> (Terminal, Vec<Event>) {
    let began = Instant::now();
    let in_tmux = std::env::var_os("TMUX").is_some_and(|value| !value.is_empty());
    let (mut direct, mut outside, mut typed) = (Answers::default(), Answers::default(), Vec::new());
    // Nothing is queried where the answer would not matter.
    if !matches!(choice, GraphicsChoice::Off | GraphicsChoice::As(Protocol::Half | Protocol::Ascii)) && !ascii
    {
        let until = began + limit;
        let in_screen = std::env::var("TERM").is_ok_and(|term| term.starts_with("screen"));
        let kitty = if in_tmux || in_screen { "" } else { KITTY_QUESTION };
        typed.extend(query(&format!("{kitty}{QUESTIONS}"), &mut direct, until));
        if in_tmux {
            allow_passthrough();
            let questions = through_tmux(&format!("{KITTY_QUESTION}{QUESTIONS}"));
            typed.extend(query(&questions, &mut outside, until));
        }
    }
    let (protocol, reason) = choose(&direct, in_tmux.then_some(&outside), choice, ascii);
    let seen = if in_tmux { &outside } else { &direct };
    let terminal = Terminal {
        protocol,
        name: seen.name.clone().unwrap_or_default(),
        cell: direct.cell.or(outside.cell).or_else(cell_of_window).unwrap_or(CELL),
        tmux: in_tmux,
        has_kitty: direct.kitty && !in_tmux,
        answered: direct.attributes,
        took: began.elapsed(),
        reason,
    };
    tracing::info!(
        terminal = terminal.name,
        protocol = terminal.protocol.map(Protocol::name),
        tmux = terminal.tmux,
        reason = terminal.reason,
        "terminal probed"
    );
    (terminal, keys::typed(&typed))
}

/// The protocol and why; `outside` are the answers from beyond tmux.
fn choose(
    direct: &Answers,
    outside: Option<&Answers>,
    choice: GraphicsChoice,
    ascii: bool,
) -> (Option<Protocol>, String) {
    match choice {
        GraphicsChoice::Off => return (None, "pictures are off".into()),
        GraphicsChoice::As(protocol) => return (Some(protocol), "requested".into()),
        GraphicsChoice::Auto if ascii => return (Some(Protocol::Ascii), "only ASCII can be shown".into()),
        GraphicsChoice::Auto => {}
    }
    let seen = outside.unwrap_or(direct);
    let name = seen.name.clone().unwrap_or_default();
    let shown = if name.is_empty() { "the terminal" } else { name.as_str() };
    let brand = BRANDS.iter().find(|(brand, _)| name.to_lowercase().starts_with(brand));
    let by_brand = match brand {
        Some(("kitty", _)) if version(&name).is_none_or(|version| version < KITTY) => {
            return (Some(Protocol::Half), format!("{shown} has no placeholders; 0.28 has"));
        }
        Some((_, protocol)) => Some(*protocol),
        None => None,
    };
    let sixel = direct.sixel && seen.sixel;
    match by_brand {
        // tmux lets kitty's pictures through, and draws sixels itself.
        Some(Protocol::Kitty) => (Some(Protocol::Kitty), format!("{shown} has kitty's placeholders")),
        Some(protocol) if outside.is_none() => (Some(protocol), format!("{shown} has inline images")),
        _ if sixel => (Some(Protocol::Sixel), format!("{shown} reports sixel support")),
        _ if !direct.attributes => (Some(Protocol::Half), "the terminal doesn't answer".into()),
        _ if outside.is_some_and(|outside| !outside.attributes) => {
            (Some(Protocol::Half), "the terminal outside tmux doesn't answer".into())
        }
        _ => (Some(Protocol::Half), format!("{shown} has no pictures that we know of")),
    }
}

/// The first two numbers of a version.
fn version(name: &str) -> Option<[u32; 2]> {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut numbers = digits.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

/// Sends questions and reads until the attributes came or it is `until`; returns what isn't an answer.
fn query(questions: &str, answers: &mut Answers, until: Instant) -> Vec<u8> {
    let mut out = io::stdout();
    if out.write_all(questions.as_bytes()).and_then(|()| out.flush()).is_err() {
        return Vec::new();
    }
    let (mut typed, mut pending) = (Vec::new(), Vec::new());
    while !answers.attributes {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || !has_input(left) {
            break;
        }
        let mut bytes = [0_u8; 1024];
        // SAFETY: the buffer is valid for the given length.
        let count = unsafe { libc::read(libc::STDIN_FILENO, bytes.as_mut_ptr().cast(), bytes.len()) };
        let Ok(count @ 1..) = usize::try_from(count) else { break };
        pending.extend_from_slice(&bytes[..count]);
        let (keys, left) = answers.read(&pending);
        typed.extend(keys);
        pending.drain(..pending.len() - left);
    }
    // The beginning of an answer that never ended is the user's escape key.
    typed.extend(pending);
    typed
}

/// Whether something can be read within `limit`.
fn has_input(limit: Duration) -> bool {
    let mut wanted = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
    let milliseconds = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
    // SAFETY: one valid descriptor.
    let ready = unsafe { libc::poll(&raw mut wanted, 1, milliseconds) };
    ready > 0 && wanted.revents & libc::POLLIN != 0
}

/// Wrapped so that tmux hands it on to the terminal outside.
pub(in crate::tui) fn through_tmux(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
}

/// tmux passes nothing through unless it is set to for this pane. An old tmux doesn't know the option and always does.
fn allow_passthrough() {
    let mut command = std::process::Command::new("tmux");
    command.args(["set-option", "-p", "allow-passthrough", "on"]);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    // Where there is no tmux command, the terminal outside doesn't answer, and half blocks remain.
    let _ = command.stderr(std::process::Stdio::null()).status();
}

/// From the window's size as the system knows it.
/// Width and height of a cell in pixels, from the system's record of the window; `None` where it has none.
pub fn cell_of_window() -> Option<[u16; 2]> {
    let size = crossterm::terminal::window_size().ok()?;
    let cell = [size.width.checked_div(size.columns)?, size.height.checked_div(size.rows)?];
    cell.iter().all(|side| *side > 0).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, sixel: bool) -> Answers {
        Answers { name: Some(name.to_owned()), attributes: true, sixel, ..Answers::default() }
    }

    fn auto(direct: &Answers, outside: Option<&Answers>) -> Protocol {
        choose(direct, outside, GraphicsChoice::Auto, false).0.expect("pictures are on")
    }

    #[test]
    fn each_terminal_gets_what_it_can_draw() {
        for (name, sixel, protocol) in [
            ("kitty(0.41.1)", false, Protocol::Kitty),
            ("kitty(0.26.5)", false, Protocol::Half),
            ("ghostty 1.1.3", false, Protocol::Kitty),
            ("WezTerm 20240203-110809-5046fc22", true, Protocol::Iterm2),
            ("iTerm2 3.5.10", true, Protocol::Iterm2),
            ("xterm.js(5.6.0)", true, Protocol::Iterm2),
            ("XTerm(398)", true, Protocol::Sixel),
            ("XTerm(398)", false, Protocol::Half),
            ("foot(1.13.1)", true, Protocol::Sixel),
            ("Konsole 23.08", true, Protocol::Sixel),
            ("VTE(7600)", false, Protocol::Half),
        ] {
            assert_eq!(auto(&told(name, sixel), None), protocol, "{name}");
        }
        assert_eq!(auto(&Answers::default(), None), Protocol::Half);
    }

    #[test]
    fn inside_tmux_the_terminal_outside_decides() {
        // tmux 3.5 claims sixels whatever is outside.
        let tmux = told("tmux 3.5a", true);
        assert_eq!(auto(&tmux, Some(&told("XTerm(398)", true))), Protocol::Sixel);
        assert_eq!(auto(&tmux, Some(&told("kitty(0.41.1)", false))), Protocol::Kitty);
        assert_eq!(auto(&tmux, Some(&told("iTerm2 3.5", false))), Protocol::Half);
        assert_eq!(auto(&tmux, Some(&Answers::default())), Protocol::Half);
        assert_eq!(auto(&told("tmux 3.3a", false), Some(&told("XTerm(398)", true))), Protocol::Half);
    }

    #[test]
    fn a_choice_overrides_detection() {
        let kitty = told("kitty(0.41.1)", false);
        assert_eq!(choose(&kitty, None, GraphicsChoice::Off, false).0, None);
        assert_eq!(choose(&kitty, None, GraphicsChoice::As(Protocol::Sixel), false).0, Some(Protocol::Sixel));
        assert_eq!(choose(&kitty, None, GraphicsChoice::Auto, true).0, Some(Protocol::Ascii));
    }

    #[test]
    fn what_goes_through_tmux_has_its_escapes_doubled() {
        assert_eq!(through_tmux("\x1b[c"), "\x1bPtmux;\x1b\x1b[c\x1b\\");
    }
}
