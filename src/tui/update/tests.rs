use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::runs::RunState;
use crate::train::{Command, Event, Level, Phase, Progress};
use crate::tui::action::Action;
use crate::tui::app::{App, Effect, Message, Overlay};
use crate::tui::fixture::{self, command, ended, failed, noon, press, tell, training, with_data, with_runs};
use crate::tui::keymap::Mode;
use crate::tui::screen::Screen;
use crate::tui::screens::data::state::Loading;
use crate::tui::screens::runs::state::RunsRequest;

fn sent(effects: Vec<Effect>) -> Option<Command> {
    command(&effects).cloned()
}

#[test]
fn s_starts_a_run_with_the_settings_of_the_form() {
    let mut app = fixture::app();
    app.form.set("optimizer.epochs", "3".into());
    match sent(press(&mut app, &["2", "s"])) {
        Some(Command::Start { config, .. }) => assert_eq!(config.optimizer.epochs, 3),
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_that_are_not_allowed_start_nothing_and_open_the_form() {
    let mut app = fixture::app();
    app.form.set("optimizer.lr", "-1".into());
    assert_eq!(sent(press(&mut app, &["2", "s"])), None);
    assert!(matches!(app.overlay, Some(Overlay::Form)));
    assert!(app.notice.expect("a sentence").text.contains("optimizer.lr"));
}

#[test]
fn a_second_run_is_not_started_over_the_first() {
    let mut app = training();
    assert_eq!(sent(press(&mut app, &["s"])), None);
    assert_eq!(app.mode(), Mode::Question, "it may wait for its turn");
}

#[test]
fn a_run_is_on_from_the_moment_it_is_asked_for() {
    let mut app = fixture::app();
    assert!(matches!(sent(press(&mut app, &["2", "s"])), Some(Command::Start { .. })));
    assert_eq!(sent(press(&mut app, &["s", "Esc"])), None);
    assert_eq!(press(&mut app, &["q"]), []);
    assert_eq!(app.mode(), Mode::Question);
    press(&mut app, &["Esc"]);
    assert_eq!(sent(press(&mut app, &["x", "Enter"])), Some(Command::Stop));
    tell(&mut app, Event::Loading { source: "phantom".into() });
    assert!(app.running().expect("a run").stopping, "the request to stop is older than the loading");
}

#[test]
fn nothing_of_the_last_run_shows_through_the_next() {
    let mut app = training();
    ended(&mut app, RunState::Finished, "all epochs done");
    press(&mut app, &["Left", "s"]);
    assert_eq!((app.progress.elapsed, app.progress.phase), (0.0, Phase::Loading));
    assert_eq!(app.charts.cursor, None);
    let reason = "there is no file lost.npz".to_owned();
    tell(&mut app, Event::Ended { id: None, state: RunState::Failed, reason, best: None });
    assert_eq!(app.progress.elapsed, 0.0);
    assert!(app.notice.expect("a sentence").text.contains("lost.npz"));
}

#[test]
fn quick_keys_build_on_what_was_asked_for_not_on_what_was_told_back() {
    let mut app = training();
    press(&mut app, &["+"]);
    assert_eq!(sent(press(&mut app, &["+"])), Some(Command::SetLearningRate { lr: 1.2e-3 }));
    for (from, to) in [(3e-4, 6e-4), (6e-4, 1.2e-3)] {
        tell(&mut app, Event::LearningRate { from, to, reason: "set by hand".into() });
    }
    assert_eq!(app.run.as_ref().and_then(|run| run.asked_lr), None);
    assert_eq!(sent(press(&mut app, &[" "])), Some(Command::Pause));
    assert_eq!(sent(press(&mut app, &[" "])), Some(Command::Resume));
    tell(&mut app, Event::Paused { step: 1 });
    tell(&mut app, Event::Resumed { step: 1 });
    assert_eq!(sent(press(&mut app, &[" "])), Some(Command::Pause));
}

#[test]
fn space_pauses_and_goes_on() {
    let mut app = training();
    assert_eq!(sent(press(&mut app, &[" "])), Some(Command::Pause));
    let paused = Progress { phase: Phase::Paused, ..app.progress.clone() };
    app.update(Message::Progress(paused), noon());
    assert_eq!(sent(press(&mut app, &[" "])), Some(Command::Resume));
}

#[test]
fn x_stops_only_after_a_yes() {
    let mut app = training();
    assert_eq!(sent(press(&mut app, &["x"])), None);
    assert_eq!(sent(press(&mut app, &["Esc"])), None);
    assert_eq!(sent(press(&mut app, &["x", "Enter"])), Some(Command::Stop));
    assert_eq!(app.run.as_ref().map(|run| run.word(&app.progress).0), Some("stopping"));
}

#[test]
fn plus_and_minus_change_the_rate_of_the_run_or_of_the_next() {
    let mut app = training();
    assert_eq!(sent(press(&mut app, &["+"])), Some(Command::SetLearningRate { lr: 6e-4 }));
    let mut app = fixture::app();
    assert_eq!(sent(press(&mut app, &["2", "-"])), None);
    assert_eq!(app.form.current().optimizer.lr, 1.5e-4);
}

#[test]
fn q_leaves_at_once_when_no_run_is_on() {
    let mut app = fixture::app();
    assert_eq!(press(&mut app, &["q"]), [Effect::Leave { at_once: false }]);
    let mut app = failed();
    assert_eq!(press(&mut app, &["q"]), [Effect::Leave { at_once: false }]);
}

#[test]
fn q_asks_while_a_run_is_on_then_saves_then_leaves() {
    let mut app = training();
    assert_eq!(press(&mut app, &["q"]), []);
    assert_eq!(app.mode(), Mode::Question);
    assert_eq!(press(&mut app, &["Enter"]), [Effect::Send(Command::Stop)]);
    assert_eq!(app.mode(), Mode::Saving);
    let effects = ended(&mut app, RunState::Stopped, "stopped by hand");
    assert_eq!(effects, [Effect::Leave { at_once: false }]);
}

#[test]
fn control_c_twice_stops_saves_and_leaves_from_anywhere() {
    for keys in [&[][..], &["e"], &["e", "1"], &["?"], &[":"], &["6"], &["6", "/"], &["4"], &["5"]] {
        let mut app = training();
        press(&mut app, keys);
        assert_eq!(command(&press(&mut app, &["Ctrl-C"])), None, "{keys:?}");
        assert_eq!(press(&mut app, &["Ctrl-C"]), [Effect::Send(Command::Stop)], "{keys:?}");
        assert_eq!(press(&mut app, &["Ctrl-C"]), [Effect::Leave { at_once: true }], "{keys:?}");
    }
}

#[test]
fn a_trainer_that_dies_is_told_and_nobody_waits_for_it() {
    let mut app = training();
    assert_eq!(app.update(Message::TrainerGone, noon()), []);
    assert!(app.notice.as_ref().expect("a sentence").text.contains("ended unexpectedly"));
    assert_eq!(app.run.as_ref().and_then(|run| run.ending.as_ref()).map(|e| e.state), Some(RunState::Failed));
    assert_eq!(press(&mut app, &["q"]), [Effect::Leave { at_once: false }]);

    let mut app = training();
    press(&mut app, &["q", "Enter"]);
    assert_eq!(app.update(Message::TrainerGone, noon()), [Effect::Leave { at_once: false }]);
}

#[test]
fn a_question_goes_away_when_the_run_ends_by_itself() {
    let mut app = training();
    press(&mut app, &["x"]);
    ended(&mut app, RunState::Finished, "all epochs done");
    assert!(app.overlay.is_none());
}

#[test]
fn what_a_run_came_to_stays_readable_when_the_trainer_rests() {
    let mut app = training();
    app.update(Message::Progress(Progress::default()), noon());
    assert_eq!((app.progress.phase, app.progress.elapsed), (Phase::Idle, 150.0));
}

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

#[test]
fn f_tries_learning_rates_and_enter_takes_the_one_under_the_cursor() {
    let mut app = fixture::app();
    let before = app.form.current().optimizer.lr;
    assert!(matches!(sent(press(&mut app, &["2", "f"])), Some(Command::FindLr { .. })));
    assert!(app.running().is_some_and(|run| run.searching));
    assert_eq!(sent(press(&mut app, &["s"])), None, "one thing at a time");

    let mut app = fixture::rates_found();
    assert!(app.run.is_none(), "a search is no run");
    assert_eq!(app.mode(), Mode::Rates);
    let suggested = app.rates.as_ref().and_then(|rates| rates.curve.suggestion).expect("a suggestion");
    press(&mut app, &["Esc"]);
    assert_eq!(app.form.current().optimizer.lr, before);

    let mut app = fixture::rates_found();
    press(&mut app, &["Enter"]);
    let taken = app.form.current().optimizer.lr;
    assert!((taken / suggested - 1.0).abs() < 1e-4, "{taken} against {suggested}");
    let mut app = fixture::rates_found();
    press(&mut app, &["Right", "Right", "Enter"]);
    assert!(app.form.current().optimizer.lr > taken);
}

#[test]
fn a_search_that_is_stopped_leaves_nothing_and_one_that_fails_says_why() {
    let mut app = fixture::app();
    press(&mut app, &["2", "f"]);
    assert_eq!(sent(press(&mut app, &["x", "Enter"])), Some(Command::Stop));
    let end = |state, reason: &str| Event::Ended { id: None, state, reason: reason.into(), best: None };
    tell(&mut app, end(RunState::Stopped, "stopped by hand"));
    assert!(app.run.is_none() && app.rates.is_none());
    press(&mut app, &["f"]);
    tell(&mut app, end(RunState::Failed, "no memory"));
    assert_eq!(app.run.and_then(|run| run.ending).expect("an end").reason, "no memory");
}

#[test]
fn u_resumes_a_run_that_can_be_resumed() {
    let mut app = training();
    assert_eq!(sent(press(&mut app, &["u"])), None, "it is on");
    ended(&mut app, RunState::Finished, "all epochs done");
    assert_eq!(sent(press(&mut app, &["u"])), None, "it is finished");
    assert!(app.notice.as_ref().expect("a sentence").text.contains("--resume"));

    let mut app = training();
    ended(&mut app, RunState::Stopped, "stopped by hand");
    let info = fixture::info();
    match sent(press(&mut app, &["u"])) {
        Some(Command::Start { config, resume }) => {
            assert_eq!((*config, resume), (info.config.clone(), Some(info.path.clone())));
        }
        other => panic!("{other:?}"),
    }
    let resumed = crate::train::RunInfo { resumed_at: Some((12, 1056)), ..info.clone() };
    let effects = tell(&mut app, Event::Started(Box::new(resumed)));
    assert_eq!(effects, [Effect::ReadEpochs(info.path.clone())]);
    let journal: Vec<_> = (1..=13).map(|number| fixture::epoch(number).record).collect();
    tell(&mut app, Event::Epoch(Box::new(fixture::epoch(13))));
    app.update(Message::Epochs(info.path, Ok(journal.clone())), noon());
    assert_eq!(app.run.expect("a run").epochs, journal, "what came before the stop is on the curves");

    // The list: rows are running, paused, queued, finished, stopped, failed, interrupted without settings.
    for (row, goes) in [(0, false), (1, false), (3, false), (4, true), (5, true), (6, false)] {
        let mut app = with_runs();
        app.runs.row = row;
        assert_eq!(sent(press(&mut app, &["u"])).is_some(), goes, "row {row}");
    }
}

#[test]
fn a_moved_threshold_moves_matrix_and_rates_and_is_kept_only_when_asked_for() {
    let mut app = fixture::evaluated();
    let row = app.evaluate.row();
    let numbers =
        |app: &App| app.evaluate.run().and_then(|run| run.numbers(app.evaluate.row())).expect("numbers");
    let before = numbers(&app);
    press(&mut app, &["=", ".", "0", "1", "Enter"]);
    let after = numbers(&app);
    assert_eq!(after.threshold, 0.01);
    assert!(
        after.counts.tp + after.counts.fp > before.counts.tp + before.counts.fp,
        "a lower one calls more"
    );
    assert_eq!(after.auroc, before.auroc, "a threshold moves no ranking");
    let effects = press(&mut app, &["w"]);
    let [Effect::Keep { thresholds, .. }] = effects.as_slice() else { panic!("kept: {effects:?}") };
    let key = &app.evaluate.run().expect("a run").labels.keys()[row];
    assert_eq!(thresholds.conditions[key].threshold, 0.01);
    press(&mut app, &["Esc"]);
    assert_eq!(numbers(&app), before, "Esc goes back to what is kept");
    assert!(press(&mut app, &["w"]).is_empty(), "nothing was moved, so nothing is written");
}

#[test]
fn threshold_keys_for_all_move_every_condition_but_not_normal_detection() {
    let mut app = fixture::evaluated();
    press(&mut app, &["a", "=", ".", "3", "Enter"]);
    let run = app.evaluate.run().expect("a run");
    let (normal, conditions) = run.levels.split_last().expect("rows");
    assert!(conditions.iter().all(|level| *level == 0.3), "{conditions:?}");
    assert_eq!(*normal, run.kept.normal.threshold);
    press(&mut app, &["=", "7", "Enter"]);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("from 0 to 1")));
}

