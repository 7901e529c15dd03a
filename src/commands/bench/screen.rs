//! The workbench in a pseudo-terminal of 120x34 while it trains: time to the first frame, latency of keys, bytes per
//! frame.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde::Serialize;

use super::{MedianRange, ScratchDir, quantile};

/// Cells of 8 x 17 pixels, as xterm has them.
const SIZE: PtySize = PtySize { rows: 34, cols: 120, pixel_width: 120 * 8, pixel_height: 34 * 17 };
/// Images to step through.
const IMAGES: usize = 60;
/// Start and end of an image, by protocol.
const PROTOCOLS: [(&str, &[u8], &[u8]); 3] = [
    ("sixel", b"\x1bP0;1;0q", b"\x1b\\"),
    ("kitty", b"\x1b_Gq=2", b"m=0"),
    ("iterm2", b"\x1b]1337;File", b"\x07"),
];
/// Timed key presses.
const KEYS: usize = 100;
/// A wait this long means that the workbench hangs.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Ends every frame.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// Latency and output of the screen.
#[derive(Debug, Serialize)]
pub struct ScreenTimes {
    /// From the start of the process to its first frame.
    startup_ms: MedianRange,
    /// From a key press to the end of the frame with its effect, while training.
    key_to_frame_ms: MedianRange,
    key_to_frame_ms_p99: f64,
    /// Mean over all frames while training.
    bytes_per_frame: f64,
    frames: usize,
    /// From the key for the next image on the Explain screen to the last byte of that image as sixels, while training.
    key_to_image_ms: MedianRange,
    key_to_image_ms_p99: f64,
    /// Of the image on the Data screen, by protocol.
    bytes_per_image: Vec<(&'static str, usize)>,
}

impl ScreenTimes {
    /// The figures as two lines of text.
    pub fn line(&self) -> String {
        format!(
            "screen 120x34: first frame {:.0} ms; while training: key to frame {:.1} ms (median; p99 {:.1} ms), {:.0} \
             bytes per frame\n\
             images: key to image {:.0} ms while training (median; p99 {:.0} ms); bytes per image: {}",
            self.startup_ms.median,
            self.key_to_frame_ms.median,
            self.key_to_frame_ms_p99,
            self.bytes_per_frame,
            self.key_to_image_ms.median,
            self.key_to_image_ms_p99,
            self.bytes_per_image
                .iter()
                .map(|(name, bytes)| format!("{name} {bytes}"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    }
}

/// The program in a pseudo-terminal.
struct PtyProcess {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl PtyProcess {
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

    /// Reads until a complete frame with `text`; returns everything read.
    fn wait_for(&mut self, text: &str) -> Result<Vec<u8>> {
        let mut output = Vec::new();
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else {
                bail!("the workbench never showed `{text}`");
            };
            output.extend(more);
            let at = find(&output, text.as_bytes());
            if at.is_some_and(|at| find(&output[at..], FRAME_END).is_some()) {
                return Ok(output);
            }
        }
    }

    /// Reads until a complete image; returns its number of bytes.
    fn wait_for_image(&mut self, begin: &[u8], end: &[u8]) -> Result<usize> {
        let mut output = Vec::new();
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(more) = self.output.recv_timeout(left) else {
                bail!("the workbench never showed an image")
            };
            output.extend(more);
            let Some(at) = find(&output, begin) else { continue };
            let Some(length) = find(&output[at..], end) else { continue };
            // kitty marks its last chunk at the start of the chunk.
            let own_end: &[u8] = if end == b"m=0" { b"\x1b\\" } else { end };
            if let Some(rest) = find(&output[at + length..], own_end) {
                return Ok(length + rest + own_end.len());
            }
        }
    }

    fn press(&mut self, keys: &str) -> Result<()> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }
}

impl Drop for PtyProcess {
    fn drop(&mut self) {
        // It writes only to a scratch directory.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// Measures the screen; `sets` are the settings given as options to this process.
pub fn measure(sets: &[String]) -> Result<ScreenTimes> {
    let scratch = ScratchDir::new()?;
    let runs = scratch.0.to_string_lossy().into_owned();
    let mut args = vec!["--runs-dir", runs.as_str()];
    args.extend(sets.iter().flat_map(|set| ["--set", set.as_str()]));
    let mut startups = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let mut process = PtyProcess::start(&args)?;
        process.wait_for("chestxr")?;
        startups.push(1e3 * started.elapsed().as_secs_f64());
    }

    args.extend(["--set", "optimizer.epochs=1000", "--set", "early_stopping.enabled=false", "train"]);
    let mut process = PtyProcess::start(&args)?;
    process.wait_for("images/s").context("it never trained")?;
    let (mut latencies, mut bytes, mut frames) = (Vec::new(), 0, 0);
    for number in 0..KEYS {
        // Not in step with the trainer's own frames.
        std::thread::sleep(Duration::from_millis(20 + (number as u64 * 7) % 50));
        let waiting: Vec<u8> = process.output.try_iter().flatten().collect();
        let started = Instant::now();
        process.press("?")?;
        let frame = process.wait_for("everywhere")?;
        latencies.push(1e3 * started.elapsed().as_secs_f64());
        process.press("q")?;
        for part in [&waiting, &frame, &process.wait_for("start")?] {
            bytes += part.len();
            frames += part.windows(FRAME_END.len()).filter(|window| *window == FRAME_END).count();
        }
    }
    latencies.sort_by(f64::total_cmp);
    drop(process);
    let mut images = images(&args)?;
    images.sort_by(f64::total_cmp);
    Ok(ScreenTimes {
        key_to_image_ms_p99: quantile(&images, 0.99),
        key_to_image_ms: MedianRange::of(images)?,
        bytes_per_image: image_bytes(&runs)?,
        startup_ms: MedianRange::of(startups)?,
        key_to_frame_ms_p99: quantile(&latencies, 0.99),
        key_to_frame_ms: MedianRange::of(latencies)?,
        bytes_per_frame: bytes as f64 / frames.max(1) as f64,
        frames,
    })
}

/// Steps through images while a run trains; milliseconds from each key to its image as sixels.
fn images(training: &[&str]) -> Result<Vec<f64>> {
    let [(_, begin, end), ..] = PROTOCOLS;
    let mut args = vec!["--graphics", "sixel"];
    args.extend(training);
    let mut process = PtyProcess::start(&args)?;
    process.wait_for("images/s").context("it never trained")?;
    // The Explain screen needs weights of this run; the key writes a checkpoint after the step.
    process.press("c")?;
    std::thread::sleep(Duration::from_secs(3));
    process.press("4")?;
    process.wait_for_image(begin, end)?;
    let mut times = Vec::new();
    for number in 0..IMAGES {
        // By then the map of the last image is drawn.
        std::thread::sleep(Duration::from_millis(400 + (number as u64 * 7) % 50));
        process.output.try_iter().for_each(drop);
        let started = Instant::now();
        process.press("n")?;
        process.wait_for_image(begin, end)?;
        times.push(1e3 * started.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// Bytes of the first image of the Data screen, by protocol.
fn image_bytes(runs: &str) -> Result<Vec<(&'static str, usize)>> {
    let of = |(name, begin, end): (&'static str, &[u8], &[u8])| {
        let mut process =
            PtyProcess::start(&["--runs-dir", runs, "--data", "phantom:60", "--graphics", name])?;
        Ok((name, process.wait_for_image(begin, end)?))
    };
    PROTOCOLS.into_iter().map(of).collect()
}
