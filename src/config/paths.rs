//! Directories of the application, by the conventions of the platform.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

/// The application's folders; none is made before something is written there.
#[derive(Clone, Debug)]
pub struct AppPaths {
    /// Runs, e.g. `~/.local/share/chestxr-tui/runs`.
    pub runs: PathBuf,
    /// A user's own themes, e.g. `~/.config/chestxr-tui/themes`.
    pub themes: PathBuf,
    /// The key for patients' names, e.g. `~/.config/chestxr-tui/patient.key`.
    pub patient_key: PathBuf,
    /// Weights that were downloaded, e.g. `~/.cache/chestxr-tui/weights`.
    pub weights: PathBuf,
    /// Data sets that were downloaded, e.g. `~/.cache/chestxr-tui/data`.
    pub data: PathBuf,
    /// Images made of them, e.g. `~/.cache/chestxr-tui/images`.
    pub images: PathBuf,
    /// Log files and panic reports, e.g. `~/.local/state/chestxr-tui`.
    pub state: PathBuf,
}

impl AppPaths {
    /// The platform's folders for this user; `runs` overrules where runs are kept. Without a home folder
    /// everything lies in `./chestxr-tui`.
    pub fn new(runs: Option<&Path>) -> Self {
        let (data, config, cache, state) = match ProjectDirs::from("", "", "chestxr-tui") {
            Some(folders) => (
                folders.data_dir().to_owned(),
                folders.config_dir().to_owned(),
                folders.cache_dir().to_owned(),
                // Only Linux has a place for state.
                folders.state_dir().unwrap_or(folders.data_local_dir()).to_owned(),
            ),
            None => {
                let here = PathBuf::from("chestxr-tui");
                (here.clone(), here.clone(), here.clone(), here)
            }
        };
        Self {
            runs: runs.map_or_else(|| data.join("runs"), Path::to_owned),
            themes: config.join("themes"),
            patient_key: config.join("patient.key"),
            weights: cache.join("weights"),
            data: cache.join("data"),
            images: cache.join("images"),
            state,
        }
    }
}
