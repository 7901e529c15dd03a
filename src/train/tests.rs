//! Early stopping and the plateau schedule against recorded traces of Lightning and PyTorch
//! (`tests/reference/schedule_golden.py`).

use serde::Deserialize;

use super::{Decision, EarlyStopping, ReduceLrOnPlateau};
use crate::config::{EarlyStoppingSection, Mode, Monitor, ScheduleKind, ScheduleSection, ThresholdMode};

#[derive(Deserialize)]
struct Golden {
    sequences: std::collections::BTreeMap<String, Vec<Value>>,
    plateau: Vec<Plateau>,
    early_stopping: Vec<Stopping>,
}

/// A number, or what JSON has none for.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Value {
    Number(f64),
    Word(String),
    NotANumber,
}

impl Value {
    fn number(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::NotANumber => f64::NAN,
            Self::Word(word) => word.to_lowercase().parse().expect("nan or inf"),
        }
    }
}

#[derive(Deserialize)]
struct Plateau {
    sequence: String,
    initial_lr: f64,
    mode: String,
    factor: f64,
    patience: usize,
    threshold: f64,
    cooldown: usize,
    threshold_mode: String,
    min_lr: f64,
    lr: Vec<f64>,
}

#[derive(Deserialize)]
struct Stopping {
    sequence: String,
    mode: String,
    patience: usize,
    min_delta: f64,
    wait_count: Vec<usize>,
    stopped_epoch: Option<usize>,
    reason: String,
}

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/schedules.json");
    serde_json::from_slice(&std::fs::read(path).expect("the golden file")).expect("its layout")
}

fn mode(text: &str) -> Mode {
    if text == "max" { Mode::Max } else { Mode::Min }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

#[test]
fn the_plateau_schedule_cuts_where_pytorch_cuts() {
    let golden = golden();
    let mut compared = 0;
    for trace in golden.plateau.iter().filter(|trace| trace.cooldown == 0) {
        let section = ScheduleSection {
            kind: ScheduleKind::Plateau,
            warmup: 0.0,
            factor: trace.factor,
            patience: trace.patience,
            min_lr: trace.min_lr,
            threshold: trace.threshold,
            threshold_mode: match trace.threshold_mode.as_str() {
                "abs" => ThresholdMode::Absolute,
                _ => ThresholdMode::Relative,
            },
        };
        let mut schedule = ReduceLrOnPlateau::new(&section, mode(&trace.mode));
        let mut lr = trace.initial_lr;
        for (epoch, (value, expected)) in golden.sequences[&trace.sequence].iter().zip(&trace.lr).enumerate()
        {
            lr = schedule.step(value.number(), lr);
            assert!(same(lr, *expected), "{} epoch {epoch}: {lr} against {expected}", trace.sequence);
            compared += 1;
        }
    }
    assert!(compared > 300, "only {compared} epochs were compared");
}

#[test]
fn early_stopping_waits_and_stops_where_lightning_does() {
    let golden = golden();
    for trace in &golden.early_stopping {
        let section = EarlyStoppingSection {
            enabled: true,
            monitor: Monitor::ValLoss,
            mode: mode(&trace.mode),
            patience: trace.patience,
            min_delta: trace.min_delta,
            check_finite: true,
        };
        let mut stopping = EarlyStopping::new(&section);
        let mut stopped = None;
        let values = &golden.sequences[&trace.sequence];
        for (epoch, value) in values.iter().enumerate() {
            let verdict = stopping.update(value.number());
            if let Some(expected) = trace.wait_count.get(epoch)
                && verdict != Decision::NotFinite
            {
                assert_eq!(stopping.wait_count(), *expected, "{} epoch {epoch}", trace.sequence);
            }
            if matches!(verdict, Decision::Stop | Decision::NotFinite) {
                stopped = Some(epoch);
                break;
            }
        }
        // Lightning says 0 for a run that never stopped.
        let expected = trace.stopped_epoch.filter(|_| trace.reason != "not_stopped");
        assert_eq!(stopped, expected, "{} ({})", trace.sequence, trace.reason);
    }
}
