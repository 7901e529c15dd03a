//! The workbench end to end: the real binary in a pseudo-terminal, driven by keys, read through a terminal
//! emulator. Everything waits for a condition; the only limit of time is the one that ends a hanging test.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A test that waits this long for one condition hangs.
const HANG: Duration = Duration::from_secs(180);

/// A program in a terminal of its own, ended when dropped.
struct Session {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    terminal: Arc<Mutex<vt100::Parser>>,
    child: Box<dyn Child + Send + Sync>,
    runs: PathBuf,
}

impl Session {
    /// Starts the binary on small phantoms, its runs kept in `runs`.
    fn start(runs: &Path, (columns, rows): (u16, u16), more: &[&str]) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_chestxr-tui"));
        command.args(["--data", "phantom:300", "--device", "cpu", "--runs-dir"]);
        command.arg(runs);
        for set in
            ["data.size=32", "optimizer.epochs=100000", "early_stopping.enabled=false", "run.threads=1"]
        {
            command.args(["--set", set]);
        }
        command.args(more);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("NO_COLOR");
        command.env_remove("CHESTXR_ASCII");
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        // Only the program holds the other side now, so its end is the end of the output.
        drop(pair.slave);
        let terminal = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let reader = terminal.clone();
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                lock(&reader).process(&buffer[..count]);
            }
        });
        let keys = pair.master.take_writer().expect("a writer");
        Self { master: pair.master, keys, terminal, child, runs: runs.to_owned() }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("keys arrive");
    }

    fn text(&self) -> String {
        lock(&self.terminal).screen().contents()
    }

    fn wait(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        while !condition(self) {
            assert!(begin.elapsed() < HANG, "waited in vain for {what}; on screen:\n{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_text(&mut self, text: &str) {
        self.wait(text, |session| session.text().contains(text));
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        lock(&self.terminal).screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).expect("resized");
    }

    /// Starts a run by key from the first screen and waits for its folder.
    fn train(&mut self) {
        self.wait_text("1 DATA");
        self.press("2");
        self.wait_text("2 TRAIN");
        self.press("s");
        self.wait("the run's folder", |session| session.run().is_some());
    }

    /// The folder of the only run.
    fn run(&self) -> Option<PathBuf> {
        let mut folders = std::fs::read_dir(&self.runs).ok()?.flatten().map(|entry| entry.path());
        folders.find(|path| path.join("status.json").is_file())
    }

    /// Epochs in the run's journal.
    fn epochs(&self) -> usize {
        let journal = self.run().map(|run| run.join("metrics.jsonl"));
        journal.and_then(|path| std::fs::read_to_string(path).ok()).map_or(0, |text| text.lines().count())
    }

    /// The state in `status.json`.
    fn state(&self) -> String {
        let path = self.run().expect("a run").join("status.json");
        let text = std::fs::read_to_string(path).expect("a status");
        let status: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        status["state"].as_str().expect("a state").to_owned()
    }

    /// Waits for the end of the program and of its output; returns its exit code.
    fn end(&mut self) -> u32 {
        let mut code = None;
        self.wait("the program's end", |session| {
            code = session.child.try_wait().expect("a child").map(|status| status.exit_code());
            code.is_some()
        });
        self.wait("the ordinary screen", |session| !lock(&session.terminal).screen().alternate_screen());
        let terminal = lock(&self.terminal);
        assert!(!terminal.screen().hide_cursor(), "the cursor is shown again");
        assert!(!terminal.screen().bracketed_paste(), "pastes are as before");
        assert_eq!(terminal.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        drop(terminal);
        code.expect("set by the wait")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // An ended program can't be killed, and needn't be.
        let _ = self.child.kill();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("no terminal without cells")
}

fn lock(terminal: &Mutex<vt100::Parser>) -> MutexGuard<'_, vt100::Parser> {
    terminal.lock().unwrap_or_else(PoisonError::into_inner)
}

fn has_curve(text: &str) -> bool {
    text.chars().any(|sign| ('\u{2801}'..='\u{28ff}').contains(&sign))
}

#[test]
fn a_run_is_started_paused_resumed_stopped_and_left_by_keys() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), (120, 34), &[]);
    session.train();
    session.wait("two epochs with curves", |session| {
        let text = session.text();
        session.epochs() >= 2 && has_curve(&text) && text.contains("val .")
    });

    session.press(" ");
    session.wait_text("paused");
    let step =
        |session: &Session| session.text().lines().find(|line| line.contains("step ")).map(str::to_owned);
    let (epochs, before) = (session.epochs(), step(&session));
    assert!(before.is_some(), "{}", session.text());
    // Not a limit but a look: a trainer that went on would have done several epochs by then.
    thread::sleep(Duration::from_millis(700));
    assert_eq!((session.epochs(), step(&session)), (epochs, before), "nothing goes on while paused");

    session.press(" ");
    session.wait("another epoch", |session| session.epochs() > epochs);
    session.press("x");
    session.wait_text("Stop run");
    session.press("\r");
    session.wait_text("■ stopped");
    assert_eq!(session.state(), "stopped");

    session.press("6");
    session.wait("the run in the list", |session| {
        session.text().contains("6 RUNS") && session.text().contains("chestnet-s")
    });
    session.press("q");
    assert_eq!(session.end(), 0);
    session.wait_text("stopped after");
}

#[test]
fn leaving_a_run_asks_then_saves_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), (100, 30), &[]);
    session.train();
    session.wait("an epoch", |session| session.epochs() >= 1);
    session.press("q");
    session.wait_text("Stop and leave?");
    session.press("\x1b");
    session.wait("the question's end", |session| !session.text().contains("Stop and leave?"));
    session.press("\x03");
    session.wait_text("Stop and leave?");
    session.press("\x03");
    assert_eq!(session.end(), 0);
    assert_eq!(session.state(), "stopped");
}

#[test]
fn a_tiny_terminal_and_a_storm_of_sizes_are_survived() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), (20, 5), &[]);
    session.train();
    let sizes = [(1, 1), (20, 5), (200, 60), (3, 40), (80, 24), (40, 2), (120, 34), (2, 2)];
    for round in 0..40 {
        let (columns, rows) = sizes[round % sizes.len()];
        session.resize(columns, rows);
        session.press(["1", "2", "3", "6", "?", "\x1b", "e", "\x1b"][round % 8]);
        thread::sleep(Duration::from_millis(5));
        assert!(session.child.try_wait().expect("a child").is_none(), "alive at {columns}x{rows}");
    }
    session.resize(100, 30);
    session.press("\x1b");
    session.wait("a whole screen", |session| {
        session.text().contains("q quit") || session.text().contains("close")
    });
    session.press("\x03");
    session.wait_text("Stop and leave?");
    session.press("\r");
    assert_eq!(session.end(), 0);
}

#[test]
#[cfg(unix)]
fn a_signal_restores_the_terminal_and_leaves_the_run_interrupted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), (100, 30), &[]);
    session.train();
    session.wait("an epoch", |session| session.epochs() >= 1);
    let process = session.child.process_id().expect("a running child");
    // SAFETY: the process is ours and not waited for yet, so its number is still its own.
    assert_eq!(unsafe { libc::kill(process as libc::pid_t, libc::SIGTERM) }, 0);
    session.end();
    assert_eq!(session.state(), "interrupted");
}

#[test]
fn an_unknown_theme_is_told_before_the_screen_is_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut session = Session::start(folder.path(), (100, 30), &["--theme", "solarised"]);
    assert_eq!(session.end(), 2);
    session.wait_text("there is no theme");
}
