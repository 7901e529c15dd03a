//! Explanations against Captum and pytorch-grad-cam (`tests/reference/explain_golden.py`), and identities that need
//! no reference.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use chestxr_tui::data_loader::batch_of;
use chestxr_tui::dataset::images::Images;
use chestxr_tui::explain::{Baseline, Map, Method, Options, explain_batch};
use chestxr_tui::model::{Mode, Network};
use support::formulas::{images, network};

#[derive(Deserialize)]
struct Golden {
    classes: Vec<usize>,
    networks: BTreeMap<String, OfNetwork>,
}

#[derive(Deserialize)]
struct OfNetwork {
    gain: f64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    method: String,
    layer: Option<String>,
    baseline: Option<String>,
    steps: Option<usize>,
    samples: Option<usize>,
    seed: Option<u64>,
    window: Option<usize>,
    stride: Option<usize>,
    /// How far the reference's own maps in single precision are from these, as a share of the largest value.
    rounding: f64,
    maps: Vec<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    probe: Vec<f32>,
    largest: f64,
    sum: f64,
}

/// Every so many values of a map are kept.
const EVERY: usize = 7;
/// Largest difference as a share of the map's largest value.
const CLOSE: f64 = 1e-4;
/// The same in double precision: what is left of maps told in single precision.
const EXACT: f64 = 1e-6;

fn batch(count: usize) -> (Images, Tensor) {
    let (images, _) = images(count);
    let indices: Vec<usize> = (0..count).collect();
    let (x, _) = batch_of(&images, None, &indices, Device::Cpu).expect("a batch");
    (images, x)
}

fn method(name: &str) -> &'static Method {
    Method::find(name).expect("a method")
}

fn options(case: &Case) -> Options {
    let default = Options::default();
    Options {
        layer: case.layer.clone(),
        baseline: case.baseline.as_ref().map_or(default.baseline, |name| name.parse().expect("a baseline")),
        steps: case.steps.unwrap_or(default.steps),
        samples: case.samples.unwrap_or(default.samples),
        seed: case.seed.unwrap_or(default.seed),
        window: case.window.unwrap_or(default.window),
        stride: case.stride.unwrap_or(default.stride),
        ..default
    }
}

/// Largest difference of any map of a case from the golden one, as a share of the map's largest value.
fn difference(network: &Network, x: &Tensor, classes: &[usize], case: &Case) -> f64 {
    let count = case.maps.len();
    let maps = explain_batch(
        network,
        &x.narrow(0, 0, count as i64),
        &classes[..count],
        method(&case.method),
        &options(case),
    )
    .expect("maps");
    let of_map = |(map, kept): (&Map, &Kept)| {
        let ours = map.values.iter().step_by(EVERY);
        assert_eq!(ours.len(), kept.probe.len());
        assert!(kept.largest > 0.0, "{}: an empty map shows nothing", case.method);
        let sum: f64 = map.values.iter().map(|value| f64::from(*value)).sum();
        let spread = kept.largest * map.values.len() as f64;
        let most = ours
            .zip(&kept.probe)
            .map(|(a, b)| f64::from((a - b).abs()) / kept.largest)
            .fold((sum - kept.sum).abs() / spread, support::larger);
        most.max((f64::from(map.largest()) - kept.largest).abs() / kept.largest)
    };
    maps.iter().zip(&case.maps).map(of_map).fold(0.0, support::larger)
}

/// In double precision everything agrees closely. In single precision a ReLU or a maximum decides otherwise here and
/// there, in the reference's own maps as in ours: those may differ as far as it does from itself.
#[test]
fn maps_are_those_of_captum_and_pytorch_grad_cam() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/explain.json");
    let golden: Golden =
        serde_json::from_slice(&std::fs::read(path).expect("the golden file")).expect("its layout");
    assert_eq!(golden.networks.len(), 3);
    golden.networks.par_iter().for_each(|(name, of_network)| {
        let network = network(name, of_network.gain, 0.0);
        let (_, x) = batch(3);
        for case in &of_network.cases {
            let most = difference(&network, &x, &golden.classes, case);
            let limit = CLOSE.max(3.0 * case.rounding);
            let what = format!("{name} {} {:?} {:?}", case.method, case.layer, case.baseline);
            assert!(most <= limit, "{what} in single precision: {most:.1e}, not {limit:.1e}");
        }
        in_double_precision(&network);
        let x = x.to_kind(Kind::Double);
        for case in &of_network.cases {
            let most = difference(&network, &x, &golden.classes, case);
            let what = format!("{name} {} {:?} {:?}", case.method, case.layer, case.baseline);
            assert!(most <= EXACT, "{what} in double precision: {most:.1e}");
        }
    });
}

