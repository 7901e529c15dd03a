//! `evaluate`: evaluates a run's best weights, or predictions from a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::labels::LabelSet;
use chestxr_tui::dataset::npz::{Archive, Limits};
use chestxr_tui::dataset::part::GroupBy;
use chestxr_tui::dataset::{Cache, Dataset, Split};
use chestxr_tui::evaluation::{self, Predictor, ThresholdSpec};
use chestxr_tui::metrics::{Evaluation, FEW_POSITIVES, Thresholds};
use chestxr_tui::model::resolve_device;
use chestxr_tui::runs::{self, ArrayNames, RunFolder, SplitPredictions};
use chestxr_tui::sentence::of_error;
use chestxr_tui::text::{one_line, thousands};

use super::progress::{self, StderrBar};
use super::{Exit, UsageError, print_error};
use crate::cli::{EvaluateArgs, Global};

/// Marks conditions with few positive images.
const FEW_MARK: &str = "†";

/// Evaluates, writes the report and prints the tables.
pub fn run(args: &EvaluateArgs, global: &Global, paths: &AppPaths) -> Result<Exit> {
    let spec: ThresholdSpec =
        args.thresholds.as_deref().unwrap_or("").parse().map_err(|error| UsageError(format!("{error}")))?;
    let EvaluateOutput { evaluation, report_dir, predictions, thresholds, labels, dataset } =
        match (&args.predictions, &args.run) {
            (Some(file), _) => of_file(file, args, &spec)?,
            (None, Some(run)) => {
                let folder = runs::find(&paths.runs, run)?;
                match &global.data {
                    Some(source) => other_images(&folder, source, args, &spec, global)?,
                    None => of_run(&folder, args, &spec, global)?,
                }
            }
            (None, None) => {
                bail!(UsageError("evaluate: no run given; name a run, or use --predictions FILE".into()))
            }
        };
    let groups = match (args.by, &dataset) {
        (Some(by), Some(dataset)) => {
            groups(by, args, dataset, &labels, &thresholds, &predictions, &report_dir)?
        }
        (Some(_), None) => bail!(UsageError("--by: needs a run and its images; omit --predictions".into())),
        (None, _) => Vec::new(),
    };
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(out, "{}", serde_json::to_string(&evaluation)?)?;
        for (name, evaluation) in &groups {
            writeln!(out, "{}", serde_json::json!({"group": name, "evaluation": evaluation}))?;
        }
    } else {
        table(&mut out, &evaluation)?;
        group_table(&mut out, &groups)?;
        writeln!(out, "\nreport and figures: {}", report_dir.display())?;
    }
    Ok(Exit::Done)
}

/// An evaluation with its inputs.
struct EvaluateOutput {
    evaluation: Evaluation,
    /// The directory of report and figures.
    report_dir: PathBuf,
    predictions: SplitPredictions,
    thresholds: Thresholds,
    labels: LabelSet,
    /// The images, where they were loaded.
    dataset: Option<Arc<Dataset>>,
}

/// A run on a split of its own data; predictions are computed unless those of the best weights are saved.
fn of_run(
    folder: &RunFolder,
    args: &EvaluateArgs,
    spec: &ThresholdSpec,
    global: &Global,
) -> Result<EvaluateOutput> {
    let split = args.split;
    let mut source = PredictionSource::new(folder, global)?;
    let output = source.predictions(split)?;
    let labels = LabelSet::of_keys(&folder.read_provenance()?.conditions);
    let saved = folder.read_thresholds()?.filter(|saved| spec.rule.is_none() && saved.epoch == output.epoch);
    // Validation predictions are needed only when a threshold must be chosen.
    let thresholds = if let (Some(saved), true) = (&saved, spec.is_empty()) {
        saved.clone()
    } else {
        let val = if split == Split::Val { output.clone() } else { source.predictions(Split::Val)? };
        spec.resolve(saved, &val, Split::Val.name(), &labels)
            .map_err(|error| UsageError(error.to_string()))?
    };
    let evaluation = evaluation::record(folder, &labels, &thresholds, split, &output, args.bootstrap)?;
    evaluation::draw(folder, &labels, &evaluation, &thresholds, &output)?;
    let artifacts = folder.artifacts();
    let report_dir = if split == Split::Test { artifacts } else { artifacts.join(split.name()) };
    // Subgroups need view, sex and age of the images.
    let dataset = match (args.by, source.loaded) {
        (None, _) => None,
        (Some(_), Some((_, dataset))) => Some(dataset),
        (Some(_), None) => Some(evaluation::own_images(folder, &Cache::new())?),
    };
    Ok(EvaluateOutput { evaluation, report_dir, predictions: output, thresholds, labels, dataset })
}

