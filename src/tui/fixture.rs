//! States to test with: a workbench at a fixed time, with runs that went the same way every time.

pub mod demographics;
mod results;

pub use results::*;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Zoned;

use crate::config::{DataSection, RunConfig};
use crate::dataset::labels::LabelSet;
use crate::dataset::{Dataset, Split};
use crate::runs::{
    Annotations, Best, EpochRecord, Measured, RunId, RunState, RunSummary, SplitPredictions, Status, Tracked,
    Waiting,
};
use crate::train::{Command, EpochReport, Event, LrCurve, Phase, Progress, RunInfo};
use crate::tui::app::{App, Effect, Message};
use crate::tui::screens::data::state::DataView;
use crate::tui::screens::evaluate::state::{Answer, EvaluateRequest, EvaluatedRun};
use crate::tui::screens::explain::state as explain;
use crate::tui::screens::runs::state::{Details, Listed, RunsRequest, SideBySide};
use crate::tui::theme::Theme;

/// Noon of a day in a zone without surprises.
pub fn noon() -> Zoned {
    "2026-11-22T12:00:00[UTC]".parse().expect("a time")
}

/// A workbench in which nothing has happened.
pub fn app() -> App {
    let theme = Theme::load("dark", &PathBuf::from("no themes")).expect("shipped");
    App::new(RunConfig::default(), "/runs".into(), "/themes".into(), theme, noon())
}

/// Sends events of the trainer.
pub fn emit(app: &mut App, event: Event) -> Vec<Effect> {
    app.update(Message::Trainer(event), noon())
}

/// Presses keys: letters, or names such as `Enter`.
pub fn press(app: &mut App, keys: &[&str]) -> Vec<Effect> {
    use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
    let mut effects = Vec::new();
    for key in keys {
        let (code, modifiers) = match *key {
            "Enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "Esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "Tab" => (KeyCode::Tab, KeyModifiers::NONE),
            "BackTab" => (KeyCode::BackTab, KeyModifiers::SHIFT),
            "Up" => (KeyCode::Up, KeyModifiers::NONE),
            "Down" => (KeyCode::Down, KeyModifiers::NONE),
            "Left" => (KeyCode::Left, KeyModifiers::NONE),
            "Right" => (KeyCode::Right, KeyModifiers::NONE),
            "End" => (KeyCode::End, KeyModifiers::NONE),
            "Backspace" => (KeyCode::Backspace, KeyModifiers::NONE),
            chord if chord.starts_with("Ctrl-") || chord.starts_with("Alt-") => {
                let modifier =
                    if chord.starts_with("Ctrl-") { KeyModifiers::CONTROL } else { KeyModifiers::ALT };
                let letter = chord.chars().next_back().expect("a key");
                (KeyCode::Char(letter.to_ascii_lowercase()), modifier)
            }
            letter => (KeyCode::Char(letter.chars().next().expect("a key")), KeyModifiers::NONE),
        };
        effects.extend(app.update(Message::Input(Input::Key(KeyEvent::new(code, modifiers))), noon()));
    }
    effects
}

/// The run that every test trains.
pub fn info() -> RunInfo {
    RunInfo {
        resumed_at: None,
        id: id(),
        path: "/runs/x".into(),
        config: RunConfig::default(),
        labels: LabelSet::default(),
        device: "cpu".into(),
        threads: 2,
        images: [2800, 400, 800],
        image_size: [64, 64],
        parameters: 4_295_000,
        steps_per_epoch: 88,
    }
}

fn id() -> RunId {
    RunId::try_from("20261122-120000-chestnet-s-a1b2".to_owned()).expect("a run id")
}

