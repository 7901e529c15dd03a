//! `bench`: what this machine makes of the program, measured in one process. Every figure is the median of
//! repeats with the least and the greatest beside it: on a shared machine a single one says little.

mod evaluation;
mod explaining;
mod listing;
mod loading;
mod screen;
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

use super::{Exit, Misuse, complain};
use crate::cli::{BenchArgs, BenchPart};
use evaluation::EvaluationTimes;
use explaining::Explaining;
use listing::Listing;
use loading::Loading;
use screen::Screen;
use streaming::Streaming;
use training::Training;

/// A measured figure.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figure {
    pub median: f64,
    pub low: f64,
    pub high: f64,
    pub repeats: usize,
}

impl Figure {
    /// Of these values.
    fn of(mut values: Vec<f64>) -> Result<Self> {
        values.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (values.first(), values.last()) else {
            bail!("nothing was measured");
        };
        Ok(Self { median: quantile(&values, 0.5), low: *low, high: *high, repeats: values.len() })
    }
}

/// The value below which a share of sorted values lies, between neighbours by their distance.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}

/// Everything measured. What wasn't asked for is left out; what can't be measured is left out with the reason.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    libtorch: &'static str,
    cpus: usize,
    source: String,
    #[serde(flatten)]
    loading: Option<Loading>,
    #[serde(flatten)]
    augmentation: Option<Augmentation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    training: Vec<Training>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streaming: Option<Streaming>,
    #[serde(flatten)]
    evaluation: Option<EvaluationTimes>,
    /// What maps cost, by network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explaining: Vec<Explaining>,
    #[serde(flatten)]
    listing: Option<Listing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<Screen>,
    not_measured: Vec<String>,
}

/// What one thread augments.
#[derive(Debug, Serialize)]
struct Augmentation {
    /// Images a second, by the preset of the configuration.
    augment_throughput: Figure,
    augment_preset: &'static str,
}

/// Measures and prints.
pub fn run(args: &BenchArgs, config: RunConfig, given: &[String], json: bool) -> Result<Exit> {
    let networks = args.nets.iter().map(|text| network(text)).collect::<Result<Vec<_>>>()?;
    if args.repeats == 0 || !(0.01..=600.0).contains(&args.seconds) {
        return Err(Misuse("--repeats takes at least 1, and --seconds 0.01 to 600".into()).into());
    }
    let mut config = config;
    if config.data.source == "phantom" {
        config.set("data.source", &format!("phantom:{}", args.images))?;
    }
    let pause = Duration::from_secs_f64(args.seconds);
    let wanted = |part: BenchPart| match args.only.is_empty() {
        // Streaming takes images that don't fit, and keeps them on the disk.
        true => part != BenchPart::Streaming,
        false => args.only.contains(&part),
    };
    let mut report = Report {
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
    if with_images.into_iter().any(wanted) {
        images(&mut report, wanted, &networks, &config, args.repeats, pause, json)?;
    }
    if wanted(BenchPart::Evaluation) {
        let evaluation = report.evaluation.insert(evaluation::measure(args.repeats)?);
        say(json, &evaluation.lines());
    }
    if wanted(BenchPart::Explaining) {
        for arch in [Arch::ChestNetS, Arch::ResNet18] {
            let measured = explaining::measure(arch, config.data.size, &config.run.device, args.repeats)?;
            say(json, &measured.line());
            report.explaining.push(measured);
        }
    }
    if wanted(BenchPart::Runs) {
        let listing = report.listing.insert(listing::measure(args.repeats)?);
        say(json, &listing.line());
    }
    if wanted(BenchPart::Screen) {
        match screen::measure(given) {
            Ok(screen) => say(json, &report.screen.insert(screen).line()),
            Err(error) => {
                complain(&format!("the screen could not be measured: {error:#}"));
                report.not_measured.push(format!("screen: {error:#}"));
            }
        }
    }
    if json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?)?;
    }
    Ok(Exit::Done)
}

/// Measures what needs images; they are gone afterwards.
fn images(
    report: &mut Report,
    wanted: impl Fn(BenchPart) -> bool,
    networks: &[(Arch, usize)],
    config: &RunConfig,
    repeats: usize,
    pause: Duration,
    json: bool,
) -> Result<()> {
    let cache = Cache::new();
    let (loading, dataset) = loading::measure(&config.data, &cache)?;
    say(json, &report.loading.insert(loading).line(&config.data.source));
    if wanted(BenchPart::Augmentation) {
        let (train, _) = dataset.trainable(Split::Train)?;
        let plan = AugmentPipeline::new(&config.augment);
        let augmented = (0..repeats).map(|_| augment::throughput(&plan, train, pause)).collect();
        let (figure, preset) = (Figure::of(augmented)?, config.augment.preset.name());
        report.augmentation = Some(Augmentation { augment_throughput: figure, augment_preset: preset });
        say(
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
    if wanted(BenchPart::Training) {
        say(
            json,
            "network      batch   loop images/s          ceiling             loop/ceiling   data  metrics",
        );
        for (arch, batch) in networks {
            (config.model.arch, config.optimizer.batch_size) = (*arch, *batch);
            let measured = training::measure(&config, &cache, repeats, pause)?;
            say(json, &measured.line());
            report.training.push(measured);
        }
    }
    if wanted(BenchPart::Streaming)
        && let Some((arch, batch)) = networks.first()
    {
        (config.model.arch, config.optimizer.batch_size) = (*arch, *batch);
        let measured = streaming::measure(&config, &dataset, repeats, pause)?;
        say(json, &report.streaming.insert(measured).lines());
    }
    Ok(())
}

/// A network and a batch size from `resnet18:32`.
fn network(text: &str) -> Result<(Arch, usize)> {
    let parsed =
        text.split_once(':').and_then(|(arch, batch)| Some((Arch::from_name(arch)?, batch.parse().ok()?)));
    match parsed {
        Some((arch, batch)) if batch > 0 => Ok((arch, batch)),
        _ => Err(Misuse(format!(
            "`{}` is no network with a batch size; write for example {}:32",
            chestxr_tui::text::one_line(text, 40),
            Arch::NAMES.join(":32 or ")
        ))
        .into()),
    }
}

/// A line for people, as soon as it is known.
fn say(json: bool, line: &str) {
    if !json {
        // A reader that has left misses nothing that matters.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

fn whole(number: f64) -> String {
    thousands(number.round().max(0.0) as u64)
}

/// The greatest resident memory of this process so far in bytes; 0 where the system doesn't say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    1024 * kilobytes.unwrap_or(0)
}

/// Has [`peak_memory`] begin anew; false where the system doesn't let us.
fn forget_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// A folder that is removed again.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("chestxr-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("can't make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It lies where the system cleans up by itself.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_medians_with_their_spread() {
        let figure = Figure::of(vec![3.0, 1.0, 2.0, 10.0]).expect("values");
        assert_eq!((figure.median, figure.low, figure.high, figure.repeats), (2.5, 1.0, 10.0, 4));
        assert!(Figure::of(Vec::new()).is_err());
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.99), 99.0);
    }

    #[test]
    fn a_network_comes_with_its_batch() {
        assert_eq!(network("resnet18:256").expect("both"), (Arch::ResNet18, 256));
        for wrong in ["resnet18", "resnet18:0", "vgg:3", "resnet18:x"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }
}
