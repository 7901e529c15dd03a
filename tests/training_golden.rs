//! Losses, optimizers, schedules and what training varies, against PyTorch's own
//! (`tests/reference/training_golden.py`).

mod support;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use tch::{Device, Tensor};

use chestxr_tui::config::{LossKind, LossSection, Mode as Better, PosWeight, RunConfig};
use chestxr_tui::data_loader::batch_of;
use chestxr_tui::dataset::stats::{SplitStats, split_stats};
use chestxr_tui::model::Mode;
use chestxr_tui::train::{Learner, LearningRate, Loss};
use support::formulas::{CLASSES, images, network};
use support::larger;

#[derive(Deserialize)]
struct Golden {
    losses: Losses,
    trajectories: Trajectories,
    variations: BTreeMap<String, Variation>,
    networks: BTreeMap<String, Logits>,
}

#[derive(Deserialize)]
struct Losses {
    logits: Vec<f32>,
    labels: Vec<f32>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    gamma: f64,
    gamma_pos: f64,
    gamma_neg: f64,
    clip: f64,
    smoothing: f64,
    pos_weight: Option<Vec<f64>>,
    value: f64,
    gradient: Vec<f32>,
}

impl Case {
    /// Its settings by our names.
    fn section(&self) -> LossSection {
        LossSection {
            kind: LossKind::from_name(&self.kind).expect("a loss"),
            pos_weight: if self.pos_weight.is_some() { PosWeight::Full } else { PosWeight::None },
            smoothing: self.smoothing,
            gamma: self.gamma,
            gamma_pos: self.gamma_pos,
            gamma_neg: self.gamma_neg,
            clip: self.clip,
        }
    }
}

#[derive(Deserialize)]
struct Trajectories {
    batch: usize,
    optimizers: BTreeMap<String, Map<String, Value>>,
    schedules: BTreeMap<String, Map<String, Value>>,
    runs: Vec<Trajectory>,
}

#[derive(Deserialize)]
struct Trajectory {
    optimizer: String,
    schedule: String,
    lr: Vec<f64>,
    losses: Vec<f64>,
    spread: f64,
}

#[derive(Deserialize)]
struct Variation {
    losses: Vec<f64>,
    spread: f64,
    #[serde(default)]
    norms: Vec<f64>,
    max_norm: Option<f64>,
    accumulate: Option<usize>,
    decay: Option<f64>,
    head_lr_factor: Option<f64>,
    /// In place of Adam's.
    optimizer: Option<Map<String, Value>>,
    layer_decay: Option<f64>,
    decay_norms: Option<bool>,
    frozen_steps: Option<usize>,
    #[serde(default)]
    averaged: BTreeMap<String, Weights>,
    #[serde(default)]
    learning: BTreeMap<String, Weights>,
}

#[derive(Deserialize)]
struct Weights {
    sum: f64,
    first: Vec<f32>,
}

#[derive(Deserialize)]
struct Logits {
    gain: f64,
    parameters: usize,
    logits: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/training.json")).expect("the golden file's layout")
}

/// Settings of the golden file by our names.
fn set(config: &mut RunConfig, section: &str, settings: &Map<String, Value>) {
    for (name, value) in settings {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        config.set(&format!("{section}.{name}"), &text).expect(name);
    }
}

#[test]
fn losses_and_their_gradients_are_pytorchs() {
    let Losses { logits, labels, cases } = golden().losses;
    assert_eq!(cases.len(), 7);
    for (name, case) in cases {
        let section = case.section();
        // Counts of which negatives a positive are these weights exactly: w = n / p - 1, and all are quarters.
        let images = 66_500_000_000_000;
        let weights = case.pos_weight.unwrap_or_else(|| vec![1.0; CLASSES]);
        let positives = weights.iter().map(|weight| (images as f64 / (weight + 1.0)).round() as usize);
        let stats = SplitStats {
            images,
            normal: 0,
            positives: positives.collect(),
            labels_total: 0,
            unknown: Vec::new(),
            normal_unknown: 0,
        };
        let loss = Loss::new(&section, &stats, false, Device::Cpu).expect("a loss");
        let x = Tensor::from_slice(&logits).view([-1, CLASSES as i64]).set_requires_grad(true);
        let y = Tensor::from_slice(&labels).view([-1, CLASSES as i64]);
        let value = loss.of(&x, &y).expect("a value");
        value.backward();
        let value = f64::try_from(value).expect("a number");
        assert!((value - case.value).abs() < 1e-5, "{name}: {value} against {}", case.value);
        let gradient = Vec::<f32>::try_from(x.grad().view(-1)).expect("floats");
        let worst =
            gradient.iter().zip(&case.gradient).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, larger);
        assert_eq!(gradient.len(), case.gradient.len());
        assert!(worst < 1e-5, "{name}: gradients differ by {worst}");
    }
}

