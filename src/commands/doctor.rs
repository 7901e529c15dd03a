//! `doctor`: what this machine offers, what is missing and how to get it.

use std::io::{IsTerminal, Write};

use anyhow::Result;
use serde_json::json;
use tch::Cuda;

use chestxr_tui::config::{AppPaths, Memory};
use chestxr_tui::dataset::{memory, store};
use chestxr_tui::text::bytes;
use chestxr_tui::tui::graphics::{GraphicsChoice, Protocol};
use chestxr_tui::{native, runs};

use super::{Exit, inline};

/// Whether libtorch was built with CUDA; build.rs looks.
const CUDA_BUILD: bool = cfg!(chestxr_cuda);

/// One thing looked at.
struct Finding {
    key: &'static str,
    value: String,
    /// What to do about it, when something is missing.
    advice: Option<String>,
}

fn fine(key: &'static str, value: impl Into<String>) -> Finding {
    Finding { key, value: value.into(), advice: None }
}

fn missing(key: &'static str, value: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding { key, value: value.into(), advice: Some(advice.into()) }
}

/// Says what was found, a line each.
pub fn run(paths: &AppPaths, graphics: GraphicsChoice, json: bool) -> Result<Exit> {
    let findings = [
        fine("chestxr-tui", env!("CARGO_PKG_VERSION")),
        fine(
            "libtorch",
            format!("{} ({} build)", native::libtorch_version(), if CUDA_BUILD { "CUDA" } else { "CPU" }),
        ),
        fine("threads", tch::get_num_threads().to_string()),
        cuda(),
        terminal(),
        pictures(graphics),
        colours(),
        letters(),
        runs_folder(paths),
        images(paths),
        fine("themes", paths.themes.display().to_string()),
    ];
    let mut out = std::io::stdout().lock();
    for Finding { key, value, advice } in &findings {
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

/// Where images are kept, and how much of them stays in memory.
fn images(paths: &AppPaths) -> Finding {
    let kept: u64 = store::listed(&paths.images).iter().map(|(_, _, size)| size).sum();
    let budget = memory::budget(Memory::Auto);
    let value = format!(
        "up to {} in memory (data.memory = auto), larger sets read from {} ({} kept)",
        bytes(budget),
        paths.images.display(),
        bytes(kept)
    );
    fine("images", value)
}

fn cuda() -> Finding {
    let count = Cuda::device_count();
    if Cuda::is_available() && count > 0 {
        return fine(
            "CUDA",
            format!("{count} device(s), cuDNN {}", if Cuda::cudnn_is_available() { "yes" } else { "no" }),
        );
    }
    // A driver without a libtorch that can use it is the common trap: training then runs on the CPU, slowly.
    let driver = std::path::Path::new("/proc/driver/nvidia/version").exists();
    match (driver, CUDA_BUILD) {
        (false, _) => fine("CUDA", "no NVIDIA driver; training runs on the CPU"),
        (true, false) => missing(
            "CUDA",
            "an NVIDIA driver, but a libtorch without CUDA",
            "run `CUDA=1 make setup`, then build again",
        ),
        (true, true) => missing(
            "CUDA",
            "an NVIDIA driver and a libtorch with CUDA, but no device",
            "see what `nvidia-smi` says, whether CUDA_VISIBLE_DEVICES hides it, and whether the driver is new enough",
        ),
    }
}

fn terminal() -> Finding {
    let name = std::env::var("TERM").unwrap_or_else(|_| "unknown".into());
    if !std::io::stdout().is_terminal() {
        return missing("terminal", "stdout is none", "the workbench needs one; --no-ui trains without");
    }
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns >= 80 && rows >= 24 => {
            fine("terminal", format!("{name}, {columns} x {rows}"))
        }
        Ok((columns, rows)) => {
            missing("terminal", format!("{name}, {columns} x {rows}"), "80 x 24 or more shows all panes")
        }
        Err(error) => missing("terminal", format!("{name}, size unknown ({error})"), "try another terminal"),
    }
}

/// What the terminal itself says about pictures.
fn pictures(choice: GraphicsChoice) -> Finding {
    let Some(asked) = inline::ask(choice) else {
        return fine("pictures", "unknown: there is no terminal to ask");
    };
    let terminal = match asked {
        Ok(terminal) => terminal,
        Err(error) => return missing("pictures", "unknown", format!("the terminal can't be asked: {error}")),
    };
    let name = if terminal.name.is_empty() { String::new() } else { format!("{}, ", terminal.name) };
    let how = terminal.protocol.map_or("off", |protocol| protocol.name());
    let [width, height] = terminal.cell;
    let through = if terminal.tmux { ", through tmux" } else { "" };
    let took = terminal.took.as_millis();
    let value = format!(
        "{how}: {}{through} ({name}cells of {width}x{height} px, asked for {took} ms)",
        terminal.reason
    );
    match terminal.protocol {
        Some(Protocol::Half) if choice == GraphicsChoice::Auto => missing(
            "pictures",
            value,
            "half blocks show images coarsely; kitty 0.28, Ghostty, WezTerm, iTerm2, foot and xterm -ti vt340 do better",
        ),
        _ => fine("pictures", value),
    }
}

fn colours() -> Finding {
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return fine("colours", "off, because NO_COLOR is set");
    }
    match std::env::var("COLORTERM").as_deref() {
        Ok("truecolor" | "24bit") => fine("colours", "24 bits"),
        _ => fine("colours", "COLORTERM doesn't promise 24 bits; most terminals have them all the same"),
    }
}

fn letters() -> Finding {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    match locale {
        Some(locale) if locale.to_lowercase().replace('-', "").contains("utf8") => fine("letters", locale),
        other => missing(
            "letters",
            other.unwrap_or_else(|| "no locale is set".into()),
            "without a UTF-8 locale the workbench draws in ASCII; set LANG=C.UTF-8 for finer curves",
        ),
    }
}

fn runs_folder(paths: &AppPaths) -> Finding {
    let shown = paths.runs.display();
    match runs::list(&paths.runs) {
        Ok(all) => fine("runs", format!("{} in {shown}", all.len())),
        Err(error) => missing("runs", format!("{shown} can't be read"), error.to_string()),
    }
}
