//! `export`: files that other programs load. tract runs the ONNX files here; onnxruntime, PyTorch and MLflow do where
//! CHESTXR_ONNX_PYTHON names a Python that has them (`tests/reference/onnx_check.py`).

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::{Timestamp, Zoned};
use prost::Message;
use safetensors::SafeTensors;
use serde_json::Value;
use tch::{Device, Tensor};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use chestxr_tui::config::{Arch, ModelSection, RunConfig, Stem};
use chestxr_tui::dataset::image_file::Preprocess;
use chestxr_tui::dataset::images::Images;
use chestxr_tui::evaluation::{Predictor, Weights, export};
use chestxr_tui::metrics::{Predictions, ThresholdRule, Thresholds};
use chestxr_tui::model::{Network, Shape};
use chestxr_tui::runs::{Best, Provenance, RunFolder, RunState, Status};
use support::formulas::{mix, name_hash, parameter};
use support::{chestxr, json, larger, only_run, stderr, stdout};

/// What a run is of.
struct Subject {
    arch: Arch,
    stem: Stem,
    height: usize,
    width: usize,
    classes: usize,
    shift: Vec<f32>,
}

fn subject(arch: Arch, stem: Stem, height: usize, width: usize, classes: usize) -> Subject {
    Subject { arch, stem, height, width, classes, shift: Vec::new() }
}

fn small() -> Subject {
    subject(Arch::ChestNetS, Stem::Auto, 16, 24, 3)
}

fn conditions(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("condition_{index}")).collect()
}

/// The folder of a run whose best epoch was its third, with weights by a formula.
fn run_of(runs: &Path, subject: &Subject) -> RunFolder {
    let &Subject { arch, stem, height, width, classes, .. } = subject;
    let model = ModelSection { arch, stem, ..ModelSection::default() };
    let config = RunConfig { model, ..RunConfig::default() };
    let folder = RunFolder::create(runs, &config, &Zoned::now()).expect("a folder");
    let provenance = Provenance {
        data_digest: "d1g357".to_owned(),
        conditions: conditions(classes),
        image_size: [height, width],
        logit_correction: subject.shift.clone(),
        preprocess: Some(Preprocess::of_size(height, width)),
        ..Provenance::default()
    };
    folder.write_config(&config, &provenance).expect("written");
    let best = Best { metric: "val_loss".to_owned(), value: 0.2, epoch: 3 };
    let now = Timestamp::now();
    let status = Status {
        state: RunState::Finished,
        epoch: 4,
        best: Some(best),
        ended: Some(now),
        ..Status::starting(now)
    };
    folder.write_status(&status).expect("written");
    let shape = Shape { height, width, classes };
    let network = Network::build_blank(&config.model, shape, Device::Cpu).expect("built");
    let tensors: Vec<(String, Tensor)> = network
        .state()
        .iter()
        .map(|(name, tensor)| (name.to_owned(), parameter(name, &tensor.size(), 3.0)))
        .collect();
    for path in [folder.best_weights(), folder.last_weights()] {
        Tensor::write_safetensors(&tensors, path).expect("written");
    }
    folder
}

/// Thresholds as if the validation images had led to them.
fn with_thresholds(folder: &RunFolder, classes: usize, epoch: usize) {
    let (scores, labels): (Vec<f32>, Vec<u8>) =
        (0..8 * classes).map(|at| (0.1 + 0.01 * at as f32, u8::from(at >= 3 * classes))).unzip();
    let table = Predictions::new(&scores, &labels, classes).expect("a table");
    let rule = ThresholdRule::MaxF1;
    let chosen = Thresholds::choose(&table, &conditions(classes), rule, "val", Some(epoch));
    folder.write_thresholds(&chosen).expect("written");
}

fn images(count: usize, subject: &Subject) -> Vec<u8> {
    let grain = name_hash("export.image");
    (0..count * subject.height * subject.width).map(|at| (mix(at, grain) >> 24) as u8).collect()
}

