//! Brings a server up to a run's journal: queries what it has, sends what is missing, in order. Whatever ends it in the
//! middle, the next attempt takes it up, and nothing arrives twice: rows are counted by the server's own last step, and
//! runs and models are searched for before they are made.

use std::sync::Arc;

use anyhow::Context;

use super::TrackingError;
use super::files::{self, Outgoing};
use super::known::{Known, status_of};
use super::ledger::{Registration, Sent};
use super::package::Package;
use super::record::RunRecord;
use super::rows::{EPOCH_COUNTER, Row, SAMPLE_COUNTER, batches};
use super::sync_types::{Client, Progress, Report};
use crate::config::TrackingSection;
use crate::runs::{RunFolder, RunState};

const NOTE: &str = "mlflow.note.content";
/// The hash of the description as we sent it last. It goes with it, so that a better one by somebody there is known.
const NOTE_HASH: &str = "chestxr.note_hash";

/// One attempt at one run and one server.
pub(super) struct SyncPass<'a> {
    pub sender: &'a Client<'a>,
    pub folder: &'a RunFolder,
    pub record: RunRecord,
    pub tracking: &'a TrackingSection,
    pub sent: &'a mut Sent,
    pub report: &'a mut Report,
    /// Told what has been sent and how much is left.
    pub keep: &'a mut dyn FnMut(&Sent, usize) -> Result<(), TrackingError>,
}

/// Rows that are counted in one way.
#[derive(Clone, Copy, PartialEq)]
enum Table {
    Epochs,
    Samples,
    Finals,
}

