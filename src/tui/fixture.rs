//! States to test with: a workbench at a fixed time, with runs that went the same way every time.

pub mod demographics;

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
use crate::tui::screens::evaluate::state::{Answer, Asked, EvaluatedRun};
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
pub fn tell(app: &mut App, event: Event) -> Vec<Effect> {
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
            "Up" => (KeyCode::Up, KeyModifiers::NONE),
            "Down" => (KeyCode::Down, KeyModifiers::NONE),
            "Left" => (KeyCode::Left, KeyModifiers::NONE),
            "Right" => (KeyCode::Right, KeyModifiers::NONE),
            "End" => (KeyCode::End, KeyModifiers::NONE),
            "Backspace" => (KeyCode::Backspace, KeyModifiers::NONE),
            "Ctrl-C" => (KeyCode::Char('c'), KeyModifiers::CONTROL),
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
    tell(&mut app, Event::Loading { source: "phantom".into() });
    tell(&mut app, Event::Started(Box::new(info())));
    for number in 1..=12 {
        tell(&mut app, Event::Epoch(Box::new(epoch(number))));
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
    tell(app, Event::Ended { id: Some(id()), state, reason: reason.into(), best })
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
    tell(&mut app, Event::LrFound(LrCurve { suggestion: Some(rates[62]), rates, losses, reason }));
    app
}

/// A run that couldn't start.
pub fn failed() -> App {
    let mut app = app();
    press(&mut app, &["2", "s"]);
    tell(&mut app, Event::Loading { source: "npz:lost.npz".into() });
    let reason = "there is no file lost.npz; check the path".to_owned();
    tell(&mut app, Event::Ended { id: None, state: RunState::Failed, reason, best: None });
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
    app.update(Message::Data(Box::new(section), Ok(view)), noon());
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

/// A workbench with three marked runs, their curves read.
pub fn with_marks() -> App {
    let mut app = with_runs();
    press(&mut app, &[" ", " ", "Down", " "]);
    for (run, path) in app.runs.marks.paths().into_iter().enumerate() {
        app.update(Message::Epochs(path, Ok(records(run))), noon());
    }
    app
}

/// Those runs set side by side, of which the third was never tried on the images.
pub fn with_comparison() -> App {
    use crate::evaluation::{ConditionDifference, Difference};
    let mut app = with_marks();
    let paths = app.runs.marks.paths();
    let effects = press(&mut app, &["c"]);
    assert_eq!(effects, [Effect::Beside(paths.clone())]);
    let labels = LabelSet::default();
    let value = |class: usize, run: usize| 0.65 + 0.015 * class as f64 + 0.004 * run as f64;
    let difference = |class: usize| Difference {
        a: Some(value(class, 0)),
        b: Some(value(class, 1)),
        difference: Some(0.004),
        ci: Some([-0.003, 0.011]),
        p: Some(if class == 2 { 0.01 } else { 0.4 }),
    };
    let conditions = labels.keys().into_iter().enumerate().map(|(class, condition)| ConditionDifference {
        condition,
        support: 100,
        auroc: difference(class),
        p_holm: difference(class).p,
        ..ConditionDifference::default()
    });
    let comparison = crate::evaluation::Comparison {
        images: 22_433,
        conditions: conditions.collect(),
        macro_auroc: difference(2),
        macro_auprc: difference(1),
        macro_f1: difference(0),
        resamples: 1000,
        unit: "images",
    };
    let own = |run| {
        let interval = |class| {
            let value = value(class, run);
            (Some(value), Some([value - 0.01, value + 0.01]))
        };
        (0..labels.len()).map(interval).collect()
    };
    let side = SideBySide {
        runs: paths[..2].to_vec(),
        own: vec![own(0), own(1)],
        against_first: vec![comparison],
        left_out: vec!["run a1b3 hasn't been tried on its test images".into()],
        labels,
    };
    app.update(Message::Beside(paths, Ok(Box::new(side))), noon());
    app
}

/// What reading a tested run gives: forty images, of which every third has effusion and every eighth a mass.
pub fn answer() -> Answer {
    use crate::metrics::sigmoid;
    let labels = LabelSet::default();
    let classes = labels.len();
    let has = |image: usize, class: usize| match class {
        2 => image.is_multiple_of(3),
        4 => image.is_multiple_of(8),
        _ => class < 13 && (image * 7 + class * 5).is_multiple_of(11),
    };
    let score = |image: usize, class: usize| {
        let noise = ((image * 37 + class * 23) % 40) as f32 / 10.0;
        noise - 4.0 + if has(image, class) { 1.5 } else { 0.0 }
    };
    let pairs = || (0..40).flat_map(|image| (0..classes).map(move |class| (image, class)));
    let logits: Vec<f32> = pairs().map(|(image, class)| score(image, class)).collect();
    let predictions = SplitPredictions {
        probabilities: logits.iter().map(|logit| sigmoid(*logit)).collect(),
        labels: pairs().map(|(image, class)| u8::from(has(image, class))).collect(),
        logits,
        classes,
        patients: None,
        epoch: Some(10),
    };
    let kept = crate::evaluation::default_thresholds(&predictions, &labels);
    let run = EvaluatedRun::new(
        "/runs/x".into(),
        id(),
        &RunConfig::default(),
        labels,
        Split::Test,
        predictions,
        None,
        kept,
        None,
    );
    let choices = vec![run.path.clone(), "/runs/other".into()];
    Answer { run, choices }
}

/// A workbench that shows the metrics of a run.
pub fn evaluated() -> App {
    let mut app = app();
    let effects = press(&mut app, &["3"]);
    let asked = Asked { run: None, split: Split::Test, predict: false };
    assert_eq!(effects, [Effect::Evaluate(asked.clone())]);
    app.update(Message::Evaluated(asked, Ok(Box::new(answer()))), noon());
    app
}

/// A run opened to be explained: phantoms, and a network that is the surer the higher the image's number.
pub fn opened(number: u64) -> (explain::Asked, explain::Opened) {
    let section = DataSection { source: "phantom:60".into(), size: 32, ..DataSection::default() };
    opened_of(number, Dataset::load(&section).expect("phantoms need no file"))
}

/// The same on other images.
fn opened_of(number: u64, dataset: Dataset) -> (explain::Asked, explain::Opened) {
    let dataset = Arc::new(dataset);
    let labels = LabelSet::default();
    let images = dataset.part(Split::Test).labels.len();
    let score = |image: usize, class: usize| ((image * 5 + class * 3) % 20) as f32 / 20.0;
    let probabilities =
        (0..images).flat_map(|image| (0..labels.len()).map(move |class| score(image, class))).collect();
    let opened = explain::Opened {
        path: "/runs/x".into(),
        id: id(),
        network: "chestnet-s",
        live: false,
        epoch: 10,
        levels: vec![0.4; labels.len()],
        labels,
        split: Split::Test,
        dataset,
        probabilities: Some(probabilities),
        layers: vec!["features.2".into(), "features.6".into(), "features.10".into()],
        choices: vec!["/runs/x".into(), "/runs/y".into()],
    };
    (explain::Asked { run: None, split: Split::Test, number }, opened)
}

/// A map whose highest place is the middle.
pub fn map_of(image: u32) -> explain::ImageMap {
    let at = |pixel: usize| {
        let (x, y) = (pixel % 32, pixel / 32);
        1.0 / (1.0 + ((x as f32 - 16.0).powi(2) + (y as f32 - 16.0).powi(2)) / 20.0)
    };
    let map = crate::explain::Map {
        height: 32,
        width: 32,
        values: (0..32 * 32).map(at).collect(),
        native: [8, 8],
        signed: false,
        logit: 0.3,
        probability: 0.574,
        completeness: None,
    };
    let probabilities = (0..14).map(|class| (image as usize * 5 + class * 3) as f32 % 20.0 / 20.0).collect();
    explain::ImageMap { map, probabilities, took: std::time::Duration::from_millis(18) }
}

/// A workbench that shows why a run's network says what it says.
pub fn explained() -> App {
    let mut app = app();
    let effects = press(&mut app, &["4"]);
    let (asked, opened) = opened(1);
    assert_eq!(effects, [Effect::Explain(explain::ExplainRequest::Open(asked.clone()))]);
    let effects = app.update(Message::Opened(asked, Ok(Box::new(opened))), noon());
    let [Effect::Explain(explain::ExplainRequest::Map(key))] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    app.update(Message::Mapped(*key, Ok(Box::new(map_of(key.image)))), noon());
    app
}

/// The command among effects, if there is one.
pub fn command(effects: &[Effect]) -> Option<&Command> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(command) => Some(command),
        _ => None,
    })
}
