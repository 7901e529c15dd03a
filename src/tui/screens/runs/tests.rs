use std::path::PathBuf;
use std::sync::Arc;

use crate::config::RunConfig;
use crate::dataset::Split;
use crate::runs::{Measured, RunState, SortBy, Statistic, Waiting};
use crate::train::{Command, Event};
use crate::tui::app::{App, Effect, Message, Overlay};
use crate::tui::fixture::{
    self, command, emit, ended, noon, press, training, with_marks, with_queue, with_runs,
};
use crate::tui::keymap::Mode;
use crate::tui::screens::runs::state::{Beside, Change, Done, Listed, RunsRequest, Settled};

fn done(app: &mut App, done: Done) -> Vec<Effect> {
    app.update(Message::RunsDone(Ok(Box::new(done))), noon())
}

fn path(run: usize) -> PathBuf {
    fixture::summaries()[run].path.clone()
}

#[test]
fn the_list_is_sorted_by_a_key_and_the_cursor_stays_on_its_run() {
    let mut app = with_runs();
    press(&mut app, &["Down", "Down", "Down"]);
    press(&mut app, &["o"]);
    assert_eq!((app.runs.sort, app.runs.reverse), (SortBy::Value, false));
    assert_eq!(app.runs.chosen().map(|run| run.path.clone()), Some(path(3)));
    let names: Vec<String> = app.runs.shown().map(|run| run.name().to_owned()).collect();
    assert_eq!(names, ["try 0", "try 1", "try 3", "try 4", "", "try 2", "try 5"], "no number comes last");
    press(&mut app, &["O"]);
    let last: Vec<String> = app.runs.shown().map(|run| run.name().to_owned()).collect();
    assert_eq!(last[..2], ["", "try 4"]);
    press(&mut app, &["m", "M"]);
    assert_eq!(app.runs.measure.statistic, Statistic::Last);
    assert_ne!(app.runs.measure.metric, with_runs().runs.measure.metric);
}

#[test]
fn conditions_on_settings_and_tags_filter_the_list() {
    let mut app = with_runs();
    press(&mut app, &["/", "l", "r", ">", "5", "e", "-", "4", "Enter"]);
    let names: Vec<&str> = app.runs.shown().map(|run| run.name()).collect();
    assert_eq!(names, ["try 0", "try 2", "try 4"]);
    press(&mut app, &["Esc", "/", "t", "a", "g", ":", "p", "a", "Enter"]);
    assert_eq!(app.runs.shown().len(), 1);
}

#[test]
fn a_second_brings_the_list_up_to_date_only_where_it_is_shown() {
    let mut app = with_runs();
    assert_eq!(app.update(Message::Tick, noon()), [Effect::Runs(RunsRequest::List)]);
    assert_eq!(app.update(Message::Tick, noon()), [], "one reading at a time");
    let mut runs = fixture::summaries();
    assert_eq!(app.update(fixture::listed(runs.clone()), noon()), [], "nothing has changed");
    app.update(Message::Tick, noon());
    Arc::make_mut(&mut runs[0]).status.epoch = 13;
    let effects = app.update(fixture::listed(runs), noon());
    assert_eq!(effects, [Effect::Runs(RunsRequest::LookAt(path(0)))], "it has gone on");
    press(&mut app, &["2"]);
    assert_eq!(app.update(Message::Tick, noon()), []);
}

#[test]
fn marks_stay_with_their_runs_and_go_with_them() {
    let mut app = with_marks();
    let before = app.runs.marks.paths();
    assert_eq!(before, [path(0), path(1), path(3)]);
    press(&mut app, &["o", "O"]);
    assert_eq!(app.runs.marks.paths(), before);
    let mut runs = fixture::summaries();
    runs.remove(0);
    app.update(fixture::listed(runs), noon());
    assert_eq!(app.runs.marks.paths(), [path(1), path(3)]);
    assert_eq!(app.runs.marks.of(&path(1)).map(|mark| mark.letter()), Some('b'));
    press(&mut app, &["Esc"]);
    assert!(app.runs.marks.all().is_empty());
}

