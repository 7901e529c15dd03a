//! Networks and training steps against PyTorch's own (`tests/reference/torch_golden.py`): the same weights
//! and images by the formulas of `tests/reference/formulas.py` give the same logits and the same losses.

mod support;

use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use tch::{Device, Tensor};

use chestxr_tui::config::RunConfig;
use chestxr_tui::data_loader::batch_of;
use chestxr_tui::dataset::images::{Images, Labels};
use chestxr_tui::dataset::npz::{Limits, read_medmnist};
use chestxr_tui::dataset::stats::split_stats;
use chestxr_tui::model::{Mode, Network, StateDict};
use chestxr_tui::train::Learner;
use support::formulas::{CLASSES, images, network};
use support::larger;

#[derive(Deserialize)]
struct Golden {
    parameters: BTreeMap<String, BTreeMap<String, Probe>>,
    images: ImageProbe,
    logits: BTreeMap<String, BTreeMap<String, Vec<f32>>>,
    training: BTreeMap<String, BTreeMap<String, Training>>,
}

#[derive(Deserialize)]
struct Probe {
    shape: Vec<i64>,
    first: Vec<f32>,
    sum: f64,
}

#[derive(Deserialize)]
struct ImageProbe {
    pixel_sum: u64,
    positives: Vec<u64>,
}

#[derive(Deserialize)]
struct Training {
    lr: f64,
    losses: Vec<f64>,
    drift: Vec<f64>,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torch_parity.json");
    serde_json::from_slice(&std::fs::read(path).expect("the golden file")).expect("its layout")
}

fn logits(network: &Network, images: &Images, count: usize) -> Vec<f32> {
    let _no_grad = tch::no_grad_guard();
    let indices: Vec<usize> = (0..count).collect();
    let mut all = Vec::new();
    for part in indices.chunks(34) {
        let (x, _) = batch_of(images, None, part, Device::Cpu).expect("a batch");
        let logits = network.forward(&x, Mode::Eval).expect("logits");
        all.extend(Vec::<f32>::try_from(logits.view(-1)).expect("floats"));
    }
    all
}

fn assert_close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let worst = ours.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, larger);
    let spread = theirs.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    eprintln!("{what}: logits up to {spread:.2}, largest difference {worst:.1e}");
    assert!(spread > 0.5, "{what}: logits too small to compare");
    assert!(worst < 1e-4, "{what}: logits differ by {worst}");
}

#[test]
fn weights_and_images_are_the_ones_python_computed() {
    let golden = golden();
    for (name, probes) in &golden.parameters {
        let network = network(name, 6.0, 0.5);
        for (parameter, probe) in probes {
            let (_, tensor) = network.state().iter().find(|(name, _)| name == parameter).expect(parameter);
            assert_eq!(tensor.size(), probe.shape, "{parameter}");
            let values = Vec::<f32>::try_from(tensor.detach().contiguous().view(-1)).expect("floats");
            assert_eq!(values[..4], probe.first[..4], "{parameter}");
            let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
            assert!((sum - probe.sum).abs() < 1e-6, "{parameter}: {sum} against {}", probe.sum);
        }
    }
    let (images, labels) = images(128);
    assert_eq!(
        images.gathered().expect("images").iter().map(|&grey| u64::from(grey)).sum::<u64>(),
        golden.images.pixel_sum
    );
    let positives: Vec<u64> =
        (0..CLASSES).map(|class| labels.rows().map(|row| u64::from(row[class])).sum()).collect();
    assert_eq!(positives, golden.images.positives);
}

#[test]
fn logits_equal_pytorchs() {
    let golden = golden();
    let (images, _) = images(8);
    let real = support::real_images().map(|folder| {
        let limits = Limits { max_bytes: 1 << 30 };
        let archive =
            read_medmnist(&folder.join("nih_sample_64_strat.npz"), Some(CLASSES), limits).expect("it reads");
        (archive.test.images.expect("images"), archive.test.labels)
    });
    for (name, expected) in &golden.logits {
        let network = network(name, 6.0, 0.5);
        assert_close(&logits(&network, &images, 8), &expected["synthetic"], name);
        if let Some((images, _)) = &real {
            let ours = logits(&network, images, 170);
            assert_close(&ours, &expected["sample_test"], &format!("{name} on 170 real images"));
        }
    }
}

fn losses(name: &str, images: &Images, labels: &Labels, lr: f64, steps: usize) -> Vec<f64> {
    let config = RunConfig::default();
    let network = network(name, 1.0, 0.0);
    let mut learner =
        Learner::new(network, &config, &split_stats(labels), false, Device::Cpu).expect("a learner");
    (0..steps)
        .map(|step| {
            let indices: Vec<usize> = (0..32).map(|j| (step * 32 + j) % images.len()).collect();
            let (x, y) = batch_of(images, Some(labels), &indices, Device::Cpu).expect("a batch");
            learner.zero_grad().expect("cleared");
            let (loss, _) = learner.forward_backward(&x, &y, 1.0).expect("a loss");
            learner.end_step(lr, step as u64 + 1, &loss).expect("a step");
            f64::try_from(loss).expect("a number")
        })
        .collect()
}

#[test]
fn fifty_adam_steps_follow_pytorchs_losses() {
    let golden = golden();
    let (synthetic, synthetic_labels) = images(128);
    let real = support::real_images().map(|folder| {
        let limits = Limits { max_bytes: 1 << 30 };
        let archive =
            read_medmnist(&folder.join("nih_sample_64_strat.npz"), Some(CLASSES), limits).expect("it reads");
        (archive.train.images.expect("images"), archive.train.labels)
    });
    golden.training.par_iter().for_each(|(name, sources)| {
        sources.par_iter().for_each(|(source, expected)| {
            let (images, labels) = match (source.as_str(), &real) {
                ("synthetic", _) => (&synthetic, &synthetic_labels),
                (_, Some((images, labels))) => (images, labels),
                (_, None) => return,
            };
            let ours = losses(name, images, labels, expected.lr, expected.losses.len());
            let worst = ours.iter().zip(&expected.losses).map(|(a, b)| (a - b).abs()).fold(0.0, larger);
            let drift = expected.drift.iter().fold(0.0_f64, |most, value| most.max(*value));
            eprintln!("{name} on {source}: losses differ by up to {worst:.1e} (rounding alone: {drift:.1e})");
            assert!(ours[49] < 0.9 * ours[0], "{name} on {source}: the loss must fall");
            assert!(worst < 1e-3, "{name} on {source}: losses differ by {worst}");
        });
    });
}

#[test]
fn a_checkpoint_read_back_is_the_same_to_the_bit() {
    let network = network("resnet18.small", 1.0, 0.5);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("best.safetensors");
    network.state().snapshot().expect("a copy").write(&path).expect("written");
    let names = |state: &StateDict| state.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let read = Tensor::read_safetensors(&path).expect("it reads");
    let mut read_names: Vec<String> = read.iter().map(|(name, _)| name.clone()).collect();
    let mut own_names = names(network.state());
    read_names.sort();
    own_names.sort();
    assert_eq!(read_names, own_names);
    for (name, tensor) in &read {
        let (_, own) = network.state().iter().find(|(own, _)| own == name).expect(name);
        assert!(tensor.equal(&own.detach()), "{name}");
    }
}
