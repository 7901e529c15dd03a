use super::*;

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
    form.set("data.size", "60".into());
    assert!(form.config().is_none());
    assert!(form.problem().expect("a sentence").contains("multiple of 8"));
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
