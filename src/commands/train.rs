//! `train --no-ui`: a run from start to end, its events printed as lines of text or JSON.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use chestxr_tui::config::AppPaths;
use chestxr_tui::dataset::Cache;
use chestxr_tui::evaluation;
use chestxr_tui::runs::{EpochRecord, RunFolder, RunState};
use chestxr_tui::text::{clock, counted, rate, thousands};
use chestxr_tui::tracking::{Patience, Uploader};
use chestxr_tui::train::{Command, Commander, Event, Level, LrCurve, Phase, Progress, RunInfo, Trainer};

use super::{Exit, print_error};

/// Starts or resumes a run, or runs a learning rate range test, and waits for its end. The first Ctrl-C finishes the step
/// and writes a checkpoint; the second exits at once.
pub fn run(request: Command, paths: &AppPaths, json: bool) -> Result<Exit> {
    let trainer =
        Trainer::spawn(paths.runs.clone(), Cache::new()).context("can't start the trainer's thread")?;
    watch_signals(trainer.commander()).context("can't watch for signals")?;
    let mut tracking = match &request {
        Command::Start { config, .. } if config.tracking.server().is_some() => Some(Tracking::start(paths)?),
        _ => None,
    };
    trainer.send(request);
    let printer = printer(json);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut on_event = |event: &Event| {
        if let Some(tracking) = &mut tracking {
            tracking.on_event(event);
        }
    };
    let (state, printed) = runtime.block_on(follow(trainer, printer, &mut on_event))?;
    if let Some(tracking) = tracking {
        tracking.finish();
    }
    if let Err(error) = printed {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Ok(Exit::Interrupted);
        }
        return Err(error).context("can't write to stdout; the run was stopped with a checkpoint");
    }
    Ok(match state {
        RunState::Finished | RunState::Stopped => Exit::Done,
        RunState::Interrupted => Exit::Interrupted,
        _ => Exit::Failed,
    })
}

/// Makes signals interrupt the trainer. The returned flag becomes true with the first signal.
///
/// # Errors
/// When the handlers can't be installed.
pub(super) fn watch_signals(commander: Commander) -> std::io::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)))?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        let mut pending = signals.forever();
        if pending.next().is_some() {
            // Before the message: stderr may be closed with the terminal.
            flag.store(true, Ordering::Release);
            commander.send(Command::Interrupt);
            print_error("finishing the step and writing a checkpoint; press Ctrl-C again to exit at once");
        }
        if pending.next().is_some() {
            // Files on disk are complete at every instant. No destructors run: libtorch must not lose its globals
            // under a working thread.
            // SAFETY: ends the process.
            unsafe { libc::_exit(130) }
        }
    })?;
    Ok(interrupted)
}

/// Whether the parent process has the signal ignored, as `nohup` does.
fn is_ignored(signal: i32) -> bool {
    // SAFETY: a null new action only reads the old one, which is plain data that zeros are valid for.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut old) == 0 && old.sa_sigaction == libc::SIG_IGN
    }
}

/// Uploads the runs of this process to their tracking servers.
pub(super) struct Tracking {
    uploader: Uploader,
    runs: Vec<PathBuf>,
}

impl Tracking {
    /// Starts the upload thread.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(paths: &AppPaths) -> Result<Self> {
        let uploader = Uploader::spawn(paths.runs.clone(), evaluation::model_to_send);
        let uploader = uploader.context("can't start the thread that syncs runs to MLflow")?;
        Ok(Self { uploader, runs: Vec::new() })
    }

    /// Notes the runs that start.
    pub fn on_event(&mut self, event: &Event) {
        if let Event::Started(info) = event {
            self.runs.push(info.path.clone());
        }
    }

    /// Uploads what the thread has not. A server that can't be reached is a warning: the runs have ended by then.
    pub fn finish(self) {
        self.uploader.finish();
        for run in &self.runs {
            if let Err(error) = upload_rest(run) {
                print_error(&format!("warning: {error:#}; `chestxr-tui track sync` uploads it"));
            }
        }
    }
}

fn upload_rest(run: &Path) -> Result<()> {
    let folder = RunFolder::open(run)?;
    let tracking = folder.read_config()?.tracking;
    if let Some(server) = tracking.server() {
        super::track::send(&folder, server, &tracking, Patience::BESIDE, &|| true)?;
    }
    Ok(())
}

/// Prints events until the run ends, then ends the trainer.
async fn follow(
    mut trainer: Trainer,
    mut printer: Box<dyn EventPrinter>,
    on_event: &mut dyn FnMut(&Event),
) -> Result<(RunState, std::io::Result<()>)> {
    let outcome = print_until_end(&mut trainer, &mut *printer, on_event).await?;
    trainer.shut_down();
    Ok(outcome)
}

