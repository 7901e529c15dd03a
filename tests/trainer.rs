//! The trainer's protocol, spoken directly: commands in, events and progress out.

use std::path::Path;
use std::time::Duration;

use chestxr_tui::config::RunConfig;
use chestxr_tui::dataset::Cache;
use chestxr_tui::runs::{RunFolder, RunState};
use chestxr_tui::train::{Command, Event, Phase, Trainer};

/// Runs of one process share libtorch's generator and threads, so they go one at a time.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn config(sets: &[(&str, &str)]) -> RunConfig {
    let mut config = RunConfig::default();
    let small = [("data.source", "phantom:120"), ("data.size", "32"), ("optimizer.batch_size", "8")];
    for (key, value) in small.iter().chain(sets) {
        config.set(key, value).expect(key);
    }
    config
}

fn endless() -> RunConfig {
    config(&[("optimizer.epochs", "1000000"), ("early_stopping.enabled", "false")])
}

fn trainer(runs: &Path) -> Trainer {
    Trainer::spawn(runs.to_owned(), Cache::new()).expect("a thread")
}

fn start(trainer: &Trainer, config: RunConfig) {
    trainer.send(Command::Start { config: Box::new(config), resume: None });
}

/// Reads events up to the first one that `wanted` takes.
fn wait<T>(trainer: &mut Trainer, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
    loop {
        let event = trainer.events.blocking_recv().expect("the trainer lives");
        if let Some(found) = wanted(&event) {
            return found;
        }
        assert!(!matches!(event, Event::Ended { .. }), "it ended early: {event:?}");
    }
}

fn end(trainer: &mut Trainer) -> (RunState, String) {
    wait(trainer, |event| match event {
        Event::Ended { state, reason, .. } => Some((*state, reason.clone())),
        _ => None,
    })
}

fn epoch(trainer: &mut Trainer) -> usize {
    wait(trainer, |event| match event {
        Event::Epoch(report) => Some(report.record.epoch),
        _ => None,
    })
}

fn only_run(runs: &Path) -> RunFolder {
    let all = chestxr_tui::runs::list(runs).expect("a list");
    assert_eq!(all.len(), 1);
    RunFolder::open(&all[0].path).expect("a run")
}

#[test]
fn a_paused_run_takes_no_step_but_hears_commands_and_goes_on_when_resumed() {
    let _alone = alone();
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut trainer = trainer(runs.path());
    start(&trainer, endless());
    epoch(&mut trainer);

    trainer.send(Command::Pause);
    let paused_at = wait(&mut trainer, |event| match event {
        Event::Paused { step } => Some(*step),
        _ => None,
    });
    assert_eq!(trainer.progress.borrow().phase, Phase::Paused);
    let run = only_run(runs.path());
    assert_eq!(run.read_status().expect("a status").state, RunState::Paused);

    // Time in which an unpaused run takes many steps.
    std::thread::sleep(Duration::from_millis(300));
    trainer.send(Command::SetLearningRate { lr: 1e-5 });
    let (from, to) = wait(&mut trainer, |event| match event {
        Event::LearningRate { from, to, .. } => Some((*from, *to)),
        _ => None,
    });
    assert_eq!((from, to), (3e-4, 1e-5));
    std::fs::remove_file(run.last_weights()).expect("the first epoch's weights");
    trainer.send(Command::Checkpoint);
    let saved_at = wait(&mut trainer, |event| match event {
        Event::Checkpoint { step, .. } => Some(*step),
        _ => None,
    });
    assert_eq!(saved_at, paused_at, "no step was taken");
    assert!(run.last_weights().is_file());
    assert_eq!(trainer.progress.borrow().phase, Phase::Paused, "still paused");

    trainer.send(Command::Resume);
    let resumed_at = wait(&mut trainer, |event| match event {
        Event::Resumed { step } => Some(*step),
        _ => None,
    });
    assert_eq!(resumed_at, paused_at);
    epoch(&mut trainer);
    let lr = run.read_epochs().expect("epochs").last().expect("one").lr;
    assert_eq!(lr, 1e-5);

    trainer.send(Command::Stop);
    assert_eq!(end(&mut trainer), (RunState::Stopped, "stopped by the user".into()));
    assert_eq!(run.read_status().expect("a status").state, RunState::Stopped);
    trainer.shut_down();
}

