//! `bench`: speed and memory on this machine, measured in one process. Every figure is the median of several
//! measurements with minimum and maximum: on a shared machine a single measurement is not reliable.

mod evaluation;
mod explaining;
mod listing;
mod loading;
#[cfg(feature = "bench-screen")]
mod screen;
#[cfg(not(feature = "bench-screen"))]
mod screen_off;
mod streaming;
mod training;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use chestxr_tui::augment::{self, AugmentPipeline};
use chestxr_tui::config::{Arch, RunConfig};
use chestxr_tui::dataset::{Cache, Split};
use chestxr_tui::text::thousands;

use super::{Exit, UsageError, print_error};
use crate::cli::{BenchArgs, BenchPart};
use evaluation::EvaluationTimes;
use explaining::Explaining;
use listing::ListingTimes;
use loading::LoadingTimes;
#[cfg(not(feature = "bench-screen"))]
use screen_off as screen;
use streaming::Streaming;
use training::Training;

/// Median, minimum and maximum of several measurements.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MedianRange {
    pub median: f64,
    pub low: f64,
    pub high: f64,
    pub repeats: usize,
}

impl MedianRange {
    /// Summarises measurements.
    ///
    /// # Errors
    /// When there are none.
    fn of(mut values: Vec<f64>) -> Result<Self> {
        values.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (values.first(), values.last()) else {
            bail!("nothing was measured");
        };
        Ok(Self { median: quantile(&values, 0.5), low: *low, high: *high, repeats: values.len() })
    }
}

/// The quantile `share` (0 to 1) of sorted values, interpolated linearly.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}

/// Everything measured. Parts that were not requested are omitted; parts that can't be measured are listed with the
/// reason.
#[derive(Debug, Serialize)]
struct BenchReport {
    version: &'static str,
    libtorch: &'static str,
    cpus: usize,
    source: String,
    #[serde(flatten)]
    loading: Option<LoadingTimes>,
    #[serde(flatten)]
    augmentation: Option<Augmentation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    training: Vec<Training>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streaming: Option<Streaming>,
    #[serde(flatten)]
    evaluation: Option<EvaluationTimes>,
    /// Time per attribution map, by network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explaining: Vec<Explaining>,
    #[serde(flatten)]
    listing: Option<ListingTimes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<screen::ScreenTimes>,
    not_measured: Vec<String>,
}

/// Augmentation speed of one thread.
#[derive(Debug, Serialize)]
struct Augmentation {
    /// Images per second, with the preset of the configuration.
    augment_throughput: MedianRange,
    augment_preset: &'static str,
}

/// Measures the requested parts and prints them; `sets` are the settings given as options.
pub fn run(args: &BenchArgs, config: RunConfig, sets: &[String], json: bool) -> Result<Exit> {
    let networks = args.nets.iter().map(|text| network(text)).collect::<Result<Vec<_>>>()?;
    if args.repeats == 0 || !(0.01..=600.0).contains(&args.seconds) {
        return Err(UsageError("--repeats takes at least 1, and --seconds 0.01 to 600".into()).into());
    }
    let mut config = config;
    if config.data.source == "phantom" {
        config.set("data.source", &format!("phantom:{}", args.images))?;
    }
    let pause = Duration::from_secs_f64(args.seconds);
    let is_requested = |part: BenchPart| match args.only.is_empty() {
        // Streaming needs images that don't fit in memory, and stores them on disk.
        true => part != BenchPart::Streaming,
        false => args.only.contains(&part),
    };
    let mut report = BenchReport {
        version: env!("CARGO_PKG_VERSION"),
        libtorch: chestxr_tui::native::libtorch_version(),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        source: config.data.source.clone(),
        loading: None,
        augmentation: None,
        training: Vec::new(),
        streaming: None,
        evaluation: None,
        explaining: Vec::new(),
        listing: None,
        screen: None,
        not_measured: Vec::new(),
    };
    let with_images =
        [BenchPart::Loading, BenchPart::Augmentation, BenchPart::Training, BenchPart::Streaming];
    if with_images.into_iter().any(is_requested) {
        images(&mut report, is_requested, &networks, &config, args.repeats, pause, json)?;
    }
    if is_requested(BenchPart::Evaluation) {
        let evaluation = report.evaluation.insert(evaluation::measure(args.repeats)?);
        print_line(json, &evaluation.lines());
    }
    if is_requested(BenchPart::Explaining) {
        for arch in [Arch::ChestNetS, Arch::ResNet18] {
            let measured = explaining::measure(arch, config.data.size, &config.run.device, args.repeats)?;
            print_line(json, &measured.line());
            report.explaining.push(measured);
        }
    }
    if is_requested(BenchPart::Runs) {
        let listing = report.listing.insert(listing::measure(args.repeats)?);
        print_line(json, &listing.line());
    }
    if is_requested(BenchPart::Screen) {
        match screen::measure(sets) {
            Ok(screen) => print_line(json, &report.screen.insert(screen).line()),
            Err(error) => {
                print_error(&format!("bench: screen not measured: {error:#}"));
                report.not_measured.push(format!("screen: {error:#}"));
            }
        }
    }
    if json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?)?;
    }
    Ok(Exit::Done)
}

