//! A network's summary against what PyTorch's hooks, its FLOP counter and Lightning's `ModelSummary` say of the
//! same network (`tests/reference/summary_golden.py`).

use std::collections::BTreeMap;

use serde::Deserialize;
use tch::Device;

use chestxr_tui::config::{Arch, ModelSection, Stem};
use chestxr_tui::model::{Network, Shape, table};

#[derive(Deserialize)]
struct Golden {
    networks: BTreeMap<String, Told>,
}

#[derive(Deserialize)]
struct Told {
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