#[test]
fn a_paused_run_can_be_stopped() {
    let _alone = alone();
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut trainer = trainer(runs.path());
    start(&trainer, endless());
    trainer.send(Command::Pause);
    wait(&mut trainer, |event| matches!(event, Event::Paused { .. }).then_some(()));
    trainer.send(Command::Stop);
    assert_eq!(end(&mut trainer).0, RunState::Stopped);
    assert!(only_run(runs.path()).last_weights().is_file());
    trainer.shut_down();
}

#[test]
fn a_trainer_told_to_end_while_it_reads_images_ends() {
    let _alone = alone();
    for stops in [[Command::Interrupt, Command::Shutdown], [Command::Stop, Command::Interrupt]] {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let mut trainer = trainer(runs.path());
        start(&trainer, config(&[("data.source", "phantom:3000")]));
        let expected = if stops[0] == Command::Stop { RunState::Stopped } else { RunState::Interrupted };
        for stop in stops {
            trainer.send(stop);
        }
        let (state, reason) = end(&mut trainer);
        assert_eq!((state, reason.ends_with("before the first step")), (expected, true), "{reason}");
        assert!(chestxr_tui::runs::list(runs.path()).expect("a list").is_empty());
        trainer.shut_down();
    }
}

#[test]
fn a_reader_that_never_reads_stops_nothing() {
    let _alone = alone();
    let runs = tempfile::tempdir().expect("a temporary folder");
    let trainer = trainer(runs.path());
    start(&trainer, config(&[("optimizer.epochs", "3")]));
    // Not one event is taken; the run must end all the same.
    loop {
        let all = chestxr_tui::runs::list(runs.path()).expect("a list");
        if all.first().is_some_and(|run| run.state == RunState::Finished) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    trainer.shut_down();
}

#[test]
fn a_run_that_fails_leaves_a_trainer_that_works() {
    let _alone = alone();
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut trainer = trainer(runs.path());
    start(&trainer, config(&[("data.source", "npz:/no/such/file.npz")]));
    let (state, reason) = end(&mut trainer);
    assert_eq!(state, RunState::Failed);
    assert!(reason.contains("/no/such/file.npz"), "{reason}");
    start(&trainer, config(&[("optimizer.epochs", "1")]));
    assert_eq!(end(&mut trainer).0, RunState::Finished);
    trainer.shut_down();
}

#[test]
fn a_second_start_is_refused_while_a_run_is_on() {
    let _alone = alone();
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut trainer = trainer(runs.path());
    start(&trainer, endless());
    start(&trainer, endless());
    let note = wait(&mut trainer, |event| match event {
        Event::Note { text, .. } if text.contains("a run is active") => Some(text.clone()),
        _ => None,
    });
    assert_eq!(note, "a run is active; stop it before starting another");
    trainer.shut_down();
    assert_eq!(only_run(runs.path()).read_status().expect("a status").state, RunState::Stopped);
}

#[test]
fn runs_of_one_process_are_as_equal_as_runs_of_two() {
    let _alone = alone();
    let runs = tempfile::tempdir().expect("a temporary folder");
    let mut trainer = trainer(runs.path());
    let mut predictions = Vec::new();
    for threads in ["0", "1", "0"] {
        start(&trainer, config(&[("optimizer.epochs", "1"), ("run.threads", threads)]));
        assert_eq!(end(&mut trainer).0, RunState::Finished);
        let run = chestxr_tui::runs::find(runs.path(), "last").expect("a run");
        predictions.push(std::fs::read(run.predictions("test")).expect("predictions"));
    }
    assert!(predictions[0] == predictions[2], "a run between two changed the second");
    trainer.shut_down();
}