impl SyncPass<'_> {
    /// Sends all there is to be sent and gives the run as the server then knows it; `known` is how it was known.
    pub fn go(mut self, known: Option<Known>) -> Result<Known, TrackingError> {
        let client = self.sender.client;
        let is_over = self.record.ended.is_some();
        let mut files = if is_over { self.changed_files()? } else { Vec::new() };
        // Until the server has answered, all counts as unsent.
        let RunRecord { epochs, system, finals, .. } = &self.record;
        self.report.pending = epochs.len() + system.len() + finals.len() + files.len();
        let sent_to = self.sent.run_id.clone();
        let mut known = match known {
            Some(known) => known,
            None => self.find_or_make()?,
        };
        if is_over && !sent_to.is_empty() && self.sent.run_id != sent_to {
            // Another server has come to this address, which has none of them.
            files = self.changed_files()?;
        }
        let rows: usize = [Table::Epochs, Table::Samples, Table::Finals]
            .map(|table| self.lacking(table, &known).len())
            .iter()
            .sum();
        self.report.pending = rows + files.len();
        if !is_over && known.status != status_of(self.record.state) {
            client.update_run(&mut known, None, self.record.state, None)?;
        }
        self.send_params_and_tags(&mut known)?;
        if !known.has_images {
            client.log_images(&known.run_id, &self.record.images)?;
            known.has_images = true;
        }
        self.send_epochs(&mut known)?;
        self.send_rows(Table::Samples, &mut known)?;
        self.send_rows(Table::Finals, &mut known)?;
        if is_over {
            // One file that is refused keeps neither the others nor the run's end away.
            let refused = self.send_files(&known, files)?;
            let model = self.send_model(&mut known);
            let refused = match model {
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => refused.or(Some(error)),
                Ok(()) => refused,
            };
            if known.status != status_of(self.record.state) || known.ended != self.record.ended {
                client.update_run(&mut known, None, self.record.state, self.record.ended)?;
                self.report.words += 1;
            }
            if let Some(error) = refused {
                return Err(error);
            }
            self.report.is_complete = true;
        }
        self.report.pending = 0;
        Ok(known)
    }

    /// Writes down what was sent so far.
    fn save_ledger(&mut self) -> Result<(), TrackingError> {
        (self.keep)(self.sent, self.report.pending)
    }

    /// The run at the server: by its number there, else by ours, else made.
    fn find_or_make(&mut self) -> Result<Known, TrackingError> {
        let client = self.sender.client;
        if !self.sent.run_id.is_empty() {
            match client.run(&self.sent.run_id) {
                Ok(known) => return self.alive(known),
                // Another server has come to this address.
                Err(error) if error.is_code("RESOURCE_DOES_NOT_EXIST") => *self.sent = Sent::default(),
                Err(error) => return Err(error),
            }
        }
        // Whether this is a server of MLflow's at all is better known before anything is made there.
        client.version()?;
        let experiment = client.experiment(&self.tracking.experiment)?;
        let known = client.find_or_make_run(&experiment, &self.record)?;
        let known = self.alive(known)?;
        self.sent.experiment_id.clone_from(&known.experiment_id);
        self.sent.run_id.clone_from(&known.run_id);
        self.sent.name.clone_from(&self.record.name);
        self.save_ledger()?;
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
    fn send_params_and_tags(&mut self, known: &mut Known) -> Result<(), TrackingError> {
        let client = self.sender.client;
        if self.record.note != self.sent.note {
            // Somebody may have found better words since.
            known.tags = client.run(&known.run_id)?.tags;
        }
        let record = &self.record;
        let params: Vec<_> =
            record.params.iter().filter(|(key, _)| !known.params.contains_key(*key)).collect();
        let mut tags = record.tags.clone();
        for (key, value) in &record.params {
            let tag = format!("chestxr.changed.{key}");
            // Once sent, it is kept current: a setting may become again what it was.
            if known.params.get(key).is_some_and(|there| there != value) || known.tags.contains_key(&tag) {
                tags.insert(tag, value.clone());
            }
        }
        if record.note != self.sent.note && note_is_ours(known, &self.sent.note) {
            tags.insert(NOTE.into(), record.note.clone());
            tags.insert(NOTE_HASH.into(), hash_of(&record.note));
        }
        let there = |key: &String| known.tags.get(key).map_or("", String::as_str);
        tags.retain(|key, value| there(key) != value.as_str());
        client.log_words(&known.run_id, &params, &tags.iter().collect::<Vec<_>>())?;
        self.report.words += params.len() + tags.len();
        if record.name != self.sent.name && record.name != known.name {
            client.update_run(known, Some(&record.name), record.state, record.ended)?;
            known.name.clone_from(&record.name);
            self.report.words += 1;
        }
        self.sent.note.clone_from(&record.note);
        self.sent.name.clone_from(&record.name);
        known.params.extend(params.into_iter().map(|(key, value)| (key.clone(), value.clone())));
        known.tags.extend(tags);
        Ok(())
    }

    /// The rows of a table that the server lacks: those behind its last step, and those of epochs that were trained anew
    /// since they were sent.
    fn lacking(&self, table: Table, known: &Known) -> Vec<Row> {
        let behind = |rows: &[Row], counter: &str| {
            let last = known.metrics.get(counter).map_or(i64::MIN, |(_, step)| *step);
            let is_other = |row: &Row| match self.sent.provisional.get(&row.step) {
                Some(hash) if table == Table::Epochs => *hash != row.hash(),
                _ => false,
            };
            rows.iter().filter(|row| row.step > last || is_other(row)).cloned().collect()
        };
        match table {
            Table::Epochs => behind(&self.record.epochs, EPOCH_COUNTER),
            Table::Samples => behind(&self.record.system, SAMPLE_COUNTER),
            Table::Finals => new_finals(&self.record.finals, known),
        }
    }

    /// Sends epochs. Of those that no checkpoint holds it is written down first that they go, then what went.
    fn send_epochs(&mut self, known: &mut Known) -> Result<(), TrackingError> {
        let sent = self.lacking(Table::Epochs, known);
        let held = self.record.checkpointed;
        let unsure = |row: &&Row| row.step > held;
        if sent.iter().any(|row| unsure(&row)) {
            let marks = sent.iter().filter(unsure).map(|row| (row.step, String::new()));
            self.sent.provisional.extend(marks);
            self.save_ledger()?;
        }
        self.send_rows(Table::Epochs, known)?;
        let went = sent.iter().filter(unsure).map(|row| (row.step, row.hash()));
        self.sent.provisional.extend(went);
        // A run that goes on comes to those behind its checkpoint again; the others are there as they are.
        self.sent.provisional.retain(|step, _| *step > held);
        Ok(())
    }

    fn send_rows(&mut self, table: Table, known: &mut Known) -> Result<(), TrackingError> {
        let sender = self.sender;
        let mut is_known = true;
        sender.client.patiently(|| {
            if !is_known {
                // Perhaps only the last answer was lost, not the request.
                match sender.client.run(&known.run_id) {
                    Ok(there) => *known = there,
                    Err(error) => return Ok(Err(error)),
                }
                is_known = true;
            }
            let rows = self.lacking(table, known);
            let mut there = 0;
            for batch in batches(&rows) {
                if let Err(error) = sender.client.log_metrics(&known.run_id, &batch.metrics) {
                    is_known = false;
                    return Err(error);
                }
                rows[there..batch.rows].iter().for_each(|row| note_row(known, row));
                self.report.rows += batch.rows - there;
                self.report.pending = self.report.pending.saturating_sub(batch.rows - there);
                there = batch.rows;
                (sender.tell)(Progress::Rows(rows.len() - there));
            }
            Ok(Ok(()))
        })?
    }

    /// The files that changed since they were sent. Those that were only written anew are noted as they are now.
    fn changed_files(&mut self) -> Result<Vec<Outgoing>, TrackingError> {
        let changes = files::changed(self.folder, self.tracking.checkpoints, &self.sent.files)?;
        self.sent.files.extend(changes.touched);
        Ok(changes.outgoing)
    }

    /// Sends files. One that is refused for good is passed over; the first reason for that is given.
    fn send_files(
        &mut self,
        known: &Known,
        files: Vec<Outgoing>,
    ) -> Result<Option<TrackingError>, TrackingError> {
        let count = files.len();
        let mut refused = None;
        for (index, Outgoing { path, target, file }) in files.into_iter().enumerate() {
            (self.sender.tell)(Progress::File(path.clone(), count - index - 1));
            let full = self.folder.path().join(&path);
            let opened = std::fs::File::open(&full).with_context(|| format!("can't read {}", full.display()));
            let went = opened
                .map_err(TrackingError::from)
                .and_then(|opened| self.sender.client.put_file(&known.artifact_uri, &target, &opened));
            match went {
                Ok(()) => {}
                Err(
                    error @ (TrackingError::Refused { .. }
                    | TrackingError::TooLarge { .. }
                    | TrackingError::Folder(_)),
                ) => {
                    refused = refused.or(Some(error));
                    continue;
                }
                // The next one would fare no better.
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => return Ok(refused.or(Some(error))),
            }
            self.report.files += 1;
            self.report.bytes += file.bytes;
            self.report.pending -= 1;
            self.sent.files.insert(path, file);
            self.save_ledger()?;
        }
        Ok(refused)
    }

    fn send_model(&mut self, known: &mut Known) -> Result<(), TrackingError> {
        let client = self.sender.client;
        let best = self.folder.read_status()?.best;
        let Some(best) = best else { return Ok(()) };
        let Some(made) = (self.sender.make_model)(self.folder)? else { return Ok(()) };
        let package = Package::open_folder(&made, best.epoch)?;
        if self.sent.model_digest != package.digest {
            (self.sender.tell)(Progress::Model);
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
            self.save_ledger()?;
        }
        let name = &self.tracking.register_as;
        // A run that may go on has no model to be known by yet.
        if name.is_empty() || self.record.state != RunState::Finished {
            return Ok(());
        }
        let is_same = |known: &Registration| known.name == *name && known.digest == package.digest;
        if !self.sent.registration.as_ref().is_some_and(is_same) {
            let model = Some(self.sent.model_id.as_str()).filter(|id| !id.is_empty());
            let version = client.register(name, known, model, &package)?;
            let digest = package.digest.clone();
            self.sent.registration = Some(Registration { name: name.clone(), version, digest });
            self.report.words += 1;
            self.save_ledger()?;
        }
        Ok(())
    }
}

