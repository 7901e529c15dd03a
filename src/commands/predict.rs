//! `predict`: predictions of a run's best weights on image files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde::Serialize;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::image_file::{self, DecodedImage, Doubts, Kind, Limits, Pixels, Preprocess};
use chestxr_tui::dataset::images::Images;
use chestxr_tui::dataset::npz::{Archive, ImageRows, Limits as NpzLimits};
use chestxr_tui::evaluation::Predictor;
use chestxr_tui::files::replace_file;
use chestxr_tui::metrics::DEFAULT_THRESHOLD;
use chestxr_tui::runs;
use chestxr_tui::sentence::of_error;
use chestxr_tui::text::one_line;

use super::progress::StderrBar;
use super::{Exit, check_output, print_error};
use crate::cli::{Global, PredictArgs, PredictFormat};

/// Images read, preprocessed and predicted at a time, which bounds memory.
const BATCH: usize = 64;
/// Width of the file column of the table.
const FILE_WIDTH: usize = 40;

/// The prediction for one image.
struct Prediction {
    file: String,
    /// Of each condition, 0 to 1.
    probabilities: Vec<f32>,
    /// Conditions above their thresholds, the most probable first.
    positive: Vec<usize>,
    /// 1 - the greatest probability.
    normal: f32,
}

/// The line of JSON about one image.
#[derive(Serialize)]
struct JsonPrediction<'a> {
    file: &'a str,
    probabilities: BTreeMap<&'a str, f32>,
    predicted_positive: Vec<&'a str>,
    thresholds: BTreeMap<&'a str, f32>,
    normal: NormalPrediction,
}

/// Normal (no finding) or not.
#[derive(Serialize)]
struct NormalPrediction {
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

    let mut job = Job {
        predictor: &predictor,
        levels: &levels,
        predictions: Vec::new(),
        doubts: Doubts::default(),
        failed: 0,
        undefined: 0,
    };
    let files = image_file::find(&args.files)?;
    let are_npz: Vec<bool> = files.par_iter().map(|path| image_file::sniff(path) == Kind::Npz).collect();
    let bar = StderrBar::start("images", files.len(), global.json);
    let mut done = 0;
    while done < files.len() {
        bar.set(done);
        if are_npz[done] {
            job.npz(&files[done])?;
            done += 1;
        } else {
            let end = files.len().min(done + BATCH);
            let end = (done..end).find(|index| are_npz[*index]).unwrap_or(end);
            job.pictures(&files[done..end])?;
            done = end;
        }
    }
    bar.finish();
    let Job { predictions, doubts, failed, undefined, .. } = job;
    doubts.sentences().for_each(|sentence| print_error(&format!("note: {sentence}")));
    let format = if global.json { PredictFormat::Json } else { args.format };
    let text = formatted(&predictions, &Names { keys: &keys, levels: &levels, normal }, format)?;
    match &args.out {
        Some(path) => {
            replace_file(path, &text).with_context(|| format!("can't write {}", path.display()))?;
        }
        None => std::io::stdout().lock().write_all(&text)?,
    }
    let mut missing = Vec::new();
    if failed > 0 {
        missing.push(format!("can't read {failed} {}", if failed == 1 { "file" } else { "files" }));
    }
    if undefined > 0 {
        missing.push(format!(
            "no prediction for {undefined} {}",
            if undefined == 1 { "image" } else { "images" }
        ));
    }
    if !missing.is_empty() {
        print_error(&format!("{} images predicted; {}", predictions.len(), missing.join("; ")));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// Predicts on images batch by batch. The network runs on this thread; files are read and preprocessed on all threads.
struct Job<'a> {
    predictor: &'a Predictor,
    /// The threshold of each condition.
    levels: &'a [f32],
    predictions: Vec<Prediction>,
    /// What the headers of image files leave open.
    doubts: Doubts,
    /// Files that can't be read.
    failed: usize,
    /// Images for which the network gives no number.
    undefined: usize,
}

impl Job<'_> {
    /// Predicts on image files; what can't be read is reported and counted.
    ///
    /// # Errors
    /// When the network fails.
    fn pictures(&mut self, paths: &[PathBuf]) -> Result<()> {
        let preprocess = self.predictor.preprocess();
        let read: Vec<Result<(NamedImage, Doubts)>> = paths
            .par_iter()
            .map(|path| {
                let decoded = image_file::read(path, Limits::default())?;
                let mut doubts = Doubts::default();
                doubts.add_all(path, &decoded);
                Ok(((path.to_string_lossy().into_owned(), preprocess.image(&decoded)), doubts))
            })
            .collect();
        let mut images = Vec::new();
        for outcome in read {
            match outcome {
                Ok((image, doubts)) => {
                    images.push(image);
                    self.doubts.append(doubts);
                }
                Err(error) => self.refuse(&error),
            }
        }
        self.predict(&images)
    }

