//! Options that can stand before or after any command, and the table of the commands where each has an effect.

use std::path::PathBuf;

use clap::{Args, Command};

use chestxr_tui::logging::LogTarget;
use chestxr_tui::tui::graphics::GraphicsChoice;

/// Options shared by the commands. Each is accepted everywhere, so that it can stand before the command; `--help`
/// shows it where it has an effect.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Train without the screen
    #[arg(long, global = true)]
    pub no_ui: bool,
    /// Read settings from a TOML file, for example a run's run.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting, for example optimizer.lr=1e-3; repeatable
    #[arg(long = "set", global = true, value_name = "SECTION.KEY=VALUE")]
    pub sets: Vec<String>,
    #[arg(long, global = true, value_name = "SOURCE", help = data_help())]
    pub data: Option<String>,
    /// Directory of runs
    #[arg(long, global = true, value_name = "DIR", env = "CHESTXR_RUNS_DIR")]
    pub runs_dir: Option<PathBuf>,
    /// Memory limit for cached images, for example 800MB; larger data sets are read from disk
    #[arg(long, global = true, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Compute device: auto, cpu, cuda or cuda:N
    #[arg(long, global = true, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Color theme: a built-in one or your own
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Image protocol: auto (detect), kitty, iterm2, sixel, half (half blocks), ascii or off
    #[arg(long, global = true, value_name = "PROTOCOL", default_value = "auto", env = "CHESTXR_GRAPHICS")]
    pub graphics: GraphicsChoice,
    /// Write JSON to stdout, one object per line
    #[arg(long, global = true)]
    pub json: bool,
    /// Log level (off, error, warn, info, debug, trace) or log file; default: info, in the state directory
    #[arg(long, global = true, value_name = "LEVEL|FILE", env = "CHESTXR_LOG", value_parser = LogTarget::parse)]
    pub log: Option<LogTarget>,
}

/// Options that choose and change the configuration.
const CONFIG: [&str; 4] = ["config", "sets", "data", "memory"];

/// The ids of the global options that have an effect on the command at `path`, for example `runs queue add`.
fn effective(path: &str) -> Vec<&'static str> {
    let mut ids: Vec<&'static str> = match path {
        "" | "train" => [&CONFIG[..], &["no_ui", "runs_dir", "device", "theme", "graphics", "json"]].concat(),
        "evaluate" => vec!["sets", "data", "memory", "runs_dir", "device", "json"],
        "explain" => vec!["sets", "data", "memory", "runs_dir", "device", "graphics", "json"],
        "predict" => vec!["runs_dir", "device", "json"],
        "augment" | "data show" => [&CONFIG[..], &["graphics", "json"]].concat(),
        "data info" | "data check" => [&CONFIG[..], &["json"]].concat(),
        "data convert" => vec!["config", "sets", "memory", "json"],
        "data list" | "data clean" | "data fetch" | "settings" => vec!["json"],
        "runs queue add" => [&CONFIG[..], &["runs_dir", "device", "json"]].concat(),
        "runs queue rm" | "runs queue move" => vec!["runs_dir"],
        "runs export" | "track sync" => vec!["sets", "runs_dir", "json"],
        "bench" => [&CONFIG[..], &["device", "json"]].concat(),
        "doctor" => vec!["runs_dir", "graphics", "json"],
        "completions" => Vec::new(),
        // The other commands on runs.
        _ => vec!["runs_dir", "json"],
    };
    if !matches!(path, "settings" | "completions") {
        ids.push("log");
    }
    ids
}

/// Hides each global option from the help of the commands where it has no effect. It is still accepted there: scripts
/// pass the same options to every command.
pub fn limit_help(mut command: Command) -> Command {
    let globals: Vec<clap::Arg> =
        command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    for sub in command.get_subcommands_mut() {
        let name = sub.get_name().to_owned();
        *sub = limited(std::mem::take(sub), &name, &globals);
    }
    command
}

fn limited(mut command: Command, path: &str, globals: &[clap::Arg]) -> Command {
    let mut shown = effective(path);
    for sub in command.get_subcommands_mut() {
        let path = format!("{path} {}", sub.get_name());
        *sub = limited(std::mem::take(sub), &path, globals);
    }
    if command.is_subcommand_required_set() {
        // A group of commands: what all of them have.
        shown.retain(|id| {
            let is_hidden = |arg: &clap::Arg| arg.get_id() == id && arg.is_hide_set();
            !command.get_subcommands().any(|sub| sub.get_arguments().any(is_hidden))
        });
    }
    let copies = globals.iter().map(|arg| arg.clone().hide(!shown.contains(&arg.get_id().as_str())));
    command.args(copies.collect::<Vec<_>>())
}

/// The help of `--data`, from the table of sources.
fn data_help() -> String {
    format!("Data source: {}, or a path", chestxr_tui::dataset::sources::usage().replace(" or ", ", "))
}
