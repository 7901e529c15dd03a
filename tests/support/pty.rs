//! A program in a pseudo-terminal: started, typed into, answered as a terminal answers, read back as bytes or as the
//! screen that a terminal emulator makes of them. The end-to-end tests share it.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A wait for one condition that takes this long means that the program hangs.
pub const HANG: Duration = Duration::from_secs(180);
/// Width and height of a character cell in pixels, as xterm has them by default.
pub const CELL: [u16; 2] = [8, 17];
/// The request for the terminal's attributes (DA1), which ends the program's probe.
const ATTRIBUTES_REQUEST: &[u8] = b"\x1b[c";
/// The request for the terminal's status (DSR), and its answer.
const STATUS_REQUEST: &[u8] = b"\x1b[5n";
const STATUS: &[u8] = b"\x1b[0n";
/// The question whether the terminal reads pictures from files, as kitty is asked, and its answer.
const FILE_REQUEST: &[u8] = b"a=q,t=t;";
const FILES: &[u8] = b"\x1b_Gi=31;OK\x1b\\";
/// Environment variables of the caller that would change what the program draws.
const REMOVED: [&str; 6] =
    ["NO_COLOR", "CHESTXR_ASCII", "CHESTXR_GRAPHICS", "TMUX", "CHESTXR_RUNS_DIR", "MLFLOW_TRACKING_URI"];

/// What the program has written so far.
struct Output {
    /// Every byte, where they are recorded.
    bytes: Vec<u8>,
    screen: vt100::Parser,
}

/// A program in a terminal of its own; it is killed when this is dropped.
pub struct PtySession {
    master: Box<dyn MasterPty + Send>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    output: Arc<(Mutex<Output>, Condvar)>,
    child: Box<dyn Child + Send + Sync>,
    /// Terminal modes before the program started.
    modes: [libc::tcflag_t; 4],
}

/// How a [`PtySession`] starts.
pub struct PtyOptions<'a> {
    pub columns: u16,
    pub rows: u16,
    /// Sent whenever the program asks for the terminal's attributes; `None`: the terminal never answers.
    pub answers: Option<&'static [u8]>,
    /// How long an answer takes, as over a slow line.
    pub delay: Duration,
    /// Keys that are there before the program starts.
    pub typed: &'a str,
    /// Environment variables besides those of the caller.
    pub environment: &'a [(&'a str, &'a std::path::Path)],
    /// Another program instead of ours, such as a shell that starts it.
    pub program: Option<&'a str>,
}

impl Default for PtyOptions<'_> {
    fn default() -> Self {
        Self {
            columns: 120,
            rows: 34,
            answers: None,
            delay: Duration::ZERO,
            typed: "",
            environment: &[],
            program: None,
        }
    }
}

