//! A thread that sends runs to servers while the program is alive: those that are running, and those that an earlier
//! program left unsent. It never affects a run.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::TrackingError;
use super::client::{HttpClient, Patience, environment};
use super::ledger::{Ledger, SyncStatus};
use super::sync::Session;
use super::sync_types::{Client, MakeModel};
use crate::config::ServerUri;
use crate::runs::RunFolder;

/// Between two looks at what there is to send.
const PERIOD: Duration = Duration::from_secs(3);
/// A server that failed is left alone so long, then twice as long, up to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// However long a wait a server requests, it is tried again after this.
const LONGEST_WANTED: Duration = Duration::from_secs(3600);
/// A run that has nothing to send is looked at again after this: there may be thousands of them.
const SETTLED: Duration = Duration::from_secs(60);

/// Sends beside everything else while it lives.
pub struct Uploader {
    stopped: Arc<AtomicBool>,
    /// Held while a model is made: that is libtorch's work, which must not go on while the process ends.
    making: Arc<Mutex<()>>,
    /// Dropped to wake the thread to its end.
    wake: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Makes a run's model folder, or returns that there is none.
type Make = fn(&RunFolder) -> anyhow::Result<Option<PathBuf>>;

impl Uploader {
    /// Begins to look after the runs in `runs`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn spawn(runs: PathBuf, make_model: Make) -> std::io::Result<Self> {
        let (stopped, making) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(())));
        let (wake, woken) = channel::<()>();
        let (stop_seen, made_alone) = (Arc::clone(&stopped), Arc::clone(&making));
        let thread = std::thread::Builder::new().name("tracking".into()).spawn(move || {
            let keep_going = move || !stop_seen.load(Ordering::Relaxed);
            let make_model = move |folder: &RunFolder| {
                let _alone = made_alone.lock().unwrap_or_else(PoisonError::into_inner);
                make_model(folder)
            };
            let mut rounds = Rounds {
                runs: &runs,
                make_model: &make_model,
                keep_going: &keep_going,
                sessions: HashMap::new(),
                settled: HashMap::new(),
                refused: HashMap::new(),
                locked: HashSet::new(),
                pauses: HashMap::new(),
            };
            while keep_going() {
                rounds.look();
                if woken.recv_timeout(PERIOD) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        })?;
        Ok(Self { stopped, making, wake: Some(wake), thread: Some(thread) })
    }

    /// Ends, and waits for the request that is under way; then all runs are free for another sender.
    pub fn finish(mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the hook.
            let _ = thread.join();
        }
    }

    fn stop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.wake = None;
    }
}

impl Drop for Uploader {
    /// Ends without waiting for a silent server; what is unsent is sent by the next sync.
    fn drop(&mut self) {
        self.stop();
        // Never let go of again: no model is begun any more.
        std::mem::forget(self.making.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

struct Rounds<'a> {
    runs: &'a Path,
    make_model: MakeModel<'a>,
    keep_going: &'a (dyn Fn() -> bool + Sync),
    sessions: HashMap<PathBuf, Session>,
    /// When runs without anything to send were looked at.
    settled: HashMap<PathBuf, Instant>,
    /// Ledgers of runs that were refused for good: they are tried again when another process has written there since,
    /// or by the next program.
    refused: HashMap<PathBuf, Ledger>,
    /// Servers that refuse the login: none of their runs is tried.
    locked: HashSet<ServerUri>,
    /// When a server that failed may be tried again, and how long it is left alone after the next failure.
    pauses: HashMap<ServerUri, (Instant, Duration)>,
}

impl Rounds<'_> {
    fn look(&mut self) {
        let Ok(entries) = std::fs::read_dir(self.runs) else { return };
        for entry in entries.flatten() {
            if !(self.keep_going)() {
                return;
            }
            // Most runs have no ledger, or one by which all is there; neither costs more than a look.
            let path = entry.path();
            if self.settled.get(&path).is_some_and(|looked| looked.elapsed() < SETTLED) {
                continue;
            }
            if !Ledger::exists(&path) {
                continue;
            }
            let Ok(folder) = RunFolder::open(&path) else { continue };
            let goes_on = Ledger::read(&folder).is_ok_and(|ledger| {
                let is_settled = ledger.state == SyncStatus::Complete && !ledger.is_outdated(&folder);
                !is_settled && self.refused.get(&path) != Some(&ledger) && self.send(&folder, &ledger)
            });
            match goes_on {
                true => self.settled.remove(&path),
                false => self.settled.insert(path, Instant::now()),
            };
        }
    }

    /// Sends what there is to send; returns whether the run is to be looked at again soon.
    fn send(&mut self, folder: &RunFolder, ledger: &Ledger) -> bool {
        let Ok(config) = folder.read_config() else { return false };
        let Some(server) = ledger.server(&config.tracking) else { return false };
        if self.locked.contains(&server) {
            return false;
        }
        if self.pauses.get(&server).is_some_and(|(until, _)| Instant::now() < *until) {
            return true;
        }
        let mut session = self.sessions.remove(folder.path());
        let outcome = HttpClient::new(server.clone(), Patience::BESIDE, environment, self.keep_going)
            .and_then(|client| {
                let sender = Client { client: &client, make_model: self.make_model, tell: &|_| {} };
                sender.run(folder, &config.tracking, &mut session)
            });
        if let Some(session) = session {
            self.sessions.insert(folder.path().to_owned(), session);
        }
        match &outcome {
            Ok(_) => tracing::debug!(run = %folder.id(), server = server.as_str(), "upload"),
            Err(error) => {
                tracing::warn!(run = %folder.id(), server = server.as_str(), "upload failed: {error}");
            }
        }
        match outcome {
            Ok(_) => {
                self.pauses.remove(&server);
            }
            Err(error @ (TrackingError::Unreachable { .. } | TrackingError::OutOfOrder { .. })) => {
                let pause = self.pauses.get(&server).map_or(FIRST_PAUSE, |(_, pause)| *pause);
                let wanted = error.wait().unwrap_or_default().min(LONGEST_WANTED);
                let until = Instant::now() + pause.max(wanted);
                self.pauses.insert(server, (until, (pause * 2).min(LAST_PAUSE)));
            }
            Err(error) if error.may_pass() => {}
            Err(error) => {
                if matches!(error, TrackingError::Environment { .. }) {
                    // Nobody else writes this one down: no run has been looked at yet. That it can't be is reported by the
                    // run's own state.
                    let _ = Ledger::fail(folder, &server, &error);
                }
                if matches!(
                    error,
                    TrackingError::Environment { .. } | TrackingError::Login { status: 401, .. }
                ) {
                    self.locked.insert(server);
                }
                if let (Ok(ledger), Some(name)) = (Ledger::read(folder), folder.path().file_name()) {
                    self.refused.insert(self.runs.join(name), ledger);
                }
                return false;
            }
        }
        true
    }
}
