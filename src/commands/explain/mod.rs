//! `explain`: attribution maps of a run's predictions, as sheets and as scores.

mod images;
mod scores;
mod sheets;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use chestxr_tui::config::{AppPaths, Arch};
use chestxr_tui::evaluation::Predictor;
use chestxr_tui::explain::{
    Completeness, METHODS, Map, Method, Options, OptionsError, Request, default_method, explain,
};
use chestxr_tui::files::replace_file;
use chestxr_tui::metrics::DEFAULT_THRESHOLD;
use chestxr_tui::runs;
use chestxr_tui::text::file_part;

use super::progress::StderrBar;
use super::{Exit, UsageError, inline};
use crate::cli::{ExplainArgs, Global};
use images::ImagesToExplain;

/// One attribution map.
pub struct ExplainedMap {
    /// Index of the image.
    image: usize,
    /// Column of the logits.
    class: usize,
    method: &'static Method,
    map: Map,
}

/// One line of output: a map and the prediction it explains.
#[derive(Serialize)]
struct MapReport<'a> {
    image: &'a str,
    condition: String,
    method: &'a str,
    /// Whether the image has the condition; null where labels are not known.
    label: Option<bool>,
    probability: f32,
    threshold: f32,
    logit: f32,
    /// Whether the map has positive evidence.
    evidence: bool,
    /// Height and width of the map before resizing.
    native: [usize; 2],
    completeness: Option<Completeness>,
    /// File of the sheet with the map.
    file: PathBuf,
}

/// Writes the requested maps, or scores them with --score.
pub fn run(args: &ExplainArgs, global: &Global, paths: &AppPaths) -> Result<Exit> {
    let folder = runs::find(&paths.runs, &args.run)?;
    let device = global.device.as_deref().unwrap_or("auto");
    let predictor = Predictor::open_weights(&folder, device, args.weights.into())?;
    let methods = methods(args, folder.read_config()?.model.arch)?;
    let options = Options {
        layer: args.layer.clone(),
        baseline: args.baseline,
        steps: args.steps,
        ..Options::default()
    };
    check(&options, &predictor)?;
    let out = args.out.clone().unwrap_or_else(|| folder.artifacts().join("explanations"));
    if args.score {
        return scores::run(args, global, &folder, &predictor, &methods, &options, &out);
    }
    let images = images::load(args, global, &folder, &predictor)?;
    let levels = match folder.read_thresholds()? {
        Some(saved) => saved.of(&predictor.labels().keys()),
        None => vec![DEFAULT_THRESHOLD; predictor.labels().len()],
    };
    let requests = requests(args, &predictor, &images, &levels)?;
    let bar = StderrBar::start("maps", requests.len() * methods.len(), global.json);
    let mut explained = Vec::new();
    for (number, method) in methods.iter().copied().enumerate() {
        let mut watch = |done| bar.set(number * requests.len() + done);
        let maps = explain(&predictor, &images.images, &requests, method, &options, &mut watch)?;
        let maps = maps.context("explanation was stopped")?;
        explained.extend(requests.iter().zip(maps).map(|(request, map)| ExplainedMap {
            image: request.image,
            class: request.class,
            method,
            map,
        }));
    }
    bar.finish();
    std::fs::create_dir_all(&out).with_context(|| format!("can't create {}", out.display()))?;
    let sheets = sheets::Sheets { images: &images, labels: predictor.labels(), levels: &levels };
    let title = format!("Run {}, epoch {}", folder.id(), predictor.epoch());
    let mut printer = inline::ImagePrinter::new(global.graphics, global.json);
    if args.montage {
        let sheet = sheets.montage(&title, &requests, &methods, &explained)?;
        let path = out.join("montage.png");
        write(&path, &sheet)?;
        printer.print_png(&sheet)?;
        print_reports(&sheets, &explained, global.json, |_| path.clone())?;
    } else {
        for one in &explained {
            let sheet = sheets.sheet(&title, one)?;
            let path = out.join(file_name(&sheets, one));
            write(&path, &sheet)?;
            printer.print_png(&sheet)?;
        }
        print_reports(&sheets, &explained, global.json, |one| out.join(file_name(&sheets, one)))?;
    }
    Ok(Exit::Done)
}

