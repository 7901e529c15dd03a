//! `predict`: what a run's best weights find on images from anywhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use rayon::prelude::*;
use serde::Serialize;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::image_file::{self, DecodedImage, Kind, Limits, Pixels, Preprocess};
use chestxr_tui::dataset::images::Images;
use chestxr_tui::dataset::npz::{Archive, Limits as NpzLimits};
use chestxr_tui::evaluation::Predictor;
use chestxr_tui::files::replace_file;
use chestxr_tui::metrics::DEFAULT_THRESHOLD;
use chestxr_tui::runs;
use chestxr_tui::text::one_line;

use super::progress::Bar;
use super::{Exit, print_error};
use crate::cli::{Global, PredictArgs, PredictFormat};

/// Images read, reduced and predicted at a time: memory stays flat whatever is asked for.
const BATCH: usize = 64;
/// Columns of a file's name in the table.
const NAME: usize = 40;

/// What was found on an image.
#[derive(Debug, Serialize)]
struct Found {
    file: String,
    probabilities: BTreeMap<String, f32>,
    /// Conditions above their thresholds, the most probable first.
    calls: Vec<String>,
    thresholds: BTreeMap<String, f32>,
    normal: Normal,
}

/// Normal against any finding.
#[derive(Debug, Serialize)]
struct Normal {
    /// 1 - the greatest probability.
    score: f32,
    threshold: f32,
    called: bool,
}

/// An image to look at: its name, and its pixels at the network's size.
type Image = (String, Vec<u8>);