#[derive(Deserialize)]
struct UnknownLabels {
    c: i64,
    labels: Vec<i8>,
    logits: Vec<f32>,
    losses: BTreeMap<String, Case>,
}

/// Elements without a label cost nothing and have no gradient; weights of positives come from the known labels.
#[test]
fn losses_leave_unknown_labels_out_as_pytorch_on_the_known_ones() {
    let golden: UnknownLabels =
        serde_json::from_str(include_str!("golden/unknown.json")).expect("the golden file's layout");
    let labels: Vec<u8> = golden.labels.iter().map(|label| label.cast_unsigned()).collect();
    let labels = chestxr_tui::dataset::images::Labels::new(labels, golden.c as usize).expect("labels");
    let stats = split_stats(&labels);
    assert_eq!((stats.any_unknown(), golden.losses.len()), (true, 4));
    for (name, case) in golden.losses {
        let section = case.section();
        let loss = Loss::new(&section, &stats, true, Device::Cpu).expect("a loss");
        let x = Tensor::from_slice(&golden.logits).view([-1, golden.c]).set_requires_grad(true);
        let targets: Vec<f32> =
            labels.values().iter().map(|label| chestxr_tui::label::target(*label)).collect();
        let value = loss.of(&x, &Tensor::from_slice(&targets).view([-1, golden.c])).expect("a value");
        value.backward();
        let value = f64::try_from(value).expect("a number");
        assert!((value - case.value).abs() < 1e-6, "{name}: {value} against {}", case.value);
        let gradient = Vec::<f32>::try_from(x.grad().view(-1)).expect("floats");
        for ((ours, theirs), label) in gradient.iter().zip(&case.gradient).zip(&golden.labels) {
            assert!((ours - theirs).abs() < 1e-6, "{name}: {ours} against {theirs}");
            assert!(*label >= 0 || *ours == 0.0, "{name}: an unknown label has a gradient");
        }
    }
    // A batch without any label has no loss and moves nothing.
    let loss = Loss::new(&LossSection::default(), &stats, true, Device::Cpu).expect("a loss");
    let x = Tensor::from_slice(&[3.0_f32, -2.0]).view([1, 2]).set_requires_grad(true);
    let value = loss.of(&x, &Tensor::from_slice(&[-1.0_f32, -1.0]).view([1, 2])).expect("a value");
    value.backward();
    assert_eq!(f64::try_from(value).expect("a number"), 0.0);
    assert_eq!(Vec::<f32>::try_from(x.grad().view(-1)).expect("floats"), [0.0, 0.0]);
}

/// A ChestNetS on the synthetic images, learning as the golden file's did.
struct Lesson {
    learner: Learner,
    images: chestxr_tui::dataset::images::Images,
    labels: chestxr_tui::dataset::images::Labels,
    batch: usize,
    batches: usize,
    steps: u64,
}

impl Lesson {
    fn new(config: &RunConfig, batch: usize) -> Self {
        let (images, labels) = images(128);
        let network = network("chestnet-s", 1.0, 0.0);
        let learner =
            Learner::new(network, config, &split_stats(&labels), false, Device::Cpu).expect("a learner");
        Self { learner, images, labels, batch, batches: 0, steps: 0 }
    }