/// The methods of --method; the default depends on the network, on --montage and --score.
fn methods(args: &ExplainArgs, arch: Arch) -> Result<Vec<&'static Method>> {
    if args.method.iter().any(|name| name == "all") || (args.score && args.method.is_empty()) {
        return Ok(METHODS.iter().collect());
    }
    let names = match (args.method.as_slice(), args.montage) {
        ([], true) => vec!["grad-cam", "integrated-gradients"],
        ([], false) => vec![METHODS[default_method(arch)].name],
        (names, _) => names.iter().map(String::as_str).collect(),
    };
    let methods = names.into_iter().map(|name| {
        Method::find(name).map_err(|known| UsageError(format!("--method `{name}`: unknown; {known} and all")))
    });
    Ok(methods.collect::<Result<_, _>>()?)
}

fn check(options: &Options, predictor: &Predictor) -> Result<(), UsageError> {
    let misuse = |error: OptionsError| UsageError(error.to_string());
    options.check(predictor.image_size()).map_err(misuse)?;
    options.layer_index(&predictor.map_layers()).map_err(misuse)?;
    Ok(())
}

/// The pairs of image and condition to explain: those of --class, or of each image the one furthest above its threshold.
fn requests(
    args: &ExplainArgs,
    predictor: &Predictor,
    images: &ImagesToExplain,
    levels: &[f32],
) -> Result<Vec<Request>> {
    let labels = predictor.labels();
    let keys = labels.keys();
    let mut named = Vec::new();
    for name in &args.class {
        if name == "all" {
            named.extend(0..keys.len());
            continue;
        }
        let key = name.to_lowercase();
        let column = labels.iter().position(|c| c.key == key || c.name.to_lowercase() == key);
        let Some(column) = column else {
            bail!(UsageError(format!("--class `{name}`: unknown; there are {} and all", keys.join(", "))));
        };
        named.push(column);
    }
    let of_image = |image: usize| -> Vec<Request> {
        let row = &images.probabilities[image * keys.len()..(image + 1) * keys.len()];
        let classes = match named.as_slice() {
            [] => vec![furthest_above(row, levels)],
            named => named.to_vec(),
        };
        classes.into_iter().map(|class| Request { image, class }).collect()
    };
    Ok((0..images.names.len()).flat_map(of_image).collect())
}

/// The condition with the largest difference between the logits of its probability and of its threshold.
fn furthest_above(row: &[f32], levels: &[f32]) -> usize {
    let logit = |p: f32| {
        let p = p.clamp(1e-6, 1.0 - 1e-6);
        (p / (1.0 - p)).ln()
    };
    let above = |class: usize| logit(row[class]) - logit(levels[class]);
    (0..row.len()).max_by(|a, b| above(*a).total_cmp(&above(*b))).unwrap_or(0)
}

fn file_name(sheets: &sheets::Sheets, one: &ExplainedMap) -> String {
    let image = file_part(&sheets.images.names[one.image]);
    format!("{image}_{}_{}.png", file_part(&sheets.key(one.class)), file_part(one.method.name))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_file(path, bytes).with_context(|| format!("can't write {}", path.display()))
}

fn print_reports(
    sheets: &sheets::Sheets,
    explained: &[ExplainedMap],
    json: bool,
    file: impl Fn(&ExplainedMap) -> PathBuf,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for one in explained {
        let map = &one.map;
        let report = MapReport {
            image: &sheets.images.names[one.image],
            condition: sheets.key(one.class),
            method: one.method.name,
            label: sheets.label(one.image, one.class),
            probability: map.probability,
            threshold: sheets.levels[one.class],
            logit: map.logit,
            evidence: map.has_evidence(),
            native: map.native,
            completeness: map.completeness,
            file: file(one),
        };
        if json {
            writeln!(out, "{}", serde_json::to_string(&report)?)?;
            continue;
        }
        let prediction = sheets::prediction(report.probability, report.threshold);
        let notes = sheets::notes(map).join("; ");
        writeln!(
            out,
            "{}  {}  {}  p {:.3} ({prediction} at {})  {notes}{}{}",
            report.image,
            report.condition,
            report.method,
            report.probability,
            report.threshold,
            if notes.is_empty() { "" } else { "  " },
            report.file.display()
        )?;
    }
    Ok(())
}