/// What tract makes of batches of images, one after the other: the file leaves their length open.
fn tract(onnx: &[u8], batches: &[&[u8]], subject: &Subject) -> Vec<f32> {
    let model = tract_onnx::onnx()
        .model_for_read(&mut Cursor::new(onnx))
        .and_then(|model| model.into_optimized())
        .and_then(|model| model.into_runnable())
        .expect("tract takes the file");
    let mut probabilities = Vec::new();
    for images in batches {
        let count = images.len() / (subject.height * subject.width);
        let greys: Vec<f32> = images.iter().map(|grey| f32::from(*grey)).collect();
        let shape = [count, 1, subject.height, subject.width];
        let input = tract_onnx::prelude::Tensor::from_shape(&shape, &greys).expect("a batch");
        let output = model.run(tvec!(input.into())).expect("tract runs it");
        assert_eq!(output[0].shape(), [count, subject.classes]);
        probabilities.extend(output[0].to_plain_array_view::<f32>().expect("floats").iter().copied());
    }
    probabilities
}

#[test]
fn every_network_says_in_another_program_what_it_says_here() {
    let subjects = [
        subject(Arch::ChestNetS, Stem::Auto, 32, 40, 14),
        Subject { shift: vec![0.5, -1.25, 0.0], ..small() },
        subject(Arch::ResNet18, Stem::Small, 20, 24, 14),
        subject(Arch::ResNet18, Stem::ImageNet, 64, 50, 2),
        subject(Arch::ResNet34, Stem::Small, 16, 16, 14),
        subject(Arch::ResNet50, Stem::ImageNet, 64, 64, 14),
        subject(Arch::DenseNet121, Stem::Small, 16, 24, 14),
        subject(Arch::DenseNet121, Stem::ImageNet, 64, 70, 3),
    ];
    let runs = tempfile::tempdir().expect("a temporary folder");
    for subject in &subjects {
        let folder = run_of(runs.path(), subject);
        let onnx = onnx(&folder);
        let pixels = images(4, subject);
        let batch = Images::new(pixels.clone(), subject.height, subject.width).expect("whole images");
        let predictor = Predictor::open(&folder, "cpu").expect("it loads");
        let own = predictor.predict(&batch, &mut |_| true).expect("it runs").expect("nobody ended it");
        let area = subject.height * subject.width;
        let (one, three) = pixels.split_at(area);
        let theirs = tract(&onnx, &[one, three], subject);
        assert_eq!(theirs.len(), own.probabilities.len());
        let differences = theirs.iter().zip(&own.probabilities).map(|(a, b)| f64::from((a - b).abs()));
        let worst = differences.fold(0.0, larger);
        let Subject { arch, stem, height, width, .. } = subject;
        eprintln!("{arch} {stem:?} {height}x{width}: largest difference {worst:.1e}");
        assert!(worst < 1e-5, "{arch} {stem:?}: probabilities differ by {worst}");
        let saturated = own.probabilities.iter().filter(|p| !(0.01..0.99).contains(*p)).count();
        let ends = own.logits.iter().fold([f32::MAX, f32::MIN], |[a, b], l| [a.min(*l), b.max(*l)]);
        assert!(2 * saturated < theirs.len(), "{arch}: nothing to tell apart: {:?}", own.logits);
        assert!(ends[1] - ends[0] > 0.05, "{arch}: nothing to tell apart: {:?}", own.logits);

        // Nothing of the network is left out.
        let read = ModelProto::decode(onnx.as_slice()).expect("a model");
        let named: Vec<String> =
            read.graph.expect("a graph").initializer.into_iter().map(|t| t.name).collect();
        for (name, _) in weights_of(&folder) {
            assert!(named.contains(&name) || name.ends_with("num_batches_tracked"), "{arch}: no {name}");
        }
    }
}

/// The best weights as an ONNX file.
fn onnx(folder: &RunFolder) -> Vec<u8> {
    let package = export::Package::open(folder, Weights::Best).expect("it loads");
    package.onnx().expect("an ONNX file")
}

fn weights_of(folder: &RunFolder) -> Vec<(String, Tensor)> {
    Tensor::read_safetensors(folder.best_weights()).expect("weights")
}

