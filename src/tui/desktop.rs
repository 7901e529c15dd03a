//! The desktop around the terminal: a folder is opened there, or its name put into the clipboard.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;

use crate::train::Level;

/// Opens a folder where there is a display; else has the terminal copy its path (OSC 52), which works over SSH. Gives
/// the text of the notification.
pub fn show_folder(path: &Path) -> (Level, String) {
    let shown = crate::text::one_line(&path.display().to_string(), 300);
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let remote = set("SSH_CONNECTION") || set("SSH_TTY");
    if !remote && (set("DISPLAY") || set("WAYLAND_DISPLAY")) {
        let mut open = Command::new("xdg-open");
        open.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Ok(mut child) = open.spawn() {
            // The child process must be waited for, and the screen can't do that.
            let _ = std::thread::Builder::new().name("opener".into()).spawn(move || child.wait());
            return (Level::Info, format!("opening {shown}"));
        }
    }
    let mut out = std::io::stdout();
    let copy = clipboard(&path.display().to_string());
    match out.write_all(copy.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => (Level::Info, format!("copied, if your terminal lets programs copy: {shown}")),
        Err(_) => (Level::Info, shown),
    }
}

/// The sequence that puts a text into the clipboard.
fn clipboard(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_path_nothing_but_letters_reaches_the_terminal() {
        assert_eq!(clipboard("/runs/a"), "\x1b]52;c;L3J1bnMvYQ==\x07");
        let wild = clipboard("\x1b[2J\x07");
        assert!(wild[1..wild.len() - 1].chars().all(|letter| !letter.is_control()));
    }
}
