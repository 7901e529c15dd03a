//! Brings a server up to a run's journal: asks what it has, sends what is missing, in order. Whatever ends it in the
//! middle, the next attempt takes it up, and nothing arrives twice: rows are counted by the server's own last step, a
//! batch arrives whole or not at all, and runs and models are searched for before they are made.

use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;

use super::TrackingError;
use super::api::{Known, status_of};
use super::client::Client;
use super::files::{self, Outgoing};
use super::ledger::{Hold, Ledger, Sent, Standing};
use super::package::Package;
use super::record::{Row, RunRecord};
use crate::config::TrackingSection;
use crate::runs::RunFolder;

/// The metric that counts epochs at the server, and the one that counts samples: each row has them.
const EPOCH_COUNTER: &str = "wait_count";
const SAMPLE_COUNTER: &str = "system/cpu_utilization_percentage";

/// Makes a run's model folder, when it has weights to make it of.
pub type MakeModel<'a> = &'a (dyn Fn(&RunFolder) -> anyhow::Result<Option<PathBuf>> + Sync);

/// What was sent in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Epochs and samples.
    pub rows: usize,
    pub files: usize,
    pub bytes: u64,
    /// The finished model went too.
    pub model: bool,
    /// What the run still has to send: epochs that no checkpoint holds yet don't count.
    pub pending: usize,
    /// The run is over and all of it is there.
    pub is_complete: bool,
}

/// How far a run's sending has come, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many rows are still to go.
    Rows(usize),
    /// This file goes now, and so many after it.
    File(String, usize),
    Model,
}

/// One server, and what is needed to tell it of runs.
pub struct Courier<'a> {
    pub client: &'a Client<'a>,
    pub make_model: MakeModel<'a>,
    pub tell: &'a (dyn Fn(Progress) + 'a),
}

/// What is remembered of a run between two rounds of the same process, so that the server isn't asked each time.
pub struct Session {
    known: Known,
}

impl Courier<'_> {
    /// Sends what the server lacks of a run, by these settings. `session` is what the last round of this process left.
    ///
    /// # Errors
    /// Why not all could be sent; what was sent stays sent, and the ledger says how things stand.
    pub fn run(
        &self,
        folder: &RunFolder,
        tracking: &TrackingSection,
        session: &mut Option<Session>,
    ) -> Result<Report, TrackingError> {
        let _hold = Hold::take(folder)?;
        let mut ledger = Ledger::read(folder)?;
        let before = ledger.clone();
        let server = self.client.server().to_string();
        ledger.uri.clone_from(&server);
        let mut round = Round {
            courier: self,
            folder,
            record: RunRecord::read(folder)?,
            tracking,
            sent: ledger.servers.remove(&server).unwrap_or_default(),
            report: Report::default(),
        };
        let outcome = round.go(session, &mut |sent: &Sent, pending| {
            // Written as it grows, so that a kill costs a file sent again at most, which changes nothing there.
            let mut now = before.clone();
            now.uri.clone_from(&server);
            now.pending = pending;
            now.state = Standing::Pending;
            now.servers.insert(server.clone(), sent.clone());
            now.write(folder).map_err(TrackingError::from)
        });
        if outcome.is_err() {
            *session = None;
        }
        ledger.pending = round.report.pending;
        (ledger.state, ledger.reason) = match &outcome {
            Ok(()) if round.report.is_complete => (Standing::Complete, None),
            Ok(()) => (Standing::Pending, None),
            Err(error) if error.may_pass() => (Standing::Pending, Some(error.to_string())),
            Err(error) => (Standing::Failed, Some(error.to_string())),
        };
        ledger.servers.insert(server, round.sent);
        let unchanged = Ledger { updated: before.updated, ..ledger.clone() } == before;
        // Written anew where nothing had to be sent too: it then says that what changed has been looked at.
        if !unchanged || Ledger::is_outdated(folder) {
            ledger.updated = Some(Timestamp::now());
            ledger.write(folder)?;
        }
        outcome.map(|()| round.report)
    }
}

/// Told what has been sent and how much is left.
type Keep<'a> = dyn FnMut(&Sent, usize) -> Result<(), TrackingError> + 'a;

struct Round<'a> {
    courier: &'a Courier<'a>,
    folder: &'a RunFolder,
    record: RunRecord,
    tracking: &'a TrackingSection,
    sent: Sent,
    report: Report,
}

