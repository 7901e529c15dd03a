//! The workbench: the screen of trainer, data and runs, and the keys that control them.
//!
//! Data flow one way: [`event_loop`] gathers messages, [`update`] changes the one [`App`](app::App) by them and
//! returns effects, [`draw`] shows the state, the loop performs the effects, [`jobs`] those that take time. [`keymap`]
//! is the one table of keys, [`theme`] the one place of colours. A screen is a folder in `screens`: state, panes, keys
//! and update; `widgets` has what panes share. Nothing here trains, reads images or computes with tensors.

pub mod action;
pub mod app;
mod background;
mod canvas;
pub mod colour_depth;
mod desktop;
mod draw;
#[cfg(test)]
mod draw_tests;
mod event_loop;
mod explainer;
mod fatal;
#[cfg(test)]
mod fixture;
mod format;
pub mod graphics;
mod header;
mod jobs;
pub mod keymap;
mod late_answers;
mod overlays;
mod runs_worker;
mod screen;
mod screens;
mod signals;
mod stderr;
mod terminal;
pub mod theme;
mod update;
mod widgets;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::config::{AppPaths, RunConfig};
use crate::dataset::Cache;
use crate::runs::RunState;
use crate::train::{Command, Trainer};
use app::App;
use colour_depth::ColourDepth;
use theme::Theme;

/// How the workbench starts.
pub struct Options {
    /// Settings of the first run.
    pub config: RunConfig,
    /// Directories of runs and themes.
    pub paths: AppPaths,
    /// Name of a theme; `None`: the default.
    pub theme: Option<String>,
    /// Protocol of pictures.
    pub graphics: graphics::GraphicsChoice,
    /// A command to the trainer at the start.
    pub start: Option<Command>,
}

/// How the workbench ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// By the user.
    ByChoice,
    /// By a signal; an active run is interrupted with a checkpoint.
    BySignal,
}

/// Runs the workbench until the user quits or a signal ends it. Standard output must be a terminal. When this returns
/// the terminal is as it was; an active run is saved and named on standard output.
///
/// # Errors
/// When the theme is missing or damaged (before anything is drawn), or the terminal fails.
pub async fn run(options: Options, mut trainer: Trainer, cache: Cache) -> anyhow::Result<Left> {
    let theme = if no_colour() {
        Theme::without_colours()
    } else {
        Theme::load(options.theme.as_deref().unwrap_or(theme::DEFAULT), &options.paths.themes)?
    };
    let now = jiff::Zoned::now();
    let mut app = App::new(options.config, options.paths.runs, options.paths.themes, theme, now);
    app.ascii = ascii_only();
    app.depth = ColourDepth::of_environment(|name| std::env::var(name).ok());
    if options.start.is_some() {
        app.screen = screen::Screen::Train;
    }

    let ending = event_loop::run(&mut app, options.graphics, options.start, &mut trainer, &cache).await;
    if !matches!(ending, Ok(event_loop::Ending::AtOnce)) {
        leave_at_the_next_signal(app.run.as_ref().is_some_and(|run| run.ending.is_none()));
    }
    match &ending {
        Ok(event_loop::Ending::AtOnce) => end_now(&app, 130),
        Ok(event_loop::Ending::Left) => trainer.shut_down(),
        Ok(event_loop::Ending::Signal) | Err(_) => {
            trainer.send(Command::Interrupt);
            trainer.shut_down();
        }
    }
    if matches!(ending, Ok(event_loop::Ending::Left)) {
        purge(&app);
    }
    let unfinished = app.leaving.take().unwrap_or_default();
    if !unfinished.is_empty() {
        let labels: Vec<_> = unfinished.iter().map(|lane| lane.label()).collect();
        let _ = writeln!(std::io::stderr(), "left without waiting for: {}", labels.join(", "));
    }
    let left = match ending? {
        event_loop::Ending::Signal => Left::BySignal,
        event_loop::Ending::Left | event_loop::Ending::AtOnce => Left::ByChoice,
    };
    if !unfinished.is_empty() {
        // Destructors of libtorch's globals must not run under a thread that computes.
        end_now(&app, if left == Left::BySignal { 130 } else { 0 });
    }
    if let Some(line) = exit_summary(&app) {
        // The reader of standard output may have gone away.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    Ok(left)
}

/// Frees the space of deleted runs, which can't be restored any more. After a signal or a lost connection `runs gc` does
/// that.
fn purge(app: &App) {
    for discarded in &app.runs.discarded {
        if let Err(error) = discarded.purge() {
            // The terminal may have gone away.
            let _ = writeln!(std::io::stderr(), "{error:#}; `chestxr-tui runs gc` tries again");
        }
    }
}

/// From here on a signal ends the process at once: nothing is drawn any more, and the trainer may need a while
/// to finish reading or its step.
fn leave_at_the_next_signal(busy: bool) {
    let now = Arc::new(AtomicBool::new(true));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Where the system refuses, the signal keeps its default action.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, now.clone());
    }
    if busy {
        let _ = writeln!(std::io::stderr(), "waiting for the trainer to finish; Ctrl-C leaves at once");
    }
}

/// Ends the process while threads still compute. Files on disk are complete at every instant; libtorch crashes when its
/// globals are destroyed under a running thread, so no destructor runs.
fn end_now(app: &App, code: i32) -> ! {
    if let Some(line) = exit_summary(app) {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    // SAFETY: the terminal is restored and standard output flushed by its line end; nothing else must run.
    unsafe { libc::_exit(code) }
}

/// One line about the last run of this session: its state by `status.json`, and its directory.
fn exit_summary(app: &App) -> Option<String> {
    let run = app.run.as_ref()?;
    let Some(info) = &run.info else {
        let ending = run.ending.as_ref()?;
        return Some(format!("the run {}: {}", ending.state, ending.reason));
    };
    let status = crate::runs::RunFolder::open(&info.path).ok().and_then(|folder| folder.read_status().ok());
    let (state, epoch) = match &status {
        // Quitting without waiting ends the run with the process.
        Some(status) if status.state.is_live() => (RunState::Interrupted.name(), status.epoch),
        Some(status) => (status.state.name(), status.epoch),
        None => (run.ending.as_ref().map_or("on", |ending| ending.state.name()), run.epochs.len()),
    };
    Some(format!("run {} {state} after {epoch} epochs: {}", info.id, info.path.display()))
}

/// Whether colours are disabled (<https://no-color.org>).
fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether only ASCII can be shown: by CHESTXR_ASCII, or because the locale isn't UTF-8.
pub fn ascii_only() -> bool {
    if let Some(request) = std::env::var_os("CHESTXR_ASCII") {
        return request == "1";
    }
    // The first variable that is set decides, as in the C library.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .unwrap_or_default()
        .to_lowercase();
    !(locale.contains("utf-8") || locale.contains("utf8"))
}
