//! Pictures in the workbench end to end: the real binary in a pseudo-terminal that answers as a terminal does; what it
//! sends is decoded and held against the image's own pixels.

mod support;

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::{Dataset, Split};
use chestxr_tui::explain::{COLOUR_MAPS, Overlay, Shows, paint};

/// A test that waits this long for one condition hangs.
const HANG: Duration = Duration::from_secs(120);
const CELL: [u16; 2] = [8, 17];
const SIZE: usize = 32;

/// What a terminal answers when it is asked for its attributes.
const XTERM: &[u8] = b"\x1bP>|XTerm(398)\x1b\\\x1b[?64;1;2;4;22c";
const KITTY: &[u8] = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;17;8t\x1b[?62;c";

struct Session {
    sent: Arc<Mutex<Vec<u8>>>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Session {
    /// Starts the workbench in a terminal that answers with `answers`, or never; `typed` is there from the beginning.
    fn start(answers: Option<&'static [u8]>, typed: &str) -> Self {
        let size = PtySize { rows: 34, cols: 120, pixel_width: 120 * CELL[0], pixel_height: 34 * CELL[1] };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let runs = tempfile::tempdir().expect("a temporary folder").keep();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_chestxr-tui"));
        command.args(["--data", "phantom:60", "--set", "data.size=32", "--device", "cpu", "--runs-dir"]);
        command.arg(&runs);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        for name in ["NO_COLOR", "CHESTXR_ASCII", "TMUX", "CHESTXR_GRAPHICS"] {
            command.env_remove(name);
        }
        let mut keys = pair.master.take_writer().expect("a writer");
        keys.write_all(typed.as_bytes()).expect("typed ahead");
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        drop(pair.slave);
        let (sent, keys) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(keys)));
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let (record, answerer) = (sent.clone(), keys.clone());
        thread::spawn(move || {
            let (mut buffer, mut answers) = ([0; 16 * 1024], answers);
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                let mut record = lock(&record);
                record.extend_from_slice(&buffer[..count]);
                if find(&record, b"\x1b[c", 0).is_some()
                    && let Some(answers) = answers.take()
                {
                    lock(&answerer).write_all(answers).expect("answered");
                }
            }
        });
        Self { sent, keys, child, master: pair.master }
    }

    fn press(&mut self, keys: &str) {
        lock(&self.keys).write_all(keys.as_bytes()).expect("keys arrive");
    }

    fn sent(&self) -> Vec<u8> {
        lock(&self.sent).clone()
    }

    /// What stands on the screen, pictures aside.
    fn text(&self) -> String {
        let mut terminal = vt100::Parser::default();
        terminal.screen_mut().set_size(34.try_into().expect("rows"), 120.try_into().expect("columns"));
        terminal.process(&self.sent());
        terminal.screen().contents()
    }

    fn wait<T>(&mut self, what: &str, mut found: impl FnMut(&mut Self) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            assert!(begin.elapsed() < HANG, "waited in vain for {what}; on screen:\n{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_text(&mut self, text: &str) {
        self.wait(text, |session| session.text().contains(text).then_some(()));
    }

    fn leave(&mut self) {
        self.press("q");
        self.wait("the end", |session| session.child.try_wait().expect("a child"));
        assert!(self.master.get_size().is_ok());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // An ended program can't be killed, and needn't be.
        let _ = self.child.kill();
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let at = bytes.get(from..)?.windows(wanted.len()).position(|window| window == wanted)?;
    Some(from + at)
}

/// Sixel pictures in what was sent, each whole sequence.
fn sixels(sent: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(begin) = find(sent, b"\x1bP0;1;0q", at) {
        let Some(end) = find(sent, b"\x1b\\", begin) else { break };
        all.push(sent[begin..end + 2].to_vec());
        at = end;
    }
    all
}

/// The first kitty picture that was sent whole: width, height and RGBA.
fn kitty_picture(sent: &[u8]) -> Option<(usize, usize, Vec<u8>)> {
    let mut at = 0;
    let (mut payload, mut head) = (String::new(), String::new());
    while let Some(begin) = find(sent, b"\x1b_G", at) {
        let end = find(sent, b"\x1b\\", begin)?;
        let text = String::from_utf8_lossy(&sent[begin + 3..end]).into_owned();
        at = end;
        let (control, data) = text.split_once(';').unwrap_or((&text, ""));
        if control.contains("a=q") || control.contains("a=d") {
            continue;
        }
        if head.is_empty() {
            head = control.to_owned();
        }
        payload.push_str(data);
        if control.contains("m=0") {
            let number = |name: &str| -> Option<usize> {
                head.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
            };
            assert!(head.contains("o=z") && head.contains("U=1"), "compressed, by placeholders: {head}");
            let packed = BASE64_STANDARD.decode(&payload).expect("base64");
            let mut pixels = Vec::new();
            flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut pixels).expect("zlib");
            return Some((number("s")?, number("v")?, pixels));
        }
    }
    None
}

