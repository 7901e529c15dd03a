//! `explain`: why a run's network said what it said, in pictures and in numbers.

mod images;
mod scores;
mod sheets;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use chestxr_tui::config::AppPaths;
use chestxr_tui::evaluation::Predictor;
use chestxr_tui::explain::{Completeness, METHODS, Map, Method, Options, OptionsError, Request, explain};
use chestxr_tui::files::replace_file;
use chestxr_tui::metrics::DEFAULT_THRESHOLD;
use chestxr_tui::runs;
use chestxr_tui::text::file_part;

use super::progress::Bar;
use super::{Exit, UsageError, inline};
use crate::cli::{ExplainArgs, Global};
use images::Chosen;

/// One map that was made.
pub struct Explained {
    /// Row among the chosen images.
    image: usize,
    /// Column of the logits.
    class: usize,
    method: &'static Method,
    map: Map,
}

/// What is told of a map.
#[derive(Serialize)]
struct Told<'a> {
    image: &'a str,
    condition: String,
    method: &'a str,
    /// Of the labels; null where they are not known.
    label: Option<bool>,
    probability: f32,
    threshold: f32,
    logit: f32,
    /// Whether anything speaks for the condition.
    evidence: bool,
    /// Height and width that the method worked at.
    native: [usize; 2],
    completeness: Option<Completeness>,
    picture: PathBuf,
}

/// Explains what was asked for, or measures explanations.
pub fn run(args: &ExplainArgs, global: &Global, paths: &AppPaths) -> Result<Exit> {
    let folder = runs::find(&paths.runs, &args.run)?;
    let device = global.device.as_deref().unwrap_or("auto");
    let predictor = Predictor::open_weights(&folder, device, args.weights.into())?;
    let methods = methods(args)?;
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
    let chosen = images::choose(args, global, &folder, &predictor)?;
    let levels = match folder.read_thresholds()? {
        Some(kept) => kept.of(&predictor.labels().keys()),
        None => vec![DEFAULT_THRESHOLD; predictor.labels().len()],
    };
    let requests = requests(args, &predictor, &chosen, &levels)?;
    let bar = Bar::start("maps", requests.len() * methods.len(), global.json);
    let mut explained = Vec::new();
    for (number, method) in methods.iter().copied().enumerate() {
        let mut watch = |done| bar.at(number * requests.len() + done);
        let maps = explain(&predictor, &chosen.images, &requests, method, &options, &mut watch)?;
        let maps = maps.context("nobody ended it")?;
        explained.extend(requests.iter().zip(maps).map(|(request, map)| Explained {
            image: request.image,
            class: request.class,
            method,
            map,
        }));
    }
    bar.end();
    std::fs::create_dir_all(&out).with_context(|| format!("can't make {}", out.display()))?;
    let explained_images =
        sheets::ExplainedImages { chosen: &chosen, labels: predictor.labels(), levels: &levels };
    let title = format!("Run {}, epoch {}", folder.id(), predictor.epoch());
    let mut show = inline::Show::new(global.graphics, global.json);
    if args.montage {
        let sheet = explained_images.montage(&title, &requests, &methods, &explained)?;
        let path = out.join("montage.png");
        write(&path, &sheet)?;
        show.png(&sheet)?;
        tell(&explained_images, &explained, global.json, |_| path.clone())?;
    } else {
        for one in &explained {
            let sheet = explained_images.sheet(&title, one)?;
            let path = out.join(file_name(&explained_images, one));
            write(&path, &sheet)?;
            show.png(&sheet)?;
        }
        tell(&explained_images, &explained, global.json, |one| out.join(file_name(&explained_images, one)))?;
    }
    Ok(Exit::Done)
}

/// The methods by name; which they are where none is named is a matter of what is asked for.
fn methods(args: &ExplainArgs) -> Result<Vec<&'static Method>> {
    if args.method.iter().any(|name| name == "all") || (args.score && args.method.is_empty()) {
        return Ok(METHODS.iter().collect());
    }
    let names = match (args.method.as_slice(), args.montage) {
        ([], true) => vec!["grad-cam", "integrated-gradients"],
        ([], false) => vec!["grad-cam"],
        (names, _) => names.iter().map(String::as_str).collect(),
    };
    let found = names.into_iter().map(|name| {
        Method::find(name)
            .map_err(|known| UsageError(format!("there is no method `{name}`; {known} and all")))
    });
    Ok(found.collect::<Result<_, _>>()?)
}

fn check(options: &Options, predictor: &Predictor) -> Result<(), UsageError> {
    let misuse = |error: OptionsError| UsageError(error.to_string());
    options.check(predictor.image_size()).map_err(misuse)?;
    options.layer_index(&predictor.map_layers()).map_err(misuse)?;
    Ok(())
}

/// Which conditions of which images.
fn requests(
    args: &ExplainArgs,
    predictor: &Predictor,
    chosen: &Chosen,
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
        let wanted = name.to_lowercase();
        let at = labels.iter().position(|c| c.key == wanted || c.name.to_lowercase() == wanted);
        let Some(at) = at else {
            bail!(UsageError(format!(
                "there is no condition `{name}`; there are {} and all",
                keys.join(", ")
            )));
        };
        named.push(at);
    }
    let of_image = |image: usize| -> Vec<Request> {
        let row = &chosen.probabilities[image * keys.len()..(image + 1) * keys.len()];
        let classes = match named.as_slice() {
            [] => vec![furthest_above(row, levels)],
            named => named.to_vec(),
        };
        classes.into_iter().map(|class| Request { image, class }).collect()
    };
    Ok((0..chosen.names.len()).flat_map(of_image).collect())
}

/// The condition whose odds are the most times those of its threshold.
fn furthest_above(row: &[f32], levels: &[f32]) -> usize {
    let logit = |p: f32| {
        let p = p.clamp(1e-6, 1.0 - 1e-6);
        (p / (1.0 - p)).ln()
    };
    let above = |class: usize| logit(row[class]) - logit(levels[class]);
    (0..row.len()).max_by(|a, b| above(*a).total_cmp(&above(*b))).unwrap_or(0)
}

fn file_name(explained_images: &sheets::ExplainedImages, one: &Explained) -> String {
    let image = file_part(&explained_images.chosen.names[one.image]);
    format!("{image}_{}_{}.png", file_part(&explained_images.key(one.class)), file_part(one.method.name))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_file(path, bytes).with_context(|| format!("can't write {}", path.display()))
}

fn tell(
    explained_images: &sheets::ExplainedImages,
    explained: &[Explained],
    json: bool,
    picture: impl Fn(&Explained) -> PathBuf,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for one in explained {
        let map = &one.map;
        let told = Told {
            image: &explained_images.chosen.names[one.image],
            condition: explained_images.key(one.class),
            method: one.method.name,
            label: explained_images.label(one.image, one.class),
            probability: map.probability,
            threshold: explained_images.levels[one.class],
            logit: map.logit,
            evidence: map.has_evidence(),
            native: map.native,
            completeness: map.completeness,
            picture: picture(one),
        };
        if json {
            writeln!(out, "{}", serde_json::to_string(&told)?)?;
            continue;
        }
        let verdict = if told.probability > told.threshold { "called" } else { "not called" };
        let notes = sheets::notes(map).join("; ");
        writeln!(
            out,
            "{}  {}  {}  p {:.3} ({verdict} at {})  {notes}{}{}",
            told.image,
            told.condition,
            told.method,
            told.probability,
            told.threshold,
            if notes.is_empty() { "" } else { "  " },
            told.picture.display()
        )?;
    }
    Ok(())
}
