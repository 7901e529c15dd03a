//! What the terminal is and can do: a shell that suspends the workbench, one without a cursor, few colours.

use std::io::Write;
use std::path::Path;

use crate::support::pty::{PtyOptions, PtySession, find};

/// The program under a shell with job control, as a user has it.
fn in_a_shell(runs: &Path) -> PtySession {
    let options = PtyOptions { program: Some("bash"), ..PtyOptions::default() };
    let session = PtySession::start(&["--norc", "--noprofile", "-i"], &options);
    session.press(&format!(
        "bind 'set enable-bracketed-paste off'; PS1='prompt> '; {} --data phantom:60 --device cpu --set data.size=32 --runs-dir {}\r",
        env!("CARGO_BIN_EXE_chestxr-tui"),
        runs.display()
    ));
    session
}

#[test]
fn ctrl_z_gives_the_terminal_back_to_the_shell_and_fg_brings_the_screen_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = in_a_shell(folder.path());
    session.wait_text("1 DATA");
    for time in 1..=2 {
        if time == 2 {
            // It answers as before, and is suspended from a form as well.
            session.press("e");
            session.wait_text("settings of the next run");
        }
        session.press("\x1a");
        session.wait_until("suspended", |session| session.text().contains("Stopped"));
        session.screen(|screen| {
            assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        });
        // What is typed is seen again, and Enter ends a line.
        session.press(&format!("stty -a | grep -c ' echo '; echo seen $((40 + {time}))\r"));
        session.wait_text(&format!("seen {}", 40 + time));
        session.press("clear; fg\r");
        session.wait_until("the screen again", |session| {
            session.screen(|screen| screen.alternate_screen() && screen.hide_cursor())
                && session.text().contains("1 DATA")
        });
    }
    session.press("\x1b");
    session.wait_until("the form closed", |session| !session.text().contains("settings of the next run"));
    session.press("q");
    session.wait_until("the prompt", |session| {
        !session.screen(vt100::Screen::alternate_screen) && session.text().contains("prompt>")
    });
    session.press("exit\r");
    session.wait_exit();
}

#[test]
fn a_terminal_without_a_cursor_is_refused_in_a_sentence() {
    let dumb = [("TERM", Path::new("dumb"))];
    let mut session = PtySession::start(
        &["--data", "phantom:60"],
        &PtyOptions { environment: &dumb, ..PtyOptions::default() },
    );
    assert_eq!(session.wait_exit(), 2);
    let said = String::from_utf8(session.bytes()).expect("text");
    assert!(said.contains("TERM=dumb: the workbench needs a terminal that can move its cursor"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

/// What the program writes on a terminal of a kind until its first screen is there.
fn written_on(terminal: &str, more: &[(&str, &Path)]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let environment = [&[("TERM", Path::new(terminal))], more].concat();
    let runs = folder.path().display().to_string();
    let args = ["--data", "phantom:60", "--device", "cpu", "--set", "data.size=32", "--runs-dir", &runs];
    let mut session =
        PtySession::start(&args, &PtyOptions { environment: &environment, ..PtyOptions::default() });
    session.wait_text("1 DATA");
    session.wait_until("the images", |session| session.text().contains("train #0"));
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
    session.bytes()
}

#[test]
fn a_terminal_gets_no_more_colours_than_it_has() {
    let (exact, of_256) = (b"8;2;".as_slice(), b"8;5;".as_slice());
    let none = [("COLORTERM", Path::new(""))];
    let true_colour = written_on("xterm-256color", &[("COLORTERM", Path::new("truecolor"))]);
    assert!(find(&true_colour, exact, 0).is_some());
    let fewer = written_on("screen-256color", &none);
    assert!(find(&fewer, exact, 0).is_none() && find(&fewer, of_256, 0).is_some());
    let sixteen = written_on("xterm-16color", &none);
    assert!(find(&sixteen, exact, 0).is_none());
    // crossterm writes the sixteen by their numbers among the 256, which stay below 16.
    let mut at = 0;
    let mut seen = 0;
    while let Some(found) = find(&sixteen, of_256, at) {
        at = found + of_256.len();
        let digits: String =
            sixteen[at..].iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
        assert!(digits.parse::<u8>().expect("a colour") < 16, "{digits}");
        seen += 1;
    }
    assert!(seen > 0, "no colour at all");
}

#[test]
fn what_libraries_write_to_stderr_goes_to_the_log_and_not_over_the_screen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log.txt");
    let runs = folder.path().join("runs").display().to_string();
    let args = ["--data", "phantom:60", "--device", "cpu", "--set", "data.size=32", "--runs-dir", &runs];
    let environment = [("CHESTXR_LOG", log.as_path())];
    let mut session =
        PtySession::start(&args, &PtyOptions { environment: &environment, ..PtyOptions::default() });
    session.wait_text("train #0");
    // The process' own stderr, as any thread of a library has it.
    let stderr = format!("/proc/{}/fd/2", session.pid().expect("a process"));
    let mut stderr = std::fs::OpenOptions::new().write(true).open(stderr).expect("its stderr");
    stderr.write_all(b"[W1128] a library's \x1b[31mwarning\x07\n").expect("written");
    drop(stderr);
    session.wait_until("the warning in the log", |_| {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("stderr: [W1128] a library's"))
    });
    session.press("2");
    session.wait_text("2 TRAIN");
    assert!(!session.text().contains("W1128") && find(&session.bytes(), b"W1128", 0).is_none());
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
}
