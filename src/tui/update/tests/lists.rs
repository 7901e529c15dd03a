//! Lists, the palette, clicks, pastes, the bottom line.

use super::*;

#[test]
fn the_data_are_read_once_and_again_when_the_source_changes() {
    let mut app = with_data();
    assert_eq!(press(&mut app, &["2", "1"]), []);
    app.form.set("data.source", "phantom:80".into());
    assert!(matches!(press(&mut app, &["2", "1"])[..], [Effect::LoadData(_)]));
    assert!(matches!(app.data.loading, Loading::Busy(_)));
}

#[test]
fn an_answer_to_an_older_question_is_passed_over() {
    let mut app = with_data();
    let old = Box::new(crate::config::DataSection { source: "phantom:20".into(), ..Default::default() });
    app.update(Message::Data(old, Err("too late".into())), noon());
    assert!(matches!(app.data.loading, Loading::Ready(_)));
}

#[test]
fn the_cursor_stays_on_its_run_when_the_list_changes() {
    let mut app = with_runs();
    press(&mut app, &["Down", "Down"]);
    let before = app.runs.chosen().expect("a run").id.clone();
    let mut runs = fixture::summaries();
    runs.remove(0);
    app.update(fixture::listed(runs), noon());
    assert_eq!(app.runs.chosen().expect("a run").id, before);
    assert_eq!(app.runs.row, 1);
}

#[test]
fn letters_filter_the_runs_and_escape_shows_all_again() {
    let mut app = with_runs();
    press(&mut app, &["/", "a", "1", "b", "3"]);
    assert_eq!(app.runs.shown().len(), 1);
    press(&mut app, &["Enter"]);
    assert_eq!((app.mode(), app.runs.shown().len()), (Mode::Runs, 1));
    press(&mut app, &["Esc"]);
    assert_eq!(app.runs.shown().len(), 7);
}

#[test]
fn the_run_that_a_filter_leaves_is_read_while_it_is_typed() {
    let mut app = with_runs();
    let effects = press(&mut app, &["/", "b", "3"]);
    let path = app.runs.chosen().expect("a run").path.clone();
    assert_eq!(effects.last(), Some(&Effect::Runs(RunsRequest::LookAt(path))));
    let mut app = with_runs();
    assert!(matches!(press(&mut app, &["/", "Down"])[..], [Effect::Runs(RunsRequest::LookAt(_))]));
    assert_eq!((app.mode(), app.runs.row), (Mode::Typing, 1));
    app.perform(Action::Row(2));
    assert_eq!((app.mode(), app.runs.row), (Mode::Typing, 2));
    app.perform(Action::Row(2));
    assert_eq!(app.mode(), Mode::Opened);
}

#[test]
fn one_reading_of_the_list_is_on_its_way_at_most() {
    let mut app = with_runs();
    let lists =
        |effects: &[Effect]| effects.iter().filter(|e| **e == Effect::Runs(RunsRequest::List)).count();
    assert_eq!(lists(&press(&mut app, &["r"])), 1);
    assert_eq!(lists(&press(&mut app, &["r", "r"])), 0);
    let effects = app.update(Message::Runs(Err("busy".into())), noon());
    assert_eq!(effects, [Effect::Runs(RunsRequest::List)], "asked for while it was read, so once more");
    assert_eq!(app.update(Message::Runs(Err("busy".into())), noon()), []);
}

#[test]
fn enter_opens_a_run_and_escape_goes_back() {
    let mut app = with_runs();
    press(&mut app, &["Enter"]);
    assert_eq!(app.mode(), Mode::Opened);
    press(&mut app, &["Left", "Left"]);
    assert_eq!(app.charts.cursor, Some(11));
    press(&mut app, &["Esc"]);
    assert_eq!((app.mode(), app.charts.cursor), (Mode::Opened, None));
    press(&mut app, &["Esc"]);
    assert_eq!(app.mode(), Mode::Runs);
}

#[test]
fn the_palette_runs_a_command_by_a_few_letters() {
    let mut app = fixture::app();
    press(&mut app, &[":", "l", "o", "g", "Enter"]);
    assert!(app.charts.log_y && app.overlay.is_none());
}

#[test]
fn every_command_of_the_palette_can_be_run_from_every_state() {
    for binding in crate::tui::keymap::commands() {
        for mut app in [fixture::app(), training(), failed(), with_data(), with_runs()] {
            app.perform(binding.action);
        }
    }
}

#[test]
fn a_click_chooses_a_screen_and_a_row() {
    let mut app = with_runs();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 34));
    app.hits = crate::tui::draw::draw(&app, None, &mut buffer).0;
    let click = |app: &mut App, action: Action| {
        let area = app.hits.iter().find(|hit| hit.action == action).expect("on screen").area;
        app.update(
            Message::Input(Input::Mouse(MouseEvent {
                kind: MouseEventKind::Down(MouseButton::Left),
                column: area.x,
                row: area.y,
                modifiers: KeyModifiers::NONE,
            })),
            noon(),
        )
    };
    click(&mut app, Action::Row(3));
    assert_eq!(app.runs.row, 3);
    click(&mut app, Action::Show(Screen::Train));
    assert_eq!(app.screen, Screen::Train);
}

#[test]
fn a_click_on_a_small_chart_opens_its_run() {
    let mut app = with_runs();
    app.perform(Action::Chart(0));
    assert_eq!(app.mode(), Mode::Opened);
}

#[test]
fn what_lies_over_the_screen_has_the_clicks_to_itself() {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 34));
    let mut app = with_runs();
    app.overlay = Some(Overlay::Help(0));
    assert_eq!(crate::tui::draw::draw(&app, None, &mut buffer).0, []);
    press(&mut app, &["Esc", ":"]);
    let hits = crate::tui::draw::draw(&app, None, &mut buffer).0;
    assert!(!hits.is_empty() && hits.iter().all(|hit| matches!(hit.action, Action::Row(_))), "{hits:?}");
}

#[test]
fn a_sentence_in_the_bottom_line_goes_away_with_time() {
    let mut app = fixture::app();
    app.say(Level::Info, "done");
    app.update(Message::Tick, noon());
    assert!(app.notice.is_some());
    app.update(Message::Tick, &noon() + jiff::SignedDuration::from_secs(5));
    assert!(app.notice.is_none() && !app.wants_ticks() || matches!(app.data.loading, Loading::Busy(_)));
    app.say(Level::Info, "done");
    app.update(Message::Progress(Progress::default()), &noon() + jiff::SignedDuration::from_secs(10));
    assert!(app.notice.is_none(), "any message tells the time");
}

#[test]
fn text_from_outside_loses_its_control_characters() {
    let mut app = training();
    tell(&mut app, Event::Note { level: Level::Warning, text: "a\x1b[31mb\nc".into() });
    let line = app.log.tail(1).next().expect("a line").text.clone();
    assert_eq!(line, "a [31mb c");
    app.update(Message::Input(Input::Paste("x\x1by".into())), noon());
}

#[test]
fn a_pasted_path_lands_in_the_setting_being_typed() {
    let mut app = fixture::app();
    press(&mut app, &["2", "e", "Enter"]);
    app.update(Message::Input(Input::Paste("2000\n".into())), noon());
    press(&mut app, &["Enter"]);
    assert_eq!(app.form.entries()[0].text, "phantom2000");
}
