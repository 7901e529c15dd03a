//! Sending a run to a server, once: the run's ledger is read, a [`SyncPass`] sends what is missing, and the ledger is updated
//! how things stand.

use std::time::SystemTime;

use jiff::Timestamp;

use super::TrackingError;
use super::journal::Journal;
use super::known::Known;
use super::ledger::{Ledger, LedgerLock, Sent, SyncStatus};
use super::record::RunRecord;
use super::round::SyncPass;
use super::sync_types::{Client, Report};
use crate::config::TrackingSection;
use crate::runs::{RunFolder, RunState};

/// What is read of a run that goes on; a change of it is a change of one of these.
const READ: [&str; 7] = [
    "run.toml",
    "status.json",
    "about.json",
    "metrics.jsonl",
    "events.jsonl",
    "system.jsonl",
    "evaluation.json",
];

/// What is remembered of a run between two rounds of the same process, so that neither the server is queried each time nor
/// the journal read.
pub struct Session {
    /// The server's last answer; `None` after it has failed.
    known: Option<Known>,
    /// As this process left it: another one that has sent something since makes what is known here old.
    ledger: Ledger,
    seen: FileStamps,
    journal: Journal,
}

/// The run's files by length and time, and the state that doesn't follow from them alone: its process may be gone.
#[derive(PartialEq)]
struct FileStamps {
    files: [Option<(u64, SystemTime)>; READ.len()],
    state: Option<RunState>,
}

impl FileStamps {
    fn of(folder: &RunFolder) -> Self {
        let file = |name| {
            let meta = std::fs::metadata(folder.path().join(name)).ok()?;
            Some((meta.len(), meta.modified().ok()?))
        };
        Self { files: READ.map(file), state: folder.read_status().ok().map(|status| status.actual_state()) }
    }
}

impl Client<'_> {
    /// Sends what the server lacks of a run, by these settings. `session` is what the last round of this process left.
    ///
    /// # Errors
    /// Why not all could be sent; what was sent stays sent, and the ledger has the state.
    pub fn run(
        &self,
        folder: &RunFolder,
        tracking: &TrackingSection,
        session: &mut Option<Session>,
    ) -> Result<Report, TrackingError> {
        let _hold = LedgerLock::take(folder)?;
        // Before anything is read: what changes from here on is for the next round.
        let (begun, seen) = (Timestamp::now(), FileStamps::of(folder));
        let mut ledger = Ledger::read(folder)?;
        let before = ledger.clone();
        let (mut known, mut journal) = (None, Journal::default());
        if let Some(last) = session.take() {
            let is_ours = last.known.is_some() && last.ledger == before;
            if is_ours && last.seen == seen {
                *session = Some(last);
                return Ok(Report::default());
            }
            known = last.known.filter(|_| is_ours);
            journal = last.journal;
        }
        let server = self.client.server().to_string();
        // The ledger's summary is of the run's own server: another one that gets it too neither hides what that one lacks
        // nor makes it seem to lack something.
        let own = folder.read_config().ok().and_then(|config| config.tracking.server());
        let is_own = own.is_none_or(|own| own == *self.client.server());
        let mut sent = ledger.servers.remove(&server).unwrap_or_default();
        let mut report = Report::default();
        let mut keep = |sent: &Sent, pending: usize| {
            // Written as it grows, so that a kill costs a file sent again at most, which changes nothing there.
            let mut now = before.clone();
            if is_own {
                now.uri.clone_from(&server);
                now.pending = pending;
                now.state = SyncStatus::Pending;
            }
            now.servers.insert(server.clone(), sent.clone());
            now.write(folder).map_err(TrackingError::from)
        };
        let outcome = RunRecord::read(folder, &mut journal).map_err(TrackingError::from).and_then(|record| {
            let round = SyncPass {
                sender: self,
                folder,
                record,
                tracking,
                sent: &mut sent,
                report: &mut report,
                keep: &mut keep,
            };
            round.go(known)
        });
        if is_own {
            ledger.uri.clone_from(&server);
            ledger.pending = report.pending;
            (ledger.state, ledger.reason) = match &outcome {
                Ok(_) if report.is_complete => (SyncStatus::Complete, None),
                Ok(_) => (SyncStatus::Pending, None),
                Err(error) if error.may_pass() => (SyncStatus::Pending, Some(error.to_string())),
                Err(error) => (SyncStatus::Failed, Some(error.to_string())),
            };
        }
        ledger.servers.insert(server, sent);
        // Written anew where nothing had to be sent too: it then shows that what changed has been looked at.
        if ledger != before || (is_own && before.is_outdated(folder)) {
            if is_own {
                ledger.updated = Some(begun);
            }
            ledger.write(folder)?;
        }
        // What was read stays read, whatever the server answers.
        let (known, error) = match outcome {
            Ok(known) => (Some(known), None),
            Err(error) => (None, Some(error)),
        };
        *session = Some(Session { known, ledger, seen, journal });
        if let Some(error) = error {
            return Err(error);
        }
        Ok(report)
    }
}