/// The first image on the data screen, painted with sides of `side` pixels.
fn image(side: u32) -> Vec<[u8; 3]> {
    let section = DataSection { source: "phantom:60".into(), size: SIZE as _, ..DataSection::default() };
    let dataset = Dataset::load(&section).expect("phantoms");
    let part = dataset.part(Split::Train);
    let images = part.images.as_ref().expect("images");
    let normal = (0..images.len()).find(|image| part.labels.row(*image).iter().all(|label| *label == 0));
    let overlay = Overlay {
        shows: Shows::Image,
        colours: &COLOUR_MAPS[0],
        opacity: 0.0,
        contrast: 1.0,
        crop: None,
        boxes: &[],
    };
    let picture =
        paint(images.image(normal.expect("a normal image")), [SIZE, SIZE], None, &overlay, [side, side]);
    picture.pixels().map(|pixel| pixel.0).collect()
}

/// The largest difference of a picture from the image in its middle, for the side that fits best.
fn worst_difference(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> u8 {
    let most = width.min(height);
    let of_side = |side: usize| {
        let image = image(side as u32);
        let (left, top) = ((width - side) / 2, (height - side) / 2);
        let of_pixel = |at: usize| {
            let shown = pixel(left + at % side, top + at / side);
            shown.iter().zip(image[at]).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0)
        };
        (0..side * side).map(of_pixel).max().unwrap_or(u8::MAX)
    };
    // The picture's cells are a few pixels larger than the image, by less than a cell.
    (most.saturating_sub(usize::from(CELL[1]))..=most).map(of_side).min().expect("sides")
}

#[test]
fn sixels_are_the_image_and_come_back_after_a_popup() {
    let mut session = Session::start(Some(XTERM), "");
    let picture = session.wait("a sixel picture", |session| sixels(&session.sent()).into_iter().next());
    let decoded = icy_sixel::SixelImage::decode(&picture).expect("sixels");
    let (width, height) = (decoded.width, decoded.height);
    let pixel = |x: usize, y: usize| {
        let at = 4 * (y * width + x);
        [decoded.pixels[at], decoded.pixels[at + 1], decoded.pixels[at + 2]]
    };
    // Sixels tell colours in per cent: 2.55 levels a step.
    let worst = worst_difference(width, height, pixel);
    assert!(worst <= 3, "{worst} levels apart at {width} x {height}");
    let before = sixels(&session.sent()).len();
    session.press("?");
    session.wait_text("everywhere");
    session.press("\x1b");
    session.wait("the picture again", |session| (sixels(&session.sent()).len() > before).then_some(()));
    session.leave();
}

#[test]
fn kitty_gets_the_image_compressed_and_is_told_to_forget_it() {
    let mut session = Session::start(Some(KITTY), "");
    let (width, height, pixels) = session.wait("a kitty picture", |session| kitty_picture(&session.sent()));
    assert_eq!(pixels.len(), width * height * 4);
    let pixel = |x: usize, y: usize| {
        let at = 4 * (y * width + x);
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    };
    assert_eq!(worst_difference(width, height, pixel), 0);
    let sent = session.sent();
    assert!(find(&sent, "\u{10EEEE}".as_bytes(), 0).is_some(), "placeholders stand in the cells");
    session.leave();
    assert!(find(&session.sent(), b"\x1b_Ga=d,d=A,q=2\x1b\\", 0).is_some());
}

#[test]
fn a_terminal_that_never_answers_loses_no_key_and_has_half_blocks() {
    // Typed before the program could ask anything.
    let mut session = Session::start(None, "2");
    session.wait_text("2 TRAIN");
    session.press("1");
    session.wait_text("1 DATA");
    session.wait("half blocks", |session| session.text().contains('▀').then_some(()));
    assert_eq!(sixels(&session.sent()).len(), 0);
    session.leave();
}

#[test]
fn answers_that_come_late_are_no_keys() {
    let mut session = Session::start(None, "");
    session.wait("half blocks", |session| session.text().contains('▀').then_some(()));
    // The probe has given up once a key has an effect.
    session.press("2");
    session.wait_text("2 TRAIN");
    session.press("1");
    session.wait_text("1 DATA");
    // As keys these would open the help, begin a run and leave.
    session.press("\x1bP>|q?s(1)\x1b\\");
    session.press("2");
    session.wait_text("2 TRAIN");
    assert!(session.child.try_wait().expect("a child").is_none());
    session.leave();
}
