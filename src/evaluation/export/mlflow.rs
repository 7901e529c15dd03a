//! The folder that MLflow takes for a model: what `mlflow.onnx.save_model` of 3.17 writes, with `MLmodel` as its table of
//! contents.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Package;
use crate::dataset::image_file::{DecodedImage, Pixels};
use crate::dataset::phantom;
use crate::evaluation::Weights;
use crate::files::replace_file;
use crate::model::onnx::{INPUT, OUTPUT};

/// The version whose layout this is.
const MLFLOW: &str = "3.17.2";
/// Any from 3.10 on will do; MLflow makes the environments that it serves from with it.
const PYTHON: &str = "3.11";
const REQUIREMENTS: [&str; 4] = ["mlflow>=2.22", "numpy", "onnx>=1.16", "onnxruntime>=1.18"];

/// All of them, the last one last.
const FILES: [&str; 7] = [
    "model.onnx",
    "requirements.txt",
    "conda.yaml",
    "python_env.yaml",
    "input_example.json",
    "serving_input_example.json",
    "MLmodel",
];

/// The key in the metadata with the digest of the folder's source.
const MADE_FROM: &str = "made_from";
/// What the metadata's line in `MLmodel` begins with.
const METADATA: &str = "metadata: ";

/// Writes the folder's files; `digest` is of what they are made from, empty where it isn't compared. `MLmodel` comes last:
/// a folder without it is no model.
pub fn write(package: &Package, digest: &str, out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("can't make the folder {}", out.display()))?;
    let model = package.onnx()?;
    let example = example(package)?;
    let requirements = REQUIREMENTS.join("\n") + "\n";
    let size = model.len();
    let contents = [
        model,
        requirements.into_bytes(),
        conda().into_bytes(),
        python_env().into_bytes(),
        format!("{{\"{INPUT}\": {example}}}").into_bytes(),
        format!("{{\"inputs\": {{\"{INPUT}\": {example}}}}}").into_bytes(),
        table_of_contents(package, digest, size)?.into_bytes(),
    ];
    for (name, bytes) in FILES.into_iter().zip(contents) {
        let path = out.join(name);
        replace_file(&path, &bytes).with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}

/// The digest of the source of the model in a folder; `None` where the folder is incomplete or has no digest.
pub fn made_from(out: &Path) -> Option<String> {
    if !FILES.iter().all(|name| out.join(name).is_file()) {
        return None;
    }
    let text = std::fs::read_to_string(out.join("MLmodel")).ok()?;
    let metadata = text.lines().find_map(|line| line.strip_prefix(METADATA))?;
    let metadata: Map<String, Value> = serde_json::from_str(metadata).ok()?;
    metadata.get(MADE_FROM)?.as_str().map(str::to_owned)
}

/// `MLmodel`: YAML, whose strings may be written as JSON's.
fn table_of_contents(package: &Package, digest: &str, size: usize) -> Result<String> {
    let [height, width] = package.predictor.image_size();
    let tensor = |name: &str, shape: &[i64]| {
        let spec = json!({"dtype": "float32", "shape": shape});
        json!([{"name": name, "type": "tensor", "tensor-spec": spec}]).to_string()
    };
    let inputs = tensor(INPUT, &[-1, 1, height as i64, width as i64]);
    let outputs = tensor(OUTPUT, &[-1, package.predictor.labels().len() as i64]);
    let mut metadata: Map<String, Value> =
        package.facts()?.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    metadata.insert(MADE_FROM.to_owned(), digest.into());
    let created = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S.%6f");
    let (metadata, uuid) = (escaped(&Value::Object(metadata).to_string()), uuid(package));
    let [inputs, outputs] = [inputs, outputs].map(Value::String);
    Ok(format!(
        "\
flavors:
  onnx:
    code: null
    data: model.onnx
    onnx_session_options: null
    providers:
    - CUDAExecutionProvider
    - CPUExecutionProvider
  python_function:
    data: model.onnx
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.onnx
    python_version: '{PYTHON}'
is_signature_from_type_hint: false
{METADATA}{metadata}
mlflow_version: {MLFLOW}
model_size_bytes: {size}
model_uuid: {uuid}
prompts: null
saved_input_example_info:
  artifact_path: input_example.json
  serving_input_path: serving_input_example.json
  type: ndarray
signature:
  inputs: {inputs}
  outputs: {outputs}
  params: null
type_hint_from_example: false
utc_time_created: '{created}'
"
    ))
}

/// JSON that YAML takes too: what it forbids, or takes for the end of a line, as JSON's escapes. All of that stands in
/// strings only.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => {
                text += &format!("\\u{:04x}", character as u32);
            }
            other if other.is_control() => text += &format!("\\u{:04x}", other as u32),
            other => text.push(other),
        }
    }
    text
}

/// The same for the same weights, at any time and on any machine.
fn uuid(package: &Package) -> String {
    let mut named = format!("{} {}", package.run, package.epoch());
    if package.which == Weights::Last {
        named += " last";
    }
    format!("m-{}", &blake3::hash(named.as_bytes()).to_hex()[..32])
}

/// One image, of nobody: a phantom, as numbers in JSON's `1,1,H,W`.
fn example(package: &Package) -> Result<String> {
    let [height, width] = package.predictor.image_size();
    let side = height.max(width).clamp(*phantom::SIZES.start(), *phantom::SIZES.end());
    let pixels = phantom::image(0, 0, side)?.pixels;
    let picture =
        DecodedImage::new(side as u32, side as u32, Pixels::Eight(pixels)).context("a whole picture")?;
    let image = package.predictor.preprocess().image(&picture);
    let rows: Vec<String> = image
        .chunks_exact(width)
        .map(|row| {
            // With a point: a reader takes them for float32 then.
            let greys: Vec<String> = row.iter().map(|grey| format!("{grey}.0")).collect();
            format!("[{}]", greys.join(", "))
        })
        .collect();
    Ok(format!("[[[{}]]]", rows.join(", ")))
}

fn conda() -> String {
    let mut text = format!(
        "\
channels:
- conda-forge
dependencies:
- python={PYTHON}
- pip
- pip:
"
    );
    for requirement in REQUIREMENTS {
        text += &format!("  - {requirement}\n");
    }
    text + "name: mlflow-env\n"
}

fn python_env() -> String {
    format!(
        "\
python: '{PYTHON}'
build_dependencies:
- pip
- setuptools
- wheel
dependencies:
- -r requirements.txt
"
    )
}