#[test]
fn a_cell_leads_to_its_images_furthest_wrong_first() {
    let mut app = fixture::evaluated();
    let effects = press(&mut app, &["f"]);
    assert!(matches!(effects.as_slice(), [Effect::ReadImages { .. }]), "{effects:?}");
    let list = app.evaluate.images.as_ref().expect("images");
    let run = app.evaluate.run().expect("a run");
    let numbers = run.numbers(list.row).expect("numbers");
    assert_eq!(list.images.len() as u64, numbers.counts.fn_);
    assert!(list.images.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    for (image, score) in &list.images {
        let (labels, scores) = run.image(*image as usize).expect("an image");
        assert_eq!((labels[list.row], scores[list.row]), (1, *score));
        assert!(*score <= numbers.threshold);
    }
    press(&mut app, &["Esc"]);
    assert!(app.evaluate.images.is_none());
}

#[test]
fn the_order_of_conditions_changes_and_the_cursor_stays_on_its_condition() {
    let mut app = fixture::evaluated();
    press(&mut app, &["Down", "Down"]);
    let row = app.evaluate.row();
    for _ in 0..3 {
        press(&mut app, &["o"]);
        assert_eq!(app.evaluate.row(), row);
        assert_eq!(app.evaluate.sorted().last(), Some(&14), "normal detection stays last");
    }
}

#[test]
fn an_answer_to_an_older_question_is_not_shown() {
    let mut app = fixture::evaluated();
    press(&mut app, &["s"]);
    let old = crate::tui::screens::evaluate::state::Asked {
        run: None,
        split: crate::dataset::Split::Test,
        predict: false,
    };
    app.update(Message::Evaluated(old, Ok(Box::new(fixture::answer()))), noon());
    assert!(app.evaluate.run().is_none(), "val was asked for since");
}

#[test]
fn moving_through_images_asks_for_the_newest_map_only_once() {
    use crate::tui::screens::explain::state::ExplainRequest;
    let mut app = fixture::explained();
    let first = app.explain.image().expect("an image");
    let effects = press(&mut app, &["Down"]);
    let [Effect::Explain(ExplainRequest::Map(key))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(key.image, first + 1);
    assert!(press(&mut app, &["g", "G", "g"]).len() <= 3);
    // Back on the first image its map is there already.
    for _ in 0..first {
        press(&mut app, &["Down"]);
    }
    assert_eq!(app.explain.image(), Some(first));
    assert!(app.explain.map().is_some());
    assert_eq!(press(&mut app, &["o"]), [], "another opacity is no other map");
    assert_eq!(press(&mut app, &["m"]).len(), 1, "another method is");
}

#[test]
fn a_map_of_a_run_that_is_gone_is_not_shown() {
    let mut app = fixture::explained();
    let old = app.explain.key().expect("an image is shown");
    press(&mut app, &["]"]);
    let (asked, opened) = fixture::opened(2);
    let asked = crate::tui::screens::explain::state::Asked {
        run: app.explain.asked.clone().and_then(|a| a.run),
        ..asked
    };
    app.update(Message::Opened(asked, Ok(Box::new(opened))), noon());
    app.update(Message::Mapped(old, Ok(Box::new(fixture::map_of(old.image)))), noon());
    assert!(app.explain.map().is_none() && app.explain.run().is_some());
}

#[test]
fn images_are_listed_by_what_the_network_said_of_them() {
    let mut app = fixture::explained();
    let all = app.explain.images.len();
    let class = app.explain.class;
    let check = |app: &App, holds: &dyn Fn(bool, bool) -> bool| {
        let run = app.explain.run().expect("a run");
        let labels = &run.dataset.part(run.split).labels;
        let mut found = 0;
        for image in 0..all as u32 {
            let called = app.explain.probabilities(image).expect("seen")[class] > run.levels[class];
            let wanted = holds(labels.row(image as usize)[class] == 1, called);
            assert_eq!(app.explain.images.contains(&image), wanted, "{image}");
            found += usize::from(wanted);
        }
        assert_eq!(app.explain.images.len(), found);
    };
    check(&app, &|_, _| true);
    for holds in [
        &(|labelled: bool, _: bool| labelled) as &dyn Fn(bool, bool) -> bool,
        &|_, called| called,
        &|labelled, called| labelled && called,
        &|labelled, called| labelled && !called,
        &|labelled, called| !labelled && called,
    ] {
        press(&mut app, &["f"]);
        check(&app, holds);
    }
    press(&mut app, &["f", "/", "7", "Enter"]);
    assert_eq!(app.explain.image(), Some(7));
    press(&mut app, &["/", "9", "9", "9", "Enter"]);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("999")));
}

