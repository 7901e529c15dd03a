//! Pictures in the workbench end to end: the real binary in a pseudo-terminal that answers as a terminal does; what it
//! sends is decoded and held against the image's own pixels.

mod support;

use std::io::Read;

use base64::prelude::{BASE64_STANDARD, Engine};

use chestxr_tui::config::DataSection;
use chestxr_tui::dataset::{Dataset, Split};
use chestxr_tui::explain::{COLOUR_MAPS, Overlay, Shows, paint};
use support::pty::{CELL, PtyOptions, PtySession, find};

const SIZE: usize = 32;

/// What a terminal answers when it is asked for its attributes.
const XTERM: &[u8] = b"\x1bP>|XTerm(398)\x1b\\\x1b[?64;1;2;4;22c";
const KITTY: &[u8] = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;17;8t\x1b[?62;c";

/// Starts the workbench in a terminal that answers with `answers`, or never; `typed` is there from the beginning.
fn start(answers: Option<&'static [u8]>, typed: &str) -> PtySession {
    let runs = tempfile::tempdir().expect("a temporary folder").keep();
    let runs = runs.to_str().expect("UTF-8");
    let args = ["--data", "phantom:60", "--set", "data.size=32", "--device", "cpu", "--runs-dir", runs];
    PtySession::start(&args, &PtyOptions { answers, typed, ..PtyOptions::default() })
}

/// Leaves by key and waits for the end.
fn leave(session: &mut PtySession) {
    session.press("q");
    assert_eq!(session.wait_exit(), 0);
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
        paint(&images.shown(normal.expect("a normal image")), [SIZE, SIZE], None, &overlay, [side, side]);
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
    let mut session = start(Some(XTERM), "");
    let picture = session.wait("a sixel picture", |session| sixels(&session.bytes()).into_iter().next());
    let decoded = icy_sixel::SixelImage::decode(&picture).expect("sixels");
    let (width, height) = (decoded.width, decoded.height);
    let pixel = |x: usize, y: usize| {
        let at = 4 * (y * width + x);
        [decoded.pixels[at], decoded.pixels[at + 1], decoded.pixels[at + 2]]
    };
    // Sixels tell colours in per cent: 2.55 levels a step.
    let worst = worst_difference(width, height, pixel);
    assert!(worst <= 3, "{worst} levels apart at {width} x {height}");
    let before = sixels(&session.bytes()).len();
    session.press("?");
    session.wait_text("everywhere");
    session.press("\x1b");
    session.wait("the picture again", |session| (sixels(&session.bytes()).len() > before).then_some(()));
    leave(&mut session);
}

#[test]
fn kitty_gets_the_image_compressed_and_is_told_to_forget_it() {
    let mut session = start(Some(KITTY), "");
    let (width, height, pixels) = session.wait("a kitty picture", |session| kitty_picture(&session.bytes()));
    assert_eq!(pixels.len(), width * height * 4);
    let pixel = |x: usize, y: usize| {
        let at = 4 * (y * width + x);
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    };
    assert_eq!(worst_difference(width, height, pixel), 0);
    let sent = session.bytes();
    assert!(find(&sent, "\u{10EEEE}".as_bytes(), 0).is_some(), "placeholders stand in the cells");
    leave(&mut session);
    assert!(find(&session.bytes(), b"\x1b_Ga=d,d=A,q=2\x1b\\", 0).is_some());
}

#[test]
fn a_terminal_that_never_answers_loses_no_key_and_has_half_blocks() {
    // Typed before the program could ask anything.
    let mut session = start(None, "2");
    session.wait_text("2 TRAIN");
    session.press("1");
    session.wait_text("1 DATA");
    session.wait("half blocks", |session| session.text().contains('▀').then_some(()));
    assert_eq!(sixels(&session.bytes()).len(), 0);
    leave(&mut session);
}

#[test]
fn answers_that_come_late_are_no_keys() {
    let mut session = start(None, "");
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
    assert!(session.try_exit_code().is_none());
    leave(&mut session);
}

#[test]
fn no_answer_of_the_terminal_is_printed_beside_a_commands_pictures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let environment = [("HOME", folder.path()), ("XDG_CACHE_HOME", folder.path())];
    let delay = std::time::Duration::from_millis(700);
    let options =
        PtyOptions { answers: Some(KITTY), delay, environment: &environment, ..PtyOptions::default() };
    let args = ["data", "show", "--index", "0", "--data", "phantom:60", "--set", "data.size=32"];
    let mut session = PtySession::start(&args, &options);
    assert_eq!(session.wait_exit(), 0);
    let bytes = session.bytes();
    assert!(find(&bytes, b"\x1b_G", 0).is_some(), "a picture by kitty's protocol");
    // What a terminal driver echoes of an escape sequence.
    assert!(find(&bytes, b"^[", 0).is_none(), "{}", String::from_utf8_lossy(&bytes));
    assert!(!session.text().contains("kitty(") && !session.text().contains("62;c"), "{}", session.text());
}