/// Notes that a row is there.
fn note_row(known: &mut Known, row: &Row) {
    for (key, value) in &row.values {
        // One of an epoch that was trained anew is not the last one there.
        if known.metrics.get(&**key).is_none_or(|(_, step)| *step <= row.step) {
            known.metrics.insert(key.to_string(), (*value, row.step));
        }
    }
}

/// Numbers of the whole run that differ from those there.
fn new_finals(finals: &[Row], known: &Known) -> Vec<Row> {
    let same = |there: f64, ours: f64| there == ours || (there.is_nan() && ours.is_nan());
    let is_new = |(key, value): &&(Arc<str>, f64)| {
        known.metrics.get(&**key).is_none_or(|(there, _)| !same(*there, *value))
    };
    let rows = finals
        .iter()
        .map(|row| Row { values: row.values.iter().filter(is_new).cloned().collect(), ..row.clone() });
    rows.filter(|row| !row.values.is_empty()).collect()
}

/// Whether the description there is one that we sent: the one that its hash is of, or the `last` that we know of.
fn note_is_ours(known: &Known, last: &str) -> bool {
    let there = known.tags.get(NOTE).map_or("", String::as_str);
    match known.tags.get(NOTE_HASH) {
        Some(hash) => *hash == hash_of(there) || there == last,
        None => there.is_empty() || there == last,
    }
}

fn hash_of(note: &str) -> String {
    blake3::hash(note.as_bytes()).to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(tags: &[(&str, &str)]) -> Known {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Known { tags, ..Known::default() }
    }

    #[test]
    fn a_description_is_replaced_only_where_it_is_ours() {
        let hash = hash_of("ours");
        assert!(note_is_ours(&there(&[]), ""));
        assert!(note_is_ours(&there(&[(NOTE, "ours")]), "ours"));
        assert!(note_is_ours(&there(&[(NOTE, "ours"), (NOTE_HASH, &hash)]), ""), "the ledger was lost");
        assert!(!note_is_ours(&there(&[(NOTE, "better"), (NOTE_HASH, &hash)]), "ours"));
        assert!(!note_is_ours(&there(&[(NOTE_HASH, &hash)]), "ours"), "somebody took it away");
        assert!(!note_is_ours(&there(&[(NOTE, "better")]), ""));
    }

    #[test]
    fn a_row_of_an_epoch_trained_anew_is_not_the_last_one_there() {
        let mut known = Known::default();
        let row = |step| Row { step, time: 0, values: vec![(EPOCH_COUNTER.into(), step as f64)] };
        for step in [1, 2, 3, 2] {
            note_row(&mut known, &row(step));
        }
        assert_eq!(known.metrics[EPOCH_COUNTER], (3.0, 3));
    }
}