#[test]
fn marked_runs_are_compared_once_and_anew_when_the_marks_change() {
    let mut app = fixture::with_comparison();
    assert_eq!(app.mode(), Mode::Compared);
    assert_eq!(press(&mut app, &["Esc", "c"]), [], "it is known already");
    assert_eq!(press(&mut app, &["z", "Left", "Esc"]), []);
    assert_eq!((app.mode(), app.runs.marks.view.zoomed), (Mode::Compared, false), "first no zoom");
    press(&mut app, &["Esc", "g", " "]);
    assert!(matches!(app.runs.marks.beside, Beside::Idle));
    let paths = app.runs.marks.paths();
    assert_eq!(press(&mut app, &["c"]), [Effect::Beside(paths)]);
    let old = vec![path(5)];
    app.update(Message::Beside(old, Err("too late".into())), noon());
    assert!(matches!(app.runs.marks.beside, Beside::Busy), "an answer to an older question");
}

#[test]
fn what_is_typed_about_a_run_is_kept() {
    let mut app = with_runs();
    press(&mut app, &["Down"]);
    let effects = press(&mut app, &["#", "+", "a", " ", "-", "b", "Enter"]);
    let change = Change::Tags("+a -b".into());
    assert_eq!(effects, [Effect::Runs(RunsRequest::Describe(path(1), change))]);
    let keys = ["n", "Backspace", "9", "Enter"];
    let change = Change::Name("try 9".into());
    assert_eq!(press(&mut app, &keys), [Effect::Runs(RunsRequest::Describe(path(1), change))]);
    assert_eq!(press(&mut app, &["i", "x", "Esc"]), []);
    assert_eq!(press(&mut app, &["n", "Enter"]), [], "what was offered changes nothing");
    assert_eq!(app.mode(), Mode::Runs);
    assert_eq!(done(&mut app, Done::Described), [Effect::Runs(RunsRequest::List)]);
}

#[test]
fn a_run_is_deleted_after_a_yes_and_a_live_one_never() {
    let mut app = with_runs();
    assert_eq!(press(&mut app, &["d"]), []);
    assert!(
        app.overlay.is_none() && app.notice.as_ref().is_some_and(|notice| notice.text.contains("stop it"))
    );
    press(&mut app, &["Down", "Down", "Down"]);
    assert_eq!(press(&mut app, &["d"]), [Effect::Runs(RunsRequest::Weigh(vec![path(3)]))]);
    done(&mut app, Done::Weighed(vec![path(3)], 61_700_000));
    assert_eq!(app.runs.doomed, Some((vec![path(3)], Some(61_700_000))));
    assert_eq!(press(&mut app, &["Esc"]), []);
    assert_eq!(press(&mut app, &["d", "Enter"])[1..], [Effect::Runs(RunsRequest::Discard(vec![path(3)]))]);
    assert_eq!(press(&mut app, &["U"]), [], "nothing is in the trash yet");
    let runs = tempfile::tempdir().expect("a temporary folder");
    let made = |second: i8| {
        let now = jiff::civil::date(2026, 11, 22).at(20, 15, second, 0).in_tz("UTC").expect("a time");
        let folder = crate::runs::RunFolder::create(runs.path(), &RunConfig::default(), &now).expect("a run");
        folder.discard().expect("in the trash")
    };
    let [first, second] = [made(1), made(2)];
    app.selected = Some(std::path::PathBuf::from("/runs").join(first.id.as_str()));
    app.explain.request = Some(crate::tui::screens::explain::state::ExplainTarget {
        run: app.selected.clone(),
        split: Split::Test,
        number: 1,
    });
    done(&mut app, Done::Discarded(vec![first.clone(), second.clone()], 7, None));
    assert_eq!(
        (app.selected.clone(), app.explain.request.clone()),
        (None, None),
        "no screen shows a deleted run"
    );
    assert_eq!(press(&mut app, &["U"]), [Effect::Runs(RunsRequest::Restore(second.clone()))]);
    assert_eq!(press(&mut app, &["U"]), [Effect::Runs(RunsRequest::Restore(first.clone()))], "each once");
    assert_eq!(app.runs.discarded, [], "what is being put back isn't purged");
    second.purge().expect("removed");
    done(&mut app, Done::NotRestored(second, "it may have been purged".into()));
    done(&mut app, Done::NotRestored(first.clone(), "another is there".into()));
    assert_eq!(app.runs.discarded, [first], "one that is gone keeps no other from coming back");
}