    /// A step of so many batches: their losses before it, and the gradients' norm.
    fn step(&mut self, lr: f64, together: usize) -> (Vec<f64>, f64) {
        self.learner.zero_grad().expect("cleared");
        let losses = (0..together)
            .map(|_| {
                let first = self.batches * self.batch;
                let indices: Vec<usize> = (first..first + self.batch).map(|image| image % 128).collect();
                self.batches += 1;
                let (x, y) =
                    batch_of(&self.images, Some(&self.labels), &indices, Device::Cpu).expect("a batch");
                let (loss, _) = self.learner.forward_backward(&x, &y, 1.0 / together as f64).expect("a loss");
                f64::try_from(loss).expect("a number")
            })
            .collect();
        let squares = self.learner.network().state().parameters().into_iter().filter_map(|parameter| {
            let gradient = parameter.grad();
            let norm = || f64::try_from(gradient.norm()).expect("a number").powi(2);
            gradient.defined().then(norm)
        });
        let norm = squares.sum::<f64>().sqrt();
        self.steps += 1;
        let finite = Tensor::from(0.0);
        self.learner.end_step(lr, self.steps, &finite).expect("a step");
        (losses, norm)
    }
}

/// Rounding moves losses by the golden file's `spread`, and by more when a maximum flips.
fn assert_follows(ours: &[f64], theirs: &[f64], spread: f64, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, larger);
    let limit = (20.0 * spread).clamp(1e-4, 1e-3);
    eprintln!("{what}: losses differ by up to {worst:.1e}, rounding alone by {spread:.1e}");
    assert!(worst < limit, "{what}: losses differ by {worst:.1e}, {limit:.1e} are allowed");
}

/// Fifty steps of an optimizer under every schedule.
fn follow(optimizer_name: &str) {
    let Trajectories { batch, optimizers, schedules, runs } = golden().trajectories;
    let (all, own) = (runs.len(), runs.into_iter().filter(|run| run.optimizer == optimizer_name));
    let own: Vec<Trajectory> = own.collect();
    assert_eq!((all, optimizers.len(), own.len()), (25, 5, schedules.len()));
    for Trajectory { optimizer, schedule, lr, losses, spread } in own {
        let mut config = RunConfig::default();
        set(&mut config, "optimizer", &optimizers[&optimizer]);
        let mut settings = schedules[&schedule].clone();
        let steps = lr.len();
        let per_epoch = match settings.remove("steps_per_epoch") {
            Some(count) => count.as_u64().expect("a count") as usize,
            None => steps,
        };
        let monitor: Vec<f64> = settings
            .remove("monitor")
            .map_or_else(Vec::new, |values| serde_json::from_value(values).expect("values"));
        let warmup = settings.remove("warmup_steps").map_or(0.0, |count| count.as_f64().expect("a count"));
        settings.remove("mode");
        set(&mut config, "schedule", &settings);
        config.schedule.warmup = warmup / per_epoch as f64;
        config.optimizer.epochs = steps.div_ceil(per_epoch);
        let mut rate = LearningRate::new(&config.schedule, &config.optimizer, Better::Min, per_epoch);

        let mut lesson = Lesson::new(&config, batch);
        let mut ours = Vec::new();
        for (step, theirs) in lr.iter().enumerate() {
            if step > 0 && step % per_epoch == 0 {
                let _ = rate.end_epoch(monitor[step / per_epoch - 1]);
            }
            let now = rate.at(step as u64);
            let what = format!("{optimizer}, {schedule}, step {step}");
            assert!((now - theirs).abs() <= 1e-8 * theirs.abs().max(1e-6), "{what}: {now} against {theirs}");
            ours.extend(lesson.step(now, 1).0);
        }
        assert_follows(&ours, &losses, spread, &format!("{optimizer}, {schedule}"));
        assert!(ours[steps - 1] < 0.9 * ours[0], "{optimizer}, {schedule}: the loss must fall");
    }
}

// A test for each, so that they run side by side.

#[test]
fn adam_under_every_schedule_follows_pytorchs() {
    follow("adam");
}

#[test]
fn adamw_under_every_schedule_follows_pytorchs() {
    follow("adamw");
}

#[test]
fn sgd_momentum_under_every_schedule_follows_pytorchs() {
    follow("sgd_momentum");
}

#[test]
fn sgd_nesterov_under_every_schedule_follows_pytorchs() {
    follow("sgd_nesterov");
}

#[test]
fn sgd_plain_under_every_schedule_follows_pytorchs() {
    follow("sgd_plain");
}

