//! The frames of each screen, state by state, with their colours. Expected frames are `snapshots/*.snap`;
//! `INSTA_UPDATE=always cargo test --lib tui` replaces them. Read the difference before you commit it.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::dataset::check::Severity;
use crate::runs::RunState;
use crate::train::{Event, Phase, Progress};
use crate::tui::app::{App, Message};
use crate::tui::colour_depth::ColourDepth;
use crate::tui::draw::draw;
use crate::tui::fixture::{self, emit, ended, failed, noon, press, training, with_data, with_runs};
use crate::tui::screens::runs::state::Listed;
use crate::tui::theme::Theme;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 34), (200, 60)];
/// One of each kind.
const FINDINGS: [(Severity, &str); 3] = [
    (Severity::Problem, "3 images in two splits: test images were trained on; remove the copies"),
    (Severity::Warning, "2 images of one grey all over; remove them"),
    (Severity::Note, "hernia is on no validation image, so its AUROC there is undefined"),
];

fn buffer(app: &App, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
    terminal.draw(|frame| drop(draw(app, None, frame.buffer_mut()))).expect("drawn");
    terminal.backend().buffer().clone()
}

fn screen(app: &App, size: (u16, u16)) -> String {
    let buffer = buffer(app, size);
    let rows = buffer.content.chunks(usize::from(size.0));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n")
        .collect()
}

/// A style, `#7aa2f7 on #1a1b26 bold`.
fn style_name(cell: &Cell) -> String {
    let colour = |colour: Color| match colour {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        other => other.to_string().to_lowercase(),
    };
    let modifiers = cell.modifier.iter_names().map(|(name, _)| format!(" {}", name.to_lowercase()));
    format!("{} on {}{}", colour(cell.fg), colour(cell.bg), modifiers.collect::<String>())
}

/// The frame as text, then a letter for the style of each cell, then what the letters mean. Pixels of images are `%`:
/// their colours have tests of their own.
fn styled_screen(app: &App, size: (u16, u16)) -> String {
    // Screens with heat maps have more styles than the alphabet has letters.
    let letters: Vec<char> =
        ('a'..='z').chain('A'..='Z').chain('0'..='9').chain('\u{100}'..='\u{17f}').collect();
    let bars = [app.theme.train().fg, app.theme.muted().fg];
    let buffer = buffer(app, size);
    let mut names: Vec<String> = Vec::new();
    let mut styles = String::new();
    for row in buffer.content.chunks(usize::from(size.0)) {
        for cell in row {
            if cell.symbol() == "▀" && !bars.contains(&Some(cell.fg)) {
                styles.push('%');
                continue;
            }
            let name = style_name(cell);
            let index = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            styles.push(letters[index]);
        }
        styles.push('\n');
    }
    let legend = names.iter().zip(&letters).map(|(name, letter)| format!("{letter} {name}\n"));
    format!("{}\n{styles}\n{}", screen(app, size), legend.collect::<String>())
}

fn expect(app: &App, size: (u16, u16), name: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
        .bind(|| insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), styled_screen(app, size)));
}