fn in_double_precision(network: &Network) {
    let _no_grad = tch::no_grad_guard();
    for (_, tensor) in network.state().iter() {
        if tensor.is_floating_point() {
            tensor.shallow_clone().set_data(&tensor.to_kind(Kind::Double));
        }
    }
}

/// A ResNet's head is a mean and a linear layer, so the gradient of a logit at the last layer is the head's weight
/// over the number of places: Grad-CAM is CAM (Zhou et al. 2016) over H*W.
#[test]
fn before_a_mean_and_a_linear_layer_grad_cam_is_cam() {
    let network = network("resnet18.imagenet", 5.0, 0.0);
    let (_, x) = batch(3);
    let classes = [1, 5, 12];
    let maps = explain_batch(&network, &x, &classes, method("grad-cam"), &Options::default()).expect("maps");
    let _no_grad = tch::no_grad_guard();
    let layers = network.map_layers();
    let activations = network.to_layer(&x, layers.len() - 1).expect("activations");
    let [_, _, h, w] = <[i64; 4]>::try_from(activations.size()).expect("four dimensions");
    let weights = &network.head_parameters()[0].1;
    for (image, (class, map)) in classes.into_iter().zip(&maps).enumerate() {
        let weights = weights.select(0, class as i64).view([-1, 1, 1]);
        let cam = (weights * activations.select(0, image as i64)).sum_dim_intlist(0, false, Kind::Float);
        let cam = (cam / (h * w) as f64).relu().view([1, 1, h, w]);
        let large = cam.upsample_bilinear2d([64, 64], false, None, None);
        let expected: Vec<f32> = Vec::try_from(large.view(-1)).expect("floats");
        let largest = expected.iter().copied().fold(0.0, f32::max);
        let worst = map.values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest > 0.0 && worst <= 2e-6 * largest, "{worst} of {largest}");
        assert_eq!(map.native, [h as usize, w as usize]);
    }
}

#[test]
fn the_way_to_a_layer_and_on_from_it_is_the_whole_way() {
    for name in ["chestnet-s", "resnet18.small", "densenet121.imagenet"] {
        let network = network(name, 5.0, 0.0);
        let (_, x) = batch(2);
        let _no_grad = tch::no_grad_guard();
        let whole = network.forward(&x, Mode::Eval).expect("logits");
        for layer in 0..network.map_layers().len() {
            let activations = network.to_layer(&x, layer).expect("activations");
            assert!(
                activations.min().double_value(&[]) >= 0.0 || name.starts_with("densenet"),
                "after its ReLU"
            );
            let logits = network.logits_from_layer(&activations, layer).expect("logits");
            let worst = (logits - &whole).abs().max().double_value(&[]);
            assert!(worst < 1e-5, "{name}, layer {layer}: {worst}");
        }
    }
}

#[test]
fn attributions_sum_up_to_what_they_explain_the_better_the_more_steps() {
    let network = network("chestnet-s", 6.0, 0.0);
    let (_, x) = batch(3);
    let gap = |steps: usize| -> f64 {
        let options = Options { steps, baseline: Baseline::Mean, ..Options::default() };
        let maps =
            explain_batch(&network, &x, &[1, 4, 12], method("integrated-gradients"), &options).expect("maps");
        let gaps = maps.iter().map(|map| map.completeness.expect("promised").gap());
        gaps.fold(0.0, support::larger)
    };
    let (few, many) = (gap(3), gap(200));
    assert!(many < 0.02 && many < few / 3.0, "{few} {many}");
}

#[test]
fn without_positive_evidence_a_map_says_so() {
    let mut network = network("resnet18.imagenet", 5.0, 0.0);
    let (_, x) = batch(1);
    negate_head(&mut network);
    let maps = |network: &Network| -> Vec<Map> {
        explain_batch(network, &x, &[3], method("grad-cam"), &Options::default()).expect("maps")
    };
    let map = &maps(&network)[0];
    assert!(!map.has_evidence() && map.largest() == 0.0);
    assert!(map.logit < 0.0 && map.probability < 0.5);
}

/// Makes every weight of the last layer negative: all that a ReLU lets through speaks against every condition.
fn negate_head(network: &mut Network) {
    let _no_grad = tch::no_grad_guard();
    for (_, mut parameter) in network.head_parameters() {
        let negative = -parameter.abs();
        parameter.copy_(&negative);
    }
}