impl Round<'_> {
    fn go(&mut self, session: &mut Option<Session>, keep: &mut Keep) -> Result<(), TrackingError> {
        let client = self.courier.client;
        let is_over = self.record.ended.is_some();
        // Until the server has answered, all counts as unsent.
        self.report.pending = self.record.epochs.len() + self.record.system.len();
        let mut files = if is_over { self.changed_files()? } else { Vec::new() };
        self.report.pending += files.len();
        let mut known = match session.take() {
            Some(session) => session.known,
            None => self.find_or_make(keep)?,
        };
        let epochs = unsent(&self.record.epochs, known.metrics.get(EPOCH_COUNTER)).to_vec();
        let system = unsent(&self.record.system, known.metrics.get(SAMPLE_COUNTER)).to_vec();
        self.report.pending = epochs.len() + system.len() + files.len();
        if !is_over && known.status != status_of(self.record.state) {
            client.update_run(&known.run_id, None, self.record.state, None)?;
            known.status = status_of(self.record.state).to_owned();
        }
        self.send_words(&mut known)?;
        if !known.has_films {
            client.log_films(&known.run_id, &self.record.films)?;
            known.has_films = true;
        }
        for (rows, counter) in [(epochs, EPOCH_COUNTER), (system, SAMPLE_COUNTER)] {
            self.send_rows(&mut known, &rows, counter)?;
        }
        if is_over {
            self.send_files(&known, &mut files, keep)?;
            self.send_finals(&mut known)?;
            self.send_model(&mut known, keep)?;
            let status = status_of(self.record.state);
            if known.status != status {
                client.update_run(&known.run_id, None, self.record.state, self.record.ended)?;
                known.status = status.to_owned();
            }
            self.report.is_complete = true;
        }
        self.report.pending = 0;
        *session = Some(Session { known });
        Ok(())
    }

    /// The run at the server: by its number there, else by ours, else made.
    fn find_or_make(&mut self, keep: &mut Keep) -> Result<Known, TrackingError> {
        let client = self.courier.client;
        if !self.sent.run_id.is_empty() {
            match client.run(&self.sent.run_id) {
                Ok(known) => return self.alive(known),
                // Another server has come to this address.
                Err(error) if error.is_code("RESOURCE_DOES_NOT_EXIST") => self.sent = Sent::default(),
                Err(error) => return Err(error),
            }
        }
        // Whether this is a server of MLflow's at all is better known before anything is made there.
        client.version()?;
        let experiment = client.experiment(&self.tracking.experiment)?;
        let known = match client.find_run(&experiment, &self.record.uid)? {
            Some(known) => known,
            None => client.create_run(&experiment, &self.record)?,
        };
        let known = self.alive(known)?;
        self.sent.experiment_id.clone_from(&known.experiment_id);
        self.sent.run_id.clone_from(&known.run_id);
        self.sent.name.clone_from(&self.record.name);
        keep(&self.sent, self.report.pending)?;
        Ok(known)
    }

    fn alive(&self, known: Known) -> Result<Known, TrackingError> {
        match known.is_deleted {
            false => Ok(known),
            true => Err(TrackingError::Refused {
                what: format!("run {}", self.folder.id()),
                code: "DELETED".into(),
                why: "it was deleted there; restore it there, or send it to another server".into(),
            }),
        }
    }

    /// Settings, tags, name and description that are not there yet. A setting can't change there, so one that changed
    /// when the run went on becomes a tag.
    fn send_words(&mut self, known: &mut Known) -> Result<(), TrackingError> {
        let client = self.courier.client;
        let record = &self.record;
        let params: Vec<_> =
            record.params.iter().filter(|(key, _)| !known.params.contains_key(*key)).collect();
        let mut tags = record.tags.clone();
        for (key, value) in &record.params {
            if known.params.get(key).is_some_and(|there| there != value) {
                tags.insert(format!("chestxr.changed.{key}"), value.clone());
            }
        }
        if record.note != self.sent.note {
            tags.insert("mlflow.note.content".into(), record.note.clone());
        }
        let there = |key: &String| known.tags.get(key).map_or("", String::as_str);
        tags.retain(|key, value| there(key) != value.as_str());
        client.log_words(&known.run_id, &params, &tags.iter().collect::<Vec<_>>())?;
        if record.name != self.sent.name && record.name != known.name {
            client.update_run(&known.run_id, Some(&record.name), record.state, record.ended)?;
            known.status = status_of(record.state).to_owned();
            known.name.clone_from(&record.name);
        }
        self.sent.note.clone_from(&record.note);
        self.sent.name.clone_from(&record.name);
        known.params.extend(params.into_iter().map(|(key, value)| (key.clone(), value.clone())));
        known.tags.extend(tags);
        Ok(())
    }

    fn send_rows(&mut self, known: &mut Known, rows: &[Row], counter: &str) -> Result<(), TrackingError> {
        let left = self.report.pending;
        let courier = self.courier;
        let mut arrived = 0;
        let outcome = courier.client.log_rows(&known.run_id, rows, |sent| {
            arrived = sent;
            (courier.tell)(Progress::Rows(rows.len() - sent));
        });
        for row in &rows[..arrived] {
            let value =
                row.values.iter().find(|(key, _)| key == counter).map_or(f64::NAN, |(_, value)| *value);
            known.metrics.insert(counter.to_owned(), (value, row.step));
        }
        self.report.rows += arrived;
        self.report.pending = left - arrived;
        outcome
    }

    fn changed_files(&self) -> Result<Vec<Outgoing>, TrackingError> {
        Ok(files::changed(self.folder, self.tracking.checkpoints, &self.sent.files)?)
    }

    fn send_files(
        &mut self,
        known: &Known,
        files: &mut Vec<Outgoing>,
        keep: &mut Keep,
    ) -> Result<(), TrackingError> {
        let count = files.len();
        for (index, Outgoing { path, target, file }) in files.drain(..).enumerate() {
            (self.courier.tell)(Progress::File(path.clone(), count - index - 1));
            let full = self.folder.path().join(&path);
            let opened =
                std::fs::File::open(&full).with_context(|| format!("can't read {}", full.display()))?;
            self.courier.client.put_file(&known.artifact_uri, &target, &opened)?;
            self.report.files += 1;
            self.report.bytes += file.bytes;
            self.report.pending -= 1;
            self.sent.files.insert(path, file);
            keep(&self.sent, self.report.pending)?;
        }
        Ok(())
    }

    fn new_finals(&self, known: &Known) -> Vec<Row> {
        let same = |there: f64, ours: f64| there == ours || (there.is_nan() && ours.is_nan());
        let is_new = |(key, value): &&(String, f64)| {
            known.metrics.get(key).is_none_or(|(there, _)| !same(*there, *value))
        };
        let rows = self
            .record
            .finals
            .iter()
            .map(|row| Row { values: row.values.iter().filter(is_new).cloned().collect(), ..row.clone() });
        rows.filter(|row| !row.values.is_empty()).collect()
    }

    fn send_finals(&mut self, known: &mut Known) -> Result<(), TrackingError> {
        let rows = self.new_finals(known);
        self.courier.client.log_rows(&known.run_id, &rows, |_| {})?;
        for row in rows {
            known.metrics.extend(row.values.into_iter().map(|(key, value)| (key, (value, row.step))));
        }
        Ok(())
    }

    fn send_model(&mut self, known: &mut Known, keep: &mut Keep) -> Result<(), TrackingError> {
        let client = self.courier.client;
        let best = self.folder.read_status()?.best;
        let Some(best) = best else { return Ok(()) };
        let Some(made) = (self.courier.make_model)(self.folder)? else { return Ok(()) };
        let package = Package::open_folder(&made, best.epoch)?;
        if self.sent.model_digest != package.digest {
            (self.courier.tell)(Progress::Model);
            let has_models =
                client.version()?.split('.').next().and_then(|major| major.parse().ok()) >= Some(3);
            self.sent.model_id = match has_models {
                true => client.log_model(known, &package)?,
                false => {
                    client.log_model_to_run(known, &package)?;
                    String::new()
                }
            };
            self.sent.model_digest.clone_from(&package.digest);
            self.report.model = true;
            keep(&self.sent, self.report.pending)?;
        }
        let name = &self.tracking.register_as;
        let is_registered = self.sent.registered.as_ref().is_some_and(|(as_name, _)| as_name == name);
        if !name.is_empty() && !is_registered {
            let model = Some(self.sent.model_id.as_str()).filter(|id| !id.is_empty());
            let version = client.register(name, known, model)?;
            self.sent.registered = Some((name.clone(), version));
            keep(&self.sent, self.report.pending)?;
        }
        Ok(())
    }
}

/// The rows behind the last step that the server has.
fn unsent<'a>(rows: &'a [Row], last: Option<&(f64, i64)>) -> &'a [Row] {
    let there = last.map_or(i64::MIN, |(_, step)| *step);
    &rows[rows.partition_point(|row| row.step <= there)..]
}
