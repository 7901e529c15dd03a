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
        let area = app.hits.iter().find(|hit| hit.action == Some(action)).expect("on screen").area;
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
    // The bottom line has the keys of what lies over the screen.
    let over = |app: &App, buffer: &mut Buffer| -> Vec<Action> {
        let hits = crate::tui::draw::draw(app, None, buffer).0;
        hits.iter().filter(|hit| hit.area.y < 33).filter_map(|hit| hit.action).collect()
    };
    assert_eq!(over(&app, &mut buffer), []);
    press(&mut app, &["Esc", ":"]);
    let actions = over(&app, &mut buffer);
    assert!(
        !actions.is_empty() && actions.iter().all(|action| matches!(action, Action::Row(_))),
        "{actions:?}"
    );
}

/// A mouse event at the first cell of a text on the screen.
fn mouse_at(app: &mut App, text: &str, kind: MouseEventKind) -> Vec<Effect> {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 34));
    app.hits = crate::tui::draw::draw(app, None, &mut buffer).0;
    let rows = buffer.content.chunks(120).map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
    let (row, line) = rows.enumerate().find(|(_, line)| line.contains(text)).expect(text);
    let column = line[..line.find(text).expect(text)].chars().count() as u16;
    let event = MouseEvent { kind, column, row: row as u16, modifiers: KeyModifiers::NONE };
    app.update(Message::Input(Input::Mouse(event)), noon())
}

#[test]
fn what_the_footer_and_a_question_offer_can_be_clicked() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut app = training();
    mouse_at(&mut app, "x stop", click);
    assert!(matches!(app.overlay, Some(Overlay::AskStop)));
    mouse_at(&mut app, "Esc continue", click);
    assert!(app.overlay.is_none());
    mouse_at(&mut app, "q quit", click);
    assert!(matches!(app.overlay, Some(Overlay::AskLeave)));
    let effects = mouse_at(&mut app, "Enter stop, save and leave", click);
    assert!(matches!(effects[..], [Effect::Send(_)]), "{effects:?}");
    let mut app = with_runs();
    mouse_at(&mut app, "? help", click);
    assert!(matches!(app.overlay, Some(Overlay::Help(_))));
    mouse_at(&mut app, "Esc close", click);
    assert!(app.overlay.is_none());
}

#[test]
fn the_wheel_scrolls_what_is_under_the_pointer() {
    let mut app = crate::tui::fixture::with_data();
    mouse_at(&mut app, "Infiltration", MouseEventKind::ScrollDown);
    assert_eq!((app.data.row, app.data.image), (1, 0));
    mouse_at(&mut app, "train #", MouseEventKind::ScrollDown);
    assert_eq!((app.data.row, app.data.image), (1, 1), "over the image: the next image");
    mouse_at(&mut app, "digest", MouseEventKind::ScrollDown);
    assert_eq!((app.data.row, app.data.image), (1, 1), "over what doesn't scroll: nothing");
    mouse_at(&mut app, "Infiltration", MouseEventKind::ScrollUp);
    assert_eq!(app.data.row, 0);
    let mut app = with_runs();
    let row = app.runs.row;
    mouse_at(&mut app, "finished", MouseEventKind::ScrollDown);
    assert_eq!(app.runs.row, row + 1);
    let mut app = training();
    press(&mut app, &["?"]);
    mouse_at(&mut app, "screen 1", MouseEventKind::ScrollDown);
    assert!(matches!(app.overlay, Some(Overlay::Help(1))));
}

#[test]
fn a_sentence_in_the_bottom_line_goes_away_with_time() {
    let mut app = fixture::app();
    app.notify(Level::Info, "done");
    app.update(Message::Tick, noon());
    assert!(app.notice.is_some());
    app.update(Message::Tick, &noon() + jiff::SignedDuration::from_secs(5));
    assert!(app.notice.is_none() && !app.wants_ticks() || matches!(app.data.loading, Loading::Busy(_)));
    app.notify(Level::Info, "done");
    app.update(Message::Progress(Progress::default()), &noon() + jiff::SignedDuration::from_secs(10));
    assert!(app.notice.is_none(), "any message tells the time");
}

#[test]
fn text_from_outside_loses_its_control_characters() {
    let mut app = training();
    emit(&mut app, Event::Note { level: Level::Warning, text: "a\x1b[31mb\nc".into() });
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

#[test]
fn one_run_is_selected_for_all_screens() {
    let opened = |effects: &[Effect]| -> Option<std::path::PathBuf> {
        effects.iter().find_map(|effect| match effect {
            Effect::Evaluate(request) => request.run.clone(),
            Effect::Explain(crate::tui::screens::explain::state::ExplainRequest::Open(request)) => {
                request.run.clone()
            }
            _ => None,
        })
    };
    let mut app = with_runs();
    press(&mut app, &["Down", "Down"]);
    let second = app.runs.chosen().expect("a run").path.clone();
    assert_eq!(
        opened(&press(&mut app, &["3"])),
        Some(second.clone()),
        "Evaluate shows the run under the cursor"
    );
    assert_eq!(opened(&press(&mut app, &["4"])), Some(second.clone()), "Explain opens the same run");
    press(&mut app, &["6", "Down"]);
    let third = app.runs.chosen().expect("a run").path.clone();
    assert_ne!(third, second);
    assert_eq!(opened(&press(&mut app, &["4"])), Some(third.clone()));
    assert_eq!(opened(&press(&mut app, &["3"])), Some(third.clone()));
    let mut buffer = Buffer::empty(Rect::new(0, 0, 120, 34));
    crate::tui::draw::draw(&app, None, &mut buffer);
    let top: String = buffer.content[..120].iter().map(|cell| cell.symbol()).collect();
    let name = third.file_name().expect("a name").to_string_lossy().into_owned();
    let short = name.rsplit('-').next().expect("a part");
    assert!(top.contains(&format!("selected {short}")), "{top}");
}
