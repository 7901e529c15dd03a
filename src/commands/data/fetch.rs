//! `data fetch`: downloads a data set's file into the cache.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};

use chestxr_tui::dataset::registry::{self, Registry};
use chestxr_tui::download::{Checksum, DownloadError, Order, adopt, download};
use chestxr_tui::text::{bytes, one_line};

use crate::cli::FetchArgs;
use crate::commands::{Exit, UsageError, print_error};

/// Downloads or imports the data set's file, unless it is in the cache.
pub fn run(args: &FetchArgs, as_json: bool) -> Result<Exit> {
    let registry = Registry::get();
    let entry = registry.entry(&args.name).ok_or_else(|| {
        let (name, known) = (one_line(&args.name, 40), registry.downloadable().join(", "));
        UsageError(format!("`{name}`: unknown data set; can fetch {known}"))
    })?;
    if entry.files.is_empty() {
        return Err(UsageError(format!("{}: can't be downloaded; {}", args.name, entry.instead)).into());
    }
    let file = entry.file(args.size)?;
    let target = file.place();
    let mut out = std::io::stdout().lock();
    let mut report = |what: &str, size: u64| match as_json {
        true => writeln!(out, "{}", json!({"file": target, "bytes": size, "state": what})),
        false => writeln!(out, "{what}: {} ({})", target.display(), bytes(size)),
    };
    if let Ok(file) = std::fs::metadata(&target) {
        report("already here", file.len())?;
        return Ok(Exit::Done);
    }
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())?;
    }
    let bar = RefCell::new(DownloadProgress::new(as_json));
    let mut watch = |done, total| {
        bar.borrow_mut().set(done, total);
        !stop.load(std::sync::atomic::Ordering::Relaxed)
    };
    let url = file.address(args.mirror.as_deref());
    let order = Order {
        url: &url,
        checksum: Some(Checksum::Md5(file.md5.clone())),
        size: None,
        limit: registry::LARGEST,
    };
    tracing::info!(file = %target.display(), "download");
    let outcome = match &args.from {
        Some(from) => adopt(from, &order, &target, &mut watch),
        None => download(&order, &target, &mut watch),
    };
    bar.borrow().bar.finish_and_clear();
    match outcome {
        Ok(()) => {
            report("fetched", std::fs::metadata(&target)?.len())?;
            if !as_json {
                print_error(&format!("use it with --data {} --set data.size={}", entry.source, args.size));
            }
            Ok(Exit::Done)
        }
        Err(error @ DownloadError::Stopped) => {
            print_error(&format!("chestxr-tui: {error}"));
            Ok(Exit::Interrupted)
        }
        Err(error @ DownloadError::Unreachable { .. }) => {
            Err(anyhow::anyhow!("{error} and give it with --from FILE (from {})", file.url))
        }
        Err(error) => Err(error.into()),
    }
}

/// A progress bar with bytes, speed and remaining time; plain lines where stderr is not a terminal.
struct DownloadProgress {
    bar: ProgressBar,
    /// The last tenth that was printed.
    printed: Option<u64>,
    lines: bool,
}

impl DownloadProgress {
    fn new(quiet: bool) -> Self {
        let lines = !quiet && !std::io::stderr().is_terminal();
        let bar = if quiet || lines { ProgressBar::hidden() } else { ProgressBar::no_length() };
        let style =
            ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, printed: None, lines }
    }

    fn set(&mut self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total);
            let tenth = 10 * done / total.max(1);
            if self.lines && self.printed != Some(tenth) {
                self.printed = Some(tenth);
                print_error(&format!("{} of {}", bytes(done), bytes(total)));
            }
        }
        // Bytes of an earlier attempt don't count for the speed.
        if self.bar.position() == 0 && done > 0 {
            self.bar.set_position(done);
            self.bar.reset_eta();
        }
        self.bar.set_position(done);
    }
}
