//! `doctor`: checks this machine, with advice for what is missing.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use serde_json::json;
use tch::Cuda;

use chestxr_tui::config::{AppPaths, Memory};
use chestxr_tui::dataset::{memory, store};
use chestxr_tui::logging::{self, LogTarget};
use chestxr_tui::text::bytes;
use chestxr_tui::tui::colour_depth::ColourDepth;
use chestxr_tui::tui::graphics::{GraphicsChoice, Protocol};
use chestxr_tui::{native, runs};

use super::{Exit, inline};

/// Whether libtorch was built with CUDA; set by build.rs.
const CUDA_BUILD: bool = cfg!(chestxr_cuda);

/// The result of one check.
struct CheckResult {
    key: &'static str,
    value: String,
    /// What to do when something is missing.
    advice: Option<String>,
}

fn ok(key: &'static str, value: impl Into<String>) -> CheckResult {
    CheckResult { key, value: value.into(), advice: None }
}

fn missing(key: &'static str, value: impl Into<String>, advice: impl Into<String>) -> CheckResult {
    CheckResult { key, value: value.into(), advice: Some(advice.into()) }
}

/// Runs all checks and prints a line for each.
pub fn run(paths: &AppPaths, graphics: GraphicsChoice, log: Option<&LogTarget>, json: bool) -> Result<Exit> {
    let results = [
        ok("chestxr-tui", format!("{} (commit {})", env!("CARGO_PKG_VERSION"), env!("CHESTXR_COMMIT"))),
        ok("libtorch", format!("{} (CUDA: {})", native::libtorch_version(), crate::cli::cuda_build())),
        ok("threads", tch::get_num_threads().to_string()),
        cuda(),
        terminal(),
        image_protocol(graphics),
        colors(),
        locale(),
        runs_directory(paths),
        images(paths),
        ok("themes", paths.themes.display().to_string()),
        log_file(paths, log),
    ];
    let mut out = std::io::stdout().lock();
    for CheckResult { key, value, advice } in &results {
        if json {
            writeln!(out, "{}", json!({"check": key, "found": value, "advice": advice}))?;
            continue;
        }
        writeln!(out, "{} {key:<12} {value}", if advice.is_some() { "!" } else { " " })?;
        if let Some(advice) = advice {
            writeln!(out, "               {advice}")?;
        }
    }
    Ok(Exit::Done)
}

/// The log file of this process.
fn log_file(paths: &AppPaths, log: Option<&LogTarget>) -> CheckResult {
    let path = logging::path(&paths.state, log);
    ok("log", path.map_or("off".to_owned(), |path| path.display().to_string()))
}

/// The image cache, and the memory limit.
fn images(paths: &AppPaths) -> CheckResult {
    let cached: u64 = store::listed(&paths.images).iter().map(|(_, _, size)| size).sum();
    let budget = memory::budget(Memory::Auto);
    let value = format!(
        "memory limit {} (data.memory = auto); larger data sets are read from {} ({} cached)",
        bytes(budget),
        paths.images.display(),
        bytes(cached)
    );
    ok("images", value)
}

fn cuda() -> CheckResult {
    let count = Cuda::device_count();
    if Cuda::is_available() && count > 0 {
        return ok(
            "CUDA",
            format!("{count} device(s), cuDNN {}", if Cuda::cudnn_is_available() { "yes" } else { "no" }),
        );
    }
    // A driver with a libtorch that can't use it is a common trap: training then runs on the CPU, slowly.
    let driver = std::path::Path::new("/proc/driver/nvidia/version").exists();
    match (driver, CUDA_BUILD) {
        (false, _) => ok("CUDA", "no NVIDIA driver; training runs on the CPU"),
        (true, false) => missing(
            "CUDA",
            "NVIDIA driver found, but libtorch was built without CUDA",
            "run `CUDA=1 make setup`, then build again",
        ),
        (true, true) => missing(
            "CUDA",
            "NVIDIA driver and libtorch with CUDA found, but no device",
            "check the output of `nvidia-smi`, CUDA_VISIBLE_DEVICES, and whether the driver is new enough",
        ),
    }
}

fn terminal() -> CheckResult {
    let name = std::env::var("TERM").unwrap_or_else(|_| "unknown".into());
    if !std::io::stdout().is_terminal() {
        return missing(
            "terminal",
            "stdout is not a terminal",
            "the workbench needs one; --no-ui trains without",
        );
    }
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns >= 80 && rows >= 24 => {
            ok("terminal", format!("{name}, {columns} x {rows}"))
        }
        Ok((columns, rows)) => {
            missing("terminal", format!("{name}, {columns} x {rows}"), "80 x 24 or more shows all panes")
        }
        Err(error) => missing("terminal", format!("{name}, size unknown ({error})"), "try another terminal"),
    }
}

/// The image protocol of the terminal.
fn image_protocol(choice: GraphicsChoice) -> CheckResult {
    let Some(detected) = inline::detect(choice) else {
        return ok("graphics", "unknown: stdout is not a terminal");
    };
    let terminal = match detected {
        Ok(terminal) => terminal,
        Err(error) => return missing("graphics", "unknown", format!("can't query the terminal: {error}")),
    };
    let name = if terminal.name.is_empty() { String::new() } else { format!("{}, ", terminal.name) };
    let how = terminal.protocol.map_or("off", |protocol| protocol.name());
    let [width, height] = terminal.cell;
    let through = if terminal.tmux { ", through tmux" } else { "" };
    let took = terminal.took.as_millis();
    let value = format!(
        "{how}: {}{through} ({name}cells of {width}x{height} px, detected in {took} ms)",
        terminal.reason
    );
    match terminal.protocol {
        Some(Protocol::Half) if choice == GraphicsChoice::Auto => missing(
            "graphics",
            value,
            "half blocks show images coarsely; kitty 0.28, Ghostty, WezTerm, iTerm2, foot and xterm -ti vt340 show pixels",
        ),
        _ => ok("graphics", value),
    }
}

fn colors() -> CheckResult {
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return ok("colors", "off, because NO_COLOR is set");
    }
    match ColourDepth::of_environment(|name| std::env::var(name).ok()) {
        ColourDepth::True => ok("colors", "24 bits"),
        ColourDepth::Indexed => ok("colors", "256, by TERM; set COLORTERM=truecolor for 24 bits"),
        ColourDepth::Ansi => ok("colors", "16, by TERM; set COLORTERM=truecolor for 24 bits"),
    }
}

fn locale() -> CheckResult {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    match locale {
        Some(locale) if locale.to_lowercase().replace('-', "").contains("utf8") => ok("locale", locale),
        other => missing(
            "locale",
            other.unwrap_or_else(|| "no locale is set".into()),
            "without a UTF-8 locale the workbench uses ASCII; set LANG=C.UTF-8",
        ),
    }
}

fn runs_directory(paths: &AppPaths) -> CheckResult {
    let shown = paths.runs.display();
    match runs::list(&paths.runs) {
        Ok(all) => ok("runs", format!("{} in {shown}", all.len())),
        Err(error) => missing("runs", format!("{shown} can't be read"), error.to_string()),
    }
}
