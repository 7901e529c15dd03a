//! The trainer: starting, pausing, stopping, leaving, the learning-rate finder.

use super::*;

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
    emit(&mut app, Event::Loading { source: "phantom".into() });
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
    emit(&mut app, Event::Ended { id: None, state: RunState::Failed, reason, best: None });
    assert_eq!(app.progress.elapsed, 0.0);
    assert!(app.notice.expect("a sentence").text.contains("lost.npz"));
}

#[test]
fn quick_keys_build_on_what_was_asked_for_not_on_what_was_told_back() {
    let mut app = training();
    press(&mut app, &["+"]);
    assert_eq!(sent(press(&mut app, &["+"])), Some(Command::SetLearningRate { lr: 1.2e-3 }));
    for (from, to) in [(3e-4, 6e-4), (6e-4, 1.2e-3)] {
        emit(&mut app, Event::LearningRate { from, to, reason: "set manually".into() });
    }
    assert_eq!(app.run.as_ref().and_then(|run| run.asked_lr), None);
    assert_eq!(sent(press(&mut app, &[" "])), Some(Command::Pause));
    assert_eq!(sent(press(&mut app, &[" "])), Some(Command::Resume));
    emit(&mut app, Event::Paused { step: 1 });
    emit(&mut app, Event::Resumed { step: 1 });
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
    let effects = ended(&mut app, RunState::Stopped, "stopped by the user");
    assert_eq!(effects, [Effect::Leave { at_once: false }]);
}

#[test]
fn control_c_asks_from_anywhere_and_closes_a_question() {
    for keys in [&[][..], &["e"], &["e", "1"], &["?"], &[":"], &["6"], &["6", "/"], &["4"], &["5"]] {
        let mut app = training();
        press(&mut app, keys);
        assert_eq!(command(&press(&mut app, &["Ctrl-C"])), None, "{keys:?}");
        assert_eq!(app.mode(), Mode::Question, "{keys:?}");
        assert_eq!(press(&mut app, &["Ctrl-C"]), [], "{keys:?}");
        assert_ne!(app.mode(), Mode::Question, "{keys:?}: it stops nothing");
        assert_eq!(press(&mut app, &["Ctrl-C", "Enter"]), [Effect::Send(Command::Stop)], "{keys:?}");
        assert_eq!(press(&mut app, &["Ctrl-C"]), [Effect::Leave { at_once: true }], "{keys:?}");
    }
    for key in ["x", "q"] {
        let mut app = training();
        assert_eq!(press(&mut app, &[key, "Ctrl-C"]), []);
        assert!(app.overlay.is_none() && app.running().is_some(), "{key}");
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
    emit(&mut app, end(RunState::Stopped, "stopped by the user"));
    assert!(app.run.is_none() && app.rates.is_none());
    press(&mut app, &["f"]);
    emit(&mut app, end(RunState::Failed, "no memory"));
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
    ended(&mut app, RunState::Stopped, "stopped by the user");
    let info = fixture::info();
    match sent(press(&mut app, &["u"])) {
        Some(Command::Start { config, resume }) => {
            assert_eq!((*config, resume), (info.config.clone(), Some(info.path.clone())));
        }
        other => panic!("{other:?}"),
    }
    let resumed = crate::train::RunInfo { resumed_at: Some((12, 1056)), ..info.clone() };
    let effects = emit(&mut app, Event::Started(Box::new(resumed)));
    assert_eq!(effects, [Effect::ReadEpochs(info.path.clone())]);
    let journal: Vec<_> = (1..=13).map(|number| fixture::epoch(number).record).collect();
    emit(&mut app, Event::Epoch(Box::new(fixture::epoch(13))));
    app.update(Message::Epochs(info.path, Ok(journal.clone())), noon());
    assert_eq!(app.run.expect("a run").epochs, journal, "what came before the stop is on the curves");

    // The list: rows are running, paused, queued, finished, stopped, failed, interrupted without settings.
    for (row, goes) in [(0, false), (1, false), (3, false), (4, true), (5, true), (6, false)] {
        let mut app = with_runs();
        app.runs.row = row;
        assert_eq!(sent(press(&mut app, &["u"])).is_some(), goes, "row {row}");
    }
}