/// Measures the parts that need images; these are freed afterwards.
fn images(
    report: &mut BenchReport,
    is_requested: impl Fn(BenchPart) -> bool,
    networks: &[(Arch, usize)],
    config: &RunConfig,
    repeats: usize,
    pause: Duration,
    json: bool,
) -> Result<()> {
    let cache = Cache::new();
    let (loading, dataset) = loading::measure(&config.data, &cache)?;
    print_line(json, &report.loading.insert(loading).line(&config.data.source));
    if is_requested(BenchPart::Augmentation) {
        let (train, _) = dataset.trainable(Split::Train)?;
        let plan = AugmentPipeline::new(&config.augment);
        let augmented =
            (0..repeats).map(|_| augment::throughput(&plan, train, pause)).collect::<std::io::Result<_>>()?;
        let (figure, preset) = (MedianRange::of(augmented)?, config.augment.preset.name());
        report.augmentation = Some(Augmentation { augment_throughput: figure, augment_preset: preset });
        print_line(
            json,
            &format!(
                "augmentation `{preset}` on one thread: {} images/s ({} to {})",
                whole(figure.median),
                whole(figure.low),
                whole(figure.high)
            ),
        );
    }
    let mut config = config.clone();
    if is_requested(BenchPart::Training) {
        print_line(
            json,
            "network      batch   loop images/s          ceiling             loop/ceiling   data  metrics",
        );
        for (arch, batch) in networks {
            (config.model.arch, config.optimizer.batch_size) = (*arch, *batch);
            let measured = training::measure(&config, &cache, repeats, pause)?;
            print_line(json, &measured.line());
            report.training.push(measured);
        }
    }
    if is_requested(BenchPart::Streaming)
        && let Some((arch, batch)) = networks.first()
    {
        (config.model.arch, config.optimizer.batch_size) = (*arch, *batch);
        let measured = streaming::measure(&config, &dataset, repeats, pause)?;
        print_line(json, &report.streaming.insert(measured).lines());
    }
    Ok(())
}

/// Parses a network and a batch size, `resnet18:32`.
fn network(text: &str) -> Result<(Arch, usize)> {
    let parsed =
        text.split_once(':').and_then(|(arch, batch)| Some((Arch::from_name(arch)?, batch.parse().ok()?)));
    match parsed {
        Some((arch, batch)) if batch > 0 => Ok((arch, batch)),
        _ => Err(UsageError(format!(
            "--nets `{}`: not a network with a batch size; try {}:32",
            chestxr_tui::text::one_line(text, 40),
            Arch::NAMES.join(":32 or ")
        ))
        .into()),
    }
}

/// Prints a line of the report, unless JSON is requested.
fn print_line(json: bool, line: &str) {
    if !json {
        // A closed pipe doesn't end the measurement.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

fn whole(number: f64) -> String {
    thousands(number.round().max(0.0) as u64)
}

/// Peak resident memory of this process in bytes; 0 where the system doesn't report it.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    1024 * kilobytes.unwrap_or(0)
}

/// Resets [`peak_memory`]; false where the system doesn't support it.
fn reset_peak_memory() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// A temporary directory, removed when dropped.
struct ScratchDir(std::path::PathBuf);

impl ScratchDir {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("chestxr-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("can't create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        // The system cleans its temporary directory anyway.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_median_with_minimum_and_maximum() {
        let figure = MedianRange::of(vec![3.0, 1.0, 2.0, 10.0]).expect("values");
        assert_eq!((figure.median, figure.low, figure.high, figure.repeats), (2.5, 1.0, 10.0, 4));
        assert!(MedianRange::of(Vec::new()).is_err());
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.99), 99.0);
    }

    #[test]
    fn nets_are_parsed_as_network_and_batch_size() {
        assert_eq!(network("resnet18:256").expect("both"), (Arch::ResNet18, 256));
        for wrong in ["resnet18", "resnet18:0", "vgg:3", "resnet18:x"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }
}