/// A run's predictions, read or computed; images and weights are loaded when first needed.
struct PredictionSource<'a> {
    folder: &'a RunFolder,
    device: &'a str,
    loaded: Option<(Predictor, Arc<Dataset>)>,
    quiet: bool,
}

impl<'a> PredictionSource<'a> {
    fn new(folder: &'a RunFolder, global: &'a Global) -> Result<Self> {
        let device = global.device.as_deref().unwrap_or("auto");
        // Said now, though a device is needed only where predictions are missing.
        resolve_device(device)?;
        Ok(Self { folder, device, loaded: None, quiet: global.json })
    }

    fn predictions(&mut self, split: Split) -> Result<SplitPredictions> {
        match evaluation::best_predictions(self.folder, split) {
            Ok(Some(saved)) => return Ok(saved),
            Ok(None) => {}
            Err(error) => print_error(&format!("warning: {}; predicting again", of_error(&error))),
        }
        if self.loaded.is_none() {
            let predictor = Predictor::open(self.folder, self.device)?;
            let dataset = evaluation::own_images(self.folder, &Cache::new())?;
            self.loaded = Some((predictor, dataset));
        }
        let (predictor, dataset) = self.loaded.as_ref().context("just loaded")?;
        let images = dataset.part(split).labels.len();
        let bar = StderrBar::start(&format!("{split} images"), images, self.quiet);
        let predicted =
            evaluation::predict_split(self.folder, predictor, dataset, split, &mut |done| bar.set(done))?;
        bar.finish();
        predicted.context("prediction was stopped")
    }
}

/// A run on another data set, with the thresholds saved with its weights; the run directory is not changed.
fn other_images(
    folder: &RunFolder,
    source: &str,
    args: &EvaluateArgs,
    spec: &ThresholdSpec,
    global: &Global,
) -> Result<EvaluateOutput> {
    let out = args
        .out
        .as_deref()
        .ok_or_else(|| UsageError("--data: evaluation on other images needs --out DIR".into()))?;
    let config = folder.read_config()?;
    let dataset = Arc::new(progress::load_for(folder, source, global)?);
    let predictor = Predictor::open(folder, global.device.as_deref().unwrap_or("auto"))?;
    let (images, labels) = dataset.trainable(args.split)?;
    let bar = StderrBar::start(&format!("{} images", args.split), images.len(), global.json);
    let scores = predictor.predict(images, &mut |done| bar.set(done))?.context("prediction was stopped")?;
    bar.finish();
    let predictions = SplitPredictions {
        logits: scores.logits,
        probabilities: scores.probabilities,
        labels: labels.values().to_vec(),
        classes: labels.classes(),
        patients: dataset.part(args.split).patients.clone(),
        epoch: Some(predictor.epoch()),
    };
    let saved = folder.read_thresholds()?.with_context(|| {
        format!("run {}: no thresholds yet; `chestxr-tui evaluate {}` chooses them", folder.id(), folder.id())
    })?;
    let labels = predictor.labels();
    let thresholds = spec
        .resolve(Some(saved), &predictions, args.split.name(), labels)
        .map_err(|e| UsageError(e.to_string()))?;
    let title = format!("{} {}", config.model.arch.name(), folder.id().short());
    let origin = format!("Run {} on images from {}.", folder.id(), dataset.source());
    let output = finish(out, &title, &origin, labels, thresholds, args, predictions)?;
    Ok(EvaluateOutput { dataset: Some(dataset), ..output })
}