    /// Predicts on all images of an npz file, of which one batch is in memory; a file that turns out to be damaged leaves no
    /// prediction.
    ///
    /// # Errors
    /// When the network fails.
    fn npz(&mut self, path: &Path) -> Result<()> {
        let before = self.predictions.len();
        let name = path.to_string_lossy().into_owned();
        let predict_all = |job: &mut Self| -> Result<Result<()>> {
            let archive = match Archive::open(path, NpzLimits::default()) {
                Ok(archive) => archive,
                Err(error) => return Ok(Err(error.into())),
            };
            let mut rows = match images_of(&archive, &name) {
                Ok(rows) => rows,
                Err(error) => return Ok(Err(error)),
            };
            let mut first = 0;
            loop {
                match next_images(&mut rows, &name, first, job.predictor.preprocess()) {
                    Ok(images) if images.is_empty() => return Ok(Ok(())),
                    Ok(images) => {
                        job.predict(&images)?;
                        first += images.len();
                    }
                    Err(error) => return Ok(Err(error)),
                }
            }
        };
        if let Err(error) = predict_all(self)? {
            self.predictions.truncate(before);
            self.refuse(&error);
        }
        Ok(())
    }

    fn refuse(&mut self, error: &anyhow::Error) {
        self.failed += 1;
        print_error(&of_error(error));
    }

    fn predict(&mut self, images: &[NamedImage]) -> Result<()> {
        let [height, width] = self.predictor.image_size();
        let pixels: Vec<u8> = images.iter().flat_map(|(_, image)| image).copied().collect();
        let batch = Images::new(pixels, height, width).context("images of one size")?;
        let scores = self.predictor.predict(&batch, &mut |_| true)?.context("prediction was stopped")?;
        for ((file, _), row) in images.iter().zip(scores.probabilities.chunks_exact(self.levels.len())) {
            if row.iter().all(|probability| probability.is_finite()) {
                self.predictions.push(prediction(file, row, self.levels));
            } else {
                self.undefined += 1;
                print_error(&format!("{file}: the network's values overflow on it, so it has no prediction"));
            }
        }
        Ok(())
    }
}

/// The array of images in an npz file.
fn images_of<'a>(archive: &'a Archive, name: &str) -> Result<ImageRows<'a>> {
    let array = ["images", "test_images"].into_iter().find(|array| archive.contains(array));
    let array = array.with_context(|| {
        let present: Vec<&str> = archive.names().collect();
        format!("{name}: has neither `images` nor `test_images`, only {}", one_line(&present.join(", "), 200))
    })?;
    Ok(archive.image_rows(array)?)
}

/// The next batch of them, at the network's size; `first` is the number of the first one.
fn next_images(
    rows: &mut ImageRows,
    name: &str,
    first: usize,
    preprocess: &Preprocess,
) -> Result<Vec<NamedImage>> {
    let [height, width] = rows.image_size();
    let mut read = Vec::new();
    while read.len() < BATCH
        && let Some(pixels) = rows.next_image()?
    {
        read.push(pixels);
    }
    let same = [height, width] == [preprocess.height, preprocess.width];
    read.into_par_iter()
        .enumerate()
        .map(|(index, pixels)| {
            let image = if same {
                pixels
            } else {
                let decoded = DecodedImage::new(width as u32, height as u32, Pixels::Eight(pixels));
                let decoded = decoded.with_context(|| format!("{name}: images of {height} x {width} px"))?;
                preprocess.image(&decoded)
            };
            Ok((format!("{name}#{}", first + index), image))
        })
        .collect()
}