/// What an epoch comes to: rising to .76, with its best at epoch 10.
pub fn epoch(epoch: usize) -> EpochReport {
    let share = 1.0 - 0.8_f64.powi(epoch as i32);
    let auroc = 0.55 + 0.24 * share - if epoch > 10 { 0.008 * (epoch - 10) as f64 } else { 0.0 };
    let best = epoch.min(10);
    let record = EpochRecord {
        train_loss_unweighted: None,
        epoch,
        step: 88 * epoch as u64,
        train_loss: Some(0.24 - 0.09 * share),
        train_accuracy: Some(0.93 + 0.02 * share),
        train_precision: Some(0.3 + 0.3 * share),
        train_f1_score: Some(0.05 + 0.2 * share),
        val_loss: Some(0.24 - 0.07 * share),
        val_loss_unweighted: Some(0.24 - 0.07 * share),
        val_accuracy: Some(0.93 + 0.015 * share),
        val_precision: (epoch > 1).then_some(0.3 + 0.2 * share),
        val_f1_score: Some(0.04 + 0.15 * share),
        val_auroc_macro: Some(auroc),
        val_auprc_macro: Some(auroc / 4.0),
        val_auroc: std::collections::BTreeMap::new(),
        lr: 3e-4,
        wait_count: epoch - best,
        epoch_seconds: 12.0,
        images_per_second: 1840.0,
    };
    let val_auroc =
        (0..14).map(|column| (column != 13).then_some(auroc + 0.01 * (column as f64 - 6.0))).collect();
    let value = 0.55 + 0.24 * (1.0 - 0.8_f64.powi(best as i32));
    let best = Best { metric: "val_auroc_macro".into(), value, epoch: best };
    EpochReport { record, val_auroc, improved: epoch <= 10, best: Some(best) }
}

/// A workbench whose run is in its 13th epoch.
pub fn training() -> App {
    let mut app = app();
    press(&mut app, &["2", "s"]);
    emit(&mut app, Event::Loading { source: "phantom".into() });
    emit(&mut app, Event::Started(Box::new(info())));
    for number in 1..=12 {
        emit(&mut app, Event::Epoch(Box::new(epoch(number))));
    }
    let progress = Progress {
        phase: Phase::Training,
        epoch: 13,
        epochs: 50,
        step: 88 * 12 + 44,
        done: 44,
        total: 88,
        loss: Some(0.1588),
        lr: 3e-4,
        images_per_second: 1840.0,
        shares: crate::train::Shares { data: 0.02, compute: 0.95, checkpoint: 0.01, metrics: 0.02 },
        device_memory: None,
        elapsed: 150.0,
        epoch_eta: Some(41.0),
        run_eta: Some(2470.0),
        memory: 1_900_000_000,
    };
    app.update(Message::Progress(progress), noon());
    app
}

/// A run that ended that way.
pub fn ended(app: &mut App, state: RunState, reason: &str) -> Vec<Effect> {
    let best = app.run.as_ref().and_then(|run| run.best.clone());
    emit(app, Event::Ended { id: Some(id()), state, reason: reason.into(), best })
}

/// A workbench that has tried learning rates: the loss falls around 1e-3 and rises from 1e-1 on.
pub fn rates_found() -> App {
    let mut app = app();
    press(&mut app, &["2", "f"]);
    let rates: Vec<f64> = (0..90).map(|step| 1e-8 * 1e8_f64.powf(f64::from(step) / 99.0)).collect();
    let loss = |rate: &f64| {
        let fall = 1.0 / (1.0 + (rate / 1e-3).powf(-1.2));
        0.7 - 0.45 * fall + 2.0 * (rate.log10() + 1.2).max(0.0).powi(2)
    };
    let losses = rates.iter().map(loss).collect();
    let reason = "the loss had grown to 4 times its best at 1.6e-1".to_owned();
    emit(&mut app, Event::LrFound(LrCurve { suggestion: Some(rates[62]), rates, losses, reason }));
    app
}

/// A run that couldn't start.
pub fn failed() -> App {
    let mut app = app();
    press(&mut app, &["2", "s"]);
    emit(&mut app, Event::Loading { source: "npz:lost.npz".into() });
    let reason = "there is no file lost.npz; check the path".to_owned();
    emit(&mut app, Event::Ended { id: None, state: RunState::Failed, reason, best: None });
    app
}

/// A workbench that has read sixty phantoms.
pub fn with_data() -> App {
    let mut app = app();
    let section = DataSection { source: "phantom:60".into(), size: 32, ..DataSection::default() };
    app.form.set("data.source", section.source.clone());
    app.form.set("data.size", section.size.to_string());
    let effects = app.enter_screen();
    assert_eq!(effects, [Effect::LoadData(Box::new(section.clone()))]);
    let dataset = Dataset::load(&section).expect("phantoms need no file");
    let view = DataView::new(Arc::new(dataset));
    app.update(Message::Data(Box::new(section), Ok(Box::new(view))), noon());
    app
}