#[test]
fn a_run_waits_for_the_one_that_is_on() {
    let mut app = training();
    press(&mut app, &["s"]);
    assert!(matches!(app.overlay, Some(Overlay::AskQueue)));
    let effects = press(&mut app, &["Enter"]);
    assert!(matches!(effects[..], [Effect::Runs(RunsRequest::Enqueue(_))]), "{effects:?}");
    let effects = ended(&mut app, RunState::Failed, "no memory");
    assert_eq!(
        effects,
        [Effect::Runs(RunsRequest::TakeNext { anew: false })],
        "a failure keeps nobody from their turn"
    );
    let mut next = RunConfig::default();
    next.run.name = "next".into();
    let effects = done(&mut app, Done::Taken(Some(Box::new(next.clone()))));
    assert_eq!(command(&effects), Some(&Command::Start { config: Box::new(next), resume: None }));
    let effects = emit(&mut app, Event::Started(Box::new(fixture::info())));
    assert_eq!(
        effects,
        [Effect::Runs(RunsRequest::Settle(Settled::Begun))],
        "only now it has a folder of its own"
    );
    let effects = ended(&mut app, RunState::Finished, "all epochs done");
    assert_eq!(effects, [Effect::Runs(RunsRequest::TakeNext { anew: false })]);
    assert_eq!(done(&mut app, Done::Taken(None)), []);
}

#[test]
fn what_cannot_begin_stays_with_its_reason_and_the_next_is_taken() {
    let mut app = training();
    ended(&mut app, RunState::Finished, "all epochs done");
    done(&mut app, Done::Taken(Some(Box::default())));
    let reason = "there is no file lost.npz".to_owned();
    let failed = Effect::Runs(RunsRequest::Settle(Settled::Failed(reason.clone())));
    let effects = emit(&mut app, Event::Ended { id: None, state: RunState::Failed, reason, best: None });
    assert_eq!(effects, [failed, Effect::Runs(RunsRequest::TakeNext { anew: false })]);
    // One that a person ends while it loads waits again, and the queue with it.
    done(&mut app, Done::Taken(Some(Box::default())));
    let reason = "stopped by the user".to_owned();
    let effects = emit(&mut app, Event::Ended { id: None, state: RunState::Stopped, reason, best: None });
    assert_eq!(
        effects,
        [Effect::Runs(RunsRequest::Settle(Settled::PutBack)), Effect::Runs(RunsRequest::LeaveQueue)]
    );
    // One that was taken while a person started another run waits again.
    let mut app = training();
    let effects = done(&mut app, Done::Taken(Some(Box::default())));
    assert_eq!(effects, [Effect::Runs(RunsRequest::Settle(Settled::PutBack))]);
}

#[test]
fn a_stop_by_hand_holds_the_queue_until_it_is_started() {
    let mut app = training();
    let waiting = vec![Waiting { number: 1, config: Ok(Box::default()), failed: None }];
    app.update(
        Message::Runs(Ok(Listed { runs: Vec::new(), waiting, unread: 0, damaged: 0, more: false })),
        noon(),
    );
    assert_eq!(
        ended(&mut app, RunState::Stopped, "stopped by the user"),
        [Effect::Runs(RunsRequest::LeaveQueue)]
    );
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains('Q')));
    assert!(press(&mut app, &["6", "Q"]).contains(&Effect::Runs(RunsRequest::TakeNext { anew: true })));
}

#[test]
fn rows_of_the_queue_are_moved_and_removed() {
    let mut app = with_queue();
    press(&mut app, &["g"]);
    assert!(app.runs.chosen().is_none());
    assert_eq!(press(&mut app, &["K"]), []);
    let [first, second] = [0, 1].map(|row| app.runs.waiting()[row].clone());
    assert_eq!(press(&mut app, &["J"]), [Effect::Runs(RunsRequest::Swap(Box::new([first, second.clone()])))]);
    assert_eq!(app.runs.row, 1, "the cursor goes with it");
    assert_eq!(press(&mut app, &["d"]), [], "it is asked about first");
    assert_eq!(press(&mut app, &["Esc", "d", "Ctrl-C"]), []);
    assert_eq!(press(&mut app, &["d", "Enter"]), [Effect::Runs(RunsRequest::Dequeue(Box::new(second)))]);
    press(&mut app, &["g"]);
    assert!(matches!(press(&mut app, &["a"])[..], [Effect::Runs(RunsRequest::Enqueue(_))]));
    press(&mut app, &["e"]);
    assert_eq!(app.form.current().run.name, "wide");
    assert_eq!(app.mode(), Mode::Form);
}