/// Prints events until the run or the range test ends; `on_event` is called with each event first. When printing fails (a
/// closed pipe or terminal) the run is stopped with a checkpoint. Returns the final state and the outcome of printing.
///
/// # Errors
/// When the trainer's thread has ended.
pub(super) async fn print_until_end(
    trainer: &mut Trainer,
    printer: &mut dyn EventPrinter,
    on_event: &mut dyn FnMut(&Event),
) -> Result<(RunState, std::io::Result<()>)> {
    let mut printed = Ok(());
    loop {
        tokio::select! {
            biased;
            event = trainer.events.recv() => {
                let Some(event) = event else {
                    anyhow::bail!("the trainer's thread has ended unexpectedly; please report this bug");
                };
                on_event(&event);
                if printed.is_ok() {
                    printed = printer.event(&event);
                    if printed.is_err() {
                        trainer.send(Command::Interrupt);
                    }
                }
                if let Some(state) = final_state(&event) {
                    return Ok((state, printed));
                }
            }
            Ok(()) = trainer.progress.changed() => {
                let progress = trainer.progress.borrow_and_update().clone();
                printer.progress(&progress);
            }
        }
    }
}

/// The final state, if the event ends the run or the range test.
fn final_state(event: &Event) -> Option<RunState> {
    match event {
        Event::Ended { state, .. } => Some(*state),
        Event::LrFound(_) => Some(RunState::Finished),
        _ => None,
    }
}

/// A printer of JSON or of lines of text.
pub fn printer(json: bool) -> Box<dyn EventPrinter> {
    if json { Box::new(JsonLines) } else { Box::new(TextLines::new()) }
}

/// Prints the events of a run.
pub trait EventPrinter {
    /// Prints an event.
    ///
    /// # Errors
    /// When stdout can't be written to.
    fn event(&mut self, event: &Event) -> std::io::Result<()>;
    /// Shows progress within an epoch.
    fn progress(&mut self, progress: &Progress);
}

/// One JSON object per line on stdout, nothing else.
struct JsonLines;

impl EventPrinter for JsonLines {
    fn event(&mut self, event: &Event) -> std::io::Result<()> {
        #[derive(Serialize)]
        struct JsonLine<'a> {
            time: Timestamp,
            #[serde(flatten)]
            event: &'a Event,
        }
        let line = serde_json::to_string(&JsonLine { time: Timestamp::now(), event })?;
        writeln!(std::io::stdout().lock(), "{line}")
    }

    fn progress(&mut self, _: &Progress) {}
}

/// Lines of text on stdout, and a progress bar on stderr when that is a terminal.
struct TextLines {
    bar: ProgressBar,
    epochs: usize,
}

impl TextLines {
    fn new() -> Self {
        // indicatif hides the bar when stderr is not a terminal.
        Self { bar: ProgressBar::new(0), epochs: 0 }
    }

    fn line(&self, text: &str) -> std::io::Result<()> {
        self.bar.suspend(|| writeln!(std::io::stdout().lock(), "{text}"))
    }

    fn started(&mut self, info: &RunInfo) -> std::io::Result<()> {
        self.epochs = info.config.optimizer.epochs;
        let template = "{prefix:<10} {wide_bar:.cyan/dim} {pos}/{len}{msg}";
        // With an invalid template the default bar is shown.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("█▌░"));
        }
        let [train, val, test] = info.images.map(|images| thousands(images as u64));
        let [height, width] = info.image_size;
        self.line(&format!("run     {}", info.id))?;
        self.line(&format!("folder  {}", info.path.display()))?;
        if let Some((epochs, step)) = info.resumed_at {
            self.line(&format!("resumed after epoch {epochs}, at step {step}"))?;
        }
        let source = &info.config.data.source;
        self.line(&format!("data    {source}: {train} / {val} / {test} images of {height} x {width} px"))?;
        let parameters = thousands(info.parameters as u64);
        let arch = info.config.model.arch;
        let threads = counted(info.threads, "thread", "threads");
        self.line(&format!("model   {arch}, {parameters} parameters, on {} with {threads}", info.device))?;
        let optimizer = &info.config.optimizer;
        let (epochs, batch) = (counted(optimizer.epochs, "epoch", "epochs"), optimizer.batch_size);
        self.line(&format!("train   at most {epochs}, batch {batch}, {}", info.config.run.precision))
    }

    fn learning_rates(&self, curve: &LrCurve) -> std::io::Result<()> {
        // Every fourth step shows the shape; --json has all.
        let worst = curve.losses.iter().fold(f64::MIN, |most, loss| most.max(*loss));
        let least = curve.losses.iter().fold(f64::MAX, |least, loss| least.min(*loss));
        self.line("    rate     loss")?;
        for (rate, loss) in curve.rates.iter().zip(&curve.losses).step_by(4) {
            let share = if worst > least { (loss - least) / (worst - least) } else { 0.0 };
            let bar = "▪".repeat((40.0 * share).round() as usize);
            self.line(&format!("{rate:>8.1e} {loss:>8.4} {bar}"))?;
        }
        self.line(&curve.reason)?;
        match curve.suggestion {
            Some(best) => self.line(&format!("suggestion: --set optimizer.lr={best:.1e}")),
            None => self.line("no suggestion: the loss never fell"),
        }
    }

    fn epoch(&self, record: &EpochRecord, improved: bool) -> std::io::Result<()> {
        self.line(&epoch_line(record, self.epochs, improved))
    }
}