/// Predicts what can be read and names what can't.
pub fn run(args: &PredictArgs, global: &Global, paths: &AppPaths) -> Result<Exit> {
    let folder = runs::find(&paths.runs, &args.run)?;
    let predictor = Predictor::open(&folder, global.device.as_deref().unwrap_or("auto"))?;
    let kept = folder.read_thresholds()?;
    let keys = predictor.labels().keys();
    let (levels, normal) = match &kept {
        Some(kept) => (kept.of(&keys), kept.normal.threshold),
        None => {
            print_error(&format!(
                "run {} has no thresholds yet, so .5 holds; `chestxr-tui evaluate {}` chooses them",
                folder.id(),
                folder.id()
            ));
            (vec![DEFAULT_THRESHOLD; keys.len()], DEFAULT_THRESHOLD)
        }
    };
    print_error("Not a medical device: what is said here may decide about no patient.");

    // The network stays on this thread; how a picture becomes an image goes to all of them.
    let preprocess = predictor.preprocess().clone();
    let files = image_file::find(&args.files)?;
    let bar = Bar::start("images", files.len(), global.json);
    let (mut found, mut failed) = (Vec::new(), 0_usize);
    for (done, batch) in files.chunks(BATCH).enumerate() {
        bar.at(done * BATCH);
        let read: Vec<Result<Vec<Image>>> =
            batch.par_iter().map(|path| images_of(path, &preprocess)).collect();
        let mut images = Vec::new();
        for outcome in read {
            match outcome {
                Ok(more) => images.extend(more),
                Err(error) => {
                    failed += 1;
                    print_error(&format!("{error:#}"));
                }
            }
        }
        for images in images.chunks(BATCH) {
            found.extend(predict(images, &predictor, &keys, &levels, normal)?);
        }
    }
    bar.end();
    let format = if global.json { PredictFormat::Json } else { args.format };
    let text = written(&found, &keys, format)?;
    match &args.out {
        Some(path) => {
            replace_file(path, &text).with_context(|| format!("can't write {}", path.display()))?;
        }
        None => std::io::stdout().lock().write_all(&text)?,
    }
    if failed > 0 {
        let (images, files) = (found.len(), if failed == 1 { "file" } else { "files" });
        print_error(&format!("{images} images predicted; {failed} {files} could not be read"));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// The images of a file: one of a picture, all of an npz file.
fn images_of(path: &Path, preprocess: &Preprocess) -> Result<Vec<Image>> {
    let name = path.to_string_lossy().into_owned();
    if image_file::sniff(path) == Kind::Npz {
        return images_of_npz(path, &name, preprocess);
    }
    let picture = image_file::read(path, Limits::default())?;
    Ok(vec![(name, preprocess.image(&picture))])
}

fn images_of_npz(path: &Path, name: &str, preprocess: &Preprocess) -> Result<Vec<Image>> {
    let archive = Archive::open(path, NpzLimits::default())?;
    let array = ["images", "test_images"].into_iter().find(|array| archive.contains(array));
    let array = array.with_context(|| {
        let present: Vec<&str> = archive.names().collect();
        format!("{name} has neither `images` nor `test_images`, only {}", one_line(&present.join(", "), 200))
    })?;
    let images = archive.read_u8(array)?;
    let &[count, height, width] = images.shape.as_slice() else {
        return Err(anyhow!(
            "{name}: `{array}` has shape {:?} and should have N,H,W of grey images",
            images.shape
        ));
    };
    let area = height * width;
    let same = [height, width] == [preprocess.height, preprocess.width];
    (0..count)
        .map(|index| {
            let pixels = images.values[index * area..(index + 1) * area].to_vec();
            let image = if same {
                pixels
            } else {
                let picture = DecodedImage::new(width as u32, height as u32, Pixels::Eight(pixels));
                let picture =
                    picture.with_context(|| format!("{name}: its images are {height} x {width} px"))?;
                preprocess.image(&picture)
            };
            Ok((format!("{name}#{index}"), image))
        })
        .collect()
}

fn predict(
    images: &[Image],
    predictor: &Predictor,
    keys: &[String],
    levels: &[f32],
    normal: f32,
) -> Result<Vec<Found>> {
    let [height, width] = predictor.image_size();
    let pixels: Vec<u8> = images.iter().flat_map(|(_, image)| image).copied().collect();
    let batch = Images::new(pixels, height, width).context("images of one size")?;
    let scores = predictor.predict(&batch, &mut |_| true)?.context("nobody ended it")?;
    let rows = scores.probabilities.chunks_exact(keys.len());
    Ok(images.iter().zip(rows).map(|((file, _), row)| found(file, row, keys, levels, normal)).collect())
}

fn found(file: &str, row: &[f32], keys: &[String], levels: &[f32], normal: f32) -> Found {
    let mut calls: Vec<usize> = (0..keys.len()).filter(|class| row[*class] > levels[*class]).collect();
    calls.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    let score = 1.0 - row.iter().copied().fold(0.0, f32::max);
    Found {
        file: file.to_owned(),
        probabilities: keys.iter().cloned().zip(row.iter().copied()).collect(),
        calls: calls.into_iter().map(|class| keys[class].clone()).collect(),
        thresholds: keys.iter().cloned().zip(levels.iter().copied()).collect(),
        normal: Normal { score, threshold: normal, called: score > normal },
    }
}

fn written(found: &[Found], keys: &[String], format: PredictFormat) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match format {
        PredictFormat::Json => {
            for image in found {
                serde_json::to_writer(&mut out, image)?;
                out.push(b'\n');
            }
        }
        PredictFormat::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            let columns = keys.iter().map(String::as_str);
            csv.write_record(["file"].into_iter().chain(columns).chain(["calls", "normal_score"]))?;
            for image in found {
                let mut record = vec![image.file.clone()];
                record.extend(keys.iter().map(|key| image.probabilities[key].to_string()));
                record.extend([image.calls.join(";"), image.normal.score.to_string()]);
                csv.write_record(record)?;
            }
            csv.flush()?;
            drop(csv);
        }
        PredictFormat::Table => {
            writeln!(out, "{:<NAME$} {:>6}  calls (probability)", "file", "normal")?;
            for image in found {
                let call = |key: &String| format!("{key} {:.3}", image.probabilities[key]);
                let calls = match image.calls.as_slice() {
                    [] => "none".to_owned(),
                    calls => calls.iter().map(call).collect::<Vec<_>>().join(", "),
                };
                // The end of a path tells images apart.
                let shown = one_line(&image.file, usize::MAX);
                let count = shown.chars().count();
                let tail: String = shown.chars().skip(count.saturating_sub(NAME - 1)).collect();
                let name = if count > NAME { format!("…{tail}") } else { shown };
                writeln!(out, "{name:<NAME$} {:>6.3}  {calls}", image.normal.score)?;
            }
        }
    }
    Ok(out)
}
