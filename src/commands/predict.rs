//! `predict`: predictions of a run's best weights on image files.

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

use super::progress::StderrBar;
use super::{Exit, check_output, print_error};
use crate::cli::{Global, PredictArgs, PredictFormat};

/// Images read, preprocessed and predicted at a time, which bounds memory.
const BATCH: usize = 64;
/// Width of the file column of the table.
const FILE_WIDTH: usize = 40;

/// The prediction for one image.
#[derive(Debug, Serialize)]
struct Prediction {
    file: String,
    probabilities: BTreeMap<String, f32>,
    /// Conditions above their thresholds, the most probable first.
    predicted_positive: Vec<String>,
    thresholds: BTreeMap<String, f32>,
    normal: NormalPrediction,
}

/// Normal (no finding) or not.
#[derive(Debug, Serialize)]
struct NormalPrediction {
    /// 1 - the greatest probability.
    score: f32,
    threshold: f32,
    predicted_positive: bool,
}

/// An image: its name, and its pixels at the network's size.
type NamedImage = (String, Vec<u8>);

/// Predicts on all readable files and reports the others.
pub fn run(args: &PredictArgs, global: &Global, paths: &AppPaths) -> Result<Exit> {
    if let Some(out) = &args.out {
        check_output(out, args.force)?;
    }
    let folder = runs::find(&paths.runs, &args.run)?;
    let predictor = Predictor::open(&folder, global.device.as_deref().unwrap_or("auto"))?;
    let saved = folder.read_thresholds()?;
    let keys = predictor.labels().keys();
    let (levels, normal) = match &saved {
        Some(saved) => (saved.of(&keys), saved.normal.threshold),
        None => {
            print_error(&format!(
                "warning: run {} has no thresholds yet, using 0.5; `chestxr-tui evaluate {}` chooses them",
                folder.id(),
                folder.id()
            ));
            (vec![DEFAULT_THRESHOLD; keys.len()], DEFAULT_THRESHOLD)
        }
    };
    print_error("Not a medical device; not for clinical use.");

    // The network runs on this thread; files are read and preprocessed on all threads.
    let preprocess = predictor.preprocess().clone();
    let files = image_file::find(&args.files)?;
    let bar = StderrBar::start("images", files.len(), global.json);
    let (mut predictions, mut failed) = (Vec::new(), 0_usize);
    for (done, batch) in files.chunks(BATCH).enumerate() {
        bar.set(done * BATCH);
        let read: Vec<Result<Vec<NamedImage>>> =
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
            predictions.extend(predict(images, &predictor, &keys, &levels, normal)?);
        }
    }
    bar.finish();
    let format = if global.json { PredictFormat::Json } else { args.format };
    let text = formatted(&predictions, &keys, format)?;
    match &args.out {
        Some(path) => {
            replace_file(path, &text).with_context(|| format!("can't write {}", path.display()))?;
        }
        None => std::io::stdout().lock().write_all(&text)?,
    }
    if failed > 0 {
        let (images, files) = (predictions.len(), if failed == 1 { "file" } else { "files" });
        print_error(&format!("{images} images predicted; can't read {failed} {files}"));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// The images of a file: one of an image file, all of an npz file.
///
/// # Errors
/// When the file can't be read or decoded.
fn images_of(path: &Path, preprocess: &Preprocess) -> Result<Vec<NamedImage>> {
    let name = path.to_string_lossy().into_owned();
    if image_file::sniff(path) == Kind::Npz {
        return images_of_npz(path, &name, preprocess);
    }
    let decoded = image_file::read(path, Limits::default())?;
    Ok(vec![(name, preprocess.image(&decoded))])
}

fn images_of_npz(path: &Path, name: &str, preprocess: &Preprocess) -> Result<Vec<NamedImage>> {
    let archive = Archive::open(path, NpzLimits::default())?;
    let array = ["images", "test_images"].into_iter().find(|array| archive.contains(array));
    let array = array.with_context(|| {
        let present: Vec<&str> = archive.names().collect();
        format!("{name}: has neither `images` nor `test_images`, only {}", one_line(&present.join(", "), 200))
    })?;
    let images = archive.read_u8(array)?;
    let &[count, height, width] = images.shape.as_slice() else {
        return Err(anyhow!(
            "{name}: `{array}` has shape {:?}; expected N,H,W of grayscale images",
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
                let decoded = DecodedImage::new(width as u32, height as u32, Pixels::Eight(pixels));
                let decoded = decoded.with_context(|| format!("{name}: images of {height} x {width} px"))?;
                preprocess.image(&decoded)
            };
            Ok((format!("{name}#{index}"), image))
        })
        .collect()
}

fn predict(
    images: &[NamedImage],
    predictor: &Predictor,
    keys: &[String],
    levels: &[f32],
    normal: f32,
) -> Result<Vec<Prediction>> {
    let [height, width] = predictor.image_size();
    let pixels: Vec<u8> = images.iter().flat_map(|(_, image)| image).copied().collect();
    let batch = Images::new(pixels, height, width).context("images of one size")?;
    let scores = predictor.predict(&batch, &mut |_| true)?.context("prediction was stopped")?;
    let rows = scores.probabilities.chunks_exact(keys.len());
    Ok(images.iter().zip(rows).map(|((file, _), row)| prediction(file, row, keys, levels, normal)).collect())
}

fn prediction(file: &str, row: &[f32], keys: &[String], levels: &[f32], normal: f32) -> Prediction {
    let mut positive: Vec<usize> = (0..keys.len()).filter(|class| row[*class] > levels[*class]).collect();
    positive.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    let score = 1.0 - row.iter().copied().fold(0.0, f32::max);
    Prediction {
        file: file.to_owned(),
        probabilities: keys.iter().cloned().zip(row.iter().copied()).collect(),
        predicted_positive: positive.into_iter().map(|class| keys[class].clone()).collect(),
        thresholds: keys.iter().cloned().zip(levels.iter().copied()).collect(),
        normal: NormalPrediction { score, threshold: normal, predicted_positive: score > normal },
    }
}

fn formatted(predictions: &[Prediction], keys: &[String], format: PredictFormat) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match format {
        PredictFormat::Json => {
            for image in predictions {
                serde_json::to_writer(&mut out, image)?;
                out.push(b'\n');
            }
        }
        PredictFormat::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            let columns = keys.iter().map(String::as_str);
            csv.write_record(
                ["file"].into_iter().chain(columns).chain(["predicted_positive", "normal_score"]),
            )?;
            for image in predictions {
                let mut record = vec![image.file.clone()];
                record.extend(keys.iter().map(|key| image.probabilities[key].to_string()));
                record.extend([image.predicted_positive.join(";"), image.normal.score.to_string()]);
                csv.write_record(record)?;
            }
            csv.flush()?;
            drop(csv);
        }
        PredictFormat::Table => {
            writeln!(out, "{:<FILE_WIDTH$} {:>6}  predicted positive (probability)", "file", "normal")?;
            for image in predictions {
                let with_probability = |key: &String| format!("{key} {:.3}", image.probabilities[key]);
                let positive = match image.predicted_positive.as_slice() {
                    [] => "none".to_owned(),
                    keys => keys.iter().map(with_probability).collect::<Vec<_>>().join(", "),
                };
                // The end of a path identifies the image.
                let shown = one_line(&image.file, usize::MAX);
                let count = chestxr_tui::text::width(&shown);
                let tail: String = shown.chars().skip(count.saturating_sub(FILE_WIDTH - 1)).collect();
                let name = if count > FILE_WIDTH { format!("…{tail}") } else { shown };
                writeln!(out, "{name:<FILE_WIDTH$} {:>6.3}  {positive}", image.normal.score)?;
            }
        }
    }
    Ok(out)
}