/// Predictions from an npz file.
fn of_file(file: &Path, args: &EvaluateArgs, spec: &ThresholdSpec) -> Result<EvaluateOutput> {
    let out = args.out.as_deref().ok_or_else(|| UsageError("--predictions: needs --out DIR".into()))?;
    let archive = Archive::open(file, Limits { max_bytes: 4 << 30 })?;
    let labels_name = args.labels.as_deref().unwrap_or("labels");
    let names =
        ArrayNames { probabilities: &["probs", "probabilities"], labels: labels_name, patients: "patient" };
    let predictions = SplitPredictions::from_archive(&archive, file, &names)?;
    let validation = archive.contains("val_probs").then(|| {
        let names =
            ArrayNames { probabilities: &["val_probs"], labels: "val_labels", patients: "val_patient" };
        SplitPredictions::from_archive(&archive, file, &names)
    });
    let validation = validation.transpose()?;
    let labels = match archive.contains("conditions") {
        true => LabelSet::of_keys(&archive.read_text("conditions")?.values),
        false => LabelSet::of_width(predictions.classes),
    };
    if labels.len() != predictions.classes
        || validation.as_ref().is_some_and(|val| val.classes != predictions.classes)
    {
        bail!("{}: the arrays have different numbers of conditions", file.display());
    }
    // Without validation predictions thresholds are chosen on the evaluated ones; the report has this split's name.
    let (chosen_on, chosen_on_split) = match &validation {
        Some(val) => (val, "val"),
        None => (&predictions, args.split.name()),
    };
    let thresholds = spec
        .resolve(None, chosen_on, chosen_on_split, &labels)
        .map_err(|error| UsageError(error.to_string()))?;
    let title = file.file_stem().unwrap_or_default().to_string_lossy();
    let origin = format!("Predictions from {}.", one_line(&file.display().to_string(), 200));
    finish(out, &one_line(&title, 60), &origin, &labels, thresholds, args, predictions)
}

/// Evaluates predictions and writes the report to `out`.
fn finish(
    out: &Path,
    title: &str,
    origin: &str,
    labels: &LabelSet,
    thresholds: Thresholds,
    args: &EvaluateArgs,
    predictions: SplitPredictions,
) -> Result<EvaluateOutput> {
    let evaluation =
        evaluation::evaluate(labels, &thresholds, args.split.name(), &predictions, args.bootstrap);
    evaluation::draw_into(out, title, origin, labels, &evaluation, &thresholds, &predictions)?;
    let json = serde_json::to_vec_pretty(&evaluation)?;
    let path = out.join("evaluation.json");
    chestxr_tui::files::replace_file(&path, &json)
        .with_context(|| format!("can't write {}", path.display()))?;
    let report_dir = out.to_owned();
    Ok(EvaluateOutput {
        evaluation,
        report_dir,
        predictions,
        thresholds,
        labels: labels.clone(),
        dataset: None,
    })
}

/// Evaluates each subgroup, and saves the results next to the report.
fn groups(
    by: GroupBy,
    args: &EvaluateArgs,
    dataset: &Dataset,
    labels: &LabelSet,
    thresholds: &Thresholds,
    predictions: &SplitPredictions,
    report_dir: &Path,
) -> Result<Vec<(String, Evaluation)>> {
    let groups = dataset.part(args.split).about.groups(by);
    if groups.is_empty() {
        bail!(UsageError(format!(
            "--by {1}: {0} has no {1} of its images; nih:, csv: and dicom: sources can have it",
            dataset.source(),
            by.name()
        )));
    }
    let split = args.split.name();
    let evaluations: Vec<(String, Evaluation)> = groups
        .into_iter()
        .map(|(name, images)| {
            let own = predictions.subset(&images);
            (name, evaluation::evaluate(labels, thresholds, split, &own, args.bootstrap))
        })
        .collect();
    let named: serde_json::Map<_, _> = evaluations
        .iter()
        .map(|(name, evaluation)| Ok((name.clone(), serde_json::to_value(evaluation)?)))
        .collect::<Result<_>>()?;
    let path = report_dir.join(format!("groups_{}.json", by.name()));
    chestxr_tui::files::replace_file(&path, &serde_json::to_vec_pretty(&named)?)
        .with_context(|| format!("can't write {}", path.display()))?;
    Ok(evaluations)
}