/// Runs of every state, the newest first.
pub fn summaries() -> Vec<Arc<RunSummary>> {
    use RunState::{Failed, Finished, Interrupted, Paused, Queued, Running, Stopped};
    let states = [Running, Paused, Queued, Finished, Stopped, Failed, Interrupted];
    let now = noon().timestamp();
    states
        .into_iter()
        .enumerate()
        .map(|(index, state)| {
            let mut config = RunConfig::default();
            config.optimizer.lr = if index % 2 == 0 { 1e-3 } else { 3e-4 };
            config.run.name = format!("try {index}");
            let mut status = Status::starting(now);
            status.state = state;
            status.epoch = 12;
            status.created = now - jiff::SignedDuration::from_mins(90 * (index as i64 + 1));
            status.updated = status.created + jiff::SignedDuration::from_secs(754);
            status.session_seconds = Some(754.0);
            status.best = (state != Failed && state != Queued).then(|| Best {
                metric: "val_auroc_macro".into(),
                value: 0.774 - 0.01 * index as f64,
                epoch: 10,
            });
            status.reason = (state == Failed).then(|| "the loss is not a finite number".to_owned());
            let id = format!("20261122-12000{index}-chestnet-s-a1b{index}");
            let epochs = if status.best.is_some() { records(index) } else { Vec::new() };
            let config = (index != 6).then_some(config);
            let best = status.best.as_ref().map(|best| best.epoch);
            let mut about = Annotations::default();
            if index == 3 {
                about.tags = vec!["baseline".into(), "paper".into()];
                about.note = "The one of the first table.\nSeeds 1 and 2 agree.".into();
            }
            Arc::new(RunSummary {
                path: PathBuf::from(format!("/runs/{id}")),
                id: RunId::try_from(id).expect("a run id"),
                state,
                status,
                measured: Some(Measured::new(&epochs, best, config.as_ref())),
                about,
                tracked: match index {
                    3 => Tracked::Complete,
                    4 => Tracked::Pending(12),
                    5 => Tracked::Failed("the server refuses".into()),
                    _ => Tracked::Off,
                },
                config,
            })
        })
        .collect()
}

/// The journal of one of those runs.
fn records(run: usize) -> Vec<EpochRecord> {
    (1..=12)
        .map(|number| {
            let mut record = epoch(number).record;
            record.val_auroc_macro = record.val_auroc_macro.map(|value| value - 0.01 * run as f64);
            record
        })
        .collect()
}

/// The answer to a question for the list.
pub fn listed(runs: Vec<Arc<RunSummary>>) -> Message {
    Message::Runs(Ok(Listed { runs, waiting: Vec::new(), unread: 0, damaged: 0, more: false }))
}

/// A workbench that shows those runs, the first one's epochs read.
pub fn with_runs() -> App {
    let mut app = app();
    let effects = press(&mut app, &["6"]);
    assert_eq!(effects, [Effect::Runs(RunsRequest::List)]);
    app.update(listed(summaries()), noon());
    let path = app.runs.chosen().expect("a run").path.clone();
    let details = Details { epochs: records(0), bytes: 61_700_000, tested: None };
    app.update(Message::Looked(path, Ok(Box::new(details))), noon());
    app
}

/// A workbench with two runs that wait before those.
pub fn with_queue() -> App {
    let mut app = with_runs();
    let mut wide = RunConfig::default();
    wide.run.name = "wide".into();
    let waiting = vec![
        Waiting { number: 3, config: Ok(Box::new(wide)), failed: None },
        Waiting { number: 7, config: Err("`optimizer.lr` can't be -1".into()), failed: None },
    ];
    app.update(
        Message::Runs(Ok(Listed { runs: summaries(), waiting, unread: 0, damaged: 0, more: false })),
        noon(),
    );
    app
}

/// The command among effects, if there is one.
pub fn command(effects: &[Effect]) -> Option<&Command> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(command) => Some(command),
        _ => None,
    })
}