#[test]
fn images_are_listed_by_view_sex_and_age_together() {
    let mut app = fixture::demographics::explained();
    let all = app.explain.images.len();
    let of = |app: &App, image: u32| {
        let run = app.explain.run().expect("a run");
        run.dataset.part(run.split).about.who(image as usize)
    };
    press(&mut app, &["w"]);
    assert!(app.explain.images.iter().all(|image| of(&app, *image).starts_with("AP")));
    assert_eq!(app.explain.images.len(), all / 4);
    press(&mut app, &["x", "x"]);
    assert!(app.explain.images.iter().all(|image| of(&app, *image).starts_with("AP M")));
    assert_eq!(app.explain.narrowed().as_deref(), Some("AP · M"));
    let men = app.explain.images.len();
    assert!(men > 0 && men < all / 4);
    press(&mut app, &["x"]);
    assert_eq!(app.explain.images.len(), all / 4, "after the last sex come all");
    press(&mut app, &["a"]);
    assert_eq!(app.explain.narrowed().as_deref(), Some("AP · age 0-17"));
    press(&mut app, &["Esc"]);
    assert_eq!((app.explain.images.len(), app.explain.narrowed()), (all, None));
}

#[test]
fn a_source_that_says_nothing_of_its_images_says_so() {
    let mut app = fixture::explained();
    let all = app.explain.images.len();
    press(&mut app, &["a"]);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("says nothing about age")));
    assert_eq!(app.explain.images.len(), all);
}

#[test]
fn a_setting_tuned_on_the_augment_screen_is_the_next_runs() {
    use crate::config::Preset;
    let mut app = with_data();
    press(&mut app, &["5", "Down", "Down", "Down", "Down", "Right"]);
    let augment = app.form.config().expect("allowed").augment.clone();
    // The chest preset's own values stay, but for the one that was moved.
    let chest = crate::config::AugmentSection::default();
    assert_eq!((augment.preset, augment.rotate), (Preset::Custom, chest.rotate + 1.0));
    assert_eq!((augment.affine_p, augment.shift), (chest.affine_p, chest.shift));
    press(&mut app, &["d", " "]);
    let augment = &app.form.current().augment;
    assert_eq!((augment.rotate, augment.affine_p), (chest.rotate, 0.0));
    press(&mut app, &[" "]);
    assert_eq!(app.form.current().augment.affine_p, chest.affine_p);
}
