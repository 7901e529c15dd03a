//! `predict`: what a run's best weights find on films from anywhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use rayon::prelude::*;
use serde::Serialize;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::films::Films;
use chestxr_tui::dataset::npz::{Archive, Limits as NpzLimits};
use chestxr_tui::dataset::picture::{self, GrayPicture, Kind, Limits, Pixels, Preprocess};
use chestxr_tui::evaluation::Predictor;
use chestxr_tui::files::replace_file;
use chestxr_tui::metrics::DEFAULT_THRESHOLD;
use chestxr_tui::runs;
use chestxr_tui::text::one_line;

use super::progress::Bar;
use super::{Exit, complain};
use crate::cli::{Global, PredictArgs, PredictFormat};

/// Films read, reduced and predicted at a time: memory stays flat whatever is asked for.
const BATCH: usize = 64;
/// Columns of a file's name in the table.
const NAME: usize = 40;

/// What was found on a film.
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

/// A film to look at: its name, and its pixels at the network's size.
type Film = (String, Vec<u8>);

/// Predicts what can be read and names what can't.
pub fn run(args: &PredictArgs, global: &Global, paths: &AppPaths) -> Result<Exit> {
    let folder = runs::find(&paths.runs, &args.run)?;
    let predictor = Predictor::open(&folder, global.device.as_deref().unwrap_or("auto"))?;
    let kept = folder.read_thresholds()?;
    let keys = predictor.labels().keys();
    let (levels, normal) = match &kept {
        Some(kept) => (kept.of(&keys), kept.normal.threshold),
        None => {
            complain(&format!(
                "run {} has no thresholds yet, so .5 holds; `chestxr-tui evaluate {}` chooses them",
                folder.id(),
                folder.id()
            ));
            (vec![DEFAULT_THRESHOLD; keys.len()], DEFAULT_THRESHOLD)
        }
    };
    complain("Not a medical device: what is said here may decide about no patient.");

    // The network stays on this thread; how a picture becomes a film goes to all of them.
    let preprocess = predictor.preprocess().clone();
    let files = picture::find(&args.files)?;
    let bar = Bar::start("films", files.len(), global.json);
    let (mut found, mut failed) = (Vec::new(), 0_usize);
    for (done, batch) in files.chunks(BATCH).enumerate() {
        bar.at(done * BATCH);
        let read: Vec<Result<Vec<Film>>> = batch.par_iter().map(|path| films_of(path, &preprocess)).collect();
        let mut films = Vec::new();
        for outcome in read {
            match outcome {
                Ok(more) => films.extend(more),
                Err(error) => {
                    failed += 1;
                    complain(&format!("{error:#}"));
                }
            }
        }
        for films in films.chunks(BATCH) {
            found.extend(predict(films, &predictor, &keys, &levels, normal)?);
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
        let (films, files) = (found.len(), if failed == 1 { "file" } else { "files" });
        complain(&format!("{films} films predicted; {failed} {files} could not be read"));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// The films of a file: one of a picture, all of an npz file.
fn films_of(path: &Path, preprocess: &Preprocess) -> Result<Vec<Film>> {
    let name = path.to_string_lossy().into_owned();
    if picture::sniff(path) == Kind::Npz {
        return films_of_npz(path, &name, preprocess);
    }
    let picture = picture::read(path, Limits::default())?;
    Ok(vec![(name, preprocess.film(&picture))])
}

fn films_of_npz(path: &Path, name: &str, preprocess: &Preprocess) -> Result<Vec<Film>> {
    let archive = Archive::open(path, NpzLimits::default())?;
    let array = ["images", "test_images"].into_iter().find(|array| archive.contains(array));
    let array = array.with_context(|| {
        let present: Vec<&str> = archive.names().collect();
        format!("{name} has neither `images` nor `test_images`, only {}", one_line(&present.join(", "), 200))
    })?;
    let images = archive.read_u8(array)?;
    let &[count, height, width] = images.shape.as_slice() else {
        return Err(anyhow!(
            "{name}: `{array}` has shape {:?} and should have N,H,W of grey films",
            images.shape
        ));
    };
    let area = height * width;
    let same = [height, width] == [preprocess.height, preprocess.width];
    (0..count)
        .map(|index| {
            let pixels = images.values[index * area..(index + 1) * area].to_vec();
            let film = if same {
                pixels
            } else {
                let picture = GrayPicture::new(width as u32, height as u32, Pixels::Eight(pixels));
                let picture =
                    picture.with_context(|| format!("{name}: its films are {height} x {width} px"))?;
                preprocess.film(&picture)
            };
            Ok((format!("{name}#{index}"), film))
        })
        .collect()
}

fn predict(
    films: &[Film],
    predictor: &Predictor,
    keys: &[String],
    levels: &[f32],
    normal: f32,
) -> Result<Vec<Found>> {
    let [height, width] = predictor.film_size();
    let pixels: Vec<u8> = films.iter().flat_map(|(_, film)| film).copied().collect();
    let batch = Films::new(pixels, height, width).context("films of one size")?;
    let scores = predictor.predict(&batch, &mut |_| true)?.context("nobody ended it")?;
    let rows = scores.probabilities.chunks_exact(keys.len());
    Ok(films.iter().zip(rows).map(|((file, _), row)| found(file, row, keys, levels, normal)).collect())
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
            for film in found {
                serde_json::to_writer(&mut out, film)?;
                out.push(b'\n');
            }
        }
        PredictFormat::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            let columns = keys.iter().map(String::as_str);
            csv.write_record(["file"].into_iter().chain(columns).chain(["calls", "normal_score"]))?;
            for film in found {
                let mut record = vec![film.file.clone()];
                record.extend(keys.iter().map(|key| film.probabilities[key].to_string()));
                record.extend([film.calls.join(";"), film.normal.score.to_string()]);
                csv.write_record(record)?;
            }
            csv.flush()?;
            drop(csv);
        }
        PredictFormat::Table => {
            writeln!(out, "{:<NAME$} {:>6}  calls (probability)", "file", "normal")?;
            for film in found {
                let call = |key: &String| format!("{key} {:.3}", film.probabilities[key]);
                let calls = match film.calls.as_slice() {
                    [] => "none".to_owned(),
                    calls => calls.iter().map(call).collect::<Vec<_>>().join(", "),
                };
                // The end of a path tells films apart.
                let shown = one_line(&film.file, usize::MAX);
                let count = shown.chars().count();
                let tail: String = shown.chars().skip(count.saturating_sub(NAME - 1)).collect();
                let name = if count > NAME { format!("…{tail}") } else { shown };
                writeln!(out, "{name:<NAME$} {:>6.3}  {calls}", film.normal.score)?;
            }
        }
    }
    Ok(out)
}