/// An epoch of a run of at most `epochs` in one line of at most 100 columns, with epochs of up to ten hours; of more
/// than 100 epochs the total, which `started` has printed, is omitted.
fn epoch_line(record: &EpochRecord, epochs: usize, improved: bool) -> String {
    let number = |value: Option<f64>| value.map_or("     –".to_owned(), |value| format!("{value:.4}"));
    let width = epochs.to_string().len();
    let total = if epochs <= 100 { format!("/{epochs}") } else { String::new() };
    format!(
        "epoch {:>width$}{total} loss {} val {} AUROC {}{} AUPRC {} F1 {} wait {} lr {} {}",
        record.epoch,
        number(record.train_loss),
        number(record.val_loss),
        number(record.val_auroc_macro),
        if improved { "*" } else { " " },
        number(record.val_auprc_macro),
        number(record.val_f1_score),
        record.wait_count,
        rate(record.lr),
        clock(record.epoch_seconds),
    )
}

impl EventPrinter for TextLines {
    fn event(&mut self, event: &Event) -> std::io::Result<()> {
        match event {
            Event::Loading { source } => self.line(&format!("loading {source}")),
            Event::Started(info) => self.started(info),
            Event::Epoch(report) => self.epoch(&report.record, report.improved),
            Event::LearningRate { from, to, reason } => {
                self.line(&format!("learning rate {} -> {}: {reason}", rate(*from), rate(*to)))
            }
            Event::Note { level, text } => {
                let head = match level {
                    Level::Info => "",
                    Level::Warning => "warning: ",
                    Level::Error => "error: ",
                };
                self.bar.suspend(|| print_error(&format!("{head}{text}")));
                Ok(())
            }
            Event::Evaluated { split, auroc_macro, auprc_macro, n_conditions } => {
                let number =
                    |value: &Option<f64>| value.map_or("undefined".to_owned(), |value| format!("{value:.4}"));
                let (auroc, auprc) = (number(auroc_macro), number(auprc_macro));
                self.line(&format!(
                    "{split:<5} macro AUROC {auroc}, macro AUPRC {auprc} over {n_conditions} conditions"
                ))
            }
            Event::LrFound(curve) => {
                self.bar.finish_and_clear();
                self.learning_rates(curve)
            }
            Event::Ended { state: RunState::Failed, reason, .. } => {
                self.bar.finish_and_clear();
                print_error(&format!("chestxr-tui: {reason}"));
                Ok(())
            }
            Event::Ended { state, reason, best, .. } => {
                self.bar.finish_and_clear();
                let best = best.as_ref().map_or(String::new(), |best| {
                    format!("; best {} {:.4} after epoch {}", best.metric, best.value, best.epoch)
                });
                self.line(&format!("{state}: {reason}{best}"))
            }
            Event::Checkpoint { .. } | Event::Paused { .. } | Event::Resumed { .. } => Ok(()),
        }
    }

    fn progress(&mut self, progress: &Progress) {
        let message = match progress.phase {
            Phase::Idle => return,
            Phase::Loading if progress.total == 0 => return,
            Phase::Loading => "reading images".to_owned(),
            Phase::Searching => "range test".to_owned(),
            Phase::Training => format!("epoch {}", progress.epoch),
            Phase::Paused => "paused".to_owned(),
            Phase::Validating => "validating".to_owned(),
            Phase::Testing => "testing".to_owned(),
        };
        // What is of interest while images are trained on.
        let figures = match (progress.phase, progress.loss) {
            (Phase::Training, Some(loss)) => {
                let left =
                    progress.run_eta.map_or(String::new(), |seconds| format!("  ETA {}", clock(seconds)));
                let images = thousands(progress.images_per_second.round() as u64);
                format!("  loss {loss:.4}  lr {}  {images} images/s{left}", rate(progress.lr))
            }
            _ => String::new(),
        };
        self.bar.set_prefix(message);
        self.bar.set_message(figures);
        self.bar.set_length(progress.total as u64);
        self.bar.set_position(progress.done as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_line_of_100_columns() {
        let record = EpochRecord {
            epoch: 100,
            train_loss: Some(0.123_45),
            val_loss: Some(0.234_56),
            val_auroc_macro: Some(0.812_34),
            val_auprc_macro: None,
            val_f1_score: Some(0.1),
            wait_count: 15,
            lr: 2.929_999_999_999e-4,
            epoch_seconds: 5025.0,
            ..EpochRecord::default()
        };
        let line = epoch_line(&record, 100, true);
        let expected = "epoch 100/100 loss 0.1235 val 0.2346 AUROC 0.8123* AUPRC      – F1 0.1000 wait 15 lr 2.93e-4 1:23:45";
        assert_eq!((line.as_str(), line.chars().count()), (expected, 100));
        let long = EpochRecord { epoch: 1000, wait_count: 150, epoch_seconds: 36_000.0, ..record };
        let line = epoch_line(&long, 1000, true);
        assert!(line.starts_with("epoch 1000 loss") && line.ends_with(" 10:00:00"), "{line}");
        assert!(line.chars().count() <= 100, "{}: {line}", line.chars().count());
    }
}
