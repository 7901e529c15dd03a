//! A home of its own for each test, with runs that were trained before.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::pty::{PtyOptions, PtySession};
use crate::support::trained::{copy, two_runs};

/// Two runs of two epochs, made once for all tests.
fn trained() -> &'static Path {
    static RUNS: OnceLock<tempfile::TempDir> = OnceLock::new();
    RUNS.get_or_init(|| two_runs("phantom:300", "32", "2")).path()
}

/// A home with `runs` in it; nothing of the caller's own is read or written.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// One with two finished runs.
    pub fn with_runs() -> Self {
        let home = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        copy(trained(), &home.runs());
        home
    }

    pub fn runs(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// The runs' folders, the newest first.
    pub fn all_runs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.runs()).expect("runs").flatten().map(|entry| entry.path());
        let mut runs: Vec<PathBuf> = entries.filter(|path| path.join("run.toml").is_file()).collect();
        runs.sort();
        runs.reverse();
        runs
    }

    /// The four digits by which a run is called on the screen.
    pub fn short(run: &Path) -> String {
        let name = run.file_name().expect("a name").to_string_lossy().into_owned();
        name.rsplit('-').next().expect("an end").to_owned()
    }

    /// Starts the workbench here, on the runs' own phantoms.
    pub fn start(&self, (columns, rows): (u16, u16), more: &[&str]) -> PtySession {
        let runs = self.runs().display().to_string();
        let mut args = vec!["--data", "phantom:300", "--device", "cpu", "--runs-dir", &runs];
        args.extend(["--set", "data.size=32", "--set", "run.threads=1"]);
        args.extend(more);
        let environment = ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]
            .map(|name| (name, self.folder.path()));
        PtySession::start(
            &args,
            &PtyOptions { columns, rows, environment: &environment, ..Default::default() },
        )
    }
}