#[test]
fn a_run_is_cloned_into_the_form_and_into_the_queue() {
    let mut app = with_runs();
    press(&mut app, &["Down", "Down", "Down", "e"]);
    assert_eq!((app.mode(), app.form.current().run.name.as_str()), (Mode::Form, "try 3"));
    let mut app = with_runs();
    let effects = press(&mut app, &["a"]);
    assert!(matches!(effects[..], [Effect::Runs(RunsRequest::Enqueue(_))]), "{effects:?}");
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("Q starts")));
    app.runs.row = 6;
    assert_eq!(press(&mut app, &["a"]), [], "its settings can't be read");
    assert_eq!(press(&mut app, &["f"]), [Effect::OpenFolder(path(6))]);
    assert_eq!(press(&mut app, &["E"]), [Effect::Runs(RunsRequest::Export(path(6)))]);
}

#[test]
fn a_list_that_could_not_be_read_once_is_there_again() {
    let mut app = with_runs();
    press(&mut app, &["Down", "Down"]);
    app.update(Message::Runs(Err("can't read the folder".into())), noon());
    assert_eq!((app.runs.rows(), press(&mut app, &["Down"])), (0, vec![]));
    app.update(fixture::listed(fixture::summaries()), noon());
    assert!(app.runs.chosen().is_some());
}

#[test]
fn a_note_of_several_lines_keeps_them() {
    let mut app = with_runs();
    let mut runs = fixture::summaries();
    std::sync::Arc::make_mut(&mut runs[0]).about.set_note("first line\nsecond");
    app.update(fixture::listed(runs), noon());
    press(&mut app, &["g"]);
    assert_eq!(press(&mut app, &["i", "Enter"]), []);
    let change = Change::Note("first line\nsecond!".into());
    assert_eq!(press(&mut app, &["i", "!", "Enter"]), [Effect::Runs(RunsRequest::Describe(path(0), change))]);
}

#[test]
fn a_queue_that_cannot_be_read_is_asked_again_by_and_by() {
    let mut app = training();
    ended(&mut app, RunState::Finished, "all epochs done");
    done(&mut app, Done::NotTaken { reason: "can't read the queue".into(), again: true });
    assert!(app.wants_ticks());
    let next = Effect::Runs(RunsRequest::TakeNext { anew: false });
    let ticks = (0..120).take_while(|_| !app.update(Message::Tick, noon()).contains(&next)).count();
    assert!((5..100).contains(&ticks), "{ticks}");
    done(&mut app, Done::NotTaken { reason: "another process works the queue".into(), again: false });
    assert!(app.runs.queue.again_in.is_none() && !app.runs.queue.going);
}

#[test]
fn runs_that_differ_in_any_setting_are_listed() {
    use crate::config::{FIELDS, Kind};
    for (place, field) in FIELDS.iter().enumerate() {
        let default = &RunConfig::defaults()[place];
        let other = match field.kind {
            Kind::Text => "x".to_owned(),
            Kind::Device => "cuda:3".to_owned(),
            Kind::Whole { max, .. } => max.to_string(),
            Kind::Real { max, .. } if default.parse() != Ok(max) => max.to_string(),
            Kind::Real { min, max, .. } => ((min + max) / 2.0).to_string(),
            Kind::Switch => (default != "true").to_string(),
            Kind::PosWeight => "7".to_owned(),
            Kind::Memory => "7GB".to_owned(),
            Kind::Server => "http://localhost:5000".to_owned(),
            Kind::Choice(names) => names.iter().find(|name| *name != default).expect("another").to_string(),
        };
        let mut runs = fixture::summaries();
        runs.truncate(2);
        for (run, changed) in runs.iter_mut().map(std::sync::Arc::make_mut).zip([false, true]) {
            let mut config = RunConfig::default();
            if changed {
                config.set(field.key, &other).expect(field.key);
            }
            run.measured = Some(Measured::new(&[], None, Some(&config)));
            run.config = Some(config);
        }
        let mut app = with_runs();
        app.update(fixture::listed(runs), noon());
        let widths = &app.runs.widths().settings;
        let own = ["run.name", "model.arch", "data.source", "optimizer.epochs"].contains(&field.key);
        let expected: &[usize] = if own { &[] } else { &[place] };
        let columns: Vec<usize> = widths.iter().map(|(place, _)| *place).collect();
        assert_eq!(columns, expected, "{}", field.key);
        assert!(widths.iter().all(|(_, width)| (1..=18).contains(width)), "{}: {widths:?}", field.key);
    }
}