fn group_table(out: &mut impl Write, groups: &[(String, Evaluation)]) -> std::io::Result<()> {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    if !groups.is_empty() {
        writeln!(
            out,
            "\n{:<20} {:>7} {:>11} {:>13} {:>6} {:>8}",
            "group", "images", "macro AUROC", "95 %", "of", "macro F1"
        )?;
    }
    for (name, evaluation) in groups {
        let mean = &evaluation.macro_average;
        let interval = mean.auroc_ci.map_or(String::new(), |[low, high]| format!("{low:.3}–{high:.3}"));
        let (auroc, f1) = (number(mean.average.values.auroc), number(mean.average.values.f1));
        let images = thousands(evaluation.n as u64);
        writeln!(out, "{name:<20} {images:>7} {auroc:>11} {interval:>13} {:>6} {f1:>8}", mean.n_conditions)?;
    }
    if groups.iter().any(|(_, evaluation)| evaluation.resampled_by_image()) {
        writeln!(out, "the intervals are by image, for patients are unknown, so they are too narrow")?;
    }
    Ok(())
}

fn table(out: &mut impl Write, evaluation: &Evaluation) -> std::io::Result<()> {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let interval = |interval: Option<[f64; 2]>| {
        interval.map_or(String::new(), |[low, high]| format!("{low:.3}–{high:.3}"))
    };
    writeln!(
        out,
        "{:<18} {:>8}  {:>6} {:>11} {:>6} {:>9} {:>6} {:>6} {:>6} {:>6} {:>6}",
        "condition", "positive", "AUROC", "95 %", "AUPRC", "threshold", "sens", "spec", "prec", "F1", "MCC"
    )?;
    let names = LabelSet::of_keys(&evaluation.conditions);
    let mut line = |name: &str, c: &chestxr_tui::metrics::ConditionEvaluation| {
        writeln!(
            out,
            "{name:<18} {:>8}{} {:>6} {:>11} {:>6} {:>9} {:>6} {:>6} {:>6} {:>6} {:>6}",
            thousands(c.support),
            if c.support < FEW_POSITIVES { FEW_MARK } else { " " },
            number(c.auroc),
            interval(c.auroc_ci),
            number(c.auprc),
            c.threshold,
            number(c.recall),
            number(c.specificity),
            number(c.precision),
            number(c.f1),
            number(c.mcc)
        )
    };
    for (condition, (_, numbers)) in names.iter().zip(evaluation.iter()) {
        line(&one_line(&condition.name, 18), numbers)?;
    }
    line("Normal", &evaluation.normal_detection.numbers)?;
    let mean = &evaluation.macro_average;
    let values = &mean.average.values;
    writeln!(
        out,
        "\n{} {} images: macro AUROC {} {} over {} conditions,\nmacro AUPRC {}, macro F1 {}, micro F1 {}",
        thousands(evaluation.n as u64),
        evaluation.split,
        number(values.auroc),
        mean.auroc_ci.map_or(String::new(), |[low, high]| format!("({low:.3}–{high:.3})")),
        mean.n_conditions,
        number(values.auprc),
        number(values.f1),
        number(evaluation.micro_average.f1)
    )?;
    let bootstrap = evaluation.bootstrap.as_ref();
    let intervals = bootstrap.map_or("no intervals".to_owned(), |bootstrap| {
        let remark =
            if evaluation.resampled_by_image() { " (patients unknown: they are too narrow)" } else { "" };
        format!("intervals: {} resamples by {}{remark}", bootstrap.resamples, bootstrap.unit)
    });
    writeln!(
        out,
        "thresholds by {} on the {} images\n{intervals}",
        evaluation.threshold_rule, evaluation.threshold_split
    )?;
    let few = evaluation.iter().any(|(_, numbers)| numbers.support < FEW_POSITIVES);
    if few && bootstrap.is_some() {
        writeln!(
            out,
            "{FEW_MARK} under {FEW_POSITIVES} positive images: the interval is too narrow to trust"
        )?;
    }
    if let Some(unknown) = evaluation.unknown_labels() {
        writeln!(out, "unknown labels are left out: {unknown}")?;
    }
    Ok(())
}
