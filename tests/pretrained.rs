//! Networks that start from weights of others.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use chestxr_tui::config::{Arch, Gray, ModelSection, Stem};
use chestxr_tui::model::{Network, Shape, take_pretrained};

const SHAPE: Shape = Shape { height: 64, width: 64, classes: 14 };

fn section(arch: Arch, stem: Stem, from: &Path) -> ModelSection {
    let pretrained = from.to_string_lossy().into_owned();
    ModelSection { arch, stem, pretrained, ..ModelSection::default() }
}

fn network(section: &ModelSection, shape: Shape, seed: i64) -> Network {
    tch::manual_seed(seed);
    Network::build(section, shape, Device::Cpu).expect("built")
}

fn tensors(network: &Network) -> Vec<(String, Tensor)> {
    network
        .state()
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.detach().contiguous().copy()))
        .collect()
}

fn take(network: &mut Network, section: &ModelSection) -> Result<(), String> {
    take_pretrained(network, section, &mut |_, _| true)
        .map(|path| assert!(path.is_some()))
        .map_err(|e| e.to_string())
}

/// Writes the tensors of a network with 5 outputs, changed by `change`.
fn weights(arch: Arch, stem: Stem, path: &Path, change: impl FnOnce(&mut Vec<(String, Tensor)>)) {
    let own = ModelSection { arch, stem, ..ModelSection::default() };
    let mut all = tensors(&network(&own, Shape { classes: 5, ..SHAPE }, 1));
    change(&mut all);
    Tensor::write_safetensors(&all, path).expect("written");
}

#[test]
fn all_but_the_last_layer_is_taken_whatever_the_last_layer_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("w.safetensors");
    for (arch, head) in
        [(Arch::ChestNetS, "classifier.4"), (Arch::ResNet18, "fc"), (Arch::DenseNet121, "classifier")]
    {
        weights(arch, Stem::Auto, &path, |_| {});
        let section = section(arch, Stem::Auto, &path);
        let mut network = network(&section, SHAPE, 2);
        let before = tensors(&network);
        take(&mut network, &section).expect("taken");
        let given = Tensor::read_safetensors(&path).expect("it reads");
        let mut heads = 0;
        for ((name, was), (_, is)) in before.iter().zip(tensors(&network)) {
            let (_, theirs) = given.iter().find(|(other, _)| other == name).expect(name);
            if name.starts_with(head) && name.len() <= head.len() + ".weight".len() {
                assert!(is.equal(was), "{name} must stay");
                heads += 1;
            } else {
                assert!(is.equal(theirs), "{name} must be taken");
            }
        }
        assert_eq!(heads, 2, "{arch}");
    }
}

#[test]
fn whatever_wraps_the_names_is_taken_away_and_extras_are_left() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (file, prefix) in [
        ("a.safetensors", "module."),
        ("b.ckpt", "model.backbone."),
        ("checkpoint", "_orig_mod."),
        ("c.pth.tar", "module.densenet121."),
    ] {
        let path = folder.path().join(file);
        weights(Arch::DenseNet121, Stem::Auto, &path, |all| {
            for (name, _) in all.iter_mut() {
                *name = format!("{prefix}{name}");
            }
            all.push(("criterion.pos_weight".to_owned(), Tensor::ones([5], (Kind::Float, Device::Cpu))));
        });
        let section = section(Arch::DenseNet121, Stem::Auto, &path);
        let mut network = network(&section, SHAPE, 2);
        let taken = take_pretrained(&mut network, &section, &mut |_, _| true);
        let taken = taken.unwrap_or_else(|error| panic!("{file}: {error}")).expect("weights");
        assert_eq!(taken.unused, ["criterion.pos_weight"], "{file}");
        let given = Tensor::read_safetensors(&path).expect("it reads");
        for (name, is) in tensors(&network).iter().filter(|(name, _)| !name.starts_with("classifier.")) {
            let theirs = given.iter().find(|(other, _)| *other == format!("{prefix}{name}")).expect(name);
            assert!(is.equal(&theirs.1), "{file}: {name} must be taken");
        }
    }
}

#[test]
fn colours_become_grey_in_the_way_that_was_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("w.safetensors");
    let colours = Tensor::randn([64, 3, 7, 7], (Kind::Float, Device::Cpu));
    weights(Arch::ResNet18, Stem::ImageNet, &path, |all| {
        all.iter_mut().find(|(name, _)| name == "conv1.weight").expect("the first layer").1 = colours.copy();
    });
    let mut section = section(Arch::ResNet18, Stem::ImageNet, &path);
    section.gray = Gray::Mean;
    let mut ours = network(&section, SHAPE, 2);
    take(&mut ours, &section).expect("taken");
    let first = ours.state().get("conv1.weight").expect("the first layer").detach();
    assert!(first.allclose(&colours.mean_dim([1_i64].as_slice(), true, Kind::Float), 1e-6, 1e-6, false));

    section.gray = Gray::Sum;
    let mut ours = network(&section, SHAPE, 2);
    take(&mut ours, &section).expect("taken");
    let mean = ours.state().get("bn1.running_mean").expect("its mean").detach();
    assert!(
        f64::try_from(mean.abs().max()).expect("a number") > 0.01,
        "the constant moved into the batch norm"
    );
}

#[test]
fn weights_that_do_not_fit_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("w.safetensors");
    let refusal = |arch: Arch, stem: Stem| {
        let section = section(arch, stem, &path);
        take(&mut network(&section, SHAPE, 2), &section).expect_err("refused")
    };
    weights(Arch::ResNet18, Stem::ImageNet, &path, |_| {});
    let text = refusal(Arch::ResNet18, Stem::Small);
    assert!(text.contains("set model.stem=imagenet"), "{text}");
    let text = refusal(Arch::ResNet34, Stem::ImageNet);
    assert!(text.contains("`layer1.2.conv1.weight`") && text.contains("set model.arch"), "{text}");
    weights(Arch::ResNet18, Stem::ImageNet, &path, |all| {
        all[0].1 = Tensor::zeros([64, 4, 7, 7], (Kind::Float, Device::Cpu));
    });
    let text = refusal(Arch::ResNet18, Stem::ImageNet);
    assert!(text.contains("for 4 colours"), "{text}");
    std::fs::write(&path, b"no weights").expect("written");
    let text = refusal(Arch::ResNet18, Stem::ImageNet);
    assert!(text.contains("no safetensors file"), "{text}");
    // A checkpoint of something else is recognized by its names, in the old format too.
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pth/legacy.pth");
    let section = section(Arch::ResNet18, Stem::ImageNet, &old);
    let text = take(&mut network(&section, SHAPE, 2), &section).expect_err("refused");
    assert!(text.contains("lacks 100 of the 100 tensors") && text.contains("`a`"), "{text}");
}

#[test]
fn imagenet_is_for_networks_that_have_such_weights() {
    let mut config = chestxr_tui::config::RunConfig::default();
    config.set("model.pretrained", "imagenet").expect("a text");
    let text = config.validate().expect_err("chestnet-s has none").to_string();
    assert!(text.contains("model.arch=resnet18"), "{text}");
    config.set("model.arch", "resnet18").expect("a network");
    config.validate().expect("it has");
    let shape = Shape { height: 64, width: 64, classes: 14 };
    let network = Network::build(&config.model, shape, Device::Cpu).expect("built");
    let first = network.state().get("conv1.weight").expect("the first layer").size();
    assert_eq!(first, [64, 1, 7, 7], "auto takes the stem of the weights");
    config.set("model.stem", "small").expect("a stem");
    assert!(config.validate().is_err());
}