/// Every state that a screen can be in.
fn states() -> Vec<(&'static str, App)> {
    let mut all = vec![
        ("data_loading", fixture::app()),
        ("data_full", with_data()),
        ("train_full", training()),
        ("train_failed", failed()),
        ("runs_full", with_runs()),
        ("runs_queue", fixture::with_queue()),
        ("runs_marked", fixture::with_marks()),
        ("runs_compared", fixture::with_comparison()),
    ];
    let mut add = |name, mut app: App, keys: &[&str]| {
        press(&mut app, keys);
        all.push((name, app));
    };
    add("train_empty", fixture::app(), &["2"]);
    add("runs_loading", fixture::app(), &["6"]);
    add("evaluate_full", fixture::evaluated(), &["Down", "Right"]);
    add("evaluate_grid", fixture::evaluated(), &["v"]);
    add("evaluate_calibration", fixture::evaluated(), &["v", "v"]);
    add("evaluate_typing", fixture::evaluated(), &["=", ".", "2"]);
    add("evaluate_images", fixture::evaluated(), &["f", "Down"]);
    add("evaluate_loading", fixture::app(), &["3"]);
    add("explain_loading", fixture::app(), &["4"]);
    add("explain_full", fixture::explained(), &["f", "f", "f"]);
    add("explain_beside", fixture::explained(), &["v", "z", "o", "k", "+"]);
    add("explain_waiting", fixture::explained(), &["m"]);
    add("explain_search", fixture::explained(), &["/", "1", "2"]);
    add("augment_full", with_data(), &["5", "p", "Down"]);
    add("augment_alone", with_data(), &["5", "Down", "Down", "Down", "o", "Right", "r", "."]);
    add("train_zoomed", training(), &["z", "Left", "Left", "y", "w"]);
    add("data_pairs", with_data(), &["v", "Down", "Down"]);
    add("data_split", with_data(), &["s", "v", "v"]);
    add("data_together", fixture::demographics::with_people(), &["v", "Down", "Down"]);
    add("data_looking", fixture::demographics::with_people(), &["v", "v"]);
    add("data_found", fixture::demographics::checked(&FINDINGS), &[]);
    add("data_clean", fixture::demographics::checked(&[]), &["s"]);
    add("explain_grouped", fixture::demographics::explained(), &["w", "x", "x", "a", "a"]);
    add("explain_nobody", fixture::demographics::explained(), &["f", "w", "x", "a"]);
    add("runs_opened", with_runs(), &["Enter"]);
    add("runs_filtered", with_runs(), &["/", "n", "o"]);
    add("runs_chosen", with_runs(), &["Down", "Down", "Down", "o"]);
    add("runs_settings", fixture::with_comparison(), &["v"]);
    add("runs_conditions", fixture::with_comparison(), &["v", "v", "Left"]);
    add("runs_curves", fixture::with_comparison(), &["z", "Left", "Left", "m"]);
    add("runs_note", with_runs(), &["Down", "Down", "Down", "i"]);
    add("ask_queue", training(), &["s"]);
    add("form", fixture::app(), &["2", "e", "Down"]);
    add("form_wrong", fixture::app(), &["2", "e", "Down", "7", "Enter", "End"]);
    add("form_typing", fixture::app(), &["2", "e", "Down", "7"]);
    add("help", training(), &["?"]);
    add("palette", training(), &[":", "r", "a"]);
    add("palette_nothing", training(), &[":", "#"]);
    add("ask_stop", training(), &["x"]);
    add("ask_leave", training(), &["q"]);
    add("saving", training(), &["q", "Enter"]);
    add("rates", fixture::rates_found(), &["Right"]);

    let mut app = fixture::app();
    press(&mut app, &["2", "f"]);
    let progress =
        Progress { phase: Phase::Searching, done: 34, total: 100, lr: 3.4e-6, ..Progress::default() };
    app.update(Message::Progress(progress), noon());
    all.push(("rates_searching", app));

    let mut app = with_runs();
    press(&mut app, &["Down", "Down", "Down", "d"]);
    if let Some((_, bytes)) = &mut app.runs.doomed {
        *bytes = Some(61_700_000);
    }
    all.push(("runs_deleting", app));
    let mut app = fixture::app();
    let section = Box::new(app.form.current().data.clone());
    app.enter_screen();
    app.update(Message::Data(section, Err("can't read lost.npz: no such file".into())), noon());
    all.push(("data_failed", app));
    let mut app = fixture::app();
    press(&mut app, &["2", "s"]);
    emit(&mut app, Event::Loading { source: "phantom".into() });
    all.push(("train_loading", app));
    let mut app = training();
    ended(&mut app, RunState::Finished, "no gain for 14 epochs");
    all.push(("train_ended", app));
    for (name, outcome) in
        [("runs_empty", Ok(Vec::new())), ("runs_failed", Err("can't read /runs".to_owned()))]
    {
        let mut app = fixture::app();
        press(&mut app, &["6"]);
        let listed = |runs| Listed { runs, waiting: Vec::new(), unread: 0, damaged: 0, more: false };
        app.update(Message::Runs(outcome.map(listed)), noon());
        all.push((name, app));
    }
    all
}

fn state(wanted: &str) -> App {
    states().into_iter().find(|(name, _)| *name == wanted).expect(wanted).1
}

#[test]
fn frames_look_as_they_were_approved() {
    for (name, app) in states() {
        let sizes: &[(u16, u16)] = match name {
            "train_full" | "train_empty" | "runs_full" | "runs_marked" | "runs_compared" | "runs_queue"
            | "form" => &SIZES,
            _ => &SIZES[..2],
        };
        for size in sizes {
            expect(&app, *size, name);
        }
    }
}

#[test]
fn no_size_panics_in_any_state() {
    for (name, app) in states() {
        for width in (0..=60).chain([80, 200]) {
            for height in (0..=20).chain([24, 60]) {
                let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, width, height));
                draw(&app, None, &mut buffer);
                assert_eq!((buffer.area.width, buffer.area.height), (width, height), "{name}");
            }
        }
    }
}

#[test]
fn the_data_screen_tells_classes_with_normal_first_and_where_they_are_from() {
    for size in SIZES {
        let text = screen(&state("data_full"), size);
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows[3].contains("Normal"), "{text}");
        for words in ["train", "val", "test", "60 images", "phantom:60", "Hernia", "Infiltration"] {
            assert!(text.contains(words), "{words} at {size:?}:\n{text}");
        }
    }
    let text = screen(&state("data_full"), (120, 34));
    assert!(text.contains("32x32 px") && text.contains("1 of "), "an image of the class is shown:\n{text}");
    assert!(screen(&state("data_pairs"), (120, 34)).contains("together"));
}

#[test]
fn a_tiny_terminal_still_says_what_goes_on() {
    let text = screen(&training(), (20, 5));
    assert!(text.contains("training"), "{text}");
    assert!(screen(&fixture::app(), (20, 5)).contains("1 DATA"));
}

#[test]
fn without_colours_nothing_is_coloured() {
    for (name, mut app) in states() {
        app.theme = Theme::without_colours();
        let buffer = buffer(&app, (120, 34));
        let plain = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
        assert!(buffer.content.iter().all(plain), "{name}");
    }
}

