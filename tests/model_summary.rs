//! A network's summary against what PyTorch's hooks, its FLOP counter and Lightning's `ModelSummary` say of the
//! same network (`tests/reference/summary_golden.py`).

use std::collections::BTreeMap;

use serde::Deserialize;
use tch::Device;

use chestxr_tui::config::{Arch, ModelSection, Stem};
use chestxr_tui::model::{Network, Shape, table};
use chestxr_tui::report::Blueprint;

#[derive(Deserialize)]
struct Golden {
    networks: BTreeMap<String, Summarized>,
}

#[derive(Deserialize)]
struct Summarized {
    modules: Vec<(String, String, u64, Vec<i64>)>,
    multiply_adds: u64,
    lightning: Vec<Vec<String>>,
}

#[test]
fn modules_shapes_and_counts_are_pytorchs_and_the_table_is_lightnings() {
    let golden: Golden =
        serde_json::from_str(include_str!("golden/summary.json")).expect("the golden file's layout");
    assert_eq!(golden.networks.len(), 4);
    for (name, told) in &golden.networks {
        let (arch, stem) = name.split_once('.').unwrap_or((name, "auto"));
        let section = ModelSection {
            arch: Arch::from_name(arch).expect("a network"),
            stem: Stem::from_name(stem).expect("a stem"),
            ..ModelSection::default()
        };
        let shape = Shape { height: 64, width: 64, classes: 14 };
        let network = Network::build(&section, shape, Device::Cpu).expect("built");
        let modules = network.modules();
        assert_eq!(modules.len(), told.modules.len(), "{name}");
        for (ours, (path, kind, parameters, output)) in modules.iter().zip(&told.modules) {
            let theirs = (path.as_str(), kind.as_str(), *parameters, output.as_slice());
            assert_eq!((ours.name.as_str(), ours.kind, ours.parameters, &*ours.output), theirs, "{name}");
        }
        assert_eq!(modules[0].multiply_adds, told.multiply_adds, "{name}");
        assert_eq!(modules[0].parameters, network.state().parameter_count() as u64, "{name}");

        let text = table(&modules, modules[0].parameters);
        let rows: Vec<Vec<String>> = text
            .lines()
            .skip(2)
            .take_while(|line| !line.starts_with('-'))
            .map(|line| line.split('|').take(5).map(|cell| cell.trim().to_owned()).collect())
            .collect();
        assert_eq!(rows.len(), modules.len(), "{name}");
        if !told.lightning.is_empty() {
            assert_eq!(rows, told.lightning, "{name}");
        }
        assert!(text.contains("Trainable params\n0         Non-trainable params\n"), "{text}");
    }
}

/// The title and number of each card, from the image to the logits.
fn cards(arch: Arch, stem: Stem) -> Vec<(String, usize)> {
    let section = ModelSection { arch, stem, ..ModelSection::default() };
    let shape = Shape { height: 64, width: 64, classes: 14 };
    let network = Network::build_blank(&section, shape, Device::Cpu).expect("built");
    let outputs = (0..14).map(|class| class.to_string()).collect();
    let details = serde_json::to_string(&network.details(arch, outputs, false)).expect("JSON");
    let blueprint: Blueprint = serde_json::from_str(&details).expect("a blueprint");
    let png = blueprint.draw("20261122-201503-chestnet-s-a1b2").expect("a picture");
    if let Some(folder) = std::env::var_os("CHESTXR_KEEP_FIGURES") {
        let path = std::path::Path::new(&folder).join(format!("{arch}_{}.png", stem.name()));
        std::fs::write(path, &png).expect("written");
    }
    let cards: Vec<_> = blueprint.stages().into_iter().flat_map(|stage| stage.cards).collect();
    let parameters: u64 = cards.iter().map(|card| card.parameters).sum();
    assert_eq!(
        parameters,
        network.state().parameter_count() as u64,
        "{arch}: some are drawn twice or not at all"
    );
    let joined = cards.iter().filter(|card| card.around.is_some()).map(|card| card.times).sum::<usize>();
    let blocks = match arch {
        Arch::ChestNetS => 0,
        Arch::ResNet18 => 8,
        Arch::ResNet34 | Arch::ResNet50 => 16,
        Arch::DenseNet121 => 58,
    };
    assert_eq!(joined, blocks, "{arch}");
    assert_eq!(cards.last().map(|card| card.output.as_str()), Some("14"));
    cards.into_iter().map(|card| (card.title, card.times)).collect()
}

#[test]
fn a_drawing_has_every_layer_once_and_blocks_that_repeat_together() {
    let told = |arch, stem| -> Vec<String> {
        let cards = cards(arch, stem).into_iter();
        cards.map(|(title, times)| if times > 1 { format!("{title} x {times}") } else { title }).collect()
    };
    let chestnet =
        ["image", "features.0–3", "features.4–7", "features.8–11", "classifier.0–3", "classifier.4"];
    assert_eq!(told(Arch::ChestNetS, Stem::Auto), chestnet);
    let resnet = [
        "image",
        "conv1–maxpool",
        "Bottleneck 0",
        "Bottleneck 1–2 x 2",
        "Bottleneck 0",
        "Bottleneck 1–3 x 3",
        "Bottleneck 0",
        "Bottleneck 1–5 x 5",
        "Bottleneck 0",
        "Bottleneck 1–2 x 2",
        "avgpool–fc",
    ];
    assert_eq!(told(Arch::ResNet50, Stem::ImageNet), resnet);
    assert_eq!(told(Arch::ResNet18, Stem::Small)[2], "BasicBlock 0–1 x 2");
    assert_eq!(told(Arch::ResNet34, Stem::Small).len(), 10);
    let densenet = [
        "image",
        "features.conv0–pool0",
        "DenseLayer 1–6 x 6",
        "features.transition1",
        "DenseLayer 1–12 x 12",
        "features.transition2",
        "DenseLayer 1–24 x 24",
        "features.transition3",
        "DenseLayer 1–16 x 16",
        "features.norm5",
        "classifier",
    ];
    assert_eq!(told(Arch::DenseNet121, Stem::ImageNet), densenet);
}
