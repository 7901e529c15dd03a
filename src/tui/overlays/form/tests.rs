use super::*;
use crate::tui::app::{App, Effect, Message, Overlay};
use crate::tui::fixture::{self, noon, press};
use crate::tui::keymap::Mode;

fn form() -> Form {
    Form::new(RunConfig::default())
}

fn row_of(form: &Form, key: &str) -> usize {
    form.entries().iter().position(|entry| entry.field.key == key).expect(key)
}

fn turned(key: &str, start: &str, by: isize) -> String {
    let mut form = form();
    form.set(key, start.to_owned());
    form.go(row_of(&form, key));
    form.turn(by);
    form.chosen().expect("a setting").text.clone()
}

#[test]
fn the_form_has_every_setting_once_and_the_main_ones_first() {
    let form = form();
    assert_eq!(form.entries().len(), FIELDS.len());
    assert_eq!(form.entries()[0].field.key, "data.source");
    assert!(form.entries().iter().take(MAIN.len()).all(|entry| entry.main));
    assert!(form.entries().iter().all(|entry| !form.differs(entry)));
}

#[test]
fn a_value_that_is_not_allowed_stays_and_keeps_the_run_from_starting() {
    let mut form = form();
    form.go(row_of(&form, "optimizer.lr"));
    form.begin(Some("fast".into()));
    assert!(form.typing_error().expect("wrong").contains("a number above 0"));
    form.end(true);
    let entry = form.chosen().expect("a setting");
    assert_eq!(entry.text, "fast");
    assert!(entry.error.is_some());
    assert!(form.config().is_none());
    form.reset();
    assert_eq!(form.config().expect("allowed again").optimizer.lr, 3e-4);
}

#[test]
fn settings_that_contradict_each_other_keep_the_run_from_starting() {
    let mut form = form();
    form.set("data.val_fraction", "0.5".into());
    form.set("data.test_fraction", "0.5".into());
    assert!(form.config().is_none());
    assert!(form.problem().expect("a sentence").contains("less than a tenth for training"));
}

#[test]
fn typing_can_be_taken_back() {
    let mut form = form();
    form.begin(Some("npz:other.npz".into()));
    form.end(false);
    assert_eq!(form.current().data.source, "phantom");
}

#[test]
fn an_unknown_source_is_told_while_it_is_typed() {
    let mut form = form();
    form.begin(Some("chest".into()));
    assert!(form.typing_error().expect("unknown").contains("phantom"));
    form.end(true);
    assert!(form.config().is_none(), "and starts nothing");
}

#[test]
fn arrows_go_through_choices_and_round_numbers() {
    assert_eq!(turned("model.arch", "chestnet-s", 1), "resnet18");
    assert_eq!(turned("model.arch", "chestnet-s", -1), "densenet121");
    assert_eq!(turned("early_stopping.enabled", "true", 1), "false");
    assert_eq!(turned("optimizer.batch_size", "32", 1), "64");
    assert_eq!(turned("optimizer.batch_size", "1", -1), "1");
    assert_eq!(turned("data.size", "64", 1), "96");
    assert_eq!(turned("optimizer.lr", "3e-4", 1), "0.0005");
    assert_eq!(turned("optimizer.lr", "3e-4", -1), "0.0002");
    assert_eq!(turned("model.dropout", "0.5", 1), "0.55");
    assert_eq!(turned("optimizer.epochs", "50", -1), "45");
}

#[test]
fn the_cursor_stays_between_the_first_setting_and_start() {
    let mut form = form();
    form.step(-3);
    assert_eq!(form.row, 0);
    form.step(isize::MAX / 2);
    assert!(form.on_start());
    form.begin(None);
    assert!(form.typing.is_none(), "[start] is no line to type in");
}

/// Types each character of `text` into the app, as a keyboard does.
fn type_text(app: &mut App, text: &str) -> Vec<Effect> {
    let letters: Vec<String> = text.chars().map(String::from).collect();
    let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
    press(app, &letters)
}

fn open(key: &str) -> App {
    let mut app = fixture::app();
    press(&mut app, &["2", "e"]);
    app.form.go(row_of(&app.form, key));
    app
}

#[test]
fn every_printable_key_edits_a_text_and_starts_nothing() {
    let printable: String = (' '..='~').collect();
    let mut app = open("run.name");
    assert_eq!(type_text(&mut app, &printable), []);
    assert_eq!(app.mode(), Mode::Typing);
    assert_eq!(app.form.typing.as_ref().expect("a line").value(), printable);
    for name in ["second", "query 2", "e", "r", "jk", "hl", "q"] {
        let mut app = open("run.name");
        assert_eq!(type_text(&mut app, name), [], "{name}");
        assert_eq!(press(&mut app, &["Enter"]), [], "{name}");
        assert_eq!(app.form.current().run.name, name);
        assert_eq!(app.mode(), Mode::Form, "{name}");
    }
}

#[test]
fn every_printable_key_in_every_row_starts_no_run_and_closes_nothing() {
    let mut app = open("run.name");
    for row in 0..FIELDS.len() {
        app.form.go(row);
        for letter in ' '..='~' {
            assert_eq!(type_text(&mut app, &letter.to_string()), [], "{letter:?} in row {row}");
            assert!(matches!(app.overlay, Some(Overlay::Form)), "{letter:?} in row {row}");
            assert_eq!(app.form.row, row, "{letter:?}");
            app.form.end(false);
        }
    }
}

#[test]
fn pasted_text_edits_the_selected_setting() {
    use crossterm::event::Event;
    let paste = |app: &mut App, text: &str| {
        app.update(Message::Input(Event::Paste(text.into())), noon());
    };
    let mut app = open("data.source");
    paste(&mut app, "npz:/data/chest images.npz\n");
    press(&mut app, &["Enter"]);
    assert_eq!(app.form.chosen().expect("a setting").text, "npz:/data/chest images.npz");
    let mut app = open("optimizer.lr");
    paste(&mut app, "3e-5");
    press(&mut app, &["Enter"]);
    assert_eq!(app.form.current().optimizer.lr, 3e-5);
    let mut app = open("model.arch");
    paste(&mut app, "densenet");
    assert_eq!(app.form.current().model.arch.name(), "densenet121");
}

#[test]
fn a_letter_selects_a_choice_and_a_space_turns_a_switch() {
    let mut app = open("model.arch");
    type_text(&mut app, "r");
    assert!(app.form.current().model.arch.name().starts_with('r'));
    let mut app = open("early_stopping.enabled");
    type_text(&mut app, " ");
    assert!(!app.form.current().early_stopping.enabled);
    type_text(&mut app, "y");
    assert!(app.form.current().early_stopping.enabled);
    type_text(&mut app, "x");
    assert!(app.form.current().early_stopping.enabled);
}

#[test]
fn a_run_starts_by_its_own_key_or_on_start() {
    for keys in [&["Ctrl-S"][..], &["End", "Enter"]] {
        let mut app = open("run.name");
        let effects = press(&mut app, keys);
        assert!(
            matches!(effects[..], [Effect::Send(crate::train::Command::Start { .. })]),
            "{keys:?}: {effects:?}"
        );
    }
}