fn metadata(onnx: &[u8]) -> BTreeMap<String, String> {
    let read = ModelProto::decode(onnx).expect("a model");
    read.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect()
}

#[test]
fn a_file_says_what_its_numbers_mean() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let subject = Subject { shift: vec![0.5, -1.25, 0.0], ..small() };
    let folder = run_of(runs.path(), &subject);
    let bare = metadata(&onnx(&folder));
    assert!(!bare.contains_key("thresholds"), "{bare:?}");
    with_thresholds(&folder, 3, 3);
    let onnx = onnx(&folder);
    let told = metadata(&onnx);
    let parsed = |key: &str| -> Value { serde_json::from_str(&told[key]).expect("JSON") };
    assert_eq!(parsed("conditions"), serde_json::json!(conditions(3)));
    assert_eq!(parsed("image_size"), serde_json::json!([16, 24]));
    assert_eq!(parsed("preprocess")["filter"], "bicubic");
    let kept = folder.read_thresholds().expect("they read").expect("some");
    for (key, threshold) in parsed("thresholds").as_object().expect("an object") {
        assert_eq!(threshold.as_f64().map(|t| t as f32), Some(kept.conditions[key].threshold), "{told:?}");
    }
    for (key, value) in [
        ("run_id", folder.id().as_str()),
        ("weights", "best"),
        ("epoch", "3"),
        ("architecture", "chestnet-s"),
        ("data_digest", "d1g357"),
    ] {
        assert_eq!(told[key], value);
    }
    assert!(told["preprocess_in_words"].contains("16 rows and 24 columns"), "{told:?}");
    assert!(told["notice"].contains("Not a medical device") && told["program"].contains("chestxr-tui"));

    let read = ModelProto::decode(onnx.as_slice()).expect("a model");
    assert_eq!((read.ir_version, read.opset_import[0].version), (8, 17));

    // The thresholds of other weights are none of these.
    with_thresholds(&folder, 3, 2);
    assert!(!metadata(&self::onnx(&folder)).contains_key("thresholds"));
    // Nor are they those of the last checkpoint, which may have gone on within the epoch that it counts as its last.
    with_thresholds(&folder, 3, 4);
    let last = export::Package::open(&folder, Weights::Last).expect("it loads");
    assert_eq!(last.epoch(), 4);
    assert!(!metadata(&last.onnx().expect("an ONNX file")).contains_key("thresholds"));
    with_thresholds(&folder, 3, 3);

    let package = export::Package::open(&folder, Weights::Best).expect("it loads");
    let described = package.safetensors().expect("a file");
    let (_, header) = SafeTensors::read_metadata(&described).expect("a header");
    let told = header.metadata().clone().expect("metadata");
    assert_eq!((told["format"].as_str(), told["logit_correction"].as_str()), ("pt", "[0.5,-1.25,0.0]"));
    let plain = fs::read(folder.best_weights()).expect("weights");
    let (plain, ours) = (SafeTensors::deserialize(&plain), SafeTensors::deserialize(&described));
    let (plain, ours) = (plain.expect("a file"), ours.expect("a file"));
    assert_eq!(plain.names().len(), ours.names().len());
    for (name, tensor) in plain.tensors() {
        assert_eq!(ours.tensor(&name).expect("the tensor").data(), tensor.data(), "{name}");
    }
    assert!(described == package.safetensors().expect("a file"), "the same weights give other bytes");
}

