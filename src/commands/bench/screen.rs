//! The workbench in a pseudo-terminal of 120x34 while it trains: how soon it is there, how soon a key is
//! answered, how many bytes a frame takes.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde::Serialize;

use super::{Figure, Scratch, quantile};

/// Cells of 8 x 17 pixels, as xterm has them.
const SIZE: PtySize = PtySize { rows: 34, cols: 120, pixel_width: 120 * 8, pixel_height: 34 * 17 };
/// Images that are gone through.
const IMAGES: usize = 60;
/// How each protocol's pictures begin and end.
const PICTURES: [(&str, &[u8], &[u8]); 3] = [
    ("sixel", b"\x1bP0;1;0q", b"\x1b\\"),
    ("kitty", b"\x1b_Gq=2", b"m=0"),
    ("iterm2", b"\x1b]1337;File", b"\x07"),
];
/// Keys that are timed.
const KEYS: usize = 100;
/// Nothing here takes so long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// Ends every frame.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// What the screen costs.
#[derive(Debug, Serialize)]
pub struct Screen {
    /// From the start of the process to its first frame.
    startup_ms: Figure,
    /// From a key's bytes to the end of the frame that answers it, while training.
    key_to_frame_ms: Figure,
    key_to_frame_ms_p99: f64,
    /// Mean of the frames while training, those that answer keys among them.
    bytes_per_frame: f64,
    frames: usize,
    /// From a key that moves to another image on the explain screen to the last byte of that image in sixels, while
    /// training.
    key_to_image_ms: Figure,
    key_to_image_ms_p99: f64,
    /// Of the image on the data screen, by protocol.
    bytes_per_picture: Vec<(&'static str, usize)>,
}

impl Screen {
    /// For people.
    pub fn line(&self) -> String {
        format!(
            "screen 120x34: first frame after {:.0} ms; while training a key is answered within {:.1} ms \
             (median; p99 {:.1} ms), {:.0} bytes a frame\n\
             images: in pixels {:.0} ms after the key while training (median; p99 {:.0} ms); bytes a picture: {}",
            self.startup_ms.median,
            self.key_to_frame_ms.median,
            self.key_to_frame_ms_p99,
            self.bytes_per_frame,
            self.key_to_image_ms.median,
            self.key_to_image_ms_p99,
            self.bytes_per_picture
                .iter()
                .map(|(name, bytes)| format!("{name} {bytes}"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    }
}

/// The program in a pseudo-terminal.
struct Guest {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Guest {
    fn start(args: &[&str]) -> Result<Self> {
        let pair = native_pty_system().openpty(SIZE)?;
        let mut command = CommandBuilder::new(std::env::current_exe()?);
        command.args(args);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader()?;
        let keys = pair.master.take_writer()?;
        let (sender, output) = channel();
        std::thread::Builder::new().name("terminal".into()).spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { child, keys, output, _master: pair.master })
    }

    /// Reads until a whole frame with `sign` in it is there; gives what came.
    fn wait_for(&mut self, sign: &str) -> Result<Vec<u8>> {
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else {
                bail!("the workbench never showed `{sign}`");
            };
            seen.extend(more);
            let at = find(&seen, sign.as_bytes());
            if at.is_some_and(|at| find(&seen[at..], FRAME_END).is_some()) {
                return Ok(seen);
            }
        }
    }

    /// Reads until a picture is there as a whole; gives its bytes.
    fn wait_for_picture(&mut self, begin: &[u8], end: &[u8]) -> Result<usize> {
        let mut seen = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else {
                bail!("the workbench never showed a picture")
            };
            seen.extend(more);
            let Some(at) = find(&seen, begin) else { continue };
            let Some(length) = find(&seen[at..], end) else { continue };
            // kitty's last piece says that it is the last one, and goes on to its own end.
            let own_end: &[u8] = if end == b"m=0" { b"\x1b\\" } else { end };
            if let Some(rest) = find(&seen[at + length..], own_end) {
                return Ok(length + rest + own_end.len());
            }
        }
    }

    fn press(&mut self, keys: &str) -> Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It writes to a scratch folder only.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Measures; `given` are the options of settings that this process was called with.
pub fn measure(given: &[String]) -> Result<Screen> {
    let scratch = Scratch::new()?;
    let runs = scratch.0.to_string_lossy().into_owned();
    let mut args = vec!["--runs-dir", runs.as_str()];
    args.extend(given.iter().flat_map(|set| ["--set", set.as_str()]));
    let mut startups = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let mut guest = Guest::start(&args)?;
        guest.wait_for("chestxr")?;
        startups.push(1e3 * started.elapsed().as_secs_f64());
    }

    args.extend(["--set", "optimizer.epochs=1000", "--set", "early_stopping.enabled=false", "train"]);
    let mut guest = Guest::start(&args)?;
    guest.wait_for("images/s").context("it never trained")?;
    let (mut answers, mut bytes, mut frames) = (Vec::new(), 0, 0);
    for number in 0..KEYS {
        // Off the beat of the trainer's own frames.
        std::thread::sleep(Duration::from_millis(20 + (number as u64 * 7) % 50));
        let waiting: Vec<u8> = guest.output.try_iter().flatten().collect();
        let started = Instant::now();
        guest.press("?")?;
        let answer = guest.wait_for("everywhere")?;
        answers.push(1e3 * started.elapsed().as_secs_f64());
        guest.press("q")?;
        for part in [&waiting, &answer, &guest.wait_for("start")?] {
            bytes += part.len();
            frames += part.windows(FRAME_END.len()).filter(|window| *window == FRAME_END).count();
        }
    }
    answers.sort_by(f64::total_cmp);
    drop(guest);
    let mut images = images(&args)?;
    images.sort_by(f64::total_cmp);
    Ok(Screen {
        key_to_image_ms_p99: quantile(&images, 0.99),
        key_to_image_ms: Figure::of(images)?,
        bytes_per_picture: picture_bytes(&runs)?,
        startup_ms: Figure::of(startups)?,
        key_to_frame_ms_p99: quantile(&answers, 0.99),
        key_to_frame_ms: Figure::of(answers)?,
        bytes_per_frame: bytes as f64 / frames.max(1) as f64,
        frames,
    })
}

/// Goes through the images of the run that trains; milliseconds from each key to its image in sixels.
fn images(training: &[&str]) -> Result<Vec<f64>> {
    let [(_, begin, end), ..] = PICTURES;
    let mut args = vec!["--graphics", "sixel"];
    args.extend(training);
    let mut guest = Guest::start(&args)?;
    guest.wait_for("images/s").context("it never trained")?;
    // The explain screen needs weights of this run; the key writes some after the step.
    guest.press("c")?;
    std::thread::sleep(Duration::from_secs(3));
    guest.press("4")?;
    guest.wait_for_picture(begin, end)?;
    let mut times = Vec::new();
    for number in 0..IMAGES {
        // The last image's map has come by then and is drawn.
        std::thread::sleep(Duration::from_millis(400 + (number as u64 * 7) % 50));
        guest.output.try_iter().for_each(drop);
        let started = Instant::now();
        guest.press("n")?;
        guest.wait_for_picture(begin, end)?;
        times.push(1e3 * started.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// What the first picture of the data screen takes.
fn picture_bytes(runs: &str) -> Result<Vec<(&'static str, usize)>> {
    let of = |(name, begin, end): (&'static str, &[u8], &[u8])| {
        let mut guest = Guest::start(&["--runs-dir", runs, "--data", "phantom:60", "--graphics", name])?;
        Ok((name, guest.wait_for_picture(begin, end)?))
    };
    PICTURES.into_iter().map(of).collect()
}