#[test]
fn in_ascii_nothing_else_appears() {
    for (name, mut app) in states() {
        app.ascii = true;
        let text = screen(&app, (120, 34));
        let foreign: String = text.chars().filter(|sign| !sign.is_ascii()).collect();
        assert!(foreign.is_empty(), "{name}: {foreign}");
        assert!(!text.lines().any(|line| line.contains("??")), "{name}: a sign has no ASCII form:\n{text}");
    }
    let mut app = training();
    app.ascii = true;
    let text = screen(&app, (120, 34));
    assert!(text.contains("* train") && text.contains(". val"), "{text}");
}

#[test]
fn a_state_is_told_by_a_word_and_a_sign_of_its_own() {
    let theme = Theme::without_colours();
    let states = [
        RunState::Queued,
        RunState::Running,
        RunState::Paused,
        RunState::Stopped,
        RunState::Finished,
        RunState::Failed,
        RunState::Interrupted,
    ];
    let signs: std::collections::HashSet<char> =
        states.iter().map(|state| crate::tui::widgets::text::state_mark(*state, &theme).0).collect();
    assert_eq!(signs.len(), states.len());
    let text = screen(&with_runs(), (120, 34));
    for state in states {
        assert!(text.contains(state.name()), "{state}");
    }
}

#[test]
fn the_cursor_reads_all_charts_at_one_epoch() {
    let mut app = training();
    press(&mut app, &["Left", "Left", "Left"]);
    let text = screen(&app, (120, 34));
    assert_eq!(text.matches("@10  val").count(), 4, "{text}");
}

#[test]
fn why_a_run_failed_can_be_read_beside_its_curves() {
    let mut app = training();
    let reason = "can't write the weights to /a/folder/with/a/name/that/is/longer/than/the/panel/is/wide/last.ckpt: \
                  no space left on the device, and so on for another line that is left out";
    ended(&mut app, RunState::Failed, reason);
    app.notice = None;
    for size in [(80, 24), (120, 34)] {
        let text = screen(&app, size);
        for part in ["failed: can't write the weights to ", "/panel/is/wide/last.ckpt: ", "… │"] {
            assert!(text.contains(part), "{part} at {size:?}:\n{text}");
        }
    }
}

#[test]
fn a_pause_changes_no_gauge_and_what_is_not_measured_is_no_share() {
    let mut app = training();
    let gauges = |app: &App| -> Vec<String> {
        let text = screen(app, (120, 34));
        text.lines().filter(|line| line.contains('%')).map(str::to_owned).collect()
    };
    let validating = Progress { phase: Phase::Validating, done: 3, total: 7, ..app.progress.clone() };
    app.update(Message::Progress(validating.clone()), noon());
    let before = gauges(&app);
    app.update(Message::Progress(Progress { phase: Phase::Paused, ..validating }), noon());
    assert_eq!(gauges(&app), before);

    app.update(
        Message::Progress(Progress { phase: Phase::Training, epoch: 1, epochs: 50, ..Progress::default() }),
        noon(),
    );
    let text = screen(&app, (120, 34));
    assert!(text.contains("0 images/s") && text.contains("compute –"), "{text}");
}

#[test]
fn a_scale_is_called_logarithmic_only_where_it_is() {
    let mut app = training();
    press(&mut app, &["y"]);
    assert!(screen(&app, (120, 34)).contains(" log  "));
    for record in &mut app.run.as_mut().expect("a run").epochs {
        record.train_loss = Some(0.0);
    }
    let text = screen(&app, (120, 34));
    assert!(!text.contains(" log  "), "{text}");
}

#[test]
fn the_data_being_read_are_named_not_those_of_changed_settings() {
    let mut app = fixture::app();
    app.enter_screen();
    app.form.set("data.source", "phantom:77".into());
    assert!(screen(&app, (80, 24)).contains("Reading phantom …"));
}

#[test]
fn not_a_medical_device_is_said_once() {
    assert_eq!(screen(&state("help"), (120, 34)).matches("Not a medical device").count(), 1);
}

#[test]
fn a_terminal_of_few_colours_gets_no_others() {
    for depth in [ColourDepth::Ansi, ColourDepth::Indexed] {
        // Pictures of half blocks too.
        for mut app in [training(), fixture::evaluated(), fixture::explained()] {
            app.depth = depth;
            let mut buf = Buffer::empty(Rect::new(0, 0, 120, 34));
            draw(&app, None, &mut buf);
            let colours: Vec<Color> = buf.content.iter().flat_map(|cell| [cell.fg, cell.bg]).collect();
            let wrong = colours.iter().find(|colour| {
                matches!((depth, colour), (_, Color::Rgb(..)) | (ColourDepth::Ansi, Color::Indexed(_)))
            });
            assert_eq!(wrong, None, "{depth:?}");
            let mut kinds: Vec<Color> = Vec::new();
            for colour in colours {
                if !kinds.contains(&colour) {
                    kinds.push(colour);
                }
            }
            assert!(kinds.len() >= 4, "{depth:?}: text, frames and ground stay apart: {kinds:?}");
        }
    }
}