#[test]
fn a_model_folder_is_written_once_and_again_when_something_changed() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let folder = run_of(runs.path(), &small());
    let out = export::model_folder(&folder).expect("a folder");
    assert_eq!(out, folder.path().join("model"));
    let contents = || fs::read_to_string(out.join("MLmodel")).expect("MLmodel");
    let line = |text: &str, key: &str| -> String {
        text.lines().find_map(|line| line.strip_prefix(key)).expect(key).trim().to_owned()
    };
    let first = contents();
    export::model_folder(&folder).expect("a folder");
    assert_eq!(contents(), first, "written again for nothing");

    let uuid = line(&first, "model_uuid:");
    assert!(uuid.len() == 34 && uuid.starts_with("m-"), "{uuid}");
    let inputs: String = serde_json::from_str(&line(&first, "  inputs:")).expect("a string");
    let inputs: Value = serde_json::from_str(&inputs).expect("JSON in it");
    assert_eq!(inputs[0]["name"], "input");
    assert_eq!(inputs[0]["tensor-spec"], serde_json::json!({"dtype": "float32", "shape": [-1, 1, 16, 24]}));
    assert!(!first.contains("\nrun_id:"), "which run of MLflow's it is of is not for us to say");
    let example = json(&out.join("serving_input_example.json"));
    let image = &example["inputs"]["input"][0][0];
    assert_eq!((image.as_array().map(Vec::len), image[0].as_array().map(Vec::len)), (Some(16), Some(24)));

    with_thresholds(&folder, 3, 3);
    export::model_folder(&folder).expect("a folder");
    let second = contents();
    assert!(second != first && second.contains("threshold"), "the thresholds are missing");
    assert_eq!(line(&second, "model_uuid:"), uuid);

    fs::remove_file(out.join("model.onnx")).expect("removed");
    export::model_folder(&folder).expect("a folder");
    assert!(out.join("model.onnx").is_file(), "what was lost is made again");
    let left_over = fs::read_dir(&out).expect("the folder").count();
    assert_eq!(left_over, 7);
}

fn exported(runs: &Path, here: &Path, arguments: &[&str]) -> Output {
    chestxr(runs).current_dir(here).arg("export").args(arguments).output().expect("the program runs")
}