#[test]
fn clipping_accumulating_averaging_heads_freezing_and_autocast_follow_pytorchs() {
    let Golden { trajectories, variations, .. } = golden();
    for (name, variation) in variations {
        let mut config = RunConfig::default();
        set(
            &mut config,
            "optimizer",
            variation.optimizer.as_ref().unwrap_or(&trajectories.optimizers["adam"]),
        );
        config.optimizer.layer_decay = variation.layer_decay.unwrap_or(1.0);
        config.optimizer.decay_norms = variation.decay_norms.unwrap_or(true);
        config.optimizer.clip_norm = variation.max_norm.unwrap_or(0.0);
        config.optimizer.ema = variation.decay.unwrap_or(0.0);
        config.optimizer.head_lr_factor = variation.head_lr_factor.unwrap_or(1.0);
        if name == "bf16" {
            config.set("run.precision", "bf16").expect("a precision");
        }
        let together = variation.accumulate.unwrap_or(1);
        let mut lesson = Lesson::new(&config, trajectories.batch);
        let (mut losses, mut norms) = (Vec::new(), Vec::new());
        for step in 0..variation.losses.len() / together {
            let frozen = step < variation.frozen_steps.unwrap_or(0);
            lesson.learner.freeze_backbone(frozen).expect("frozen");
            let (seen, norm) = lesson.step(config.optimizer.lr, together);
            losses.extend(seen);
            norms.push(norm);
        }
        let spread = variation.spread;
        if name == "bf16" {
            // Two libraries of matrix products round to three digits in their own ways.
            let worst = losses.iter().zip(&variation.losses).map(|(a, b)| (a - b).abs()).fold(0.0, larger);
            assert!(worst < 1e-2, "bf16: losses differ by {worst:.1e}");
            let exact = (losses[0] - golden().variations["plain"].losses[0]).abs();
            assert!(exact > 1e-6, "bf16 computes with fewer digits, and the loss must show it");
        } else {
            assert_follows(&losses, &variation.losses, spread, &name);
        }
        for (step, (ours, theirs)) in norms.iter().zip(&variation.norms).enumerate() {
            // The golden norms of an accumulated step and of a clipped one are those before clipping, as ours.
            assert!((ours / theirs - 1.0).abs() < 0.02, "{name}, step {step}: norm {ours} against {theirs}");
        }
        check(&lesson, &variation.learning, &name);
        if !variation.averaged.is_empty() {
            lesson.learner.use_ema_weights().expect("swapped");
            check(&lesson, &variation.averaged, &name);
        }
    }
}

fn check(lesson: &Lesson, expected: &BTreeMap<String, Weights>, what: &str) {
    for (name, weights) in expected {
        let tensor = lesson.learner.network().state().get(name).expect(name).detach().contiguous();
        let sum = f64::try_from(tensor.sum(tch::Kind::Double)).expect("a number");
        let first = Vec::<f32>::try_from(tensor.view(-1).narrow(0, 0, 4)).expect("floats");
        // Twenty steps of 5e-5 move a weight by 1e-3 at most.
        assert!((sum - weights.sum).abs() < 2e-4, "{what}, {name}: sum {sum} against {}", weights.sum);
        for (ours, theirs) in first.iter().zip(&weights.first) {
            assert!((ours - theirs).abs() < 2e-5, "{what}, {name}: {ours} against {theirs}");
        }
    }
}

#[test]
fn logits_of_the_larger_networks_are_torchvisions() {
    let (images, _) = images(4);
    let expected = golden().networks;
    assert_eq!(expected.len(), 4);
    for (name, Logits { gain, parameters, logits }) in expected {
        let network = network(&name, gain, 0.5);
        assert_eq!(network.state().parameter_count(), parameters, "{name}");
        let _no_grad = tch::no_grad_guard();
        let (x, _) = batch_of(&images, None, &[0, 1, 2, 3], Device::Cpu).expect("a batch");
        let ours = network.forward(&x, Mode::Eval).expect("logits");
        let ours = Vec::<f32>::try_from(ours.view(-1)).expect("floats");
        let worst = ours.iter().zip(&logits).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, larger);
        let spread = logits.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        eprintln!("{name}: logits up to {spread:.2}, largest difference {worst:.1e}");
        assert!(spread > 0.5 && worst < 1e-4, "{name}: logits up to {spread} differ by {worst}");
    }
}