impl PtySession {
    /// Starts the program with `args`.
    pub fn start<S: AsRef<std::ffi::OsStr>>(args: &[S], options: &PtyOptions) -> Self {
        let pair =
            native_pty_system().openpty(size(options.columns, options.rows)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(options.program.unwrap_or(env!("CARGO_BIN_EXE_chestxr-tui")));
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("CHESTXR_LOG", "off");
        command.env("LC_ALL", "C.UTF-8");
        for name in REMOVED {
            command.env_remove(name);
        }
        for (name, value) in options.environment {
            command.env(name, value);
        }
        let modes = modes(&*pair.master);
        let mut keys = pair.master.take_writer().expect("a writer");
        keys.write_all(options.typed.as_bytes()).expect("typed ahead");
        let keys = Arc::new(Mutex::new(keys));
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        // From here on only the program holds the other side, so its end is the end of the output.
        drop(pair.slave);
        let screen = vt100::Parser::new(cells(options.rows), cells(options.columns), 0);
        let output = Arc::new((Mutex::new(Output { bytes: Vec::new(), screen }), Condvar::new()));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (shared, answerer, answers) = (output.clone(), keys.clone(), options.answers);
        let delay = options.delay;
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            let mut answered = [0; 3];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut output = lock(&shared.0);
                output.bytes.extend_from_slice(&buffer[..count]);
                output.screen.process(&buffer[..count]);
                for (place, (request, answer)) in [
                    (ATTRIBUTES_REQUEST, answers),
                    (STATUS_REQUEST, answers.and(Some(STATUS))),
                    (FILE_REQUEST, answers.and(Some(FILES))),
                ]
                .into_iter()
                .enumerate()
                {
                    while let Some(answer) = answer
                        && let Some(at) = find(&output.bytes, request, answered[place])
                    {
                        answered[place] = at + request.len();
                        thread::sleep(delay);
                        lock(&answerer).write_all(answer).expect("the answer arrives");
                    }
                }
                drop(output);
                shared.1.notify_all();
            }
        });
        Self { master: pair.master, keys, output, child, modes }
    }

    /// Types `keys`.
    pub fn press(&self, keys: &str) {
        let mut writer = lock(&self.keys);
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("keys arrive");
    }

    /// Every byte that the program wrote.
    pub fn bytes(&self) -> Vec<u8> {
        lock(&self.output.0).bytes.clone()
    }

    /// The text on the screen, a line per row.
    pub fn text(&self) -> String {
        lock(&self.output.0).screen.screen().contents()
    }

    /// Reads the emulated screen: modes, cursor, cells.
    pub fn screen<T>(&self, read: impl FnOnce(&vt100::Screen) -> T) -> T {
        read(lock(&self.output.0).screen.screen())
    }

    /// Waits until `condition` gives a value; looks again after every output of the program, and every 20 ms.
    pub fn wait<T>(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(value) = condition(self) {
                return value;
            }
            assert!(begin.elapsed() < HANG, "no {what} after {HANG:?}; on the screen:\n{}", self.text());
            let output = lock(&self.output.0);
            let _ = self.output.1.wait_timeout(output, Duration::from_millis(20));
        }
    }

    /// Waits until `condition` holds.
    pub fn wait_until(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        self.wait(what, |session| condition(session).then_some(()));
    }

    /// Waits until `text` is on the screen.
    pub fn wait_text(&mut self, text: &str) {
        self.wait_until(text, |session| session.text().contains(text));
    }

    /// Changes the size of the terminal; the program is notified by SIGWINCH.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        lock(&self.output.0).screen.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).expect("resized");
    }

    /// The exit code, once the program has ended.
    pub fn try_exit_code(&mut self) -> Option<u32> {
        self.child.try_wait().expect("a child").map(|status| status.exit_code())
    }

    /// Waits for the end of the program and checks that the terminal is as it was before; returns the exit code.
    pub fn wait_exit(&mut self) -> u32 {
        let code = self.wait("end of the program", Self::try_exit_code);
        self.wait("ordinary screen", |session| {
            (!session.screen(vt100::Screen::alternate_screen)).then_some(())
        });
        self.screen(|screen| {
            assert!(!screen.hide_cursor(), "the cursor is visible again");
            assert!(!screen.bracketed_paste(), "bracketed paste is off again");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        });
        assert_eq!(modes(&*self.master), self.modes, "the terminal's modes are as before");
        code
    }

    /// Sends a signal.
    pub fn signal(&self, signal: libc::c_int) {
        let process = self.pid().expect("a running child");
        // SAFETY: the process is ours and not waited for yet, so its number is still its own.
        assert_eq!(unsafe { libc::kill(process as libc::pid_t, signal) }, 0);
    }

    /// The process id, for signals.
    pub fn pid(&self) -> Option<u32> {
        self.child.process_id()
    }
}

impl Drop for PtySession {
    fn drop(&mut self) {
        // Fails where the program has ended already.
        let _ = self.child.kill();
    }
}

/// Input, output, control and local modes of the terminal.
fn modes(master: &dyn MasterPty) -> [libc::tcflag_t; 4] {
    let terminal = master.as_raw_fd().expect("a pseudo-terminal of Unix");
    let mut modes = std::mem::MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the descriptor is open while `master` is, and the call fills the struct where it succeeds.
    let modes = unsafe {
        assert_eq!(libc::tcgetattr(terminal, modes.as_mut_ptr()), 0, "terminal modes are readable");
        modes.assume_init()
    };
    [modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag]
}

/// The position of `wanted` in `bytes` from `from` on.
pub fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}

/// A terminal's size in cells and, since programs that draw images ask for it, in pixels.
fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: cols * CELL[0], pixel_height: rows * CELL[1] }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has cells")
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