fn prediction(file: &str, row: &[f32], levels: &[f32]) -> Prediction {
    let mut positive: Vec<usize> = (0..row.len()).filter(|class| row[*class] > levels[*class]).collect();
    positive.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
    let normal = 1.0 - row.iter().copied().fold(0.0, f32::max);
    Prediction { file: file.to_owned(), probabilities: row.to_vec(), positive, normal }
}

/// What the columns are called, and what is above them positive.
struct Names<'a> {
    keys: &'a [String],
    levels: &'a [f32],
    /// Threshold of the normal score.
    normal: f32,
}

impl Names<'_> {
    fn json<'a>(&'a self, image: &'a Prediction) -> JsonPrediction<'a> {
        let keys = || self.keys.iter().map(String::as_str);
        JsonPrediction {
            file: &image.file,
            probabilities: keys().zip(image.probabilities.iter().copied()).collect(),
            predicted_positive: image.positive.iter().map(|class| self.keys[*class].as_str()).collect(),
            thresholds: keys().zip(self.levels.iter().copied()).collect(),
            normal: NormalPrediction {
                score: image.normal,
                threshold: self.normal,
                predicted_positive: image.normal > self.normal,
            },
        }
    }
}

/// Adds a line of CSV. Fields are quoted where they must be, and all of them where a control character is in a name, which
/// some readers take for a separator or the end of a line.
fn csv_line<'a>(out: &mut Vec<u8>, fields: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    let odd = fields.clone().any(|field| field.contains(char::is_control));
    let style = if odd { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
    let mut csv = csv::WriterBuilder::new().quote_style(style).from_writer(out);
    csv.write_record(fields)?;
    Ok(csv.flush()?)
}

fn formatted(predictions: &[Prediction], names: &Names, format: PredictFormat) -> Result<Vec<u8>> {
    let keys = names.keys;
    let mut out = Vec::new();
    match format {
        PredictFormat::Json => {
            for image in predictions {
                serde_json::to_writer(&mut out, &names.json(image))?;
                out.push(b'\n');
            }
        }
        PredictFormat::Csv => {
            let columns = keys.iter().map(String::as_str);
            let header = ["file"].into_iter().chain(columns).chain(["predicted_positive", "normal_score"]);
            csv_line(&mut out, header)?;
            for image in predictions {
                let mut record = vec![image.file.clone()];
                record.extend(image.probabilities.iter().map(f32::to_string));
                let positive: Vec<&str> = image.positive.iter().map(|class| keys[*class].as_str()).collect();
                record.extend([positive.join(";"), image.normal.to_string()]);
                csv_line(&mut out, record.iter().map(String::as_str))?;
            }
        }
        PredictFormat::Table => {
            writeln!(out, "{:<FILE_WIDTH$} {:>6}  predicted positive (probability)", "file", "normal")?;
            for image in predictions {
                let with_probability =
                    |class: &usize| format!("{} {:.3}", keys[*class], image.probabilities[*class]);
                let positive = match image.positive.as_slice() {
                    [] => "none".to_owned(),
                    classes => classes.iter().map(with_probability).collect::<Vec<_>>().join(", "),
                };
                // The end of a path identifies the image.
                let shown = one_line(&image.file, usize::MAX);
                let count = chestxr_tui::text::width(&shown);
                let tail: String = shown.chars().skip(count.saturating_sub(FILE_WIDTH - 1)).collect();
                let name = if count > FILE_WIDTH { format!("…{tail}") } else { shown };
                writeln!(out, "{name:<FILE_WIDTH$} {:>6.3}  {positive}", image.normal)?;
            }
        }
    }
    Ok(out)
}