#[test]
fn nothing_is_overwritten_and_what_cannot_be_done_is_said() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let here = tempfile::tempdir().expect("a temporary folder");
    let folder = run_of(runs.path(), &small());
    let id = folder.id().as_str();
    let export = |arguments: &[&str]| exported(runs.path(), here.path(), arguments);

    let output = export(&["last", "onnx"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let path = here.path().join(format!("{id}.onnx"));
    assert!(stdout(&output).contains(&format!("{id}.onnx (")) && path.is_file());
    fs::write(&path, "mine").expect("written");
    let output = export(&["last", "onnx"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("exists already") && stderr(&output).contains("--force"));
    assert_eq!(fs::read(&path).expect("read"), b"mine");
    assert_eq!(export(&["last", "onnx", "--force"]).status.code(), Some(0));
    assert!(fs::metadata(&path).expect("the file").len() > 1000);

    fs::create_dir(here.path().join("files")).expect("a folder");
    let output = export(&["last", "safetensors", "--weights", "last", "--out", "files", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!((told["weights"].as_str(), told["epoch"].as_u64()), (Some("last"), Some(4)));
    assert_eq!(told["path"], format!("files/{id}-last.safetensors"));
    let size = here.path().join(format!("files/{id}-last.safetensors")).metadata().expect("the file").len();
    assert_eq!(told["bytes"].as_u64(), Some(size));

    assert_eq!(export(&["last", "mlflow"]).status.code(), Some(0));
    assert!(here.path().join(format!("{id}-mlflow/MLmodel")).is_file());
    let output = export(&["last", "mlflow"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));

    let output = export(&["last", "onnx", "--out", "no/such/folder/model.onnx"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("can't write no/such/folder/model.onnx"), "{}", stderr(&output));
    assert_eq!(export(&["last", "torchscript"]).status.code(), Some(2));

    let status = Status { best: None, ..folder.read_status().expect("a status") };
    folder.write_status(&status).expect("written");
    let output = export(&["last", "onnx", "--force"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("has no best epoch yet"), "{}", stderr(&output));
}

/// The Python with other programs, or `None` after saying that the test is skipped.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("CHESTXR_ONNX_PYTHON").map(PathBuf::from);
    if named.is_none() {
        eprintln!(
            "SKIPPED: set CHESTXR_ONNX_PYTHON to a Python with onnx and onnxruntime, and PyTorch or MLflow"
        );
    }
    named
}

/// The script of the README.
fn predict_py() -> String {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    let (_, rest) = readme.split_once("<!-- predict.py -->\n```python\n").expect("the script");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// An image as a PNG file of twice its size, so that it is reduced.
fn picture(path: &Path, image: &[u8], side: usize) {
    let twice: Vec<u8> =
        (0..4 * side * side).map(|at| image[at / (4 * side) * side + at % (2 * side) / 2]).collect();
    let file = fs::File::create(path).expect("a file");
    let mut encoder = png::Encoder::new(file, 2 * side as u32, 2 * side as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&twice)).expect("written");
}

#[test]
fn the_script_of_the_readme_finds_what_predict_finds() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().expect("a temporary folder");
    let subject = subject(Arch::ChestNetS, Stem::Auto, 32, 32, 5);
    let folder = run_of(place.path(), &subject);
    with_thresholds(&folder, 5, 3);
    let model = place.path().join("model.onnx");
    fs::write(&model, onnx(&folder)).expect("written");
    let script = place.path().join("predict.py");
    fs::write(&script, predict_py()).expect("written");
    let mut calls = 0;
    for (number, image) in images(4, &subject).chunks_exact(32 * 32).enumerate() {
        let image_file = place.path().join(format!("{number}.png"));
        picture(&image_file, image, 32);
        let output =
            Command::new(&python).arg(&script).args([&model, &image_file]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let theirs: Vec<String> = stdout(&output).lines().map(str::to_owned).collect();
        let output = chestxr(place.path())
            .args(["--json", "--device", "cpu", "predict"])
            .args([folder.path(), &image_file])
            .output()
            .expect("it runs");
        let told: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        let ours: Vec<String> = told["predicted_positive"]
            .as_array()
            .expect("predicted_positive")
            .iter()
            .map(|key| {
                let key = key.as_str().expect("a key");
                format!("{key:20} {:.3}", told["probabilities"][key].as_f64().expect("a probability"))
            })
            .collect();
        assert_eq!(theirs, ours);
        calls += ours.len();
    }
    assert!(calls > 0, "nothing was found at all");
}

#[test]
fn onnxruntime_pytorch_and_mlflow_say_what_the_run_said() {
    let Some(python) = python() else { return };
    let place = tempfile::tempdir().expect("a temporary folder");
    let (runs, images) = (place.path().join("runs"), place.path().join("images.npz"));
    let phantoms = ["--set", "data.size=32", "--device", "cpu"];
    let trained = ["--no-ui", "--data", "phantom:200", "--set", "optimizer.epochs=1"];
    let balanced = ["--set", "data.sampling=balanced"];
    let done = |command: &mut Command| {
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    };
    done(chestxr(&runs).args(trained).args(phantoms).args(balanced));
    done(chestxr(&runs).args(["data", "convert", "phantom:200"]).arg(&images).args(phantoms));
    let run = only_run(&runs);
    let folder = export::model_folder(&RunFolder::open(&run).expect("a run")).expect("a model");
    for format in ["onnx", "safetensors"] {
        assert_eq!(exported(&runs, place.path(), &["last", format, "--out", format]).status.code(), Some(0));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/onnx_check.py");
    let output = done(
        Command::new(python)
            .arg(script)
            .args([&images, &run.join("predictions_test.npz")])
            .arg("--onnx")
            .arg(place.path().join("onnx"))
            .arg("--safetensors")
            .arg(place.path().join("safetensors"))
            .arg("--mlflow")
            .arg(folder),
    );
    let told: Value = serde_json::from_str(stdout(&output).lines().last().expect("a line")).expect("JSON");
    eprintln!("{told}");
    assert!(told["spread"].as_f64() > Some(0.01), "{told}");
    for program in ["onnxruntime", "pytorch", "mlflow", "mlflow_predict"] {
        match told[program].as_f64() {
            Some(difference) => assert!(difference < 1e-5, "{told}"),
            None => eprintln!("SKIPPED: {program} is not installed there"),
        }
    }
}
